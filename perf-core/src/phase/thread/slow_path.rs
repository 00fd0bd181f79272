//! Entering and exiting phases: the slow path, which handles every case. Also what it shares with the
//! fast path: the peak of the process and resident memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::measure::counters::{Counters, bump};
use crate::measure::ticks::{self, Ticks};
use crate::measure::uncounted::Uncounted;
use crate::measure::{histogram, process_level};
use crate::phase::frame::{EntryFlags, Frame, Ticket, raise};
use crate::phase::global;
use crate::phase::name::NameId;
use crate::phase::node::{Node, Usage};
use crate::phase::path::Location;

use super::fast_path::Entry;
use super::{RECHECK_BUILDS, RECORD_INTERVALS, RESUME_SUSPENDED, Thread};

/// How a frame comes off the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The phase was exited.
    Exited,
    /// Its build or its thread ended before.
    LeftOpen,
}

/// Entries.
impl Thread {
    /// Enters a phase. `None` if no build is open for this thread.
    #[inline(never)]
    pub(crate) fn enter(
        &'static self,
        name: NameId,
        location: Option<&'static Location>,
        flags: EntryFlags,
    ) -> Option<Entry> {
        self.recheck_builds_if_changed();
        let top = self.innermost.get()?.node.get()?;
        let node = self.find(top, name, location)?;
        let in_recursion = self.recursion_depth() != 0;
        let is_reentrant = if in_recursion { node.is_active() } else { !node.is_child_of(top) };
        let flags = if is_reentrant { flags.with(EntryFlags::REENTRANT) } else { flags };
        self.push(node, flags)
    }

    /// The node of a phase that is entered on top of `top`.
    fn find(
        &self,
        top: &'static Node,
        name: NameId,
        location: Option<&'static Location>,
    ) -> Option<&'static Node> {
        let in_recursion = self.recursion_depth() != 0;
        let node = self.tree.get()?.find(top, name, location, in_recursion)?;
        // The guesses of the fast path are children only, never phases that are on the stack already.
        if !in_recursion && node.is_child_of(top) {
            if let Some(last) = top.last_child.get() {
                last.follower.set(Some(node));
            }
            top.last_child.set(Some(node));
        }
        Some(node)
    }

    /// Pushes a frame. `None` without memory.
    pub(super) fn push(&self, node: &'static Node, mut flags: EntryFlags) -> Option<Entry> {
        let innermost = self.innermost.get()?;
        let frame = innermost.inner.get().or_else(|| Frame::make_chain(innermost))?;
        if flags.contains(EntryFlags::REENTRANT) {
            self.enter_recursion();
        }
        if self.recursion_depth() != 0 {
            flags = flags.with(EntryFlags::IN_RECURSION);
            node.active.store(node.active.load(Relaxed) + 1, Relaxed);
        }
        if std::thread::panicking() {
            flags = flags.with(EntryFlags::UNWINDING);
        }
        if self.has_slow_path_flag(RECORD_INTERVALS) {
            flags = flags.with(EntryFlags::TIMED);
        }
        frame.node.set(Some(node));
        self.update_peaks(innermost);
        frame.counters.store(self.tally.counters());
        frame.peak.store(self.tally.live(), Relaxed);
        frame.process_peak.store(i64::MIN, Relaxed);
        let ticket = Ticket::new(self.version.number(), flags);
        frame.set_ticket(ticket);
        let start = ticks::now();
        frame.set_start(start);
        if self.owns_build.load(Relaxed) && self.resident_is_stale(start) {
            return Some(self.publish_with_resident(frame, ticket));
        }
        Some(self.publish(frame, ticket))
    }

    /// Publishes an entry, whose frame is complete, to readers.
    fn publish(&self, frame: &'static Frame, ticket: Ticket) -> Entry {
        frame.entered_at.store(frame.start().0, Relaxed);
        self.version.step(self.version.number());
        self.innermost.set(Some(frame));
        self.tally.restart_peak(self.tally.live());
        (frame, ticket)
    }
}

