//! `check`: candidate and baseline, output, and exit code.

use std::fs;

use perf_cli::ExitStatus;
use perf_history::BuildStats;
use serde_json::Value;
use tempfile::TempDir;

use crate::histories::{build, fat, history, pairs, session, sessions, slow};
use crate::in_process::{CommandOutput, Terminal, data, run};

const WIDE: Terminal = Terminal { width: 160, color: false };

fn check(dir: &TempDir, words: &[&str]) -> CommandOutput {
    run(dir.path(), &[&["check"], words].concat(), WIDE)
}

fn json(dir: &TempDir, words: &[&str]) -> Value {
    let output = check(dir, &[words, &["--format", "json"]].concat());
    serde_json::from_str(&output.out).unwrap_or_else(|error| panic!("{error}: {}", output.out))
}

/// The findings that anybody needs to see: verdict, phase and measure.
fn news(output: &Value) -> Vec<(String, String, String)> {
    let text =
        |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let findings = output["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (text(finding, "verdict"), text(finding, "phase"), text(finding, "measure")))
        .filter(|(verdict, ..)| !["unchanged", "insufficient"].contains(&verdict.as_str()))
        .collect()
}

fn assert_news(output: &Value, expected: &[(&str, &str, &str)]) {
    let news = news(output);
    let news: Vec<_> = news.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(news, expected, "{output:#}");
}

/// Twelve sessions of five builds, and one more that is changed.
fn with_candidate(change: impl Fn(&mut BuildStats)) -> TempDir {
    let mut builds = sessions(1..13, 5);
    let mut candidate = session(13, 5);
    candidate.iter_mut().for_each(change);
    builds.extend(candidate);
    history(&builds)
}

#[test]
fn a_session_like_those_before_it_is_unchanged() {
    let dir = with_candidate(|_| ());
    let output = check(&dir, &[]);
    assert_eq!((output.exit, output.err.as_str()), (ExitStatus::Success, ""), "{}", output.out);
    assert!(output.out.starts_with("unchanged  site  full\n"), "{}", output.out);
    output.assert_out_contains("60 builds in 12 sessions on main or master");
    assert_news(&json(&dir, &["--strict"]), &[]);
}

#[test]
fn a_slower_phase_is_a_regression_named_with_the_commits_between() {
    let dir = with_candidate(|stats| slow(stats, "render/html", 1.2));
    let output = check(&dir, &[]);
    assert_eq!(output.exit, ExitStatus::Regression, "{}", output.out);
    output.assert_err_contains("buildperf accept");
    let json = json(&dir, &[]);
    assert_news(&json, &[("regression", "", "time_ms"), ("regression", "render/html", "time_ms")]);
    assert_eq!(json["verdict"], "regression");
    assert_eq!(json["commits"], "0000000c0..0000000d0");
    let finding = &json["findings"][1];
    assert!((finding["change"].as_f64().unwrap() - 0.2).abs() < 0.02, "{finding}");
    let counts = ["builds", "baseline_builds", "baseline_sessions"].map(|key| &finding[key]);
    assert_eq!(counts, [&Value::from(5), &Value::from(60), &Value::from(12)]);
    assert!(finding["p"].as_f64().unwrap() < 0.01);
}

#[test]
fn a_faster_phase_is_an_improvement_and_no_failure() {
    let dir = with_candidate(|stats| slow(stats, "render/html", 0.7));
    let output = check(&dir, &["--fail-on", "suspect", "--strict"]);
    assert_eq!((output.exit, output.err.as_str()), (ExitStatus::Success, ""));
    assert!(output.out.starts_with("improvement  site  full\n"), "{}", output.out);
}

#[test]
fn more_allocations_are_a_regression_that_names_the_phase_and_the_place() {
    use perf_history::AllocationPlace;
    let dir = with_candidate(|stats| {
        fat(stats, "parse", 1.02);
        let place = |function: &str, line, alloc_bytes| {
            let mut place = AllocationPlace::default();
            place.function = function.into();
            place.file = Some("src/parse.rs".to_owned());
            place.line = Some(line);
            place.alloc_bytes = alloc_bytes;
            place.samples = 3;
            place
        };
        stats.phases[0].top_allocators =
            vec![place("site::parse", 17, 3_000_000), place("site::lines", 40, 100_000)];
    });
    let json = json(&dir, &[]);
    assert_news(
        &json,
        &[("regression", "parse", "alloc_count"), ("regression", "parse", "alloc_bytes")],
    );
    assert_eq!(json["findings"][0]["place"], "site::parse (src/parse.rs:17)");
    assert_eq!(check(&dir, &[]).exit, ExitStatus::Regression);
}

#[test]
fn allocations_are_not_judged_if_the_amount_of_work_differs() {
    let dir = with_candidate(|stats| {
        fat(stats, "parse", 1.5);
        stats.counts.insert("total_pages".to_owned(), 701);
    });
    assert_news(&json(&dir, &[]), &[]);
}

#[test]
fn time_is_compared_per_item_of_the_workload_that_the_file_names() {
    let builds = |pages: u64| {
        let mut builds = sessions(1..13, 5);
        let mut candidate = session(13, 5);
        for stats in &mut candidate {
            stats.counts.insert("total_pages".to_owned(), pages);
            stats.build_time_ms *= 1.3;
            for phase in &mut stats.phases {
                phase.items = pages;
                phase.self_ms *= 1.3;
            }
        }
        for stats in &mut builds {
            for phase in &mut stats.phases {
                phase.items = 700;
            }
        }
        builds.extend(candidate);
        let dir = history(&builds);
        let file = "workload = 'total_pages'\n";
        fs::create_dir(dir.path().join("metrics")).unwrap();
        let from = dir.path().join("history.jsonl");
        fs::rename(from, dir.path().join("metrics/history.jsonl")).unwrap();
        fs::write(dir.path().join("buildperf.toml"), file).unwrap();
        dir
    };
    let judged = |dir: &TempDir| {
        let metrics = dir.path().join("metrics");
        run(&metrics, &["check", "--format", "json"], WIDE)
    };
    let as_much_more = judged(&builds(910));
    assert_news(&serde_json::from_str(&as_much_more.out).unwrap(), &[]);
    let output = judged(&builds(735));
    assert_eq!(output.exit, ExitStatus::Regression, "{}", output.out);
    output.assert_out_contains("compared per item (700 → 735 items)");
}

#[test]
fn one_build_is_suspect_at_most_and_ab_is_suggested() {
    let mut builds: Vec<_> = (1..20).map(|n| build(n, 0)).collect();
    let mut candidate = build(20, 0);
    slow(&mut candidate, "render/html", 1.4);
    builds.push(candidate);
    let dir = history(&builds);
    let output = check(&dir, &[]);
    assert_eq!(output.exit, ExitStatus::Success, "{}", output.out);
    assert!(output.out.starts_with("suspect  site  full\n"), "{}", output.out);
    output.assert_err_contains("`buildperf ab --base");
    assert_eq!(check(&dir, &["--fail-on", "suspect"]).exit, ExitStatus::Regression);
}

#[test]
fn a_gate_without_a_baseline_reports_that_it_judged_nothing() {
    let dir = history(&sessions(1..3, 2));
    let output = check(&dir, &[]);
    assert_eq!(output.exit, ExitStatus::Success);
    assert!(output.out.starts_with("nothing was judged  site  full\n"), "{}", output.out);
    let expected =
        "nothing was judged: 2 builds on main or master to compare with; at least 5 are needed";
    assert!(output.err.starts_with(expected), "{}", output.err);
    let strict = check(&dir, &["--strict"]);
    assert_eq!((strict.exit, strict.out), (ExitStatus::InsufficientData, output.out));
    let json = json(&dir, &[]);
    assert_eq!(json["judged"], false);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(check(&empty, &[]).exit, ExitStatus::Success);
    assert_eq!(check(&empty, &["--strict"]).exit, ExitStatus::InsufficientData);
    assert_eq!(check(&empty, &[]).out, "nothing was judged  there are no builds\n");
    let none = self::json(&empty, &[]);
    assert_eq!((&none["judged"], &none["why_not"]), (&false.into(), &"there are no builds".into()));
    let csv = check(&empty, &["--format", "csv"]).out;
    assert!(csv.starts_with("verdict,phase,measure,") && csv.lines().count() == 1, "{csv}");
}

#[test]
fn the_reason_of_an_accepted_change_is_escaped() {
    let dir = history(&sessions(1..14, 5));
    let reason = "\u{1b}[31m | <script> @all";
    let accepted = run(dir.path(), &["accept", "b0002-00", "--reason", reason], WIDE);
    assert_eq!(accepted.exit, ExitStatus::Success);
    for format in ["table", "json", "csv", "markdown"] {
        let output = check(&dir, &["--format", format]);
        assert_eq!(output.exit, ExitStatus::Success, "{format}");
        assert!(!output.out.contains('\u{1b}'), "{format}: {}", output.out);
    }
    let markdown = check(&dir, &["--format", "markdown"]).out;
    assert!(markdown.contains("\\| &lt;script&gt; \\@all"), "{markdown}");
}

#[test]
fn builds_on_other_branches_are_not_in_the_baseline() {
    let mut builds = sessions(1..13, 5);
    for stats in &mut builds {
        stats.git.as_mut().unwrap().branch = Some("next".to_owned());
    }
    builds.extend(session(13, 5));
    let dir = history(&builds);
    let output = check(&dir, &["--strict"]);
    assert_eq!(output.exit, ExitStatus::InsufficientData);
    output.assert_err_contains("60 builds left out (other branches)");
    assert_eq!(check(&dir, &["--strict", "--branch", "next"]).exit, ExitStatus::Success);
}

#[test]
fn an_accepted_change_starts_a_new_baseline() {
    let mut builds = sessions(1..13, 5);
    let mut slower = sessions(13..25, 5);
    for stats in &mut slower {
        slow(stats, "render/html", 1.3);
    }
    let second = slower[5].build_id.clone();
    builds.extend(slower);
    let dir = history(&builds);
    // Nobody accepted it, so it is reported as long as it lasts.
    let output = check(&dir, &[]);
    assert_eq!(output.exit, ExitStatus::Regression, "{}", output.out);
    output.assert_out_contains("after a change of +18");
    let accepted = run(dir.path(), &["accept", &second, "--reason", "worth it"], WIDE);
    assert_eq!(accepted.exit, ExitStatus::Success);
    let output = check(&dir, &["--strict"]);
    assert_eq!(output.exit, ExitStatus::Success, "{}{}", output.out, output.err);
    output.assert_out_contains("was accepted (worth it)");
}

#[test]
fn slow_changes_are_found_against_the_accepted_level() {
    let mut builds = sessions(1..80, 3);
    for (n, stats) in builds.iter_mut().enumerate() {
        let session = f64::from(u32::try_from(n / 3).unwrap());
        let html = 1.0 + 0.0017 * session;
        slow(stats, "render/html", html);
    }
    let dir = history(&builds);
    let json = json(&dir, &[]);
    assert_eq!(json["verdict"], "regression", "{json:#}");
    let crept: Vec<_> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["against_accepted_level"] == true)
        .map(|finding| finding["phase"].as_str().unwrap_or("build"))
        .collect();
    assert_eq!(crept, ["build", "render/html"], "{json:#}");
}

