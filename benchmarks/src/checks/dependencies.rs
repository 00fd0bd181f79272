//! How many crates come with a contender's libraries.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::contenders::Contender;
use crate::error::Error;
use crate::programs::{cargo, run as run_program, workspace};

/// The crates behind a contender's libraries, themselves not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Dependencies {
    pub(crate) contender: String,
    pub(crate) libraries: Vec<String>,
    pub(crate) crates: usize,
}

pub(super) fn run(contenders: &[Contender]) -> Result<Vec<Dependencies>, Error> {
    contenders
        .iter()
        .filter(|it| !it.libraries.is_empty())
        .map(|contender| {
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
                libraries: contender.libraries.iter().map(ToString::to_string).collect(),
                crates: below(contender.libraries, &String::from_utf8_lossy(&output.stdout)),
            })
        })
        .collect()
}

/// How many different crates are below some libraries in a tree whose lines begin with their depth,
/// for this machine and the features in use.
fn below(libraries: &[&str], tree: &str) -> usize {
    let lines: Vec<(usize, &str)> = tree
        .lines()
        .filter_map(|line| {
            let (depth, package) = line.split_once(' ')?;
            Some((depth.parse().ok()?, package.split(' ').next()?))
        })
        .collect();
    let mut inside = BTreeSet::new();
    for library in libraries {
        let Some(at) = lines.iter().position(|it| it.1 == *library) else { continue };
        let branch = lines[at + 1..].iter().take_while(|it| it.0 > lines[at].0);
        inside.extend(branch.map(|it| it.1).filter(|it| !libraries.contains(it)));
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_below_the_libraries_counts_once_and_they_themselves_do_not() {
        let tree = "0 program v0.0.0 (/somewhere)\n1 peer v1.0.0\n2 a v1.0.0\n3 b v1.0.0\n2 b v1.0.0\n\
                    1 workloads v0.0.0\n2 c v1.0.0\n";
        assert_eq!(below(&["peer"], tree), 2);
        assert_eq!(below(&["peer", "a"], tree), 1);
        assert_eq!(below(&["workloads", "peer"], tree), 3);
        assert_eq!(below(&["absent"], tree), 0);
    }
}