/// Exits.
impl Thread {
    /// Exits the phase that was entered with `ticket`, at `now`, and all phases above it. Does nothing
    /// if that entry has been exited already. Returns the phase's node if its build is still open.
    #[inline(never)]
    pub(crate) fn exit(
        &'static self,
        frame: &'static Frame,
        ticket: Ticket,
        now: Ticks,
    ) -> Option<&'static Node> {
        self.recheck_builds_if_changed();
        let is_open = self.open_frames().any(|open| std::ptr::eq(open, frame));
        if !is_open || frame.ticket() != ticket {
            return None;
        }
        let node = frame.node.get();
        self.write(|| {
            self.pop_down_to(frame, End::Exited, now);
            if self.has_slow_path_flag(RECHECK_BUILDS) {
                self.leave_ended_builds(Counters::default());
            }
            if self.has_slow_path_flag(RESUME_SUSPENDED) {
                self.resume_suspended_builds(now);
            }
        });
        node
    }

    /// Pops all frames down to and including `frame`, which is on the stack and not the bottom frame.
    pub(super) fn pop_down_to(&self, frame: &Frame, end: End, now: Ticks) {
        while let Some(innermost) = self.innermost.get().filter(|top| !self.is_bottom(top)) {
            self.pop(innermost, end, now);
            if std::ptr::eq(innermost, frame) {
                break;
            }
        }
    }

    fn pop(&self, frame: &'static Frame, end: End, now: Ticks) {
        let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else { return };
        self.update_peaks(frame);
        let counters = self.tally.counters();
        let usage = Usage {
            ticks: Self::length(frame.start(), now),
            counters: counters.minus(frame.counters.load()),
        };
        if end == End::Exited
            && frame.ticket().flags().contains(EntryFlags::TIMED)
            && !frame.is_root()
        {
            self.record_interval(frame, node, now);
        }
        if frame.is_root() {
            frame.add_idle(usage);
            frame.idle.set(None);
        } else if frame.is_hand_off() {
            self.pop_hand_off(frame, node, outer, usage);
        } else {
            self.pop_phase(frame, node, outer, end, usage);
            raise(&outer.peak, frame.peak.load(Relaxed));
        }
        raise(&outer.process_peak, frame.process_peak.load(Relaxed));
        self.tally.restart_peak(self.tally.live());
        node.record_entry(frame.start());
        node.last_exit.store(now.0, Relaxed);
        if outer.is_root() {
            outer.add_idle(Usage {
                ticks: frame.start().since(outer.start()),
                counters: frame.counters.load().minus(outer.counters.load()),
            });
            outer.restart_root(counters, now);
        }
        self.innermost.set(Some(outer));
    }

    fn record_interval(&self, frame: &Frame, node: &Node, now: Ticks) {
        if let Some(tree) = self.tree.get() {
            tree.timeline.add(frame.interval(node, now));
        }
    }

    fn pop_phase(&self, frame: &Frame, node: &Node, outer: &Frame, end: End, usage: Usage) {
        let flags = frame.ticket().flags();
        raise(&node.peak, frame.peak.load(Relaxed).wrapping_sub(frame.counters.net_bytes()));
        if self.owns_build.load(Relaxed) {
            raise(&node.process_peak, frame.process_peak.load(Relaxed));
            if usage.ticks > self.resident_interval.load(Relaxed) {
                self.add_resident_delta(frame, node);
            }
        }
        if flags.contains(EntryFlags::IN_RECURSION) {
            node.active.store(node.active.load(Relaxed).saturating_sub(1), Relaxed);
        }
        if flags.contains(EntryFlags::REENTRANT) {
            node.reentrant.add(usage);
            if let Some(caller) = outer.node.get() {
                caller.charged_to_callees.add(usage);
            }
            self.exit_recursion(outer);
        } else {
            node.total.add(usage);
        }
        if flags.contains(EntryFlags::SEGMENT) {
            bump(&node.segments, 1);
        } else if end == End::LeftOpen {
            bump(&node.left_open, 1);
        } else {
            node.record_call(usage.ticks);
            if std::thread::panicking() && !flags.contains(EntryFlags::UNWINDING) {
                bump(&node.panics, 1);
            }
        }
    }

    /// The ticks of one call: never negative, and at most what the histogram holds.
    pub(crate) fn length(start: Ticks, now: Ticks) -> u64 {
        if now < start {
            CLOCK_STEPS.fetch_add(1, Relaxed);
        }
        now.since(start).min(histogram::MAX_VALUE)
    }
}

/// How often the clock stepped back on any thread since the process started. A build compares the
/// numbers at its start and end, so that each of several overlapping builds notices.
static CLOCK_STEPS: AtomicU64 = AtomicU64::new(0);

/// How often the clock stepped back on any thread since the process started.
pub(crate) fn clock_steps() -> u64 {
    CLOCK_STEPS.load(Relaxed)
}

/// Recursion: nodes know whether they are on the stack only while the recursion depth is not 0.
impl Thread {
    /// A phase that is on the stack already is entered.
    fn enter_recursion(&self) {
        if self.recursion_depth() == 0
            && let Some(top) = self.innermost.get().and_then(|frame| frame.node.get())
        {
            top.with_ancestors().for_each(|node| node.active.store(1, Relaxed));
        }
        self.set_recursion_depth(self.recursion_depth() + 1);
    }

