//! A record as a JSON object: the flat top level, with the user's counts among the fields, and
//! what each version of the format requires of it.
//!
//! The objects inside a record derive serde's traits. The top level cannot: the names of the
//! counts are known only when all of it has been read, and `schema` decides how strict to be.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::values::{Number, Rounded, unique};
use super::{
    AllocationPlace, AllocatorFacts, BuildStats, Ci, Clock, Git, Noise, Outcome, PhaseStats,
    Profile, SCHEMA, System, TimelineFacts, Unattributed, Unclaimed, UnknownFields, is_reserved,
    python_model,
};

/// Calls a macro with the fields of the top level in the order in which they are written.
macro_rules! with_fields {
    ($macro:ident) => {
        $macro! {
            schema build_id timestamp tool tool_version outcome build_time_ms cpu_user_ms
            cpu_system_ms parallel incremental skipped clock counts memory_rss_mb
            memory_start_rss_mb memory_heap_mb memory_peak_mb peak_phase memory_peak_rss_mb
            alloc_count alloc_bytes phase_timings_ms phases unattributed unclaimed timeline
            allocators overhead_ms rust_version platform system noise git ci profile labels
        }
    };
}

macro_rules! names {
    ($($field:ident)*) => { &[$(stringify!($field)),*] };
}

/// The names of the fields, in the order in which they are written.
pub(super) const FIELDS: &[&str] = with_fields!(names);

/// The fields without which a line is not a record.
const REQUIRED: [&str; 5] = ["build_id", "timestamp", "tool", "outcome", "build_time_ms"];

/// A type of the top level's fields.
trait Field: Sized {
    /// Writes the field, or leaves it out where the value is unknown.
    fn write<M: SerializeMap>(&self, map: &mut M, name: &'static str) -> Result<(), M::Error>;

    /// Reads a value that must be as this version writes it.
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error>;
}

macro_rules! fields {
    ($($type:ty: |$value:ident, $map:ident, $name:ident| $write:expr, $read:path;)*) => {$(
        impl Field for $type {
            fn write<M: SerializeMap>(
                &self,
                $map: &mut M,
                $name: &'static str,
            ) -> Result<(), M::Error> {
                let $value = self;
                $write
            }

            fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                $read(value)
            }
        }
    )*};
}

fields! {
    // `schema`: a record that was not read from a file is written in this version's format.
    u32: |schema, map, name| map.serialize_entry(name, if *schema == 0 { &SCHEMA } else { schema }),
        Self::deserialize;
    String: |text, map, name| map.serialize_entry(name, text), Self::deserialize;
    Outcome: |outcome, map, name| map.serialize_entry(name, outcome), Self::deserialize;
    Vec<PhaseStats>: |phases, map, name| map.serialize_entry(name, phases), Self::deserialize;
    BTreeMap<String, String>: |labels, map, name| map.serialize_entry(name, labels), unique;
    BTreeMap<String, f64>: |times, map, name| write_number(times, map, name), unique;
    BTreeMap<String, u64>: |counts, map, name| write_counts(counts, map, name), read_count_names;
    f64: |number, map, name| write_number(number, map, name), Self::deserialize;
    Option<f64>: |number, map, name| write_number(number, map, name), Self::deserialize;
}

macro_rules! optional_fields {
    ($($type:ty),*) => {
        fields! {$(
            Option<$type>: |value, map, name| match value {
                Some(value) => map.serialize_entry(name, value),
                None => Ok(()),
            }, Self::deserialize;
        )*}
    };
}

optional_fields!(
    String,
    bool,
    u64,
    Clock,
    Profile,
    System,
    Noise,
    Git,
    Ci,
    Unattributed,
    Unclaimed,
    TimelineFacts,
    AllocatorFacts
);

fn write_number<M: SerializeMap>(
    number: &impl Number,
    map: &mut M,
    name: &'static str,
) -> Result<(), M::Error> {
    if number.is_left_out() { Ok(()) } else { map.serialize_entry(name, &Rounded(number)) }
}

/// Writes each count under its own name, then the list of the names.
fn write_counts<M: SerializeMap>(
    counts: &BTreeMap<String, u64>,
    map: &mut M,
    name: &'static str,
) -> Result<(), M::Error> {
    for (count, value) in counts {
        if is_reserved(count) {
            return Err(M::Error::custom(reserved(count)));
        }
        map.serialize_entry(count, value)?;
    }
    map.serialize_entry(name, &counts.keys().collect::<Vec<_>>())
}

/// Reads the list of the counts' names. The values, fields of their own, follow in
/// [`Reading::move_counts`].
fn read_count_names<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<BTreeMap<String, u64>, D::Error> {
    let names = Vec::<String>::deserialize(value)?;
    match names.iter().find(|name| is_reserved(name)) {
        Some(name) => Err(de::Error::custom(reserved(name))),
        None => Ok(names.into_iter().map(|name| (name, 0)).collect()),
    }
}

fn reserved(count: &str) -> String {
    format!("the count `{count}` has the name of a field of the record")
}

