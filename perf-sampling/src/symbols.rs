//! Looks up the functions, files and lines of code addresses.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use rustc_demangle::demangle;

use crate::modules::LoadedModule;

/// A function that contains an address, possibly inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    /// Its demangled name.
    pub(super) function: Option<String>,
    /// The path of the file, as in the debug information.
    pub(super) file: Option<String>,
    /// The line, from 1.
    pub(super) line: Option<u32>,
}

/// The symbols of the loaded modules. A module is read when one of its addresses is looked up first.
pub(super) struct Symbols {
    modules: Vec<(LoadedModule, OnceCell<Option<Loader>>)>,
}

impl Symbols {
    pub(super) fn new(loaded: Vec<LoadedModule>) -> Self {
        Self { modules: loaded.into_iter().map(|module| (module, OnceCell::new())).collect() }
    }

    /// The functions that contain an address, the innermost inlined one first. Empty if the address is in
    /// no loaded module, or has no symbol.
    pub(super) fn functions_at(&self, address: u64) -> Vec<Code> {
        let Some((module, loader)) = self.module_at(address) else { return Vec::new() };
        let Some(loader) = loader.get_or_init(|| Loader::new(file_of(module)).ok()) else {
            return Vec::new();
        };
        let address = address.wrapping_sub(module.base);
        let symbol = || loader.find_symbol(address).map(|name| format!("{:#}", demangle(name)));
        let mut found = inlined(loader, address).unwrap_or_default();
        if let Some(outermost) = found.last_mut() {
            // The outermost function has a symbol, whose name is complete even without debug information.
            outermost.function = symbol().or(outermost.function.take());
        } else {
            let code = |name| Code { function: Some(name), file: None, line: None };
            found.extend(symbol().map(code));
        }
        found
    }

    fn module_at(&self, address: u64) -> Option<&(LoadedModule, OnceCell<Option<Loader>>)> {
        self.modules.iter().find(|(module, _)| module.addresses.contains(&address))
    }

    /// The file name of the module that contains an address, and the offset in the module.
    pub(super) fn offset_of(&self, address: u64) -> Option<String> {
        let (module, _) = self.module_at(address)?;
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
        let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
        let location = frame.location;
        found.push(Code {
            function: name.map(|name| format!("{:#}", demangle(&name))),
            file: location.as_ref().and_then(|location| location.file).map(str::to_owned),
            line: location.and_then(|location| location.line).filter(|&line| line > 0),
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

/// The file of the running program. Its path is preferred, as split debug information is found beside it.
/// But the file there may have been replaced or removed since the start.
fn program() -> PathBuf {
    use std::os::unix::fs::MetadataExt;
    let running = Path::new("/proc/self/exe");
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    match std::env::current_exe() {
        Ok(path) if identity(&path).is_some() && identity(&path) == identity(running) => path,
        _ => running.to_owned(),
    }
}
