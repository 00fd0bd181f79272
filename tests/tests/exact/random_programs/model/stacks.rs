//! The stacks of threads, and how entries are pushed and popped.

use std::collections::BTreeSet;

use super::super::trace::Id;
use super::super::truth::{Path, Span, prefixes};

use super::Model;

/// A new entry.
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) guard: Id,
    pub(super) unwinding: bool,
}

/// The current level and its peak since some instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) now: i64,
    pub(super) peak: i64,
}

impl Level {
    pub(super) fn from(now: i64) -> Self {
        Self { now, peak: now }
    }

    pub(super) fn grow(&mut self, by: i64) {
        self.now += by;
        self.peak = self.peak.max(self.now);
    }
}

/// The kind of an open entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    /// One poll of a call.
    Poll,
    /// The start of a chain.
    Base,
}

#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) kind: Kind,
    pub(super) guard: Id,
    pub(super) path: Path,
    /// Whether it was entered while the thread was unwinding.
    pub(super) unwinding: bool,
    pub(super) thread: Level,
    pub(super) process: Level,
}

/// Open phases on top of a path that was handed off.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) build: Option<usize>,
    /// The start of the chain. `None` at the bottom of a thread.
    pub(super) base: Option<Open>,
    pub(super) phases: Vec<Open>,
}

impl Chain {
    pub(super) fn top(&self) -> Path {
        let top = self.phases.last().or(self.base.as_ref());
        top.map(|open| open.path.clone()).unwrap_or_default()
    }

    /// All phases that are on the stack.
    pub(super) fn stack(&self) -> BTreeSet<Path> {
        let base = self.base.iter().flat_map(|base| prefixes(&base.path));
        base.chain(self.phases.iter().map(|open| open.path.clone())).collect()
    }

    pub(super) fn opens(&mut self) -> impl Iterator<Item = &mut Open> {
        self.base.iter_mut().chain(&mut self.phases)
    }

    pub(super) fn holds(&self, guard: Id) -> bool {
        self.base.iter().chain(&self.phases).any(|open| open.guard == guard)
    }
}

/// The stack of a thread, the bottom first. Empty when the thread has ended.
pub(super) type Thread = Vec<Chain>;

impl Model {
    /// Pops chains of ended builds off the stack of a thread, and returns the build that it works for.
    pub(super) fn tidy(&mut self, thread: usize) -> Option<usize> {
        let open = self.open_builds();
        let is_open = |build: Option<usize>| build.is_some_and(|build| open.contains(&build));
        let chains = self.threads.get_mut(&thread)?;
        while chains.len() > 1 && !is_open(chains.last()?.build) {
            chains.pop();
        }
        if let [bottom] = chains.as_mut_slice() {
            if !is_open(bottom.build) {
                bottom.phases.clear();
            }
            if bottom.phases.is_empty() {
                let own = open.iter().copied().find(|&build| self.builds[build].own == thread);
                let sole = if let [sole] = open[..] { Some(sole) } else { None };
                bottom.build = own.or(sole);
            }
        }
        chains.last()?.build
    }

    /// Records that a phase is pushed on a stack.
    pub(super) fn begin(&mut self, thread: usize, build: usize, path: &[usize], at: Span) {
        let (own, level) = (self.builds[build].own == thread, self.level);
        let phase = self.phase(build, path);
        phase.threads.insert(thread);
        let first = phase.first_entry.get_or_insert(at);
        *first = Span { low: first.low.min(at.low), high: first.high.min(at.high) };
        if own {
            phase.process_peak = phase.process_peak.max(Some(level));
        }
    }

    pub(super) fn enter(
        &mut self,
        thread: usize,
        name: usize,
        Entry { kind, guard, unwinding }: Entry,
        at: Span,
    ) -> Option<(usize, Path)> {
        let build = self.tidy(thread)?;
        let chain = self.threads[&thread].last()?;
        // Recursion: the phase is the same.
        let again = chain.stack().into_iter().find(|path| path.last() == Some(&name));
        let path = again.unwrap_or_else(|| [chain.top(), vec![name]].concat());
        self.begin(thread, build, &path, at);
        let level = Level::from(self.level);
        let thread = self.threads.get_mut(&thread)?.last_mut()?;
        thread.phases.push(Open {
            kind,
            guard,
            path: path.clone(),
            unwinding,
            thread: Level::from(0),
            process: level,
        });
        Some((build, path))
    }

    pub(super) fn begin_chain(
        &mut self,
        thread: usize,
        build: usize,
        path: Path,
        guard: Id,
        at: Span,
    ) {
        for above in prefixes(&path) {
            self.begin(thread, build, &above, at);
        }
        let base = Open {
            kind: Kind::Base,
            guard,
            path,
            unwinding: false,
            thread: Level::from(0),
            process: Level::from(self.level),
        };
        let chain = Chain { build: Some(build), base: Some(base), phases: Vec::new() };
        self.threads.get_mut(&thread).expect("it is alive").push(chain);
    }

    /// Closes the entry of a guard and everything above it.
    pub(super) fn close(&mut self, thread: usize, guard: Id, unwinding: bool, at: Span) {
        let chains = &self.threads[&thread];
        if let Some(index) = chains.iter().position(|chain| chain.holds(guard)) {
            self.beyond |= chains[index + 1..].iter().any(|chain| self.is_started_inside(chain));
        }
        while self.threads[&thread].iter().any(|chain| chain.holds(guard)) {
            if self.pop(thread, unwinding, at) == guard {
                break;
            }
        }
    }

    /// Closes the top of a thread's stack.
    pub(super) fn pop(&mut self, thread: usize, unwinding: bool, at: Span) -> Id {
        let chains = self.threads.get_mut(&thread).expect("it is alive");
        let chain = chains.last_mut().expect("there is something");
        let build = chain.build.filter(|&build| self.builds[build].open);
        let open = chain.phases.pop().unwrap_or_else(|| {
            chains.pop().and_then(|chain| chain.base).expect("the bottom is never closed")
        });
        if let Some(build) = build {
            self.leave(thread, build, &open, at);
            if open.kind == Kind::Call {
                let phase = self.phase(build, &open.path);
                phase.calls += 1;
                phase.panics += u64::from(unwinding && !open.unwinding);
            }
        }
        open.guard
    }

    /// Records that an entry or a chain ends or is cut off.
    pub(super) fn leave(&mut self, thread: usize, build: usize, open: &Open, at: Span) {
        let own = self.builds[build].own == thread;
        // The work of a chain belongs to all phases of its base.
        let paths = prefixes(&open.path);
        for path in paths.filter(|path| open.kind == Kind::Base || *path == open.path) {
            let phase = self.phase(build, &path);
            phase.peak = phase.peak.max(open.thread.peak);
            let last = &mut phase.last_exit;
            *last = Span { low: last.low.max(at.low), high: last.high.max(at.high) };
            if own {
                phase.process_peak = phase.process_peak.max(Some(open.process.peak));
            }
        }
    }

    /// Open entries of a build stay open in its record.
    pub(super) fn leave_open(&mut self, thread: usize, build: usize, at: Span) {
        let chains = self.threads.get_mut(&thread).into_iter().flatten();
        let of_build = chains.filter(|chain| chain.build == Some(build));
        let open: Vec<_> = of_build.flat_map(Chain::opens).map(|open| open.clone()).collect();
        for open in open {
            self.leave(thread, build, &open, at);
            if open.kind == Kind::Call {
                self.phase(build, &open.path).open_calls += 1;
            }
        }
    }
}
