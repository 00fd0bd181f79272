//! Which clocks run because of what a thread is at, and for how long they did.

use std::collections::BTreeSet;

use crate::times::Clock;
use crate::trace::{Happened, What};

use super::Model;

impl Model {
    pub(super) fn happen(&mut self, group: &[Happened]) {
        let Happened { thread, between, what } = group[0];
        let all = matches!(what, What::BuildStarted(_) | What::BuildEnded(_));
        if matches!(what, What::Born) {
            self.since.insert(thread, between.1);
        }
        let threads: Vec<usize> =
            self.since.keys().copied().filter(|&it| it == thread || all).collect();
        let mut before = Vec::new();
        for &it in &threads {
            let running = self.running(it);
            let certain = between.0.saturating_sub(self.since[&it]);
            self.advance(&running, certain, certain);
            before.push((running.clone(), running));
        }
        for it in group {
            self.apply(it);
            for (thread, (always, ever)) in threads.iter().zip(&mut before) {
                let running = self.running(*thread);
                always.retain(|it| running.contains(it));
                ever.extend(running);
            }
        }
        for (&it, (always, ever)) in threads.iter().zip(&before) {
            let uncertain = between.1.saturating_sub(self.since[&it].max(between.0));
            self.advance(ever, 0, uncertain);
            self.advance(always, uncertain, 0);
            self.since.insert(it, between.1.max(self.since[&it]));
        }
    }

    pub(super) fn advance(&mut self, running: &BTreeSet<(usize, Clock)>, low: u64, high: u64) {
        for (build, clock) in running {
            let span = self.builds[*build].clocks.entry(clock.clone()).or_default();
            span.low += low;
            span.high += high;
        }
    }

    /// The clocks that run because of what a thread is at.
    pub(super) fn running(&mut self, thread: usize) -> BTreeSet<(usize, Clock)> {
        let mut running = BTreeSet::new();
        let works_for = self.tidy(thread);
        let (stack, top) = match self.threads.get(&thread).and_then(|it| it.last()) {
            Some(chain) => (chain.stack(), chain.top()),
            None => Default::default(),
        };
        if let Some(build) = works_for {
            let own = self.builds[build].own == thread;
            for path in stack {
                running.insert((build, Clock::Total(path.clone())));
                if own {
                    running.insert((build, Clock::Own(path)));
                }
            }
            if !top.is_empty() {
                running.insert((build, Clock::Alone(top.clone())));
                if own {
                    running.insert((build, Clock::OwnAlone(top.clone())));
                }
            }
        }
        for (number, build) in self.builds.iter().enumerate() {
            if build.open && build.own == thread && (works_for != Some(number) || top.is_empty()) {
                running.insert((number, Clock::Outside));
            }
        }
        running
    }
}
