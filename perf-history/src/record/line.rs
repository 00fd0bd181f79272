//! A record as one line of JSON: the flat top level, and the versions it may be of.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::{FieldOf, Name, Object, Seen, keep};
use super::{BuildStats, Clock, Outcome, SCHEMA, python_model};

impl Serialize for BuildStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.build_time_ms.is_finite() {
            return Err(S::Error::custom("`build_time_ms` is not a finite number"));
        }
        if self.schema == 0 {
            let current = Self { schema: SCHEMA, ..self.clone() };
            return current.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        self.write_known(&mut map)?;
        for (name, value) in &self.unknown_fields.0 {
            if !Self::FIELDS.contains(&name.as_str()) && !self.counts.contains_key(name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for BuildStats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = BuildStats;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record of a build")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BuildStats, A::Error> {
        // How a record is to be read hangs on its schema. Ours begin with it; what comes before
        // it (tools that sort keys, the Python model, which has none) waits as plain JSON.
        let mut waiting = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if name != "schema" {
                waiting.push((name.into_owned(), map.next_value()?));
                continue;
            }
            let mut reading = Reading::default();
            let field = FieldOf { object: &mut reading.stats, name: "schema" };
            if let Some(index) = map.next_value_seed(field)? {
                reading.seen.add::<BuildStats, _>(index)?;
            }
            for (name, value) in waiting {
                reading.take(&name, value)?;
            }
            return reading.take_rest(map);
        }
        python_model::build(waiting)
    }
}

/// A record whose schema is known, while its fields are read.
#[derive(Default)]
struct Reading {
    stats: BuildStats,
    seen: Seen,
}

impl Reading {
    fn is_later_version(&self) -> bool {
        self.stats.schema > SCHEMA
    }

    /// Takes one field that was read as plain JSON.
    fn take<E: de::Error>(&mut self, name: &str, value: Value) -> Result<(), E> {
        let known = if self.is_later_version() {
            if self.stats.unknown_fields.0.contains_key(name) {
                return keep(&mut self.stats.unknown_fields.0, name, value);
            }
            self.stats.set_leniently(name, value)
        } else {
            self.stats
                .set(name, value)
                .map_err(|error| E::custom(format_args!("`{name}`: {error}")))?
        };
        match known {
            Some(index) => self.seen.add::<BuildStats, _>(index),
            None => Ok(()),
        }
    }

    fn take_rest<'de, A: MapAccess<'de>>(mut self, mut map: A) -> Result<BuildStats, A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            if self.is_later_version() {
                self.take(&name, map.next_value()?)?;
                continue;
            }
            let field = FieldOf { object: &mut self.stats, name: &name };
            if let Some(index) = map.next_value_seed(field)? {
                self.seen.add::<BuildStats, _>(index)?;
            }
        }
        self.finish()
    }

    fn finish<E: de::Error>(mut self) -> Result<BuildStats, E> {
        if self.is_later_version() {
            self.distrust_what_is_not_understood()?;
        }
        if self.stats.schema == 0 {
            return Err(E::custom("there is no schema 0"));
        }
        self.seen.require::<BuildStats, _>()?;
        self.settle_counts()?;
        if self.stats.alloc_count.is_some() {
            for phase in &mut self.stats.phases {
                phase.fill_in_memory();
            }
        }
        if self.stats.allocators.is_some() {
            for phase in &mut self.stats.phases {
                phase.fill_in_retained();
            }
        }
        Ok(self.stats)
    }

    /// Reads an outcome and a clock of a later version so that they enter no baseline.
    fn distrust_what_is_not_understood<E: de::Error>(&mut self) -> Result<(), E> {
        if self.stats.unknown_fields.0.contains_key("outcome") {
            self.stats.outcome = Outcome::Failed;
            let outcome = BuildStats::FIELDS.iter().position(|name| *name == "outcome");
            self.seen.add::<BuildStats, _>(outcome.unwrap_or_default())?;
        }
        if self.stats.unknown_fields.0.contains_key("clock") {
            self.stats.clock = Some(Clock::Suspect);
        }
        Ok(())
    }

    /// Moves the counts, known by name since the list `counts` was read, from among the unknown
    /// fields. One that is listed and not there is unknown, like any other field.
    fn settle_counts<E: de::Error>(&mut self) -> Result<(), E> {
        let later = self.is_later_version();
        for name in std::mem::take(&mut self.stats.counts).into_keys() {
            let Some(value) = self.stats.unknown_fields.0.get(&name) else {
                continue;
            };
            match value.as_u64() {
                Some(count) => {
                    self.stats.unknown_fields.0.remove(&name);
                    self.stats.counts.insert(name, count);
                }
                None if later => {}
                None => {
                    return Err(E::custom(format_args!(
                        "the count `{name}` is {value}, not a whole number from 0 to 2^64"
                    )));
                }
            }
        }
        Ok(())
    }
}