impl Serialize for BuildStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.schema > SCHEMA {
            // A value of an inner object that was not understood is among its unknown fields,
            // which come last: as a `Value`, it replaces the one that the derive wrote.
            let text = serde_json::to_vec(&AllFields(self)).map_err(S::Error::custom)?;
            let value: Value = serde_json::from_slice(&text).map_err(S::Error::custom)?;
            return value.serialize(serializer);
        }
        self.write(serializer)
    }
}

impl BuildStats {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.build_time_ms.is_finite() {
            return Err(S::Error::custom("`build_time_ms` is not a finite number"));
        }
        let mut map = serializer.serialize_map(None)?;
        macro_rules! write {
            ($($field:ident)*) => {$(
                // A value that was not understood is written as it was read.
                match self.unknown_fields.get(stringify!($field)) {
                    Some(value) => map.serialize_entry(stringify!($field), value)?,
                    None => self.$field.write(&mut map, stringify!($field))?,
                }
            )*};
        }
        with_fields!(write);
        for (name, value) in self.unknown_fields.iter() {
            if !FIELDS.contains(&name) && !self.counts.contains_key(name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// Writes a record with the unknown fields of its inner objects after their known ones.
struct AllFields<'a>(&'a BuildStats);

impl Serialize for AllFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<'de> Deserialize<'de> for BuildStats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

/// The name of a field, borrowed where the input allows it.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = BuildStats;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record of a build")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BuildStats, A::Error> {
        // Records begin with their schema. Fields that come before it (some tools sort keys; the
        // Python model has no schema) wait as plain JSON until it is known.
        let mut waiting = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if name != "schema" {
                waiting.push((name.into_owned(), map.next_value::<Value>()?));
                continue;
            }
            let mut reading = Reading::default();
            map.next_value_seed(FieldSeed { reading: &mut reading, name: "schema" })?;
            for (name, value) in waiting {
                reading.take(&name, value)?;
            }
            while let Some(Name(name)) = map.next_key()? {
                map.next_value_seed(FieldSeed { reading: &mut reading, name: &name })?;
            }
            return reading.finish();
        }
        python_model::build(waiting)
    }
}

/// Reads the value of one field.
struct FieldSeed<'a> {
    reading: &'a mut Reading,
    name: &'a str,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        if self.reading.stats.schema > SCHEMA {
            let value = Value::deserialize(value)?;
            return self.reading.take(self.name, value);
        }
        self.reading.set(self.name, value)
    }
}

/// A record whose schema is known, while its fields are read.
#[derive(Default)]
struct Reading {
    stats: BuildStats,
    /// The known fields so far.
    seen: Vec<&'static str>,
}

impl Reading {
    /// Reads a field that must be as this version writes it.
    fn set<'de, D: Deserializer<'de>>(&mut self, name: &str, value: D) -> Result<(), D::Error> {
        macro_rules! set {
            ($($field:ident)*) => {
                match name {
                    $(stringify!($field) => self.stats.$field = Field::read(value)?,)*
                    _ => return self.keep(name, Value::deserialize(value)?),
                }
            };
        }
        with_fields!(set);
        self.see(name)
    }

    /// Reads a field from plain JSON.
    fn set_value(&mut self, name: &str, value: &Value) -> Result<(), serde_json::Error> {
        // PERF: by way of text, since reading from a `Value` would be a second copy of all that
        // the derives generate, and a tenth more time to compile this crate.
        self.set(name, &mut serde_json::Deserializer::from_str(&value.to_string()))
    }

    /// Takes a field that was read as plain JSON. In a later version, a value that is not
    /// understood is kept as it is.
    fn take<E: de::Error>(&mut self, name: &str, value: Value) -> Result<(), E> {
        if self.stats.schema <= SCHEMA {
            let result = self.set_value(name, &value);
            return result.map_err(|error| E::custom(format_args!("`{name}`: {error}")));
        }
        let stats = &mut self.stats;
        let is_understood = match name {
            "phases" => later_list(&value).map(|phases| stats.phases = phases).is_some(),
            "unattributed" => later_object(&value, &mut stats.unattributed),
            "unclaimed" => later_object(&value, &mut stats.unclaimed),
            "timeline" => later_object(&value, &mut stats.timeline),
            "allocators" => later_object(&value, &mut stats.allocators),
            "system" => later_object(&value, &mut stats.system),
            "noise" => later_object(&value, &mut stats.noise),
            "git" => later_object(&value, &mut stats.git),
            "ci" => later_object(&value, &mut stats.ci),
            _ if self.seen.contains(&name) => true,
            _ if FIELDS.contains(&name) => {
                if self.set_value(name, &value).is_ok() {
                    return Ok(());
                }
                false
            }
            _ => false,
        };
        if is_understood { self.see(name) } else { self.keep(name, value) }
    }

    /// Remembers that a known field was read, and refuses it the second time.
    fn see<E: de::Error>(&mut self, name: &str) -> Result<(), E> {
        let Some(field) = FIELDS.iter().find(|field| **field == name) else { return Ok(()) };
        if self.seen.contains(field) {
            return Err(E::duplicate_field(field));
        }
        self.seen.push(field);
        Ok(())
    }

