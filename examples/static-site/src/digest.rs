//! Fingerprints of contents, by which an incremental build knows what changed.

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use xxhash_rust::xxh3::Xxh3;

/// A 128-bit fingerprint (XXH3). It tells contents apart; it is no defence against forgery, and
/// needs none: whoever can forge a source can as well change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Digest(u128);

impl Digest {
    /// The fingerprint of one piece of content.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(content))
    }

    /// The fingerprint of several pieces. Where one ends and the next begins counts too.
    pub(crate) fn of_all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Xxh3::new();
        for piece in pieces {
            hasher.update(&piece.len().to_le_bytes());
            hasher.update(piece);
        }
        Self(hasher.digest128())
    }

    /// The fingerprint of a file of any size, and that size in bytes.
    pub(crate) fn of_file(file: &mut impl Read) -> io::Result<(Self, u64)> {
        let mut hashing = Hashing(Xxh3::new());
        let size = io::copy(file, &mut hashing)?;
        Ok((Self(hashing.0.digest128()), size))
    }

    /// The fingerprint of what `value` looks like as JSON.
    pub(crate) fn of_json(value: &impl Serialize) -> Self {
        let mut hashing = Hashing(Xxh3::new());
        serde_json::to_writer(&mut hashing, value)
            .expect("views are structs of strings and numbers, and the writer never fails");
        Self(hashing.0.digest128())
    }

    /// The fingerprint of several contents whose fingerprints are known.
    pub(crate) fn of_digests(digests: impl IntoIterator<Item = Self>) -> Self {
        let mut hasher = Xxh3::new();
        for digest in digests {
            hasher.update(&digest.bytes());
        }
        Self(hasher.digest128())
    }

    /// The bytes, to be digested again together with others.
    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(de::Error::custom)
    }
}

/// Digests all that is written to it.
struct Hashing(Xxh3);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn pieces_cut_elsewhere_have_another_digest() {
        let cut = |pieces: &[&'static str]| Digest::of_all(pieces.iter().map(|p| p.as_bytes()));
        assert_ne!(cut(&["ab", "c"]), cut(&["a", "bc"]));
        assert_eq!(cut(&["ab", "c"]), cut(&["ab", "c"]));
    }

    #[test]
    fn a_digest_survives_json() {
        let digest = Digest::of(b"content");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }
}
