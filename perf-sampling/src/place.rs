//! Which frame of a stack is in the code of the tool: not in the allocator, the standard library or the
//! crates that measure. And how the file of such a frame is recorded.

use std::path::Path;

use crate::symbols::Code;

/// Functions that the compiler generates for a `#[global_allocator]`.
const ALLOCATOR_SHIMS: [&str; 8] = [
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_realloc",
    "__rust_dealloc",
    "__rg_alloc",
    "__rg_alloc_zeroed",
    "__rg_realloc",
    "__rg_dealloc",
];

/// Crates that are not part of the tool's code.
const FOREIGN_CRATES: [&str; 7] =
    ["alloc", "core", "std", "hashbrown", "__rustc", "rustc_std_workspace_core", "test"];

/// The crates that measure.
const OWN_CRATES: [&str; 4] = ["perf_core", "perf_history", "perf_runtime", "perf_sampling"];

/// Whether a function is in the tool or in one of its dependencies.
pub(super) fn is_in_tool(code: &Code) -> bool {
    if let Some(name) = &code.function {
        let last = name.rsplit("::").next().unwrap_or(name);
        if ALLOCATOR_SHIMS.contains(&last) {
            return false;
        }
        if crate_of(name).is_some_and(|name| OWN_CRATES.contains(&name)) {
            return false;
        }
    }
    if let Some(file) = &code.file {
        return !is_in_standard_library(file) && !is_in_own_crate(file);
    }
    match &code.function {
        Some(name) => {
            !is_in_c_library(name)
                && crate_of(name).is_some_and(|krate| !FOREIGN_CRATES.contains(&krate))
        }
        None => false,
    }
}

/// Whether a function is one of the C library that starts a thread or the program. Names that begin with
/// `_` belong to it.
fn is_in_c_library(name: &str) -> bool {
    let name = name.split('@').next().unwrap_or(name);
    !name.contains("::")
        && (name.starts_with('_') || ["start_thread", "clone", "clone3"].contains(&name))
}

/// Whether a file belongs to the standard library or its dependencies. Its path is that on the machine
/// that compiled the library, or in the component `rust-src`.
fn is_in_standard_library(file: &str) -> bool {
    (file.starts_with("/rustc/") && file.contains("/library/"))
        || file.starts_with("/rust/deps/")
        || file.contains("/lib/rustlib/src/rust/library/")
        || is_in_distribution_source(file)
}

/// Whether a file belongs to the standard library of a Linux distribution, such as Debian's
/// `/usr/src/rustc-1.96.0/library/alloc/src/alloc.rs`.
fn is_in_distribution_source(file: &str) -> bool {
    file.split_once("/rustc-").is_some_and(|(_, rest)| {
        let after = rest.split_once('/').map(|(_, after)| after);
        rest.starts_with(|first: char| first.is_ascii_digit())
            && after.is_some_and(|path| path.starts_with("library/") || path.starts_with("vendor/"))
    })
}