    fn keep<E: de::Error>(&mut self, name: &str, value: Value) -> Result<(), E> {
        match self.stats.unknown_fields.0.insert(name.to_owned(), value) {
            Some(_) => Err(E::custom(format_args!("duplicate field `{name}`"))),
            None => Ok(()),
        }
    }

    fn finish<E: de::Error>(mut self) -> Result<BuildStats, E> {
        if self.stats.schema == 0 {
            return Err(E::custom("there is no schema 0"));
        }
        // An outcome and a clock of a later version must not let the build enter a baseline.
        if self.stats.unknown_fields.get("outcome").is_some() {
            self.stats.outcome = Outcome::Failed;
            self.see("outcome")?;
        }
        if self.stats.unknown_fields.get("clock").is_some() {
            self.stats.clock = Some(Clock::Suspect);
        }
        if let Some(missing) = REQUIRED.iter().find(|field| !self.seen.contains(field)) {
            return Err(E::missing_field(missing));
        }
        self.move_counts()?;
        let stats = &mut self.stats;
        for phase in &mut stats.phases {
            if stats.alloc_count.is_some() {
                phase.fill_in_memory();
            }
            if stats.allocators.is_some() {
                phase.fill_in_retained();
            }
        }
        Ok(self.stats)
    }

    /// Moves the counts from the unknown fields to their place. One that is listed and absent is
    /// unknown, like any other field.
    fn move_counts<E: de::Error>(&mut self) -> Result<(), E> {
        for name in std::mem::take(&mut self.stats.counts).into_keys() {
            let Some(value) = self.stats.unknown_fields.get(&name) else { continue };
            match value.as_u64() {
                Some(count) => {
                    self.stats.unknown_fields.0.remove(&name);
                    self.stats.counts.insert(name, count);
                }
                None if self.stats.schema > SCHEMA => {}
                None => {
                    return Err(E::custom(format_args!(
                        "the count `{name}` is {value}, not an integer from 0 to 2^64"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// An object inside a record, for reading what a later version wrote.
trait Nested: DeserializeOwned {
    /// The field without which the object is not understood.
    const REQUIRED: Option<&str> = None;

    fn unknown_fields(&mut self) -> &mut UnknownFields;

    /// The list of such objects inside this one.
    fn places(&mut self) -> Option<&mut Vec<AllocationPlace>> {
        None
    }
}

macro_rules! nested {
    ($($type:ty),*) => {$(
        impl Nested for $type {
            fn unknown_fields(&mut self) -> &mut UnknownFields {
                &mut self.unknown_fields
            }
        }
    )*};
}

nested!(Unclaimed, TimelineFacts, AllocatorFacts, System, Noise, Git, Ci);

impl Nested for PhaseStats {
    const REQUIRED: Option<&str> = Some("path");

    fn unknown_fields(&mut self) -> &mut UnknownFields {
        &mut self.unknown_fields
    }

    fn places(&mut self) -> Option<&mut Vec<AllocationPlace>> {
        Some(&mut self.top_allocators)
    }
}

impl Nested for Unattributed {
    fn unknown_fields(&mut self) -> &mut UnknownFields {
        &mut self.unknown_fields
    }

    fn places(&mut self) -> Option<&mut Vec<AllocationPlace>> {
        Some(&mut self.top_allocators)
    }
}

impl Nested for AllocationPlace {
    const REQUIRED: Option<&str> = Some("function");

    fn unknown_fields(&mut self) -> &mut UnknownFields {
        &mut self.unknown_fields
    }
}

/// Reads an object that a later version wrote. A field whose value is not understood is kept as
/// it is.
fn later<T: Nested>(value: &Value) -> Option<T> {
    let read =
        |fields| -> Option<T> { serde_json::from_str(&Value::Object(fields).to_string()).ok() };
    let fields = value.as_object()?;
    let is_required = |name: &str| T::REQUIRED == Some(name);
    let required: Map<_, _> =
        fields.clone().into_iter().filter(|(name, _)| is_required(name)).collect();
    read(required.clone())?;
    let (understood, mut unknown): (Map<_, _>, Map<_, _>) =
        fields.clone().into_iter().partition(|(name, value)| {
            let mut with_this = required.clone();
            with_this.insert(name.clone(), value.clone());
            read(with_this).is_some()
        });
    let mut object = read(understood)?;
    if let Some(places) = object.places()
        && let Some(read) = unknown.get("top_allocators").and_then(later_list)
    {
        *places = read;
        unknown.remove("top_allocators");
    }
    object.unknown_fields().0.extend(unknown);
    Some(object)
}

/// Reads an optional object of a later version; false where it is not understood.
fn later_object<T: Nested>(value: &Value, field: &mut Option<T>) -> bool {
    *field = later(value);
    field.is_some() || value.is_null()
}

fn later_list<T: Nested>(value: &Value) -> Option<Vec<T>> {
    value.as_array()?.iter().map(later).collect()
}
