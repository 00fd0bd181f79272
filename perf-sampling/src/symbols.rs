//! From addresses of code to functions, files and lines.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use rustc_demangle::demangle;

use crate::modules::LoadedModule;

/// A function that an address is in, itself or inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    /// Its name, demangled.
    pub(super) function: Option<String>,
    /// The file, as the compiler knew it.
    pub(super) file: Option<String>,
    /// The line, counted from 1.
    pub(super) line: Option<u32>,
}

/// All that is loaded, read as far as it is asked for.
pub(super) struct Symbols {
    modules: Vec<(LoadedModule, OnceCell<Option<Loader>>)>,
}

impl Symbols {
    pub(super) fn of(loaded: Vec<LoadedModule>) -> Self {
        Self { modules: loaded.into_iter().map(|it| (it, OnceCell::new())).collect() }
    }

    /// The functions that a call is in, the innermost of those that were inlined first. None where
    /// the address is not in anything that is loaded, or nothing is known of it.
    pub(super) fn at(&self, address: u64) -> Vec<Code> {
        let Some((module, loader)) =
            self.modules.iter().find(|it| it.0.addresses.contains(&address))
        else {
            return Vec::new();
        };
        let Some(loader) = loader.get_or_init(|| Loader::new(file_of(module)).ok()) else {
            return Vec::new();
        };
        let address = address.wrapping_sub(module.base);
        let symbol = || loader.find_symbol(address).map(|it| format!("{:#}", demangle(it)));
        let mut found = inlined(loader, address).unwrap_or_default();
        if let Some(outermost) = found.last_mut() {
            // What is not inlined has a symbol, whose name is whole whatever the debug information.
            outermost.function = symbol().or(outermost.function.take());
        } else {
            let code = |it| Code { function: Some(it), file: None, line: None };
            found.extend(symbol().map(code));
        }
        found
    }

    /// Where an address is that no name is known of: the module's file name, and the offset in it.
    pub(super) fn offset_of(&self, address: u64) -> Option<String> {
        let (module, _) = self.modules.iter().find(|it| it.0.addresses.contains(&address))?;
        let file = if is_program(module) { std::env::current_exe().ok()? } else { file_of(module) };
        let name = file.file_name()?.to_string_lossy().into_owned();
        let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
        Some(format!("{name}+{:#x}", address.wrapping_sub(module.base)))
    }
}

fn inlined(loader: &Loader, address: u64) -> Option<Vec<Code>> {
    let mut frames = loader.find_frames(address).ok()?;
    let mut found = Vec::new();
    while let Some(frame) = frames.next().ok()? {
        let name = frame.function.as_ref().and_then(|it| it.raw_name().ok());
        let location = frame.location;
        found.push(Code {
            function: name.map(|it| format!("{:#}", demangle(&it))),
            file: location.as_ref().and_then(|it| it.file).map(str::to_owned),
            line: location.as_ref().and_then(|it| it.line).filter(|&it| it > 0),
        });
    }
    Some(found)
}

/// The loader has no name for the program itself.
fn is_program(module: &LoadedModule) -> bool {
    module.path.as_os_str().is_empty()
}

fn file_of(module: &LoadedModule) -> PathBuf {
    if is_program(module) { program() } else { module.path.clone() }
}

/// The file of the running program. What is at its path may be another by now, or gone; but where it
/// is still there, debug information that was split off is found beside it.
fn program() -> PathBuf {
    use std::os::unix::fs::MetadataExt;
    let running = Path::new("/proc/self/exe");
    let identity = |path: &Path| path.metadata().ok().map(|it| (it.dev(), it.ino()));
    match std::env::current_exe() {
        Ok(path) if identity(&path).is_some() && identity(&path) == identity(running) => path,
        _ => running.to_owned(),
    }
}
