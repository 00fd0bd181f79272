//! Where the figures come from.

use std::process::Command;

use serde::Serialize;

/// The machine and the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) system: String,
    pub(crate) compiler: String,
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Self {
        let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|it| model(&it));
        let compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .arg("--version")
            .output()
            .map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
        Self {
            processor: processor.unwrap_or_else(|| String::from("unknown processor")),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            compiler: compiler.unwrap_or_else(|_| String::from("unknown compiler")),
        }
    }
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|it| it.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_as_the_kernel_names_it() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2445.428\n";
        assert_eq!(model(cpuinfo).as_deref(), Some("AMD EPYC"));
        assert_eq!(model("processor\t: 0\n"), None);
    }
}
