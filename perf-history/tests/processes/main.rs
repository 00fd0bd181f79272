//! Many processes on one history: killed, stopped, pruning and repairing at random moments.
//!
//! Without the test harness, since this binary is also the program of the processes that it
//! starts.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod kill_points;
#[cfg(unix)]
mod lock_holder;
mod memory;
#[path = "../records/mod.rs"]
mod records;
mod timelines;
mod writers;

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio, exit};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use memory::peak_memory_kb;
use perf_history::{History, HistoryError, Retention};
use records::record;
use writers::{append_many, new_time};

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
            passes(writers::append_and_kill),
        ),
        Trial::test(
            "pruning_and_repairing_beside_appends_lose_nothing_though_they_are_killed",
            passes(writers::prune_and_repair_and_kill),
        ),
        #[cfg(unix)]
        Trial::test(
            "a_stopped_process_that_holds_the_lock_delays_others_by_a_second_and_loses_nothing",
            passes(lock_holder::stop_the_holder),
        ),
        #[cfg(target_os = "linux")]
        Trial::test(
            "a_kill_or_a_failure_at_any_system_call_loses_and_doubles_no_record",
            passes(kill_points::kill_or_fail_at_each_call),
        ),
        #[cfg(target_os = "linux")]
        Trial::test(
            "reading_a_file_without_line_ends_takes_a_bounded_amount_of_memory",
            passes(memory::read_in_bounded_memory),
        ),
        Trial::test(
            "a_timeline_is_written_and_read_without_a_second_copy_of_it",
            passes(timelines::write_and_read_without_a_copy),
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

/// The exit code of a process whose part was refused with an error.
const REFUSED: i32 = 3;

fn exit_with<T>(result: &Result<T, HistoryError>) -> ! {
    exit(if result.is_ok() { 0 } else { REFUSED })
}

fn start(part: &str, dir: &Path, name: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .env(PART, format!("{part},{name},{}", dir.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
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
            accept_busy(history.prune(Retention::Since(new_time())));
        },
        "repair" => loop {
            accept_busy(history.repair());
        },
        "append-once" => exit_with(&history.append(&record(name))),
        "prune-once" => exit_with(&history.prune(Retention::Since(new_time()))),
        "repair-once" => exit_with(&history.repair()),
        #[cfg(target_os = "linux")]
        "accept-once" => exit_with(&history.accept(&[kill_points::accepted(name)])),
        "save-timeline-once" => exit_with(&history.save_timeline(&timelines::timeline(name))),
        "save-many-intervals" => timelines::save_many(&history),
        "pass-through-many-intervals" => timelines::pass_through_many(&history),
        "read-many-intervals" => timelines::read_many(&history),
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

fn accept_busy<T>(result: Result<T, HistoryError>) {
    if let Err(error) = result {
        assert!(matches!(error, HistoryError::Busy { .. }), "{error}");
    }
}
