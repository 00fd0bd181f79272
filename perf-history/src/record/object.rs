//! Reading and writing the JSON objects of a record: known fields typed, unknown ones kept.
//!
//! Derived (de)serialisers with `#[serde(flatten)]` would buffer every object, lose the order of
//! fields, and fail on the first value that a later version writes differently. The table that
//! `object!` takes gives the order of fields once, for both directions.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use super::kind::{FieldTable, Kind};

/// What to do with a number that is 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    /// It says something.
    Written,
    /// It is a counter, and says no more than its absence.
    LeftOut,
}

/// The type of a field of an object.
pub(crate) trait Field: Sized {
    /// What its values look like as this version writes them.
    const KIND: Kind;

    /// Writes the field, or leaves it out where its value is unknown or not worth a word.
    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        zero: Zero,
    ) -> Result<(), M::Error>;

    /// Reads a value that must be as this version writes it.
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error>;

    /// Reads what a later version wrote, as far as it is understood.
    fn read_leniently(value: &Value) -> Option<Self> {
        Self::read(value).ok()
    }
}

/// An object whose fields are known by name, with a place for those that are not.
pub(crate) trait Object: Default {
    /// The names of the known fields, in the order in which they are written.
    const FIELDS: &'static [&'static str];
    /// Those without which the object says nothing, as a mask over `FIELDS`.
    const REQUIRED: u64;
    /// The same once more, with what the values look like.
    const TABLE: FieldTable;

    /// The fields that are not known, or not understood.
    fn extra(&self) -> &Map<String, Value>;

    /// Writes the known fields. A known field found in `unknown_fields` is one whose value this version
    /// did not understand: it is written as it was read.
    fn write_known<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    /// Reads one field, known or not; the index of a known one is returned.
    fn set<'de, D: Deserializer<'de>>(
        &mut self,
        name: &str,
        value: D,
    ) -> Result<Option<usize>, D::Error>;

    /// As `set`, but a value that is not understood goes to `unknown_fields` and leaves the field unknown.
    fn set_leniently(&mut self, name: &str, value: Value) -> Option<usize>;

    /// Writes the fields of `unknown_fields` whose names this version does not know.
    fn write_unknown<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (name, value) in self.extra() {
            if !Self::FIELDS.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        Ok(())
    }

    /// Reads an object that a later version wrote; `None` where a required field is not
    /// understood.
    fn from_later_version(fields: &Map<String, Value>) -> Option<Self> {
        let mut object = Self::default();
        let mut understood = 0;
        for (name, value) in fields {
            if let Some(index) = object.set_leniently(name, value.clone()) {
                understood |= 1 << index;
            }
        }
        (understood & Self::REQUIRED == Self::REQUIRED).then_some(object)
    }
}

/// Which known fields an object has had, so that none is taken twice or missed.
#[derive(Default)]
pub(crate) struct Seen(u64);

impl Seen {
    pub(crate) fn add<O: Object, E: de::Error>(&mut self, index: usize) -> Result<(), E> {
        if self.0 & (1 << index) != 0 {
            return Err(E::duplicate_field(O::FIELDS[index]));
        }
        self.0 |= 1 << index;
        Ok(())
    }

    pub(crate) fn require<O: Object, E: de::Error>(&self) -> Result<(), E> {
        let missing = O::REQUIRED & !self.0;
        if missing == 0 {
            return Ok(());
        }
        Err(E::missing_field(O::FIELDS[missing.trailing_zeros() as usize]))
    }
}

/// The name of a field, borrowed where the input allows.
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Reads the value of the field `name` into `object`.
pub(crate) struct FieldOf<'a, O> {
    pub(crate) object: &'a mut O,
    pub(crate) name: &'a str,
}

impl<'de, O: Object> DeserializeSeed<'de> for FieldOf<'_, O> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        self.object.set(self.name, value)
    }
}

/// Reads an [`Object`] that must be as this version writes it.
pub(crate) struct ObjectVisitor<O>(pub(crate) PhantomData<O>);

impl<'de, O: Object> Visitor<'de> for ObjectVisitor<O> {
    type Value = O;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<O, A::Error> {
        let mut object = O::default();
        let mut seen = Seen::default();
        while let Some(Name(name)) = map.next_key()? {
            let field = FieldOf { object: &mut object, name: &name };
            if let Some(index) = map.next_value_seed(field)? {
                seen.add::<O, _>(index)?;
            }
        }
        seen.require::<O, _>()?;
        Ok(object)
    }
}

