//! Progress bars on standard error, if it is a terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perf_history::History;

/// How often a bar is redrawn.
const TICK: Duration = Duration::from_millis(200);

/// Reading that takes no longer has no bar.
const DELAY: Duration = Duration::from_millis(500);

/// The bar of reading a history, once it is drawn.
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

    /// Removes the bar before anything else is written.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

/// Where progress is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nowhere: standard error is a file, a pipe or the log of a CI job.
    Off,
    /// On standard error, which is a terminal.
    OnTerminal {
        /// Whether with colours.
        color: bool,
    },
}

impl Progress {
    /// The same history, with a bar for reading that takes long.
    pub(crate) fn of_reading(self, history: History, drawn: &Drawn) -> History {
        let Self::OnTerminal { color } = self else { return history };
        let (begin, drawn) = (Instant::now(), drawn.clone());
        history.with_progress(move |read, length| {
            if begin.elapsed() >= DELAY {
                drawn.draw(read, length, color);
            }
        })
    }

    /// A bar for a number of builds.
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
