//! The example site: a whole build with measuring, without, and with it compiled out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::Serialize;

use super::{Depth, instructions};
use crate::error::Error;
use crate::programs::{Build, run as run_program, without_switches, workspace};
use crate::statistics::median;

/// What measuring costs a real build, as parts of the build with measuring compiled out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Site {
    /// Milliseconds of the build with measuring compiled out: the median over the rounds.
    pub(crate) compiled_out_ms: f64,
    /// Time with measuring: the median over the rounds of the ratio within each.
    pub(crate) time: f64,
    /// Time switched off.
    pub(crate) time_off: f64,
    /// Instructions with measuring. In full runs, where valgrind is installed.
    pub(crate) instructions: Option<Counted>,
}

/// The instructions of a build with measuring, as parts of one without, counted in several builds of
/// each in turn: who waits for whom in the pools of the site's libraries changes the sum of either by
/// a few parts in a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Counted {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Counted {
    /// Of what was counted with measuring compiled out, and with it, pair by pair.
    fn of(pairs: &[[f64; 2]]) -> Option<Self> {
        let mut ratios: Vec<f64> = pairs.iter().map(|[bare, on]| on / bare).collect();
        ratios.sort_by(f64::total_cmp);
        let (&least, &most) = (ratios.first()?, ratios.last()?);
        Some(Self { least, median: median(&ratios), most })
    }
}

/// How many builds of each form are counted.
const COUNTED_BUILDS: usize = 5;

pub(super) fn run(scratch: &Path, depth: Depth, has_valgrind: bool) -> Result<Site, Error> {
    let measuring = build(scratch, "measuring", &[])?;
    let compiled_out = build(scratch, "compiled-out", &["--no-default-features"])?;
    let command = |program: &Path| {
        let mut command = Command::new(program);
        without_switches(&mut command)
            .current_dir(house())
            .env("BUILD_METRICS_DIR", scratch.join("site-metrics"))
            .arg("--out")
            .arg(scratch.join("site"));
        command
    };
    let mut off = command(&measuring);
    off.env("BUILD_METRICS", "off");
    let mut forms = [command(&compiled_out), command(&measuring), off];

    // The first build of all makes the folder that the others find.
    run_program(&mut forms[0])?;
    let rounds = match depth {
        Depth::Quick => 3,
        Depth::Full => 15,
    };
    let (mut bare, mut on, mut switched_off) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut seconds = [0.0; 3];
        // Who comes first takes turns.
        for turn in 0..forms.len() {
            let form = (round + turn) % forms.len();
            let start = Instant::now();
            run_program(&mut forms[form])?;
            seconds[form] = start.elapsed().as_secs_f64();
        }
        bare.push(seconds[0] * 1e3);
        on.push(seconds[1] / seconds[0]);
        switched_off.push(seconds[2] / seconds[0]);
    }

    let mut counts = Vec::new();
    if has_valgrind && depth == Depth::Full {
        let [bare, on, _] = &mut forms;
        for form in [&mut *bare, &mut *on] {
            // The same on every machine. With one, glibc would take the locks of its allocator only in
            // the form that measures, which starts a thread.
            form.env("RAYON_NUM_THREADS", "2");
        }
        for _ in 0..COUNTED_BUILDS {
            counts.push([instructions::count(bare, &[])?, instructions::count(on, &[])?]);
        }
    }
    Ok(Site {
        compiled_out_ms: median(&bare),
        time: median(&on),
        time_off: median(&switched_off),
        instructions: Counted::of(&counts),
    })
}

/// The folder of the product's workspace, whose packages the site presents.
fn house() -> &'static Path {
    workspace().parent().unwrap_or(workspace())
}

/// Builds the site's program in a form, and puts it where the next form does not overwrite it.
fn build(scratch: &Path, name: &str, arguments: &[&str]) -> Result<PathBuf, Error> {
    const PACKAGE: &str = "static-site";
    let programs = Build { folder: house(), package: PACKAGE, arguments }.run()?;
    let program =
        programs.get(PACKAGE).ok_or_else(|| Error::NoProgram { package: PACKAGE.to_owned() })?;
    let kept = scratch.join(name);
    std::fs::copy(program, &kept).map_err(Error::file("copying", program))?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_compared_with_that_which_was_counted_beside_it() {
        let counted = Counted::of(&[[100.0, 101.0], [200.0, 201.0], [100.0, 103.0]]);
        let counted = counted.map(|it| [it.least, it.median, it.most]);
        assert_eq!(counted, Some([1.005, 1.01, 1.03]));
        assert_eq!(Counted::of(&[]), None);
    }
}