/// Puts an unknown field into `unknown_fields`, once.
pub(crate) fn keep<E: de::Error>(
    extra: &mut Map<String, Value>,
    name: &str,
    value: Value,
) -> Result<(), E> {
    if extra.insert(name.to_owned(), value).is_some() {
        return Err(E::custom(format_args!("duplicate field `{name}`")));
    }
    Ok(())
}

/// Implements [`Object`] from the table of a type's fields in their order. `: counter` leaves
/// the field out where it is 0, `: required` makes an object without it unreadable.
macro_rules! object {
    ($type:ident { $($field:ident $(: $kind:ident)?),+ $(,)? }) => {
        const _: () = {
            #[expect(non_camel_case_types, reason = "each is the name of a field")]
            #[derive(Clone, Copy)]
            enum Known { $($field),+ }

            impl $crate::record::object::Object for $type {
                const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
                const REQUIRED: u64 =
                    0 $(| $crate::record::object::object!(@required $field $($kind)?))+;
                const TABLE: $crate::record::kind::FieldTable = $crate::record::kind::FieldTable {
                    fields: &[$((
                        stringify!($field),
                        $crate::record::kind::kind_of::<$type, _>(|it| &it.$field),
                    )),+],
                    required: <$type as $crate::record::object::Object>::REQUIRED,
                };

                fn extra(&self) -> &serde_json::Map<String, serde_json::Value> {
                    &self.unknown_fields.0
                }

                fn write_known<M: serde::ser::SerializeMap>(
                    &self,
                    map: &mut M,
                ) -> Result<(), M::Error> {
                    $(
                        match self.unknown_fields.0.get(stringify!($field)) {
                            Some(value) => map.serialize_entry(stringify!($field), value)?,
                            None => $crate::record::object::Field::write(
                                &self.$field,
                                map,
                                stringify!($field),
                                $crate::record::object::object!(@zero $($kind)?),
                            )?,
                        }
                    )+
                    Ok(())
                }

                fn set<'de, D: serde::Deserializer<'de>>(
                    &mut self,
                    name: &str,
                    value: D,
                ) -> Result<Option<usize>, D::Error> {
                    let known = match name {
                        $(stringify!($field) => {
                            self.$field = $crate::record::object::Field::read(value)?;
                            Known::$field
                        })+
                        _ => {
                            let value = serde::Deserialize::deserialize(value)?;
                            $crate::record::object::keep(&mut self.unknown_fields.0, name, value)?;
                            return Ok(None);
                        }
                    };
                    Ok(Some(known as usize))
                }

                fn set_leniently(
                    &mut self,
                    name: &str,
                    value: serde_json::Value,
                ) -> Option<usize> {
                    match name {
                        $(stringify!($field) => {
                            if let Some(read) =
                                $crate::record::object::Field::read_leniently(&value)
                            {
                                self.$field = read;
                                return Some(Known::$field as usize);
                            }
                        })+
                        _ => {}
                    }
                    self.unknown_fields.0.insert(name.to_owned(), value);
                    None
                }
            }
        };
    };
    (@zero counter) => { $crate::record::object::Zero::LeftOut };
    (@zero $($kind:ident)?) => { $crate::record::object::Zero::Written };
    (@required $field:ident required) => { 1 << (Known::$field as u64) };
    (@required $field:ident $($kind:ident)?) => { 0 };
}
pub(crate) use object;

/// Implements serde's traits for an [`Object`] that stands inside a record.
macro_rules! nested_object {
    ($($type:ident),+) => {
        $(
            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    use $crate::record::object::Object as _;
                    use serde::ser::SerializeMap as _;
                    let mut map = serializer.serialize_map(None)?;
                    self.write_known(&mut map)?;
                    self.write_unknown(&mut map)?;
                    map.end()
                }
            }

            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Self, D::Error> {
                    let visitor =
                        $crate::record::object::ObjectVisitor(std::marker::PhantomData);
                    deserializer.deserialize_map(visitor)
                }
            }

            impl $crate::record::object::Field for $type {
                const KIND: $crate::record::kind::Kind = $crate::record::kind::Kind::Object(
                    &<$type as $crate::record::object::Object>::TABLE,
                );

                fn write<M: serde::ser::SerializeMap>(
                    &self,
                    map: &mut M,
                    name: &'static str,
                    _zero: $crate::record::object::Zero,
                ) -> Result<(), M::Error> {
                    map.serialize_entry(name, self)
                }

                fn read<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                    serde::Deserialize::deserialize(value)
                }

                fn read_leniently(value: &serde_json::Value) -> Option<Self> {
                    $crate::record::object::Object::from_later_version(value.as_object()?)
                }
            }
        )+
    };
}
pub(crate) use nested_object;