    /// Undoes [`Self::enter_recursion`]. `outer` is the new top of the stack.
    fn exit_recursion(&self, outer: &Frame) {
        self.set_recursion_depth(self.recursion_depth().saturating_sub(1));
        if self.recursion_depth() == 0
            && let Some(top) = outer.node.get()
        {
            top.with_ancestors().for_each(|node| node.active.store(0, Relaxed));
        }
    }
}

/// The highest live heap of the thread and of the process while a phase is open.
impl Thread {
    /// Updates the peaks of the innermost frame.
    pub(super) fn update_peaks(&self, innermost: &Frame) {
        raise(&innermost.peak, self.tally.peak());
        if self.owns_build.load(Relaxed) {
            self.raise_process_peak(innermost);
        }
    }

    /// The highest live heap of the process since the last entry or exit, if no other thread
    /// published its level since.
    #[inline]
    pub(super) fn local_process_peak(&self) -> i64 {
        self.others_level.load(Relaxed).wrapping_add(self.tally.peak())
    }

    /// Raises the process peak of a frame to the highest live heap since the last entry or exit.
    ///
    /// While no other thread publishes its level, the live heap of the process is the constant level
    /// of the others plus that of this thread, which is known exactly. Otherwise the peak watch
    /// supplies the highest level at any publication.
    #[inline]
    fn raise_process_peak(&self, frame: &Frame) {
        if process_level::publish_count() == self.seen_publish_count.load(Relaxed) {
            raise(&frame.process_peak, self.local_process_peak());
        } else {
            self.raise_published_peak(frame);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn raise_published_peak(&self, frame: &Frame) {
        let publish_count = process_level::publish_count();
        let watched = self.peak_watch.restart();
        let others_publish_count = publish_count.wrapping_sub(self.tally.publish_count());
        if others_publish_count == self.others_publish_count.load(Relaxed) {
            raise(&frame.process_peak, self.local_process_peak());
        } else {
            let others_level = process_level::level().wrapping_sub(self.tally.published_level());
            raise(&frame.process_peak, watched);
            raise(&frame.process_peak, others_level.wrapping_add(self.tally.live()));
            self.others_level.store(others_level, Relaxed);
            self.others_publish_count.store(others_publish_count, Relaxed);
        }
        self.seen_publish_count.store(publish_count, Relaxed);
    }

    /// The highest live heap of the process since the last entry or exit, for readers on other
    /// threads.
    pub(crate) fn process_peak_now(&self) -> i64 {
        let publish_count = process_level::publish_count().wrapping_sub(self.tally.publish_count());
        if publish_count == self.others_publish_count.load(Relaxed) {
            self.local_process_peak()
        } else {
            let level = process_level::level().wrapping_sub(self.tally.published_level());
            self.peak_watch.highest().max(level.wrapping_add(self.tally.live()))
        }
    }
}

/// The resident bytes if the recorder cannot read them.
const UNKNOWN_RESIDENT: u64 = u64::MAX;

/// Resident memory, read at most about every 10 ms, around phases that last at least that long.
impl Thread {
    /// Whether the last reading of resident memory is too old at `now`.
    #[inline]
    pub(super) fn resident_is_stale(&self, now: Ticks) -> bool {
        now.since(Ticks(self.resident_at.load(Relaxed))) > self.resident_interval.load(Relaxed)
    }

    /// Reads resident memory, and returns the time after that.
    fn read_resident(&self) -> Ticks {
        let _uncounted = Uncounted::begin();
        // Frames that were entered since the last reading start from its result.
        let (last, at) = (self.resident.load(Relaxed), self.resident_at.load(Relaxed));
        for frame in self.open_frames().take_while(|frame| frame.start().0 > at) {
            frame.resident.store(last, Relaxed);
        }
        self.resident.store(global::resident_bytes().unwrap_or(UNKNOWN_RESIDENT), Relaxed);
        let now = ticks::now();
        self.resident_at.store(now.0, Relaxed);
        now
    }

    /// Like [`Self::publish`], after reading resident memory.
    #[cold]
    #[inline(never)]
    pub(super) fn publish_with_resident(&self, frame: &'static Frame, ticket: Ticket) -> Entry {
        frame.set_start(self.read_resident());
        frame.resident.store(self.resident.load(Relaxed), Relaxed);
        self.publish(frame, ticket)
    }

    fn add_resident_delta(&self, frame: &Frame, node: &Node) {
        self.read_resident();
        let (before, after) = (frame.resident.load(Relaxed), self.resident.load(Relaxed));
        if before != UNKNOWN_RESIDENT && after != UNKNOWN_RESIDENT {
            let delta = after.wrapping_sub(before).cast_signed();
            let sum = node.resident_delta.load(Relaxed).wrapping_add(delta);
            node.resident_delta.store(sum, Relaxed);
            bump(&node.resident_calls, 1);
        }
    }
}
