//! Reading the functions of a library's object files.

use std::collections::BTreeMap;

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};

/// The code of functions, by their names without hashes.
pub(crate) type Functions = BTreeMap<String, Code>;

/// The instructions of a function, and what they refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    bytes: Vec<u8>,
    references: Vec<Reference>,
}

/// A place in a function that the linker fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    offset: u64,
    addend: i64,
    target: Target,
}

/// What a reference refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// A function or a static with a name that outlives the compilation.
    Named(String),
    /// Nameless constants: their bytes.
    Constant(Vec<u8>),
}

/// The functions of all object files in a library.
pub(crate) fn read_library(bytes: &[u8]) -> object::Result<Functions> {
    let mut functions = Functions::new();
    for member in ArchiveFile::parse(bytes)?.members() {
        let member = member?;
        if member.name().ends_with(b".o") {
            read_object(member.data(bytes)?, &mut functions)?;
        }
    }
    Ok(functions)
}

/// Adds the functions of an object file. Each is in a section of its own, as rustc lays them out.
fn read_object(object: &[u8], functions: &mut Functions) -> object::Result<()> {
    let file = object::File::parse(object)?;
    for symbol in file.symbols().filter(is_function) {
        let Some(section) = symbol.section_index() else { continue };
        let section = file.section_by_index(section)?;
        let mut references = Vec::new();
        for (offset, relocation) in section.relocations() {
            references.push(Reference {
                offset,
                addend: relocation.addend(),
                target: target(&file, relocation.target())?,
            });
        }
        let code = Code { bytes: section.data()?.to_vec(), references };
        functions.insert(plain_name(symbol.name()?), code);
    }
    Ok(())
}

fn is_function<'data>(symbol: &impl ObjectSymbol<'data>) -> bool {
    symbol.kind() == SymbolKind::Text && symbol.is_definition()
}

fn target(file: &object::File<'_>, target: RelocationTarget) -> object::Result<Target> {
    let RelocationTarget::Symbol(index) = target else {
        return Ok(Target::Named(format!("{target:?}")));
    };
    let symbol = file.symbol_by_index(index)?;
    let name = symbol.name()?;
    let nameless = name.is_empty() || name.starts_with("anon.") || name.starts_with(".L");
    match symbol.section_index() {
        Some(section) if nameless => {
            Ok(Target::Constant(file.section_by_index(section)?.data()?.to_vec()))
        }
        _ => Ok(Target::Named(plain_name(name))),
    }
}

/// A name without its hash, which differs from one compilation to the next.
fn plain_name(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_two_compilations_of_one_function_are_the_same() {
        let legacy =
            ["_ZN4core3fmt5write17h0123456789abcdefE", "_ZN4core3fmt5write17hfedcba9876543210E"];
        assert_eq!(legacy.map(plain_name), ["core::fmt::write", "core::fmt::write"]);
        let v0 = ["_RNvCs1234_7mycrate3foo", "_RNvCs5678_7mycrate3foo"];
        assert_eq!(v0.map(plain_name), ["mycrate::foo", "mycrate::foo"]);
    }

    #[test]
    fn other_files_than_libraries_and_object_files_are_errors() {
        assert!(read_object(b"text", &mut Functions::new()).is_err());
        assert!(read_library(b"text").is_err());
    }
}