#[test]
fn builds_run_in_turn_are_judged_as_pairs() {
    let dir = history(&pairs(5, |stats| slow(stats, "render/html", 1.2)));
    for words in [&[][..], &["--candidate", "label:head", "--baseline", "label:base"]] {
        let json = json(&dir, words);
        assert_news(
            &json,
            &[("regression", "", "time_ms"), ("regression", "render/html", "time_ms")],
        );
        let why = json["findings"][0]["why"].as_str().unwrap();
        assert!(
            why.starts_with("p = 0.0040 of 5 pairs run in turn (at most 0.004 counts)"),
            "{why}"
        );
        assert!(why.contains("95 % between +1"), "{why}");
    }
    assert_eq!(check(&dir, &[]).exit, ExitStatus::Regression);
    let same = history(&pairs(5, |_| ()));
    assert_eq!(check(&same, &["--strict"]).exit, ExitStatus::Success);
    let few = history(&pairs(3, |stats| slow(stats, "render/html", 2.0)));
    let output = check(&few, &["--strict"]);
    assert_eq!(output.exit, ExitStatus::InsufficientData, "{}", output.out);
    output.assert_err_contains("3 pairs of builds run in turn; at least 5 are needed");
}

#[test]
fn thresholds_are_set_by_flags_and_by_the_file_for_each_phase() {
    let dir = with_candidate(|stats| slow(stats, "write", 1.15));
    assert_news(&json(&dir, &[]), &[("regression", "write", "time_ms")]);
    assert_news(&json(&dir, &["--time-percent", "20"]), &[]);
    assert_news(&json(&dir, &["--phase-ms", "50"]), &[]);
    let file = dir.path().join("own.toml");
    let own = file.to_str().unwrap();
    fs::write(&file, "[[phase]]\npath = 'w*'\ntime-percent = 30\n").unwrap();
    assert_news(&json(&dir, &["--config", own]), &[]);
    fs::write(&file, "[[phase]]\npath = 'write'\nignore = true\n").unwrap();
    assert_news(&json(&dir, &["--config", own]), &[]);
    fs::write(&file, "[thresholds]\ntime-procent = 5\n").unwrap();
    let output = check(&dir, &["--config", own]);
    assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Usage, ""));
    output.assert_err_contains("line 2, `time-procent = 5`: unknown key");
}

