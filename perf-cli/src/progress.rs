//! How far a command has come, drawn on standard error where that is a terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perf_history::History;

/// How often a bar moves while nothing is counted.
const TICK: Duration = Duration::from_millis(200);

/// Nobody wants to be told of what takes no longer.
const MOMENT: Duration = Duration::from_millis(500);

/// The bar of a reading, once there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drawn(Arc<Mutex<Option<ProgressBar>>>);

impl Drawn {
    fn draw(&self, read: u64, length: u64, color: bool) {
        let mut bar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let template = "{wide_bar} {bytes}/{total_bytes} read  {eta_precise} left";
            ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr())
                .with_style(style(template, color))
        });
        bar.set_length(length);
        bar.set_position(read);
    }

    /// Takes the bar away, before anything else is written.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

/// Where progress is drawn, if anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nowhere: somebody reads a file, a pipe or the log of a job.
    Off,
    /// On standard error, which is a terminal.
    OnTerminal {
        /// Whether in colours.
        color: bool,
    },
}

impl Progress {
    /// The same history, of whose readings a bar is drawn that take longer than a moment.
    pub(crate) fn of_reading(self, history: History, drawn: &Drawn) -> History {
        let Self::OnTerminal { color } = self else { return history };
        let (begin, drawn) = (Instant::now(), drawn.clone());
        history.with_progress(move |read, length| {
            if begin.elapsed() >= MOMENT {
                drawn.draw(read, length, color);
            }
        })
    }

    /// A bar of so many builds.
    pub(crate) fn of_builds(self, builds: u64) -> ProgressBar {
        let Self::OnTerminal { color } = self else { return ProgressBar::hidden() };
        let template = "{wide_bar} {pos}/{len} builds  {msg}  {eta_precise} left";
        let bar = ProgressBar::with_draw_target(Some(builds), ProgressDrawTarget::stderr())
            .with_style(style(template, color));
        bar.enable_steady_tick(TICK);
        bar
    }
}

fn style(template: &str, color: bool) -> ProgressStyle {
    let bar = if color { "{wide_bar:.cyan}" } else { "{wide_bar}" };
    let style = ProgressStyle::with_template(&template.replace("{wide_bar}", bar));
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏ ")
}
