//! The state of a span: where its phase is in the tree, its call, and its entries on threads.

use std::ptr;

use crate::measure::counters::bump;
use crate::measure::ticks::{self, Ticks};
use crate::measure::uncounted::Uncounted;
use crate::phase::call::Ending;
use crate::phase::frame::EntryFlags;
use crate::phase::global::{OPEN_BUILDS, PATHS};
use crate::phase::name::NameId;
use crate::phase::node::Node;
use crate::phase::open_builds::BuildNumber;
use crate::phase::path::PathId;
use crate::phase::thread::Thread;
use crate::phase::thread::fast_path::Entry;

/// A phase of a build. The root is the build itself.
pub(super) type Place = (BuildNumber, PathId);

/// The state of a span.
#[derive(Debug)]
pub(super) struct SpanPhase {
    name: NameId,
    /// The parent of the phase. `None` if that is the phase that is current at the first entry.
    parent: Option<Place>,
    call: Option<Call>,
    entered: Entered,
}

/// The call of a span, in the build of the first entry.
#[derive(Debug)]
struct Call {
    build: BuildNumber,
    path: PathId,
    first_entry: Ticks,
    last_exit: Ticks,
    /// From entry to exit, without stolen work, if the span was entered once.
    ticks: u64,
    /// Whether the span was exited on all threads and entered again.
    reentered: bool,
    panicked: bool,
    /// The thread of the last exit, and the node of the phase there.
    last: Option<(&'static Thread, &'static Node)>,
}

/// One entry of a span, on the stack of a thread.
#[derive(Debug)]
struct OnStack {
    thread: &'static Thread,
    /// The hand-off to the parent, if that was not the current phase of the thread.
    handed_off: Option<Entry>,
    entry: Entry,
    /// Whether the call began with this entry.
    first: bool,
}

/// What an exit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Nothing, because the span was not entered on this thread.
    None,
    /// Only this phase was exited, or it was off the stack already.
    Alone,
    /// The phase was exited together with others that were entered after it.
    WithOthers,
}

impl SpanPhase {
    pub(super) fn new(name: NameId, parent: Option<Place>) -> Self {
        Self { name, parent, call: None, entered: Entered::default() }
    }

    /// Begins the call, as the first entry does.
    pub(super) fn begin_call(&mut self, build: BuildNumber, path: PathId, first_entry: Ticks) {
        self.call = Some(Call::begin(build, path, first_entry));
    }

    /// Makes `entry` the entry that began the call. It has no exit yet.
    pub(super) fn set_entered(&mut self, thread: &'static Thread, entry: Entry) {
        self.entered.push(OnStack { thread, handed_off: None, entry, first: true });
    }

    /// Makes `last_exit` the exit from the one entry, which took `ticks`.
    pub(super) fn set_exited(
        &mut self,
        last_exit: Ticks,
        ticks: u64,
        last: (&'static Thread, &'static Node),
    ) {
        if let Some(call) = &mut self.call {
            (call.last_exit, call.ticks, call.last) = (last_exit, ticks, Some(last));
        }
    }

    /// The phase, if it is known and its build is open.
    pub(super) fn place(&self) -> Option<Place> {
        let is_open = |&(build, _): &Place| OPEN_BUILDS.is_open(build);
        let entered = self.call.as_ref().map(Call::place).filter(is_open);
        entered.or_else(|| below(self.parent.filter(is_open)?, self.name))
    }

    /// Whether the parent is known and its build is open.
    pub(super) fn has_parent_in_open_build(&self, thread: &'static Thread) -> bool {
        // The thread's own build is open.
        self.parent
            .is_some_and(|(build, _)| thread.build() == Some(build) || OPEN_BUILDS.is_open(build))
    }

    pub(super) fn set_parent(&mut self, parent: Option<Place>) {
        self.parent = parent;
    }

    /// Enters the phase on the current thread.
    pub(super) fn enter(&mut self, thread: &'static Thread) {
        let Some((mut on_stack, build)) = self.push(thread) else { return };
        let (frame, _) = on_stack.entry;
        let Some(node) = frame.node.get() else { return };
        match &mut self.call {
            Some(call) if call.build == build => {
                if self.entered.is_empty() {
                    call.reentered = true;
                    // The previous entry was a poll, because it was not the last one.
                    thread.write(|| bump(&node.polls, 1));
                }
            }
            // A call of another build ended with it, or is open there.
            call => {
                *call = Some(Call::begin(build, node.path(), frame.start()));
                thread.write(|| node.call_began());
                on_stack.first = true;
                self.entered.clear();
            }
        }
        self.entered.push(on_stack);
    }

    /// Puts the phase on top of the thread's stack, right above its parent. Also returns the build.
    fn push(&mut self, thread: &'static Thread) -> Option<(OnStack, BuildNumber)> {
        let top = thread.current_chain();
        let itself = self.call.as_ref().map(Call::place);
        let is_there = top.is_some() && (top == itself || top == self.parent);
        let handed = match self.parent {
            Some((build, path)) if !is_there => thread.enter_chain(build, path),
            _ => None,
        };
        let Some(entry) = thread.enter(self.name, None, EntryFlags::SEGMENT) else {
            if let Some((frame, ticket)) = handed {
                thread.exit(frame, ticket, ticks::now());
            }
            return None;
        };
        let below = if handed.is_some() { self.parent } else { top }?;
        if !is_there {
            // The build of the known parent may have ended.
            self.parent = Some(below);
        }
        Some((OnStack { thread, handed_off: handed, entry, first: false }, below.0))
    }

