//! Sets the cfg `samples_allocations` on targets whose stacks can be walked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(samples_allocations)");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux"
        && ["x86_64", "aarch64"].contains(&target("ARCH").as_str())
        && target("POINTER_WIDTH") == "64"
    {
        println!("cargo::rustc-cfg=samples_allocations");
    }
}
