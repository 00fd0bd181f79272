//! Many processes on one history: killed, stopped, pruning and repairing at random moments.
//!
//! Without the test harness, since this binary is also the program of the processes that it
//! starts.
#![forbid(unsafe_code)]

mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime};
use std::{env, thread};

use libtest_mimic::{Arguments, Trial};
use perf_history::{BuildStats, Entry, History, HistoryError, Keep, Place, UnreadableReason};
use records::{full_record, record};

/// Set for a process that this one starts: what it is to do, and its arguments.
const PART: &str = "PERF_HISTORY_TEST_PART";

fn main() -> ExitCode {
    if let Ok(part) = env::var(PART) {
        play(&part);
        return ExitCode::SUCCESS;
    }
    let trials = vec![
        Trial::test(
            "every_record_whose_append_returned_is_there_whole_and_once_though_a_third_is_killed",
            passes(append_and_kill),
        ),
        Trial::test(
            "pruning_and_repairing_beside_appends_lose_nothing_though_they_are_killed",
            passes(prune_and_repair_and_kill),
        ),
        #[cfg(unix)]
        Trial::test(
            "a_stopped_process_that_holds_the_lock_delays_others_by_a_second_and_loses_nothing",
            passes(stop_the_holder),
        ),
        #[cfg(target_os = "linux")]
        Trial::test(
            "reading_a_file_without_line_ends_takes_a_bounded_amount_of_memory",
            passes(read_in_bounded_memory),
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The tests say what failed by panicking.
fn passes(test: fn()) -> impl FnOnce() -> Result<(), libtest_mimic::Failed> {
    move || {
        test();
        Ok(())
    }
}

fn start(part: &str, dir: &Path, name: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .env(PART, format!("{part},{name},{}", dir.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn play(part: &str) {
    let [part, name, dir] = part.splitn(3, ',').collect::<Vec<_>>()[..] else {
        panic!("{part}");
    };
    let history = History::open(dir);
    match part {
        "append" => append_many(&history, name),
        // One that hardly waits, so that much goes by way of `pending`.
        "append-hastily" => {
            append_many(&history.with_lock_wait(Duration::from_millis(1)), name);
        }
        "prune" => loop {
            accept_busy(history.prune(Keep::Since(new_time())));
        },
        "repair" => loop {
            accept_busy(history.repair());
        },
        "hold-the-lock" => {
            let lock = File::options().write(true).open(history.dir().join(".lock"));
            let lock = lock.unwrap();
            lock.lock().unwrap();
            println!("held");
            let _ = std::io::stdin().read(&mut [0]);
            drop(lock);
        }
        "read" => {
            let before = peak_memory_kb();
            let forward = history.iter().map(Result::unwrap).count();
            let backward = history.newest_first().map(Result::unwrap).count();
            assert_eq!(forward, backward);
            println!("{forward} {}", peak_memory_kb() - before);
        }
        _ => panic!("{part}"),
    }
}

const RECORDS: usize = 200;

/// Appends, and writes down each id after its append has returned.
fn append_many(history: &History, name: &str) {
    let mut returned = File::create_new(returned_path(history.dir(), name)).unwrap();
    for n in 0..RECORDS {
        let id = format!("{name}-{n}");
        // A record of many blocks now and then, so that a kill can tear one.
        let mut stats = if n % 8 == 0 { full_record(50) } else { record(&id) };
        stats.build_id.clone_from(&id);
        let time = if n % 2 == 0 { NEW } else { OLD };
        time.clone_into(&mut stats.timestamp);
        let appended = history.append(&stats).unwrap();
        assert!(appended.warning.is_none(), "{:?}", appended.warning);
        let place = match appended.place {
            Place::History => "",
            Place::Pending(_) => WAITING,
        };
        // One write, so that a kill leaves whole lines.
        let line = format!("{id}{place}\n");
        returned.write_all(line.as_bytes()).unwrap();
    }
}

/// Marks an id whose record went to `pending`.
const WAITING: &str = " waiting";

const OLD: &str = "2026-01-01T00:00:00Z";
const NEW: &str = "2026-11-23T08:56:00Z";

fn new_time() -> SystemTime {
    let stats = BuildStats { timestamp: NEW.to_owned(), ..BuildStats::default() };
    stats.started_at().unwrap()
}

fn accept_busy<T>(result: Result<T, HistoryError>) {
    if let Err(error) = result {
        assert!(matches!(error, HistoryError::Busy { .. }), "{error}");
    }
}

fn returned_path(dir: &Path, name: &str) -> PathBuf {
    dir.with_file_name(format!("{name}.returned"))
}

fn returned(dir: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(returned_path(dir, name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A random number below `limit`; no two runs of the tests are the same.
fn random(limit: usize) -> usize {
    let number = RandomState::new().hash_one(0);
    usize::try_from(number % limit as u64).unwrap()
}

/// Kills the process once it has returned from so many appends, a moment later.
fn kill_after(mut child: Child, dir: &Path, name: &str, appends: usize) {
    while returned(dir, name).len() < appends && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_micros(random(2000) as u64));
    kill(child);
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How often each id is in the history, and how many lines are not readable.
fn census(history: &History) -> (BTreeMap<String, usize>, usize) {
    let mut ids = BTreeMap::new();
    let mut unreadable = 0;
    for entry in history {
        match entry.unwrap() {
            Entry::Record(stats) => {
                let phases = if stats.phases.is_empty() { 0 } else { 50 };
                assert_eq!(stats.phases.len(), phases);
                *ids.entry(stats.build_id).or_default() += 1;
            }
            Entry::Unreadable(line) => {
                assert!(
                    matches!(line.reason, UnreadableReason::NotJson(_) | UnreadableReason::Torn),
                    "{line:?}"
                );
                unreadable += 1;
            }
        }
    }
    (ids, unreadable)
}

fn append_and_kill() {
    const WRITERS: usize = 32;
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("history");
    let history = History::open(&dir);
    let names: Vec<String> = (0..WRITERS).map(|n| format!("w{n}")).collect();
    thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let part = if n % 4 < 2 { "append" } else { "append-hastily" };
            let mut child = start(part, &dir, name);
            let dir = &dir;
            scope.spawn(move || {
                if n % 3 == 0 {
                    kill_after(child, dir, name, random(RECORDS));
                } else {
                    assert!(child.wait().unwrap().success(), "{name}");
                }
            });
        }
    });

    // Adopts what still waits.
    let adopted = history.append(&record("last")).unwrap().adopted;
    let (ids, unreadable) = census(&history);
    let mut expected = BTreeSet::from(["last".to_owned()]);
    let mut waited = 0;
    for (n, name) in names.iter().enumerate() {
        let returned = returned(&dir, name);
        assert!(n % 3 == 0 || returned.len() == RECORDS);
        for id in returned {
            let in_history = id.strip_suffix(WAITING);
            waited += usize::from(in_history.is_some());
            expected.insert(in_history.unwrap_or(&id).to_owned());
        }
    }
    for id in &expected {
        assert_eq!(ids.get(id), Some(&1), "{id}, returned and not there once");
    }
    for (id, count) in &ids {
        assert_eq!(*count, 1, "{id}");
    }
    // A killed writer may have written one record more than it could tell of, or torn one.
    let killed = WRITERS.div_ceil(3);
    assert!(ids.len() - expected.len() <= killed);
    assert!(unreadable <= killed);
    println!(
        "{} records returned ({waited} by way of pending, {adopted} adopted last), {} more are \
         there, {unreadable} torn",
        expected.len(),
        ids.len() - expected.len(),
    );

    let latest = fs::read_to_string(dir.join("latest.json")).unwrap();
    let latest: BuildStats = serde_json::from_str(&latest).unwrap();
    assert_eq!(latest.build_id, "last");
    let repaired = history.repair().unwrap();
    assert_eq!(repaired.rejected, unreadable as u64);
    assert_eq!(census(&history), (ids, 0));
}

fn prune_and_repair_and_kill() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("history");
    let history = History::open(&dir);
    let names: Vec<String> = (0..6).map(|n| format!("w{n}")).collect();
    let mut writers: Vec<Child> =
        names.iter().map(|name| start("append-hastily", &dir, name)).collect();
    while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
        let part = ["prune", "repair"][random(2)];
        let rewriter = start(part, &dir, "");
        thread::sleep(Duration::from_millis(1 + random(30) as u64));
        kill(rewriter);
    }
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }

    history.append(&record("last")).unwrap();
    history.repair().unwrap();
    history.prune(Keep::Since(new_time())).unwrap();
    let (ids, unreadable) = census(&history);
    assert_eq!(unreadable, 0);
    let new = |n: &usize| n.is_multiple_of(2);
    let mut expected: BTreeMap<String, usize> = names
        .iter()
        .flat_map(|name| (0..RECORDS).filter(new).map(move |n| (format!("{name}-{n}"), 1)))
        .collect();
    expected.insert("last".to_owned(), 1);
    assert_eq!(ids, expected);
    assert!(!dir.join("history.jsonl.tmp").exists());
}

#[cfg(unix)]
fn stop_the_holder() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("history");
    let history = History::open(&dir);
    history.append(&record("first")).unwrap();
    let mut holder = start("hold-the-lock", &dir, "");
    let mut line = String::new();
    let mut output = BufReader::new(holder.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    let stop = format!("kill -STOP {}", holder.id());
    let stopped = Command::new("sh").args(["-c", &stop]).status().unwrap();
    assert!(stopped.success());

    thread::scope(|scope| {
        for n in 0..4 {
            let history = &history;
            scope.spawn(move || {
                let start = Instant::now();
                let appended = history.append(&record(&format!("b{n}"))).unwrap();
                let waited = start.elapsed();
                assert!(matches!(appended.place, Place::Pending(_)));
                // Far more than a second only because other programs want the processor too; a
                // writer that waits for the lock itself would never return.
                assert!(waited >= Duration::from_secs(1), "{waited:?}");
                assert!(waited < Duration::from_secs(20), "{waited:?}");
            });
        }
    });
    assert_eq!(history.last(9).unwrap(), [record("first")]);
    kill(holder);

    let appended = history.append(&record("last")).unwrap();
    assert_eq!(appended.place, Place::History);
    assert_eq!(appended.adopted, 4);
    let ids = history.last(9).unwrap().into_iter().map(|stats| stats.build_id);
    assert!(ids.eq(["first", "b0", "b1", "b2", "b3", "last"]));
}

#[cfg(target_os = "linux")]
fn read_in_bounded_memory() {
    for (name, lines) in [("endless", 1), ("long lines", 20)] {
        let temporary = tempfile::tempdir().unwrap();
        let mut file = File::create(temporary.path().join("history.jsonl")).unwrap();
        let long = vec![b'x'; (200 << 20) / lines];
        for _ in 0..lines {
            file.write_all(&long).unwrap();
            if lines > 1 {
                file.write_all(b"\n").unwrap();
            }
        }
        drop((file, long));
        let output = start("read", temporary.path(), "").wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        let (found, kb) = output.trim().split_once(' ').unwrap();
        assert_eq!(found, lines.to_string());
        let kb: u64 = kb.parse().unwrap();
        println!("{name}: {kb} KiB");
        assert!(kb <= 32 << 10, "{name}: {kb} KiB");
    }
}

/// The most memory that this process has had, where the system tells.
fn peak_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.map_or(0, |number| number.parse().unwrap())
}
