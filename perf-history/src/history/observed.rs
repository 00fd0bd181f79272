//! Telling how far the reading of a history has come.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Who is told how far a reading has come.
#[derive(Clone, Default)]
pub(super) struct Observer(Option<Arc<Told>>);

/// Bytes read so far, of how many.
type Told = dyn Fn(u64, u64) + Send + Sync;

impl Observer {
    pub(super) fn new(told: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer" } else { "nobody" })
    }
}

/// A file of which an observer is told each time that some of it was read.
#[derive(Debug)]
pub(super) struct Observed {
    file: File,
    observer: Observer,
    read: u64,
    length: u64,
}

impl Observed {
    pub(super) fn new(file: File, observer: Observer) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, observer, read: 0, length })
    }
}

impl Read for Observed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        if let Some(told) = &self.observer.0 {
            told(self.read.min(self.length), self.length);
        }
        Ok(count)
    }
}

impl Seek for Observed {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
