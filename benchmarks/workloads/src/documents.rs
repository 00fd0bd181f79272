//! A real program: a published Markdown renderer over the READMEs that it is given.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, html};

use crate::batches::{Budget, Pair, time, time_pairs};
use crate::{Contender, Phases};

/// What a document is made of.
pub type Events<'text> = Vec<Event<'text>>;

/// Reads a document.
#[must_use]
pub fn parse(markdown: &str) -> Events<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES).collect()
}

/// Writes a document as HTML.
#[must_use]
pub fn render(events: Events<'_>) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write!(page, "<!doctype html>");
    html::push_html(&mut page, events.into_iter());
    page
}

/// The files that a list names, one a line.
pub(crate) fn read_all(list: &Path) -> io::Result<Vec<String>> {
    std::fs::read_to_string(list)?.lines().map(std::fs::read_to_string).collect()
}

/// Times the whole set, beside a checksum over its text.
pub(crate) fn time_documents<C: Contender>(budget: Budget<'_>, documents: &[String]) -> Vec<Pair> {
    let work = || {
        for document in documents {
            C::unit(|| {
                black_box(C::Annotated::document(document));
            });
        }
    };
    let checksum = || {
        for document in documents {
            black_box(fnv(document.as_bytes()));
        }
    };
    time_pairs(budget, 1, |repeats| time(repeats, work), |repeats| time(repeats, checksum))
}

/// FNV-1a: one dependent multiplication for a byte, so that its time is the processor's alone.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_rendered_with_its_tables() {
        let page = render(parse("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"));
        assert!(page.starts_with("<!doctype html>"), "{page}");
        assert!(page.contains("<h1>Title</h1>"), "{page}");
        assert!(page.contains("<td>2</td>"), "{page}");
    }

    #[test]
    fn the_checksum_is_fnv_1a() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