#[test]
fn certainty_and_numbers_of_builds_are_set_by_flags_and_by_the_file() {
    let dir = with_candidate(|stats| slow(stats, "write", 1.15));
    let found = |words: &[&str]| news(&json(&dir, words));
    let write =
        |verdict: &str| vec![(verdict.to_owned(), "write".to_owned(), "time_ms".to_owned())];
    assert_eq!(found(&[]), write("regression"));
    assert_eq!(found(&["--z", "10"]), []);
    assert_eq!(found(&["--session-p", "0.0001"]), [], "five builds cannot be as sure");
    assert_eq!(found(&["--enough-builds", "13"]), write("suspect"), "there are twelve sessions");
    assert_eq!(found(&["--session-builds", "6"]), write("suspect"), "there are five builds");
    let newest = json(&dir, &["--baseline-sessions", "10"]);
    assert_eq!(newest["baseline"].as_array().unwrap().len(), 50);
    let output = check(&dir, &["--strict", "--least-builds", "61"]);
    assert_eq!(
        output.exit,
        ExitStatus::InsufficientData,
        "whatever the verdicts on allocations are"
    );
    output
        .assert_err_contains("60 builds on main or master to compare with; at least 61 are needed");
    let output = check(&dir, &["--enough-builds", "31"]);
    assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Usage, ""));
    let expected =
        "error: enough-builds is 31 and baseline-sessions 30: no finding would ever be certain\n";
    assert_eq!(output.err, expected);

    let file = dir.path().join("own.toml");
    let own = file.to_str().unwrap();
    fs::write(&file, "[[phase]]\npath = 'write'\nz = 10\n").unwrap();
    assert_eq!(found(&["--config", own]), []);
    fs::write(&file, "[thresholds]\nsession-builds = 6\n").unwrap();
    assert_eq!(found(&["--config", own]), write("suspect"));
    assert_eq!(found(&["--config", own, "--session-builds", "5"]), write("regression"));

    let pairs = history(&pairs(5, |stats| slow(stats, "write", 1.15)));
    assert_eq!(check(&pairs, &[]).exit, ExitStatus::Regression);
    let output = check(&pairs, &["--pairs-p", "0.001", "--strict"]);
    assert_eq!(output.exit, ExitStatus::InsufficientData);
    output.assert_err_contains("5 pairs of builds run in turn; at least 6 are needed");
}

