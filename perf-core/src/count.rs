//! Counts: numbers of items of any integer type, and why a count of the tool is refused.

/// A number of items: any integer. A negative number counts as 0, a number above `u64::MAX` as
/// `u64::MAX`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an integer type",
    label = "expected an integer"
)]
pub trait ItemCount: sealed::Sealed {
    #[doc(hidden)]
    fn to_count(self) -> u64;

    #[doc(hidden)]
    fn is_negative(&self) -> bool;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! item_count {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        impl ItemCount for $number {
            #[inline]
            fn to_count(self) -> u64 {
                #[allow(unused_comparisons, reason = "unsigned types are never negative")]
                if self < 0 { 0 } else { u64::try_from(self).unwrap_or(u64::MAX) }
            }

            #[inline]
            fn is_negative(&self) -> bool {
                #[allow(unused_comparisons, reason = "unsigned types are never negative")]
                let is_negative = *self < 0;
                is_negative
            }
        }
    )*};
}

item_count!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

/// Why a count of the tool was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountError {
    /// The record has a field of that name.
    Reserved(String),
    /// The name is empty or contains a control character.
    InvalidName(String),
    /// The count is negative.
    Negative(String),
}

impl std::fmt::Display for CountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, reason) = match self {
            Self::Reserved(name) => (name, "the record has a field of that name"),
            Self::InvalidName(name) => (name, "its name is empty or contains a control character"),
            Self::Negative(name) => (name, "it is negative"),
        };
        write!(f, "count {name:?} ignored: {reason}")
    }
}

impl std::error::Error for CountError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_integer_is_a_count_and_none_is_negative() {
        assert_eq!(83_usize.to_count(), 83);
        assert_eq!((-1_i32).to_count(), 0);
        assert_eq!(u128::MAX.to_count(), u64::MAX);
        assert_eq!(u64::MAX.to_count(), u64::MAX);
        assert_eq!(i128::MIN.to_count(), 0);
        assert!((-1_i8).is_negative() && !0_i8.is_negative() && !u8::MAX.is_negative());
    }
}
