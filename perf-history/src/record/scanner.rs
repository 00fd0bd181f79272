//! Goes over the text of a record without taking it apart, several times as fast as reading it.
//!
//! It knows records as this version writes them: no blanks, no escapes, no exponents, nothing
//! unknown but the user's counts. What it accepts, reading accepts as well; whatever else it meets
//! it leaves to reading, which says what is wrong, or that nothing is. The tests hold it to that.

use super::kind::{FieldTable, Kind};

/// With more names of the user's in one object, looking for one that comes twice would take long.
const MOST_NAMES: usize = 64;
/// So many digits are read exactly, whoever reads them.
const EXACT_DIGITS: usize = 15;

/// A place in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Passes what must come next, byte for byte.
    pub(super) fn literal(&mut self, expected: &str) -> Option<()> {
        let rest = &self.text.as_bytes()[self.at..];
        rest.starts_with(expected.as_bytes()).then(|| self.at += expected.len())
    }

    /// Whether all has been passed.
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Passes a byte that may be there.
    fn passes(&mut self, byte: u8) -> bool {
        self.pass(byte).is_some()
    }

    /// The text between quotes.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.pass(b'"')?;
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        if rest[length] != b'"' {
            return None;
        }
        self.at = start + length + 1;
        Some(&self.text[start..start + length])
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// The digits of a whole number: at most 19, so that it fits into 64 bits.
    fn whole(&mut self) -> Option<()> {
        let first = self.peek()?;
        let digits = self.digits();
        (matches!(digits, 1..=19) && (first != b'0' || digits == 1)).then_some(())
    }

    fn integer(&mut self) -> Option<()> {
        let is_negative = self.passes(b'-');
        let start = self.at;
        self.whole()?;
        // -0 is no integer, and 19 digits may be too many.
        let digits = &self.text[start..self.at];
        (digits.len() < 19 && !(is_negative && digits == "0")).then_some(())
    }

    fn float(&mut self) -> Option<()> {
        self.passes(b'-');
        let start = self.at;
        self.whole()?;
        if self.passes(b'.') && self.digits() == 0 {
            return None;
        }
        (self.at - start <= EXACT_DIGITS + 1).then_some(())
    }

    fn value(&mut self, kind: Kind) -> Option<()> {
        match kind {
            Kind::Float => self.float(),
            Kind::Whole => self.whole(),
            Kind::Integer => self.integer(),
            Kind::Text => self.string().map(drop),
            Kind::Flag => self.literal("true").or_else(|| self.literal("false")),
            Kind::Word(words) => words.contains(&self.string()?).then_some(()),
            Kind::Object(table) => self.object(table, &mut Nothing),
            Kind::Objects(table) => self.list(|scanner| scanner.object(table, &mut Nothing)),
            Kind::Times => self.names(Self::float),
            Kind::Texts => self.names(|scanner| scanner.string().map(drop)),
            // The names of counts say something of other fields.
            Kind::Counts => None,
        }
    }

    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.pass(b'[')?;
        if self.passes(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if !self.passes(b',') {
                return self.pass(b']');
            }
        }
    }

    /// An object under whose names the user keeps something, each once.
    fn names(&mut self, mut value: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let mut names = Names::default();
        self.entries(|scanner, name| {
            names.add(name)?;
            value(scanner)
        })
    }

    /// The entries of an object, whatever they are.
    pub(super) fn entries(
        &mut self,
        mut entry: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.pass(b'{')?;
        if self.passes(b'}') {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.pass(b':')?;
            entry(self, name)?;
            if !self.passes(b',') {
                return self.pass(b'}');
            }
        }
    }

    /// An object of known fields, each at most once.
    pub(super) fn object(
        &mut self,
        table: &'static FieldTable,
        visitor: &mut impl Visitor<'a>,
    ) -> Option<()> {
        let mut seen = 0_u64;
        // They are written in the order of the table, some left out.
        let mut next = 0;
        self.entries(|scanner, name| {
            let is_it = |at: &usize| table.fields[*at].0 == name;
            let at = (next..table.fields.len()).find(is_it).or_else(|| (0..next).find(is_it));
            let Some(at) = at else { return visitor.unknown(scanner, name) };
            if seen & (1 << at) != 0 {
                return None;
            }
            seen |= 1 << at;
            next = at + 1;
            let start = scanner.at;
            let (name, kind) = table.fields[at];
            match kind {
                Kind::Counts => visitor.counts(scanner)?,
                kind => scanner.value(kind)?,
            }
            visitor.known(name, &scanner.text[start..scanner.at]);
            Some(())
        })?;
        (seen & table.required == table.required).then_some(())
    }

    /// A whole number that is the value of a field which nobody knows.
    pub(super) fn count(&mut self) -> Option<()> {
        self.whole()
    }
}

/// What looks at the fields of an object while it is passed.
pub(super) trait Visitor<'a> {
    /// A known field, and its value as it is written.
    fn known(&mut self, _name: &'static str, _value: &'a str) {}

    /// The value of a field that nobody knows comes next.
    fn unknown(&mut self, _scanner: &mut Scanner<'a>, _name: &'a str) -> Option<()> {
        None
    }

    /// The names of the user's counts come next.
    fn counts(&mut self, _scanner: &mut Scanner<'a>) -> Option<()> {
        None
    }
}

/// Looks at nothing.
struct Nothing;

impl Visitor<'_> for Nothing {}

/// Names that may come only once.
#[derive(Default)]
pub(super) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    pub(super) fn add(&mut self, name: &'a str) -> Option<()> {
        if self.0.len() == MOST_NAMES || self.0.contains(&name) {
            return None;
        }
        self.0.push(name);
        Some(())
    }
}