/// Whether a file belongs to the crates that measure. The name of an inlined function may lack its crate.
fn is_in_own_crate(file: &str) -> bool {
    ["perf-core", "perf-runtime", "perf-sampling"].iter().any(|package| {
        file.split(&['/', '\\'][..]).zip(file.split(&['/', '\\'][..]).skip(1)).any(|(dir, next)| {
            // In a workspace the directory has the name of the package, in a registry also its version.
            let name = dir.strip_prefix(package);
            next == "src" && name.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    })
}

/// The crate of a function: `alloc` for `<alloc::vec::Vec<T> as …>::extend`. If the type has no crate, it
/// is that of the trait: `alloc` for `<T as alloc::string::ToString>::to_string`.
fn crate_of(name: &str) -> Option<&str> {
    let path = name.trim_start_matches(['<', '&', '(', '[', '*']);
    let path = ["const ", "mut ", "dyn ", "impl "]
        .iter()
        .fold(path, |path, prefix| path.strip_prefix(prefix).unwrap_or(path));
    let path = path.trim_start_matches(['<', '&', '(', '[', '*']);
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    let (first, rest) = path.split_at(end);
    if rest.starts_with("::") || (rest.is_empty() && path == name) {
        return Some(first);
    }
    path.split_once(" as ").and_then(|(_, path)| crate_of(path))
}

/// The path of a file as it is recorded: relative to `dir` if it is below that, and relative to the
/// package cache for a package from a registry or a repository. Home directories become `~`, so that no
/// user name is recorded.
pub(super) fn file_for_record(file: &str, dir: Option<&Path>) -> String {
    if let Some(relative) = dir.and_then(|dir| Path::new(file).strip_prefix(dir).ok()) {
        return relative.to_string_lossy().into_owned();
    }
    for store in ["/registry/src/", "/git/checkouts/"] {
        if let Some((_, within)) = file.split_once(store)
            && let Some((_, package)) = within.split_once('/')
        {
            return package.to_owned();
        }
    }
    for homes in ["/home/", "/Users/"] {
        if let Some((_, below)) = file.strip_prefix(homes).and_then(|rest| rest.split_once('/')) {
            return format!("~/{below}");
        }
    }
    match file.strip_prefix("/root/") {
        Some(below) => format!("~/{below}"),
        None => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_of_a_function_is_read_from_its_name() {
        for (name, expected) in [
            ("my_site::render::page", Some("my_site")),
            ("main", Some("main")),
            ("alloc::raw_vec::RawVec<T,A>::grow_one", Some("alloc")),
            ("<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend", Some("alloc")),
            ("<my_site::Page as core::fmt::Display>::fmt", Some("my_site")),
            ("<T as alloc::string::ToString>::to_string", Some("alloc")),
            ("<&T as core::fmt::Debug>::fmt", Some("core")),
            ("<[T] as alloc::borrow::ToOwned>::to_owned", Some("alloc")),
            ("<(A,B) as my_site::Pair>::swap", Some("my_site")),
            ("<dyn core::any::Any>::is", Some("core")),
            ("<&mut my_site::Reader as std::io::Read>::read", Some("my_site")),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }

    #[test]
    fn the_standard_library_the_allocator_and_the_own_crates_are_not_in_the_tool() {
        let code = |function: &str, file: Option<&str>| Code {
            function: Some(function.to_owned()),
            file: file.map(str::to_owned),
            line: Some(1),
        };
        for (function, file) in [
            ("grow_one<u8>", Some("/rustc/59807616/library/alloc/src/raw_vec/mod.rs")),
            ("alloc", Some("/usr/src/rustc-1.96.0/library/alloc/src/alloc.rs")),
            ("insert", Some("/rust/deps/hashbrown-0.16.1/src/raw.rs")),
            ("collect", Some("/t/lib/rustlib/src/rust/library/core/src/iter/mod.rs")),
            ("my_site::_::__rust_alloc", Some("/home/a/my-site/src/main.rs")),
            ("<perf_runtime::TrackingAllocator as x>::alloc", Some("/x/allocator.rs")),
            ("perf_runtime::guard::enter", None),
            ("std::rt::lang_start", None),
            ("__libc_start_main@@GLIBC_2.34", None),
            ("start_thread", None),
            ("alloc<std::alloc::System>", Some("/w/perf-core/src/allocator.rs")),
            ("alloc<std::alloc::System>", Some("/c/perf-core-0.1.0/src/allocator.rs")),
            ("<T as alloc::string::ToString>::to_string", None),
        ] {
            assert!(!is_in_tool(&code(function, file)), "{function} {file:?}");
        }
        for (function, file) in [
            ("render", Some("/home/a/my-site/src/main.rs")),
            ("my_site::render", None),
            ("serde_json::to_string", Some("/c/registry/src/i-1/serde_json-1.0.1/src/ser.rs")),
            ("main", None),
        ] {
            assert!(is_in_tool(&code(function, file)), "{function} {file:?}");
        }
        assert!(!is_in_tool(&Code { function: None, file: None, line: None }));
    }

    #[test]
    fn recorded_paths_contain_no_user_names() {
        let dir = Some(Path::new("/home/alice/site"));
        for (file, expected) in [
            ("/home/alice/site/src/main.rs", "src/main.rs"),
            ("/home/alice/site2/src/main.rs", "~/site2/src/main.rs"),
            ("/root/tool/src/lib.rs", "~/tool/src/lib.rs"),
            ("/home/bob/.cargo/registry/src/index-1a2b/a-1.0/src/lib.rs", "a-1.0/src/lib.rs"),
            ("/Users/eve/.cargo/git/checkouts/b-1a2b/c3d4/src/lib.rs", "c3d4/src/lib.rs"),
            ("/usr/src/tool/lib.rs", "/usr/src/tool/lib.rs"),
            ("src/main.rs", "src/main.rs"),
        ] {
            assert_eq!(file_for_record(file, dir), expected);
        }
        assert_eq!(file_for_record("/a/b.rs", None), "/a/b.rs");
    }
}