#[test]
fn a_busy_machine_is_reported() {
    let dir = with_candidate(|stats| {
        stats.noise.as_mut().unwrap().load_average = Some(8.0);
    });
    let output = check(&dir, &[]);
    output.assert_out_contains("the machine was busy: a load of 4.0 per core");
}

#[test]
fn a_newer_build_that_failed_is_reported_and_not_judged() {
    let mut builds = sessions(1..13, 5);
    let mut failed = build(13, 0);
    failed.outcome = perf_history::Outcome::Failed;
    builds.push(failed);
    let output = check(&history(&builds), &[]);
    assert_eq!(output.exit, ExitStatus::Success);
    assert_eq!(output.err, "note: build b0013-00 is newer, and not judged: failed\n");
}

#[test]
fn failed_builds_between_others_are_left_out() {
    // They ended before they recorded their mode.
    let failed = |session: u32| {
        (0..2).map(move |n| {
            let mut stats = build(session, n);
            stats.outcome = perf_history::Outcome::Failed;
            stats.incremental = None;
            stats.phases = Vec::new();
            stats
        })
    };
    let builds: Vec<BuildStats> =
        (1..4).flat_map(|n| session(2 * n, 1).into_iter().chain(failed(2 * n + 1))).collect();
    let dir = history(&builds);
    let output = check(&dir, &[]);
    assert_eq!(output.exit, ExitStatus::Success);
    let expected = "nothing was judged: 2 builds on main or master to compare with; at least 5 are needed; \
                4 builds left out (failed)\n";
    assert!(output.err.ends_with(expected), "{}", output.err);
    // So are builds that the user names.
    let named = check(&dir, &["--baseline", "b0003-00"]);
    let expected = "0 builds of \"b0003-00\" can be compared; at least 5 are needed; 1 build left out (failed)\n";
    assert!(named.err.ends_with(expected), "{}", named.err);
    let mut many: Vec<BuildStats> = sessions(1..13, 5);
    many.splice(30..30, failed(20));
    many.extend(session(13, 5));
    let output = json(&history(&many), &[]);
    assert_eq!((&output["judged"], &output["left_out"]["failed"]), (&true.into(), &2.into()));
}

