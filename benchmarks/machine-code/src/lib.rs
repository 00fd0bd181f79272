//! Compares the machine code of annotated functions with that of bare ones.
//!
//! The crate `machine-code-subject` is compiled to object files, with and without its annotations.
//! What is compared is each function's instructions and what they refer to, by name: addresses are
//! the linker's business, and the hashes in names tell only that the crates were compiled apart.
#![forbid(unsafe_code)]

mod compile;
mod functions;

pub use compile::{Error, Form};
pub use functions::Functions;

/// Which functions differ between two forms of the same crate, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences {
    /// How many functions were compared.
    pub compared: usize,
    /// Functions whose code differs.
    pub different: Vec<String>,
    /// Functions that only the first form has.
    pub only_first: Vec<String>,
    /// Functions that only the second form has.
    pub only_second: Vec<String>,
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.compared > 0
            && self.different.is_empty()
            && self.only_first.is_empty()
            && self.only_second.is_empty()
    }

    fn between(first: &Functions, second: &Functions) -> Self {
        let missing_in = |it: &Functions, other: &Functions| {
            it.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
        };
        let both: Vec<_> = first.keys().filter(|name| second.contains_key(*name)).collect();
        Self {
            compared: both.len(),
            different: both.into_iter().filter(|it| first[*it] != second[*it]).cloned().collect(),
            only_first: missing_in(first, second),
            only_second: missing_in(second, first),
        }
    }
}

/// Compiles the subject in both forms and compares its functions.
///
/// # Errors
///
/// Where it cannot be compiled, or the object files not be read.
pub fn compare(first: Form, second: Form) -> Result<Differences, Error> {
    Ok(Differences::between(&first.compile()?, &second.compile()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_out_annotations_leave_the_machine_code_of_the_bare_functions() {
        let differences = compare(Form::Bare, Form::CompiledOut).unwrap();
        assert!(differences.are_none(), "{differences:#?}");
        assert!(differences.compared >= 8, "{differences:#?}");
    }

    #[test]
    fn annotations_that_measure_are_seen_as_different() {
        let differences = compare(Form::Bare, Form::Measuring).unwrap();
        assert!(differences.compared >= 7, "{differences:#?}");
        for name in ["plain", "fallible", "owning", "recursive", "panicking"] {
            let name = format!("machine_code_subject::{name}");
            assert!(differences.different.contains(&name), "{name}: {differences:#?}");
        }
    }
}
