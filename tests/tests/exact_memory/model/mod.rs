//! The model: what every number of a record must be, worked out from a trace by the definitions,
//! slowly. Each request walks the stack of its thread.

mod builds;
mod clocks;
mod stacks;

use std::collections::BTreeMap;

use super::times::Span;
use super::trace::{Happened, Id, Polled, Request, What};
use super::truth::{Build, Path, Phase, growth};

use stacks::{Chain, Entry, Kind, Thread};

#[derive(Debug, Clone)]
enum Call {
    Begun { build: usize, path: Path, at: Span },
    Over,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) builds: Vec<Build>,
    threads: BTreeMap<usize, Thread>,
    handles: BTreeMap<Id, Option<(usize, Path)>>,
    calls: BTreeMap<Id, Call>,
    level: i64,
    /// Up to when the clocks of a thread are certain.
    since: BTreeMap<usize, u64>,
    next_guard: Id,
    /// Whether something was done that no number is promised for: a phase was exited, or a thread
    /// ended, below a build that it had started inside and that was still open; or a build was ended
    /// by another thread than one that worked for it in the midst of other work.
    pub(crate) beyond: bool,
}

impl Model {
    pub(crate) fn of(trace: &[Happened]) -> Self {
        let mut model = Self { next_guard: Id::MAX, ..Self::default() };
        // What came into effect between the same two instants may have done so at any of them.
        let together = |one: &Happened, other: &Happened| {
            let timed = one.between.1 > 0;
            timed && one.thread == other.thread && one.between == other.between
        };
        for group in trace.chunk_by(together) {
            if let What::Requested(request) = group[0].what {
                model.request(group[0].thread, request);
            } else {
                model.happen(group);
            }
        }
        model
    }

    fn request(&mut self, thread: usize, request: Request) {
        let works_for = self.tidy(thread);
        let by = growth(request);
        self.level += by;
        for build in self.builds.iter_mut().filter(|it| it.open) {
            build.process_peak = build.process_peak.max(self.level);
            if build.own != thread {
                build.helped.insert(thread);
            }
            if works_for.is_none()
                && let Some(unclaimed) = &mut build.unclaimed
            {
                unclaimed.add(request);
            }
        }
        for open in self.threads.values_mut().flatten().flat_map(Chain::opens) {
            open.process.grow(by);
        }
        let Some(chain) = self.threads.get_mut(&thread).and_then(|it| it.last_mut()) else {
            // A thread that has ended: nobody's, unless there is a sole build.
            return self.request_at_end(request);
        };
        chain.opens().for_each(|it| it.thread.grow(by));
        let (stack, top) = (chain.stack(), chain.top());
        let Some(build) = works_for.map(|it| &mut self.builds[it]) else { return };
        for path in stack {
            build.phases.entry(path).or_default().total.add(request);
        }
        if top.is_empty() {
            build.outside.add(request);
        } else {
            build.phases.entry(top).or_default().alone.add(request);
        }
    }

    fn request_at_end(&mut self, request: Request) {
        let mut open: Vec<_> = self.builds.iter_mut().filter(|it| it.open).collect();
        if let [sole] = open.as_mut_slice() {
            sole.outside.add(request);
        } else {
            open.iter_mut().filter_map(|it| it.unclaimed.as_mut()).for_each(|it| it.add(request));
        }
    }

