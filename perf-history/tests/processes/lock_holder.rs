//! A process that is stopped while it holds the lock.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use perf_history::{History, SavedTo};

use crate::records::record;
use crate::{kill, start};

pub(crate) fn stop_the_holder() {
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
                assert!(matches!(appended.place, SavedTo::Pending(_)));
                // How much more depends on the machine; a writer that waits for the lock itself
                // would never return.
                assert!(waited >= Duration::from_secs(1), "{waited:?}");
            });
        }
    });
    assert_eq!(history.last(9).unwrap(), [record("first")]);
    kill(holder);

    let appended = history.append(&record("last")).unwrap();
    assert_eq!(appended.place, SavedTo::History);
    assert_eq!(appended.adopted, 4);
    let ids = history.last(9).unwrap().into_iter().map(|stats| stats.build_id);
    assert!(ids.eq(["first", "b0", "b1", "b2", "b3", "last"]));
}