#[test]
fn a_failed_build_of_unknown_mode_among_those_that_are_named_makes_no_other_series() {
    let labelled = |mut builds: Vec<BuildStats>, run: &str| {
        for stats in &mut builds {
            stats.labels.insert("run".to_owned(), run.to_owned());
            stats.labels.insert("session".to_owned(), run.to_owned());
        }
        builds
    };
    let mut builds = labelled(sessions(1..2, 6), "before");
    let mut after = session(2, 6);
    after[3].outcome = perf_history::Outcome::Failed;
    (after[3].incremental, after[3].build_time_ms) = (None, 5.0);
    after[3].phases.clear();
    builds.extend(labelled(after, "after"));
    let dir = history(&builds);
    let named = ["--candidate", "label:after", "--baseline", "label:before"];
    let output = check(&dir, &named);
    assert_eq!(output.exit, ExitStatus::Success);
    assert_eq!(output.err, "note: build b0002-03 of label:after is left out: failed\n");
    let expected = "candidate  5 builds at 000000020 · 1 build not judged (failed)\n";
    output.assert_out_contains(expected);
    let json = json(&dir, &named);
    assert_eq!(json["candidate"].as_array().unwrap().len(), 5);
    assert_eq!(json["passed_over"][0]["build_id"], "b0002-03");
    assert_eq!(json["passed_over"][0]["why"], "failed");
    let compared = run(dir.path(), &["compare", "label:before", "label:after"], WIDE);
    compared.assert_out_contains("label:after at 000000020 (5 builds)");
    assert_eq!((compared.exit, compared.err), (ExitStatus::Success, output.err));

    // A build that knew its mode is judged because it was named, with a warning.
    builds[9].incremental = Some(false);
    let dir = history(&builds);
    let output = check(&dir, &named);
    assert_eq!(
        output.err,
        "note: build b0002-03 is judged because label:after names it, although: failed\n"
    );
    output.assert_out_contains("candidate  6 builds at 000000020\n");
    // Good builds of two series are still refused.
    builds[9].outcome = perf_history::Outcome::Success;
    builds[9].incremental = Some(true);
    let refused = check(&history(&builds), &named);
    assert_eq!(refused.exit, ExitStatus::Usage);
    refused.assert_err_contains("are of several series");
}

