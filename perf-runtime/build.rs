//! Passes the version of the compiler to the runtime, which writes it into each record.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let version = env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    // For example `rustc 1.95.0 (59807616e 2026-04-14)`.
    if let Some(version) = version.as_deref().and_then(|text| text.split_whitespace().nth(1)) {
        println!("cargo::rustc-env=PERF_RUNTIME_RUST_VERSION={version}");
    }
}
