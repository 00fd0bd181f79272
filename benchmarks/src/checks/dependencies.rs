//! How many crates come with a library.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::contenders::Contender;
use crate::error::Error;
use crate::programs::{cargo, run as run_program, workspace};

/// The crates behind a library, itself not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dependencies {
    pub(crate) contender: String,
    pub(crate) library: String,
    pub(crate) crates: usize,
}

pub(super) fn run(contenders: &[Contender]) -> Result<Vec<Dependencies>, Error> {
    let libraries = contenders.iter().filter_map(|it| Some((it, it.library?)));
    libraries
        .map(|(contender, library)| {
            let output = run_program(cargo(workspace()).args([
                "tree",
                "--edges=normal,build",
                "--no-dedupe",
                "--prefix=depth",
                "--format= {p}",
                "--package",
                contender.package,
            ]))?;
            Ok(Dependencies {
                contender: contender.name.to_owned(),
                library: library.to_owned(),
                crates: below(library, &String::from_utf8_lossy(&output.stdout)),
            })
        })
        .collect()
}

/// How many different crates are below a library in a tree whose lines begin with their depth, for
/// this machine and the features in use.
fn below(library: &str, tree: &str) -> usize {
    let lines: Vec<(usize, &str)> = tree
        .lines()
        .filter_map(|line| {
            let (depth, package) = line.split_once(' ')?;
            Some((depth.parse().ok()?, package.split(' ').next()?))
        })
        .collect();
    let Some(at) = lines.iter().position(|it| it.1 == library) else { return 0 };
    let inside = lines[at + 1..].iter().take_while(|it| it.0 > lines[at].0);
    inside.map(|it| it.1).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_below_the_library_counts_once() {
        let tree = "0 program v0.0.0 (/somewhere)\n1 peer v1.0.0\n2 a v1.0.0\n3 b v1.0.0\n2 b v1.0.0\n\
                    1 workloads v0.0.0\n2 c v1.0.0\n";
        assert_eq!(below("peer", tree), 2);
        assert_eq!(below("workloads", tree), 1);
        assert_eq!(below("absent", tree), 0);
    }
}
