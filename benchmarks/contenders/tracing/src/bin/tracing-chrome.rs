//! tracing's spans, written by tracing-chrome; here into nothing, which flatters it.
#![forbid(unsafe_code)]

#[macro_use]
#[path = "../spans.rs"]
mod spans;

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing_chrome::ChromeLayerBuilder;
use tracing_subscriber::prelude::*;
use workloads::Seen;

workloads::phases!(phase, phase);

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Counts the beginnings of `leaf` in what is written, which is a line for each event.
#[derive(Default)]
struct Counting {
    line: Vec<u8>,
}

impl Write for Counting {
    fn write(&mut self, written: &[u8]) -> std::io::Result<usize> {
        for byte in written {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line);
            if line.contains("\"name\":\"leaf\"") && line.contains("\"ph\":\"B\"") {
                CALLS.fetch_add(1, Relaxed);
            }
            self.line.clear();
        }
        Ok(written.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes spans.
struct Written;

impl workloads::Contender for Written {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let (layer, guard) = ChromeLayerBuilder::new().writer(std::io::sink()).build();
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
        let result = work();
        drop(guard);
        result
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let (layer, guard) = ChromeLayerBuilder::new().writer(Counting::default()).build();
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
        work();
        drop(guard);
        Seen { calls: Some(CALLS.load(Relaxed)), ..Seen::default() }
    }

    hand_over_spans!();
}

fn main() -> std::process::ExitCode {
    workloads::main::<Written>()
}
