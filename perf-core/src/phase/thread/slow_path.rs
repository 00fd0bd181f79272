//! Entering and leaving phases in every way there is: what the hot path hands on.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::measure::counters::{Counters, bump};
use crate::measure::histogram;
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::{EntryFlags, Frame, Ticket, raise};
use crate::phase::name::NameId;
use crate::phase::node::{Node, Usage};
use crate::phase::site::Site;

use super::Thread;
use super::fast_path::Entry;

/// How an entry comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The phase was exited.
    Exited,
    /// Its build ended before, or its thread.
    LeftOpen,
}

impl Thread {
    /// Enters a phase. `None` where no build is open for this thread.
    #[inline(never)]
    pub(crate) fn enter(
        &'static self,
        name: NameId,
        site: Option<&'static Site>,
        flags: EntryFlags,
    ) -> Option<Entry> {
        self.recheck_builds_if_changed();
        let top = self.innermost.get()?.node.get()?;
        let node = self.find(top, name, site)?;
        let folded = self.recursion_depth() != 0;
        let again = if folded { node.is_active() } else { !node.is_child_of(top) };
        let flags = if again { flags.and(EntryFlags::REENTRANT) } else { flags };
        self.push(node, flags)
    }

    /// The node that `name` means below `top`.
    fn find(
        &self,
        top: &'static Node,
        name: NameId,
        site: Option<&'static Site>,
    ) -> Option<&'static Node> {
        let folded = self.recursion_depth() != 0;
        let node = self.tree.get()?.find(top, name, site, folded)?;
        // A guess is always a child: one that was on the stack already would be none.
        if !folded && node.is_child_of(top) {
            if let Some(last) = top.last_child.get() {
                last.follower.set(Some(node));
            }
            top.last_child.set(Some(node));
        }
        Some(node)
    }

    /// Puts a phase on top of the stack. `None` without memory.
    pub(super) fn push(&self, node: &'static Node, mut flags: EntryFlags) -> Option<Entry> {
        let innermost = self.innermost.get()?;
        let frame = innermost.inner.get().or_else(|| Frame::make_chain(innermost))?;
        if flags.is(EntryFlags::REENTRANT) {
            self.fold();
        }
        if self.recursion_depth() != 0 {
            flags = flags.and(EntryFlags::IN_RECURSION);
            node.active.store(node.active.load(Relaxed) + 1, Relaxed);
        }
        if std::thread::panicking() {
            flags = flags.and(EntryFlags::UNWINDING);
        }
        if self.slow_path_flags.load(Relaxed) & super::RECORD_INTERVALS != 0 {
            flags = flags.and(EntryFlags::TIMED);
        }
        frame.node.set(Some(node));
        self.settle_levels(innermost);
        frame.counters.store(self.tally.counters());
        frame.peak.store(self.tally.live(), Relaxed);
        frame.process_peak.store(i64::MIN, Relaxed);
        let ticket = Ticket::new(self.version.number(), flags);
        frame.set_ticket(ticket);
        let start = ticks::now();
        frame.set_start(start);
        if self.own.load(Relaxed) && self.resident_is_stale(start) {
            return Some(self.publish_with_resident(frame, ticket));
        }
        Some(self.publish(frame, ticket))
    }

    /// Makes an entry, whose frame is complete, one that readers see: as a whole, or not at all.
    pub(super) fn publish(&self, frame: &'static Frame, ticket: Ticket) -> Entry {
        frame.entered_at.store(frame.start().0, Relaxed);
        self.version.step(self.version.number());
        self.innermost.set(Some(frame));
        self.tally.restart_peak(self.tally.live());
        (frame, ticket)
    }

    /// Brings what the innermost frame knows of peaks up to now.
    pub(super) fn settle_levels(&self, innermost: &Frame) {
        raise(&innermost.peak, self.tally.peak());
        if self.own.load(Relaxed) {
            self.fold_process_level(innermost);
        }
    }

    /// Exits the phase that was entered with `ticket`, at `now`, and all that are open above it.
    /// Does nothing where that entry has been exited already. Gives the phase's node back where
    /// its build is still open.
    #[inline(never)]
    pub(crate) fn exit(
        &'static self,
        frame: &'static Frame,
        ticket: Ticket,
        now: Ticks,
    ) -> Option<&'static Node> {
        self.recheck_builds_if_changed();
        let open = self.open_frames().any(|it| std::ptr::eq(it, frame));
        if !open || frame.ticket() != ticket {
            return None;
        }
        let node = frame.node.get();
        self.write(|| {
            self.pop_down_to(frame, End::Exited, now);
            if self.slow_path_flags.load(Relaxed) & super::RECHECK_BUILDS != 0 {
                self.leave_ended_builds(Counters::default());
            }
            if self.slow_path_flags.load(Relaxed) & super::RESUME_SUSPENDED != 0 {
                self.resume_suspended_builds(now);
            }
        });
        node
    }

    /// Leaves all frames down to this one, which is on the stack and is not the base.
    pub(super) fn pop_down_to(&self, frame: &Frame, end: End, now: Ticks) {
        while let Some(innermost) = self.innermost.get().filter(|it| !self.is_bottom(it)) {
            self.pop(innermost, end, now);
            if std::ptr::eq(innermost, frame) {
                break;
            }
        }
    }

    fn pop(&self, frame: &'static Frame, end: End, now: Ticks) {
        let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else { return };
        self.settle_levels(frame);
        let counters = self.tally.counters();
        let used = Usage {
            ticks: Self::length(frame.start(), now),
            counters: counters.minus(frame.counters.load()),
        };
        if end == End::Exited && frame.ticket().flags().is(EntryFlags::TIMED) && !frame.is_root() {
            self.leave_interval(frame, node, now);
        }
        if frame.is_root() {
            frame.add_idle(used);
            frame.idle.set(None);
        } else if frame.is_hand_off() {
            self.pop_hand_off(frame, node, outer, used);
        } else {
            self.pop_phase(frame, node, outer, end, used);
            raise(&outer.peak, frame.peak.load(Relaxed));
        }
        raise(&outer.process_peak, frame.process_peak.load(Relaxed));
        self.tally.restart_peak(self.tally.live());
        node.entered(frame.start());
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

    fn leave_interval(&self, frame: &Frame, node: &Node, now: Ticks) {
        if let Some(tree) = self.tree.get() {
            tree.timeline.add(frame.interval(node, now));
        }
    }

    fn pop_phase(&self, frame: &Frame, node: &Node, outer: &Frame, end: End, used: Usage) {
        let flags = frame.ticket().flags();
        raise(&node.peak, frame.peak.load(Relaxed).wrapping_sub(frame.counters.net_bytes()));
        if self.own.load(Relaxed) {
            raise(&node.process_peak, frame.process_peak.load(Relaxed));
            if used.ticks > self.resident_fresh.load(Relaxed) {
                self.note_resident_delta(frame, node);
            }
        }
        if flags.is(EntryFlags::IN_RECURSION) {
            node.active.store(node.active.load(Relaxed).saturating_sub(1), Relaxed);
        }
        if flags.is(EntryFlags::REENTRANT) {
            node.reentrant.add(used);
            if let Some(caller) = outer.node.get() {
                caller.charged_to_callees.add(used);
            }
            self.unfold(outer);
        } else {
            node.total.add(used);
        }
        if flags.is(EntryFlags::SEGMENT) {
            bump(&node.stretches, 1);
        } else if end == End::LeftOpen {
            bump(&node.left_open, 1);
        } else {
            node.finished(used.ticks);
            if std::thread::panicking() && !flags.is(EntryFlags::UNWINDING) {
                bump(&node.panics, 1);
            }
        }
    }

    /// The ticks of one call: never negative, and never more than the histogram holds.
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
