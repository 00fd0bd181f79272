//! The facts of the build as a whole.

use jiff::ZonedDateTime;
use perf_history::{BuildStats, Noise, System};

use crate::commands::describe;
use crate::present::style::{DIM, PLAIN, STRONG};
use crate::present::{Fact, Span, moment, units};
use crate::select::Mode;

/// The tool and the build.
pub(super) fn title(stats: &BuildStats) -> Vec<Span> {
    let version = stats.tool_version.as_ref().map(|version| format!(" {version}"));
    let tool = stats.tool.clone() + &version.unwrap_or_default();
    vec![Span::new(tool, STRONG), Span::new(stats.build_id.clone(), DIM)]
}

/// The other facts.
pub(super) fn facts(stats: &BuildStats, now: &ZonedDateTime) -> Vec<Fact> {
    vec![
        when(stats, now),
        kind(stats),
        time(stats),
        memory(stats),
        allocations(stats),
        counts(stats),
        commit(stats),
        machine(stats),
        noise(stats),
        timeline(stats),
        labels(stats),
    ]
}

fn when(stats: &BuildStats, now: &ZonedDateTime) -> Fact {
    let Some(started) = stats.started_at() else {
        return Fact::new("started").and(Span::plain(stats.timestamp.clone()));
    };
    Fact::new("started")
        .and(Span::plain(moment::full(started, now)))
        .and(Span::plain(moment::ago(started, now)))
}

fn kind(stats: &BuildStats) -> Fact {
    let (outcome, style) = describe::outcome(stats);
    let parallel = |parallel| if parallel { "parallel" } else { "sequential" };
    Fact::new("build")
        .and(Span::new(outcome, style))
        .known(Mode::from_build(stats).map(|mode| mode.name().to_owned()))
        .known(stats.profile.map(|profile| profile.name().to_owned()))
        .known(stats.parallel.map(|value| parallel(value).to_owned()))
}

fn time(stats: &BuildStats) -> Fact {
    let fact = Fact::new("time").and(Span::new(units::time(stats.build_time_ms), STRONG));
    let processor = stats.cpu_user_ms.zip(stats.cpu_system_ms).map(|(user, system)| {
        let busy = (user + system) / stats.build_time_ms;
        let cores = stats.system.as_ref().and_then(|system| system.cores);
        let of = cores.map_or_else(String::new, |cores| format!(" of {cores}"));
        let time = units::time(user + system);
        if busy.is_finite() {
            format!("{time} processor time, {busy:.1}{of} cores")
        } else {
            format!("{time} processor time")
        }
    });
    let fact = fact.known(processor);
    match stats.overhead_ms {
        Some(overhead) => {
            fact.and(Span::dim(format!("at least {} for measuring", units::time(overhead))))
        }
        None => fact,
    }
}

fn memory(stats: &BuildStats) -> Fact {
    let of = |mebibytes: Option<f64>, what: &str| {
        let size = units::bytes(units::mebibytes(mebibytes?));
        Some(format!("{size} {what}"))
    };
    let peak = match &stats.peak_phase {
        Some(path) => format!("peak heap in {path}"),
        None => "peak heap".to_owned(),
    };
    Fact::new("memory")
        .known(of(stats.memory_peak_mb, &peak))
        .known(of(stats.memory_heap_mb, "heap at the end"))
        .known(of(stats.memory_start_rss_mb, "RSS at the start"))
        .known(of(stats.memory_rss_mb, "RSS at the end"))
        .known(of(stats.memory_peak_rss_mb, "peak RSS"))
}

fn allocations(stats: &BuildStats) -> Fact {
    let fact = Fact::new("allocated").known(stats.alloc_bytes.zip(stats.alloc_count).map(
        |(bytes, count)| {
            let bytes = units::bytes(units::float(bytes));
            format!("{bytes} in {}", units::counted(count, "allocation"))
        },
    ));
    fact.known(stats.unclaimed.as_ref().map(|unclaimed| {
        let bytes = units::bytes(units::float(unclaimed.alloc_bytes));
        format!("{bytes} more belonged to none of the builds that were open")
    }))
}

fn counts(stats: &BuildStats) -> Fact {
    let counts = stats.counts.iter();
    counts.fold(Fact::new("counts"), |fact, (name, count)| {
        fact.and(Span::plain(format!("{name} {}", units::count(*count))))
    })
}

fn commit(stats: &BuildStats) -> Fact {
    let git = stats.git.clone().unwrap_or_default();
    let fact = Fact::new("commit")
        .known(git.commit.as_deref().map(describe::short_commit))
        .known(git.branch.map(|branch| format!("on {branch}")))
        .known(git.dirty.map(|dirty| if dirty { "dirty" } else { "clean" }.to_owned()));
    let ci = stats.ci.clone().unwrap_or_default();
    let run = ci.run_id.map_or_else(String::new, |run| format!(" run {run}"));
    fact.known(ci.provider.map(|provider| provider + &run))
        .known(ci.change_id.map(|change| format!("change {change}")))
        .known(ci.base_branch.map(|base| format!("into {base}")))
}

fn machine(stats: &BuildStats) -> Fact {
    let system: System = stats.system.clone().unwrap_or_default();
    let platform = match (system.os_version.or(system.os), system.arch) {
        (Some(os), Some(arch)) => Some(format!("{os}, {arch}")),
        (os, arch) => os.or(arch).or_else(|| stats.platform.clone()),
    };
    Fact::new("machine")
        .known(system.cpu_model)
        .known(system.cores.map(|cores| units::counted(cores, "core")))
        .known(system.memory_mb.map(|size| units::bytes(units::mebibytes(size))))
        .known(platform)
        .known(stats.rust_version.as_ref().map(|version| format!("rustc {version}")))
}

fn noise(stats: &BuildStats) -> Fact {
    let Noise { involuntary_context_switches, major_page_faults, load_average, .. } =
        stats.noise.clone().unwrap_or_default();
    Fact::new("noise")
        .known(load_average.map(|load| format!("load {load:.2}")))
        .known(involuntary_context_switches.map(|switches| {
            units::counted(switches, "involuntary switch").replace("switchs", "switches")
        }))
        .known(major_page_faults.map(|faults| units::counted(faults, "major fault")))
}

fn timeline(stats: &BuildStats) -> Fact {
    let fact = Fact::new("timeline");
    let Some(timeline) = &stats.timeline else { return fact };
    let fact = fact.and(Span::plain(units::counted(timeline.intervals, "interval")));
    match timeline.dropped {
        0 => fact,
        dropped => fact.and(Span::new(
            format!("{} did not fit", units::count(dropped)),
            crate::present::style::NOTICE,
        )),
    }
}

fn labels(stats: &BuildStats) -> Fact {
    stats.labels.iter().fold(Fact::new("labels"), |fact, (name, value)| {
        fact.and(Span::new(format!("{name}={value}"), PLAIN))
    })
}