#[test]
fn other_machines_and_interpreters_of_the_python_model_are_new_series_and_no_regressions() {
    let text = fs::read_to_string(data("python-model").join("history.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 47);
    let mut found = Vec::new();
    for end in 1..=lines.len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        fs::write(&path, lines[..end].join("\n") + "\n").unwrap();
        let output = run(dir.path(), &["check"], WIDE);
        // A machine or an interpreter that is new has nothing to be compared with.
        for (what, change) in [
            ("system", "system darwin → linux"),
            ("3.12", "compiler 3.10.2 → 3.12.2"),
            ("3.14", "compiler 3.10.2 → 3.14.0"),
        ] {
            if output.err.contains(change) {
                assert!(output.out.starts_with("nothing was judged"), "{}", output.out);
                found.push(what);
            }
        }
        assert_eq!(output.exit, ExitStatus::Success, "after {end} builds: {}", output.out);
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["3.12", "3.14", "system"]);
}

#[test]
fn the_body_of_a_comment_is_never_too_long() {
    let many = |stats: &mut BuildStats, factor: f64| {
        let phase = stats.phases[2].clone();
        for n in 0..400 {
            let mut phase = phase.clone();
            phase.path = format!("render/html/{n}-{}", "|<b>&".repeat(20));
            phase.self_ms *= factor;
            stats.phases.push(phase);
        }
    };
    let mut builds = sessions(1..12, 3);
    for stats in &mut builds {
        many(stats, 1.0);
    }
    let mut candidate = session(13, 3);
    for stats in &mut candidate {
        many(stats, 2.0);
    }
    builds.extend(candidate);
    let output = check(&history(&builds), &["--format", "markdown"]);
    let length = output.out.chars().count();
    assert!((30_000..=60_000).contains(&length), "{length}");
    assert!(output.out.starts_with("**regression** site full\n"));
    assert!(output.out.contains(" more |"), "what was left out is reported");
    assert!(output.out.trim_end().ends_with("</details>"));
}

#[test]
fn compare_reports_whether_differences_are_noise() {
    let compare = |dir: &TempDir, old: &str, new: &str| {
        let output = run(dir.path(), &["compare", old, new, "--format", "json"], WIDE);
        let json: Value = serde_json::from_str(&output.out).unwrap();
        json
    };
    let slower = history(&pairs(10, |stats| slow(stats, "render/html", 1.2)));
    let json = compare(&slower, "label:base", "label:head");
    assert_news(&json, &[("regression", "", "time_ms"), ("regression", "render/html", "time_ms")]);
    let same = compare(&history(&pairs(10, |_| ())), "label:base", "label:head");
    assert_eq!((&same["verdict"], news(&same).len()), (&Value::from("unchanged"), 0));
    let single = history(&sessions(1..3, 1));
    assert_eq!(compare(&single, "-2", "-1")["verdict"], "insufficient");
    let output = run(single.path(), &["compare", "-2", "-1"], WIDE).out;
    assert!(output.contains("too few builds to tell changes from noise"), "{output}");
}

#[test]
fn doctor_reports_whether_the_gate_is_ready_and_what_is_missing() {
    let gate = |builds: &[BuildStats]| {
        let dir = history(builds);
        let output = run(dir.path(), &["doctor", "--format", "json"], WIDE);
        let checks: Vec<Value> = serde_json::from_str(&output.out).unwrap();
        let gate = checks.into_iter().find(|check| check["what"] == "gate").unwrap();
        (gate["state"].as_str().unwrap().to_owned(), gate["found"].as_str().unwrap().to_owned())
    };
    let (state, found) = gate(&sessions(1..14, 5));
    assert_eq!(state, "ok");
    assert_eq!(found, "ready: 60 builds in 12 sessions to compare with");
    let (state, found) = gate(&sessions(1..14, 1));
    assert_eq!(state, "notice");
    assert!(found.starts_with("ready for large changes: 12 builds in 12 sessions"), "{found}");
    let (state, found) = gate(&sessions(1..3, 1));
    assert_eq!(state, "notice");
    assert!(found.starts_with("not ready: 1 build on main or master to compare with"), "{found}");
}
