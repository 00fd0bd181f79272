//! All lines of a history, on all processors, in memory that does not grow with it.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::entry::{HistoryLine, UnreadableLine, UnreadableReason, read_where};
use super::error::{HistoryError, IoContext};
use super::iter::open_for_reading;
use super::lines::MAX_LINE;
use super::observed::{Observed, Observer};
use crate::record::RecordSummary;

/// How much is read at once, and then gone through by one thread.
const BLOCK: usize = 1 << 20;
/// More threads than these would wait for the one that reads.
const MOST_THREADS: usize = 16;

/// A line of a history that is scanned.
#[derive(Debug)]
pub enum ScannedLine<'a> {
    /// A record.
    Record(RecordSummary<'a>),
    /// A line that cannot be read, with its number.
    Unreadable(UnreadableLine),
}

/// Scans the history at `path`: each thread gathers in a value of its own.
pub(super) fn scan<A: Send>(
    path: &Path,
    observer: Observer,
    start: impl Fn() -> A + Sync,
    take: impl Fn(&mut A, ScannedLine<'_>) + Sync,
) -> Result<Vec<A>, HistoryError> {
    let Some(file) = open_for_reading(path)? else { return Ok(Vec::new()) };
    let length = file.metadata().context("look at", path)?.len();
    let useful = usize::try_from(length / BLOCK as u64).unwrap_or(usize::MAX).saturating_add(1);
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = processors.min(MOST_THREADS).min(useful);
    Observed::new(file, observer)
        .and_then(|file| scan_blocks(Blocks::new(file, BLOCK, MAX_LINE), threads, start, take))
        .context("read", path)
}

fn scan_blocks<R: Read + Send, A: Send>(
    blocks: Blocks<R>,
    threads: usize,
    start: impl Fn() -> A + Sync,
    take: impl Fn(&mut A, ScannedLine<'_>) + Sync,
) -> io::Result<Vec<A>> {
    let longest = blocks.longest;
    let blocks = Mutex::new(blocks);
    let work = || -> io::Result<A> {
        let mut gathered = start();
        let mut block = Block::default();
        loop {
            let mut blocks = blocks.lock().unwrap_or_else(PoisonError::into_inner);
            if !blocks.next(&mut block)? {
                return Ok(gathered);
            }
            drop(blocks);
            block.scan(longest, &mut |line| take(&mut gathered, line));
        }
    };
    if threads < 2 {
        return Ok(vec![work()?]);
    }
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        all.extend(others.into_iter().map(|other| match other.join() {
            Ok(gathered) => gathered,
            Err(panic) => std::panic::resume_unwind(panic),
        }));
        all.into_iter().collect()
    })
}

/// Some whole lines, or one that is too long.
#[derive(Default)]
struct Block {
    text: Vec<u8>,
    /// The number of its first line, the first of all being 1.
    line: u64,
    offset: u64,
    /// Of a line that is too long, and not in `text`.
    too_long: Option<u64>,
}

impl Block {
    fn scan(&self, longest: usize, take: &mut impl FnMut(ScannedLine<'_>)) {
        let mut offset = self.offset;
        let mut number = self.line;
        if let Some(bytes) = self.too_long {
            let reason = UnreadableReason::TooLong;
            take(ScannedLine::Unreadable(UnreadableLine {
                line: Some(number),
                offset,
                bytes,
                reason,
            }));
            return;
        }
        let mut rest = self.text.as_slice();
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let length = end.map_or(rest.len(), |end| end + 1);
            let text = &rest[..end.unwrap_or(rest.len())];
            let mut wanted = |summary: &RecordSummary<'_>| {
                take(ScannedLine::Record(*summary));
                false
            };
            let content = if text.len() > longest {
                Err(UnreadableReason::TooLong)
            } else {
                read_where(text, offset == 0, end.is_some(), Some(&mut wanted))
            };
            let entry = HistoryLine::new(content, Some(number), offset, length as u64);
            if let Some(HistoryLine::Unreadable(line)) = entry {
                take(ScannedLine::Unreadable(line));
            }
            rest = &rest[length..];
            offset += length as u64;
            number += 1;
        }
    }
}

/// A file cut into blocks at the ends of lines.
struct Blocks<R> {
    input: R,
    size: usize,
    longest: usize,
    /// What was read behind the last end of a line.
    rest: Vec<u8>,
    line: u64,
    offset: u64,
    is_at_end: bool,
}

impl<R: Read> Blocks<R> {
    fn new(input: R, size: usize, longest: usize) -> Self {
        Self { input, size, longest, rest: Vec::new(), line: 1, offset: 0, is_at_end: false }
    }

