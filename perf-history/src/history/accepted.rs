//! Accepted changes: from one build on, its level is the new normal.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::append::{is_torn, open_for_appending, write_whole};
use super::error::{HistoryError, IoContext};
use super::read::open_for_reading;
use super::{History, check_build_id};

const ACCEPTED: &str = "accepted.jsonl";

/// The longest file that is read; people do not accept millions of changes.
const MAX_FILE: u64 = 32 << 20;

/// An accepted change: one line of `accepted.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Accepted {
    /// The first build of the new level. Earlier builds of its series are not
    /// compared with later ones.
    pub build_id: String,
    /// When it was accepted: UTC, RFC 3339.
    pub timestamp: String,
    /// The program that built.
    pub tool: String,
    /// The commit of that build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why the new level is right, in the words of the person who accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Accepted {
    /// An accepted change without a commit and a reason.
    #[must_use]
    pub fn new(
        build_id: impl Into<String>,
        timestamp: impl Into<String>,
        tool: impl Into<String>,
    ) -> Self {
        Self {
            build_id: build_id.into(),
            timestamp: timestamp.into(),
            tool: tool.into(),
            commit: None,
            reason: None,
        }
    }
}

/// The content of `accepted.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AcceptedChanges {
    /// The changes, in the order in which they were accepted.
    pub changes: Vec<Accepted>,
    /// The numbers of the lines that cannot be read, the first being 1, and why not.
    pub unreadable: Vec<(u64, String)>,
}

impl History {
    /// Accepts changes: appends them to `accepted.jsonl`, under the lock and with one write, so
    /// that all of them are there or none.
    ///
    /// # Errors
    ///
    /// None of them is accepted, and what was there is unharmed: an id is not valid, another
    /// process holds the lock, or the system refused.
    pub fn accept(&self, changes: &[Accepted]) -> Result<(), HistoryError> {
        let mut bytes = vec![b'\n'];
        for change in changes {
            check_build_id(&change.build_id)?;
            serde_json::to_writer(&mut bytes, change).map_err(|source| {
                HistoryError::Unwritable {
                    build_id: change.build_id.clone(),
                    source: source.into(),
                }
            })?;
            bytes.push(b'\n');
        }
        let Some(_lock) = self.lock()? else { return Err(self.busy()) };
        let path = self.dir().join(ACCEPTED);
        let (mut file, length) = open_for_appending(&path)?;
        let is_torn = is_torn(&mut file, length).context("read the end of", &path)?;
        let bytes = if is_torn { &bytes[..] } else { &bytes[1..] };
        write_whole(&mut file, length, bytes).context("append to", &path)
    }

    /// The changes that were accepted. A history without any has no such file.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub fn accepted(&self) -> Result<AcceptedChanges, HistoryError> {
        let path = self.dir().join(ACCEPTED);
        let mut bytes = Vec::new();
        if let Some(file) = open_for_reading(&path)? {
            file.take(MAX_FILE).read_to_end(&mut bytes).context("read", &path)?;
        }
        let mut accepted = AcceptedChanges::default();
        for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(1..) {
            match (line.ends_with(b"\n"), serde_json::from_slice(line)) {
                (_, Ok(change)) => accepted.changes.push(change),
                (true, Err(error)) => accepted.unreadable.push((number, error.to_string())),
                (false, Err(_)) => {
                    let torn = "it was not written to its end".to_owned();
                    accepted.unreadable.push((number, torn));
                }
            }
        }
        Ok(accepted)
    }
}
