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
    /// Instructions with measuring, of builds on one thread. In full runs, where valgrind is installed.
    pub(crate) instructions: Option<f64>,
}

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

    let is_counted = has_valgrind && depth == Depth::Full;
    let [compiled_out, measuring, _] = &mut forms;
    let instructions = is_counted.then(|| count(compiled_out, measuring)).transpose()?;
    Ok(Site {
        compiled_out_ms: median(&bare),
        time: median(&on),
        time_off: median(&switched_off),
        instructions,
    })
}

/// The instructions of a build with measuring, as a part of those of one without.
///
/// Where several threads share the work, who waits for whom in the pools of the site's libraries changes
/// each count by up to a part in a hundred; on one, a count is the same to a part in ten thousand.
fn count(compiled_out: &mut Command, measuring: &mut Command) -> Result<f64, Error> {
    const PACKAGE: &str = "another-thread";
    let library = Build { folder: workspace(), package: PACKAGE, arguments: &[] }.library()?;
    let of = |form: &mut Command| {
        // The form that measures starts a thread. The other one gets one too, and so does this one.
        form.env("RAYON_NUM_THREADS", "1").env("LD_PRELOAD", &library);
        instructions::count(form, &[])
    };
    Ok(of(measuring)? / of(compiled_out)?)
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
