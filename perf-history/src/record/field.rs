//! How the values of a record's fields are written and read back, type by type.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::Kind;
use super::object::{Field, Object, Zero};
use super::{Clock, Outcome, Profile, is_reserved};

/// A number as it is written: to six significant digits, but never coarser than three decimals
/// and never finer than six.
///
/// For milliseconds that is a microsecond or better and at best a nanosecond; for megabytes a
/// kilobyte or better and at best a byte. The seventeen digits that an `f64` may take would be
/// most of a record's size, and noise.
fn rounded(number: f64) -> f64 {
    let scale = match number.abs() {
        size if size < 1.0 => 1e6,
        size if size < 10.0 => 1e5,
        size if size < 100.0 => 1e4,
        // Above this, doubles are themselves too coarse for the scaling to be exact.
        size if size < 1e12 => 1e3,
        _ => return number,
    };
    // Adding 0 turns -0 into 0.
    (number * scale).round() / scale + 0.0
}

impl Field for f64 {
    const KIND: Kind = Kind::Float;

    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        _zero: Zero,
    ) -> Result<(), M::Error> {
        if self.is_finite() {
            map.serialize_entry(name, &rounded(*self))?;
        }
        Ok(())
    }

    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Self::deserialize(value)
    }
}

macro_rules! integer {
    ($($type:ty: $kind:expr),+) => {
        $(
            impl Field for $type {
                const KIND: Kind = $kind;

                fn write<M: SerializeMap>(
                    &self,
                    map: &mut M,
                    name: &'static str,
                    zero: Zero,
                ) -> Result<(), M::Error> {
                    if *self == 0 && zero == Zero::LeftOut {
                        return Ok(());
                    }
                    map.serialize_entry(name, self)
                }

                fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                    Self::deserialize(value)
                }
            }
        )+
    };
}
integer!(u32: Kind::Whole, u64: Kind::Whole, i64: Kind::Integer);

macro_rules! plain {
    ($($type:ty: $kind:expr),+) => {
        $(
            impl Field for $type {
                const KIND: Kind = $kind;

                fn write<M: SerializeMap>(
                    &self,
                    map: &mut M,
                    name: &'static str,
                    _zero: Zero,
                ) -> Result<(), M::Error> {
                    map.serialize_entry(name, self)
                }

                fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                    Self::deserialize(value)
                }
            }
        )+
    };
}
plain!(
    bool: Kind::Flag,
    String: Kind::Text,
    Outcome: Kind::Word(&["success", "failed", "panicked"]),
    Clock: Kind::Word(&["suspect"]),
    Profile: Kind::Word(&["debug", "release"])
);

impl<T: Field + for<'de> Deserialize<'de>> Field for Option<T> {
    const KIND: Kind = T::KIND;

    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        zero: Zero,
    ) -> Result<(), M::Error> {
        match self {
            Some(value) => value.write(map, name, zero),
            None => Ok(()),
        }
    }

    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Self::deserialize(value)
    }

    fn read_leniently(value: &Value) -> Option<Self> {
        if value.is_null() {
            return Some(None);
        }
        T::read_leniently(value).map(Some)
    }
}

/// Phases, and places in code: an empty list counts as 0.
impl<T: Object + Serialize + for<'de> Deserialize<'de>> Field for Vec<T> {
    const KIND: Kind = Kind::Objects(&T::TABLE);

    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        zero: Zero,
    ) -> Result<(), M::Error> {
        if self.is_empty() && zero == Zero::LeftOut {
            return Ok(());
        }
        map.serialize_entry(name, self)
    }

    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Self::deserialize(value)
    }

    fn read_leniently(value: &Value) -> Option<Self> {
        let objects = value.as_array()?.iter();
        objects.map(|object| T::from_later_version(object.as_object()?)).collect()
    }
}

/// Top-level phases and their times.
impl Field for BTreeMap<String, f64> {
    const KIND: Kind = Kind::Times;

    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        _zero: Zero,
    ) -> Result<(), M::Error> {
        map.serialize_entry(name, &Times(self))
    }

    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_map(UniqueNames(PhantomData))
    }
}

struct Times<'a>(&'a BTreeMap<String, f64>);

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finite = self.0.iter().filter(|(_, time)| time.is_finite());
        serializer.collect_map(finite.map(|(name, time)| (name, rounded(*time))))
    }
}

/// Labels.
impl Field for BTreeMap<String, String> {
    const KIND: Kind = Kind::Texts;

    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        _zero: Zero,
    ) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }

    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_map(UniqueNames(PhantomData))
    }
}

/// The user's counts: written each under its own name, then the list of the names.
///
/// Reading sees the list alone, so each count reads as 0 here; the record puts the values in when
/// all of its top level has been read.
impl Field for BTreeMap<String, u64> {
    const KIND: Kind = Kind::Counts;

    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        name: &'static str,
        _zero: Zero,
    ) -> Result<(), M::Error> {
        for (count, value) in self {
            if is_reserved(count) {
                return Err(serde::ser::Error::custom(format_args!(
                    "the count `{count}` has the name of a field of the record"
                )));
            }
            map.serialize_entry(count, value)?;
        }
        map.serialize_entry(name, &Names(self))
    }

    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(value)?;
        if let Some(name) = names.iter().find(|name| is_reserved(name)) {
            return Err(de::Error::custom(format_args!(
                "the count `{name}` has the name of a field of the record"
            )));
        }
        Ok(names.into_iter().map(|name| (name, 0)).collect())
    }
}

struct Names<'a>(&'a BTreeMap<String, u64>);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.keys())
    }
}

/// Reads a map, and refuses a name that comes twice: one of its values would be lost.
struct UniqueNames<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for UniqueNames<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            if read.contains_key(&name) {
                return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
            }
            read.insert(name, value);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_six_digits_at_least_a_microsecond_and_at_most_a_nanosecond() {
        for (number, expected) in [
            (0.000_000_4, 0.0),
            (0.123_456_7, 0.123_457),
            (1.234_567_8, 1.234_57),
            (-12.345_678, -12.345_7),
            (123.456_789, 123.457),
            (4_046.697_854_995_727, 4_046.698),
            (70_019_243.001_937_87, 70_019_243.002),
            (1.5e300, 1.5e300),
            (f64::MAX, f64::MAX),
        ] {
            assert_eq!(rounded(number).to_bits(), f64::to_bits(expected));
        }
        assert_eq!(rounded(-0.000_000_1).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn a_rounded_number_stays_as_it_is_when_rounded_again() {
        let mut number = 1e-9;
        while number < 1e13 {
            assert_eq!(rounded(rounded(number)).to_bits(), rounded(number).to_bits());
            number *= 1.000_37;
        }
    }
}
