//! Content hashes, by which an incremental build knows what changed.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// A 128-bit content hash (XXH3). It is no defence against forgery and needs none: anyone who can
/// forge a source can also change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Digest(u128);

impl Digest {
    pub(crate) fn from_bytes(content: &[u8]) -> Self {
        Self(xxh3_128(content))
    }

    /// The digest of a file of any size, and that size in bytes.
    pub(crate) fn from_reader(file: &mut impl Read) -> io::Result<(Self, u64)> {
        let mut hasher = Xxh3::new();
        let size = io::copy(file, &mut hasher)?;
        Ok((Self(hasher.digest128()), size))
    }

    /// The digest of a value's JSON. A tuple combines several values.
    pub(crate) fn from_value(value: &impl Serialize) -> Self {
        let mut hasher = Xxh3::new();
        serde_json::to_writer(&mut hasher, value).expect("strings, numbers and an endless writer");
        Self(hasher.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn values_split_differently_have_different_digests() {
        assert_ne!(Digest::from_value(&("ab", "c")), Digest::from_value(&("a", "bc")));
        assert_eq!(Digest::from_value(&("ab", "c")), Digest::from_value(&("ab", "c")));
    }

    #[test]
    fn a_digest_survives_json() {
        let digest = Digest::from_bytes(b"content");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }
}
