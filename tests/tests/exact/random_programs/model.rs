//! The model: it computes every number of a record from a trace, by the definitions and slowly. Each
//! request walks the stack of its thread.

mod stacks;

use std::collections::{BTreeMap, BTreeSet};

use super::trace::{Happened, Id, Polled, Request, What};
use super::truth::{Build, Clock, Memory, Path, Phase, Span, growth};

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
    /// Whether the program did something for which no numbers are promised: a phase was exited or a
    /// thread ended while a build that was started inside it was still open; or a build was ended while
    /// another thread worked for it during other work.
    pub(crate) beyond: bool,
}

impl Model {
    pub(crate) fn of(trace: &[Happened]) -> Self {
        let mut model = Self { next_guard: Id::MAX, ..Self::default() };
        // Events between the same two instants may have taken effect at any time between them.
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
        for build in self.builds.iter_mut().filter(|build| build.open) {
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
        let Some(chain) = self.threads.get_mut(&thread).and_then(|chains| chains.last_mut()) else {
            // A thread that has ended works for the only build, if there is exactly one.
            return self.request_at_end(request);
        };
        chain.opens().for_each(|open| open.thread.grow(by));
        let (stack, top) = (chain.stack(), chain.top());
        let Some(build) = works_for.map(|build| &mut self.builds[build]) else { return };
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
        let mut open: Vec<_> = self.builds.iter_mut().filter(|build| build.open).collect();
        if let [sole] = open.as_mut_slice() {
            sole.outside.add(request);
        } else {
            let unclaimed = open.iter_mut().filter_map(|build| build.unclaimed.as_mut());
            unclaimed.for_each(|memory| memory.add(request));
        }
    }

    fn apply(&mut self, event: &Happened) {
        let thread = event.thread;
        let at = Span { low: event.between.0, high: event.between.1 };
        self.tidy(thread);
        match event.what {
            What::Requested(_) => {}
            What::Started => {
                let bottom = Chain { build: None, base: None, phases: Vec::new() };
                self.threads.insert(thread, vec![bottom]);
            }
            What::Ended => self.die(thread, at),
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
                self.handles.insert(handle, works_for.map(|build| (build, Path::new())));
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
        (0..self.builds.len()).filter(|&build| self.builds[build].open).collect()
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
        if let Some((build, path)) = self.present(thread).filter(|(_, path)| !path.is_empty()) {
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

/// The guard of a poll.
fn stretch(future: Id) -> Id {
    future | STRETCH
}

const STRETCH: Id = 1 << 30;

// ---- clocks -------------------------------------------------------------------------------------

impl Model {
    fn happen(&mut self, group: &[Happened]) {
        let Happened { thread, between, what } = group[0];
        let all = matches!(what, What::BuildStarted(_) | What::BuildEnded(_));
        if matches!(what, What::Started) {
            self.since.insert(thread, between.1);
        }
        let threads: Vec<usize> =
            self.since.keys().copied().filter(|&other| other == thread || all).collect();
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
                always.retain(|clock| running.contains(clock));
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

    fn advance(&mut self, running: &BTreeSet<(usize, Clock)>, low: u64, high: u64) {
        for (build, clock) in running {
            let span = self.builds[*build].clocks.entry(clock.clone()).or_default();
            span.low += low;
            span.high += high;
        }
    }

    /// The clocks that a thread keeps running.
    fn running(&mut self, thread: usize) -> BTreeSet<(usize, Clock)> {
        let mut running = BTreeSet::new();
        let works_for = self.tidy(thread);
        let (stack, top) = match self.threads.get(&thread).and_then(|chains| chains.last()) {
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

// ---- builds and threads ---------------------------------------------------------------------------

impl Model {
    /// Whether a chain belongs to a build that its thread started during another.
    fn is_started_inside(&self, chain: &Chain) -> bool {
        let build = chain.build.filter(|&build| self.builds[build].open);
        let guard = chain.base.as_ref().map(|base| base.guard);
        build.is_some() && guard.is_some_and(|guard| guard >= self.next_guard)
    }

    /// Whether another thread would continue other work if a build ended.
    fn is_above_other_work(&self, build: usize, ended_by: usize) -> bool {
        let others = self.threads.iter().filter(|(thread, _)| **thread != ended_by);
        others.map(|(_, chains)| &chains[..]).any(|chains| match chains {
            [.., below, top] => {
                top.build == Some(build)
                    && below.build != Some(build)
                    && (below.base.is_some() || !below.phases.is_empty())
            }
            _ => false,
        })
    }

    fn die(&mut self, thread: usize, at: Span) {
        self.beyond |= self.threads[&thread].iter().any(|chain| self.is_started_inside(chain));
        for build in self.open_builds() {
            self.leave_open(thread, build, at);
        }
        self.threads.remove(&thread);
    }

    fn start_build(&mut self, thread: usize, number: usize, at: Span) {
        assert_eq!(number, self.builds.len());
        let others = self.builds.iter_mut().filter(|build| build.open);
        let overlaps = others.map(|build| build.unclaimed.get_or_insert_default()).count() > 0;
        let has_own = self.builds.iter().any(|build| build.open && build.own == thread);
        self.builds.push(Build {
            own: thread,
            open: true,
            phases: BTreeMap::new(),
            outside: Memory::default(),
            unclaimed: overlaps.then(Memory::default),
            process_peak: self.level,
            process_end: 0,
            helped: BTreeSet::new(),
            started: at,
            ended: at,
            clocks: BTreeMap::new(),
        });
        let is_nested = match &self.threads[&thread][..] {
            [bottom] => has_own || !bottom.phases.is_empty(),
            _ => true,
        };
        if is_nested {
            self.next_guard -= 1;
            self.begin_chain(thread, number, Path::new(), self.next_guard, at);
        }
    }

    fn end_build(&mut self, number: usize, at: Span) {
        // The chains stay: their guards still close what is above.
        for thread in self.threads.keys().copied().collect::<Vec<_>>() {
            self.leave_open(thread, number, at);
        }
        for call in self.calls.values_mut() {
            if let Call::Begun { build, path, .. } = call
                && *build == number
            {
                let phase = self.builds[number].phases.entry(std::mem::take(path)).or_default();
                phase.open_calls += 1;
                *call = Call::Over;
            }
        }
        let build = &mut self.builds[number];
        build.open = false;
        build.process_end = self.level;
        build.ended = at;
    }
}
