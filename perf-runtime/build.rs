//! Hands the compiler's release to the runtime, which writes it into each record, and says whether
//! allocations can be sampled.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let version = env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    if let Some(release) = version.as_deref().and_then(release) {
        println!("cargo::rustc-env=PERF_RUNTIME_RUST_VERSION={release}");
    }
    println!("cargo::rustc-check-cfg=cfg(samples_allocations)");
    if samples_allocations() {
        println!("cargo::rustc-cfg=samples_allocations");
    }
}

/// Whether that was asked for, and is known how to do on the target.
fn samples_allocations() -> bool {
    let has = |feature| env::var_os(feature).is_some();
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    has("CARGO_FEATURE_ALLOCATORS")
        && has("CARGO_FEATURE_TRACK")
        && target("OS") == "linux"
        && ["x86_64", "aarch64"].contains(&target("ARCH").as_str())
        && target("POINTER_WIDTH") == "64"
}

/// `rustc 1.95.0 (59807616e 2026-04-14)` is the release `1.95.0`.
fn release(version: &str) -> Option<&str> {
    version.split_whitespace().nth(1)
}
