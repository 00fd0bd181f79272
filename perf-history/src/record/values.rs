//! How values are written and read that serde's derive alone would treat differently: numbers
//! are rounded, counters that are 0 left out, and names may not come twice.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Rounds a number to six significant digits, but never coarser than three decimals and never
/// finer than six.
///
/// For milliseconds that is a microsecond or better and at best a nanosecond; for megabytes a
/// kilobyte or better and at best a byte. The seventeen digits that an `f64` may take would be
/// most of a record's size, and noise.
fn round(number: f64) -> f64 {
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

/// A number, or several, to be rounded when written.
pub(super) trait Number {
    /// Whether it is unknown, or not finite: then it is left out.
    fn is_left_out(&self) -> bool;

    /// Writes it rounded.
    fn write_rounded<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl Number for f64 {
    fn is_left_out(&self) -> bool {
        !self.is_finite()
    }

    fn write_rounded<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(round(*self))
    }
}

impl Number for Option<f64> {
    fn is_left_out(&self) -> bool {
        !self.is_some_and(f64::is_finite)
    }

    fn write_rounded<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.map(round).serialize(serializer)
    }
}

impl Number for BTreeMap<String, f64> {
    fn is_left_out(&self) -> bool {
        false
    }

    fn write_rounded<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finite = self.iter().filter(|(_, number)| number.is_finite());
        serializer.collect_map(finite.map(|(name, number)| (name, round(*number))))
    }
}

/// For `skip_serializing_if`: see [`Number::is_left_out`].
pub(super) fn no_number(number: &impl Number) -> bool {
    number.is_left_out()
}

/// For `serialize_with`: writes a number rounded.
pub(super) fn rounded<S: Serializer>(
    number: &impl Number,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    number.write_rounded(serializer)
}

/// Writes a number rounded.
pub(super) struct Rounded<'a, T>(pub(super) &'a T);

impl<T: Number> Serialize for Rounded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write_rounded(serializer)
    }
}

/// For `skip_serializing_if`: whether a counter or a list is unknown or empty. [`Default`] is 0.
pub(super) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// For `skip_serializing_if`: whether a counter is unknown or 0.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn is_none_or_zero<T: Default + PartialEq>(value: &Option<T>) -> bool {
    value.as_ref().is_none_or(is_zero)
}

/// For `deserialize_with`: reads an object and refuses a name that comes twice, because one of
/// its values would be lost.
pub(super) fn unique<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct Unique<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = BTreeMap::new();
            while let Some((name, value)) = map.next_entry::<String, T>()? {
                if fields.contains_key(&name) {
                    return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                }
                fields.insert(name, value);
            }
            Ok(fields)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
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
            assert_eq!(round(number).to_bits(), f64::to_bits(expected));
        }
        assert_eq!(round(-0.000_000_1).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn a_rounded_number_does_not_change_when_rounded_again() {
        let mut number = 1e-9;
        while number < 1e13 {
            assert_eq!(round(round(number)).to_bits(), round(number).to_bits());
            number *= 1.000_37;
        }
    }
}