    fn apply(&mut self, it: &Happened) {
        let thread = it.thread;
        let at = Span { low: it.between.0, high: it.between.1 };
        self.tidy(thread);
        match it.what {
            What::Requested(_) => {}
            What::Born => {
                let bottom = Chain { build: None, base: None, phases: Vec::new() };
                self.threads.insert(thread, vec![bottom]);
            }
            What::Died => self.die(thread, at),
            What::BuildStarted(number) => self.start_build(thread, number, at),
            What::BuildEnded(number) => {
                self.beyond |= self.is_above_other_work(number, thread);
                self.end_build(number, at);
            }
            What::Entered { name, items, guard, unwinding } => {
                self.enter(thread, name, Entry { kind: Kind::Call, guard, unwinding }, at);
                self.add_items(thread, items);
            }
            What::Closed { guard, unwinding } => self.close(thread, guard, unwinding, at),
            What::ItemsAdded(items) => self.add_items(thread, items),
            What::PhaseTaken(handle) => {
                let present = self.present(thread);
                self.handles.insert(handle, present);
            }
            What::BuildTaken(handle) => {
                let works_for = self.tidy(thread).or_else(|| self.sole());
                self.handles.insert(handle, works_for.map(|it| (it, Path::new())));
            }
            What::HandleEntered { handle, guard } => {
                let handed = self.handles[&handle].clone();
                if let Some((build, path)) = handed
                    && self.builds[build].open
                    && self.present(thread) != Some((build, path.clone()))
                {
                    self.begin_chain(thread, build, path, guard, at);
                }
            }
            What::PollBegan { future, name, items, unwinding } => {
                self.begin_poll(thread, future, name, items, unwinding, at);
            }
            What::PollEnded { future, how, unwinding } => {
                self.close(thread, stretch(future), unwinding, at);
                if how != Polled::Pending
                    && let Some(phase) = self.end_call(future, at)
                {
                    phase.panics += u64::from(how == Polled::Panicked);
                }
            }
            What::DropBegan { future, name, unwinding } => {
                let works_for = self.tidy(thread);
                if let Some(Call::Begun { build, .. }) = self.calls.get(&future)
                    && works_for == Some(*build)
                {
                    let entry = Entry { kind: Kind::Poll, guard: stretch(future), unwinding };
                    self.enter(thread, name, entry, at);
                }
            }
            What::DropEnded { future, unwinding } => {
                self.close(thread, stretch(future), unwinding, at);
                if let Some(phase) = self.end_call(future, at) {
                    phase.cancelled += 1;
                }
            }
        }
    }

    fn open_builds(&self) -> Vec<usize> {
        (0..self.builds.len()).filter(|&it| self.builds[it].open).collect()
    }

    fn sole(&self) -> Option<usize> {
        if let [sole] = self.open_builds()[..] { Some(sole) } else { None }
    }

    /// The build that a thread works for, and the phase on top of its stack.
    fn present(&mut self, thread: usize) -> Option<(usize, Path)> {
        let build = self.tidy(thread)?;
        Some((build, self.threads[&thread].last()?.top()))
    }

    fn phase(&mut self, build: usize, path: &[usize]) -> &mut Phase {
        self.builds[build].phases.entry(path.to_vec()).or_default()
    }

    fn add_items(&mut self, thread: usize, items: u64) {
        if let Some((build, path)) = self.present(thread).filter(|it| !it.1.is_empty()) {
            self.phase(build, &path).items += items;
        }
    }

    fn begin_poll(
        &mut self,
        thread: usize,
        future: Id,
        name: usize,
        items: u64,
        unwinding: bool,
        at: Span,
    ) {
        let works_for = self.tidy(thread);
        let began = match self.calls.get(&future) {
            None => {
                self.calls.insert(future, Call::Over);
                true
            }
            Some(Call::Begun { build, .. }) if works_for == Some(*build) => false,
            Some(_) => return,
        };
        let entry = Entry { kind: Kind::Poll, guard: stretch(future), unwinding };
        let Some((build, path)) = self.enter(thread, name, entry, at) else { return };
        let phase = self.phase(build, &path);
        phase.polls += 1;
        if began {
            phase.items += items;
            self.calls.insert(future, Call::Begun { build, path, at });
        }
    }

    fn end_call(&mut self, future: Id, at: Span) -> Option<&mut Phase> {
        let call = self.calls.insert(future, Call::Over)?;
        let Call::Begun { build, path, at: begun } = call else { return None };
        let phase = self.phase(build, &path);
        phase.calls += 1;
        phase.latency.low += at.low.saturating_sub(begun.high);
        phase.latency.high += at.high.saturating_sub(begun.low);
        Some(phase)
    }
}

/// What stands for the guard of a poll.
fn stretch(future: Id) -> Id {
    future | STRETCH
}

const STRETCH: Id = 1 << 30;