    /// Reads the next block in the place of another; false where there is none.
    fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        block.too_long = None;
        block.text.clear();
        block.text.append(&mut self.rest);
        block.line = self.line;
        block.offset = self.offset;
        let mut searched = 0;
        loop {
            let end = memchr::memrchr(b'\n', &block.text[searched..]).map(|end| searched + end + 1);
            if let Some(end) = end.filter(|_| block.text.len() >= self.size || self.is_at_end) {
                self.rest.extend_from_slice(&block.text[end..]);
                block.text.truncate(end);
                break;
            }
            if end.is_none() {
                searched = block.text.len();
                // One more to tell a line that is too long.
                if block.text.len() > self.longest {
                    return self.pass_long_line(block).map(|()| true);
                }
            }
            if self.is_at_end {
                break;
            }
            let wanted = self.size.max(block.text.len());
            let got = self.input.by_ref().take(wanted as u64).read_to_end(&mut block.text)?;
            self.is_at_end = got < wanted;
        }
        self.line += memchr::memchr_iter(b'\n', &block.text).count() as u64;
        self.offset += block.text.len() as u64;
        Ok(!block.text.is_empty())
    }

    /// Passes over a line of which more than the longest is in the block.
    fn pass_long_line(&mut self, block: &mut Block) -> io::Result<()> {
        let mut length = block.text.len() as u64;
        block.text = Vec::new();
        let mut part = Vec::with_capacity(self.size);
        while !self.is_at_end {
            part.clear();
            let got = self.input.by_ref().take(self.size as u64).read_to_end(&mut part)?;
            self.is_at_end = got < self.size;
            if let Some(end) = memchr::memchr(b'\n', &part) {
                length += end as u64 + 1;
                self.rest.extend_from_slice(&part[end + 1..]);
                break;
            }
            length += got as u64;
        }
        block.too_long = Some(length);
        self.line += 1;
        self.offset += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::lines::Lines;
    use super::super::random_files::file;
    use super::*;

    /// So long are the longest lines at most that are not too long.
    const MOST: usize = 300;

    /// What a line is told to be: its number, place, length, and what is on it.
    type Told = (u64, u64, u64, String);

    /// The lines one after another, each read as a whole.
    fn model(file: &[u8], longest: usize) -> Vec<Told> {
        let mut lines = Lines::with_longest(file, longest);
        let mut told = Vec::new();
        while let Some(line) = lines.next_line(None).unwrap() {
            let number = told.len() as u64 + 1;
            let what = match line.entry.unwrap() {
                HistoryLine::Record(stats) => stats.build_id,
                HistoryLine::Unreadable(line) => {
                    assert_eq!(line.line, Some(number));
                    line.reason.to_string()
                }
            };
            told.push((number, line.offset, line.length, what));
        }
        told
    }

    fn scanned(file: &[u8], size: usize, longest: usize, threads: usize) -> Vec<String> {
        let blocks = Blocks::new(Cursor::new(file), size, longest);
        let gathered = scan_blocks(blocks, threads, Vec::new, |all: &mut Vec<String>, line| {
            all.push(match line {
                ScannedLine::Record(summary) => summary.build_id.to_owned(),
                ScannedLine::Unreadable(UnreadableLine { line, offset, bytes, reason }) => {
                    format!("{line:?} {offset} {bytes} {reason}")
                }
            });
        });
        gathered.unwrap().concat()
    }

    /// The same of the model, where a record stands for itself.
    fn expected(told: &[Told]) -> Vec<String> {
        let is_record = |what: &str| what.bytes().all(|byte| byte.is_ascii_digit());
        told.iter()
            .map(|(number, offset, length, what)| match what {
                what if is_record(what) => what.clone(),
                what => format!("{:?} {offset} {length} {what}", Some(number)),
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_scan_finds_every_line_with_its_number_and_place_as_reading_one_by_one_does(
            file in file(MOST),
            size in 1..400_usize,
            longest in 110..MOST,
        ) {
            let told = expected(&model(&file, longest));
            prop_assert_eq!(scanned(&file, size, longest, 1), &told[..]);
            let mut apart = scanned(&file, size, longest, 3);
            let mut told = told;
            apart.sort();
            told.sort();
            prop_assert_eq!(apart, told);
        }
    }

    #[test]
    fn what_a_thread_cannot_read_ends_the_scan() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("no such luck"))
            }
        }
        let blocks = Blocks::new(Broken, 16, 100);
        let result = scan_blocks(blocks, 3, || (), |(), _| ());
        assert_eq!(result.unwrap_err().to_string(), "no such luck");
    }
}