    /// Exits the last entry on the current thread, at `now`.
    pub(super) fn exit(&mut self, thread: &'static Thread, now: Ticks) -> Exit {
        let Some(on_stack) = self.entered.take_last(thread) else { return Exit::None };
        let (frame, ticket) = on_stack.entry;
        let is_innermost =
            thread.open_frames().next().is_some_and(|innermost| ptr::eq(innermost, frame));
        let is_on_stack = on_stack.is_on_stack();
        let start = frame.start();
        let node = frame.node.get();
        let (lowest, lowest_ticket) = on_stack.handed_off.unwrap_or(on_stack.entry);
        let exited = thread.exit(lowest, lowest_ticket, now).is_some();
        if let Some(call) = &mut self.call {
            let start = if on_stack.first && is_on_stack { start } else { call.first_entry };
            call.ticks = Thread::length(start, now);
            call.last_exit = now;
            call.panicked |=
                std::thread::panicking() && !ticket.flags().contains(EntryFlags::UNWINDING);
            call.last = if exited { node.map(|node| (thread, node)) } else { None };
        }
        if is_on_stack && !is_innermost { Exit::WithOthers } else { Exit::Alone }
    }

    /// Puts the phase back on the stack of the current thread, if it is entered there and the exit of a
    /// phase below took it off. It is the same entry.
    pub(super) fn resume(&mut self, thread: &'static Thread) {
        if self.entered.last(thread).is_some_and(|entry| !entry.is_on_stack())
            && self.call.as_ref().is_some_and(|call| OPEN_BUILDS.is_open(call.build))
            && let Some((on_stack, _)) = self.push(thread)
        {
            self.entered.take_last(thread);
            self.entered.push(on_stack);
        }
    }

    /// Ends the call, because the span is closed.
    pub(super) fn close(mut self, thread: &'static Thread) {
        let now = ticks::now();
        while self.exit(thread, now) != Exit::None {}
        if let Some(call) = &self.call {
            call.end(thread);
        }
    }
}

impl Call {
    fn begin(build: BuildNumber, path: PathId, now: Ticks) -> Self {
        Self {
            build,
            path,
            first_entry: now,
            last_exit: now,
            ticks: 0,
            reentered: false,
            panicked: false,
            last: None,
        }
    }

    fn place(&self) -> Place {
        (self.build, self.path)
    }

    /// Counts the call if its build is still open. The thread may be another than those that ran it.
    fn end(&self, thread: &'static Thread) {
        let node = match self.last {
            Some((last, node)) if ptr::eq(last, thread) && OPEN_BUILDS.is_open(self.build) => {
                Some(node)
            }
            _ => thread.node_of(self.build, self.path),
        };
        if let Some(node) = node {
            thread.write(|| self.count(node));
        }
    }

    fn count(&self, node: &Node) {
        let ending = if self.panicked { Ending::Panicked } else { Ending::Completed };
        if self.reentered {
            let latency = Thread::length(self.first_entry, self.last_exit);
            bump(&node.latency_ticks, latency);
            node.call_ended(latency, ending);
        } else {
            node.call_ended(self.ticks, ending);
        }
    }
}

impl OnStack {
    /// Whether the entry is on the stack.
    fn is_on_stack(&self) -> bool {
        let (frame, ticket) = self.entry;
        frame.ticket() == ticket && self.thread.open_frames().any(|open| ptr::eq(open, frame))
    }
}

/// The entries of a span that were not exited, the last one last. There is rarely more than one.
#[derive(Debug, Default)]
struct Entered {
    only: Option<OnStack>,
    more: Vec<OnStack>,
}

impl Entered {
    fn is_empty(&self) -> bool {
        self.only.is_none() && self.more.is_empty()
    }

    fn clear(&mut self) {
        self.only = None;
        self.more.clear();
    }

    fn push(&mut self, entry: OnStack) {
        if self.is_empty() {
            self.only = Some(entry);
        } else {
            let _uncounted = Uncounted::begin();
            self.more.push(entry);
        }
    }

    /// The last entry on a thread.
    fn last(&self, thread: &'static Thread) -> Option<&OnStack> {
        let is_there = |entry: &&OnStack| ptr::eq(entry.thread, thread);
        self.more.iter().rfind(is_there).or_else(|| self.only.as_ref().filter(is_there))
    }

    fn take_last(&mut self, thread: &'static Thread) -> Option<OnStack> {
        match self.more.iter().rposition(|entry| ptr::eq(entry.thread, thread)) {
            Some(index) => Some(self.more.remove(index)),
            None => self.only.take_if(|entry| ptr::eq(entry.thread, thread)),
        }
    }
}

/// The phase of that name below `parent`. If a phase of that name is open there already, it is that
/// one.
#[cold]
pub(super) fn below((build, parent): Place, name: NameId) -> Option<Place> {
    let _uncounted = Uncounted::begin();
    let steps = PATHS.names(build, parent)?;
    let child = |at, &name: &NameId| PATHS.child(build, at, name, None).map(|child| child.0);
    let path = match steps.iter().position(|&it| it == name) {
        Some(open) => steps[..=open].iter().try_fold(PathId::ROOT, child),
        None => child(parent, &name),
    };
    Some((build, path?))
}
