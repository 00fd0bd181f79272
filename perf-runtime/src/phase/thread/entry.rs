//! Entering and leaving phases: the hot path.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::measure::counters::{Counters, bump};
use crate::measure::histogram;
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::{Frame, Manner, Ticket, raise};
use crate::phase::name::NameId;
use crate::phase::node::{Node, Used};
use crate::phase::open_builds::Epoch;

use super::Thread;

impl Thread {
    /// Enters a phase. `None` where no build is open for this thread.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn enter(
        &'static self,
        name: NameId,
        manner: Manner,
        items: u64,
    ) -> Option<(&'static Frame, Ticket)> {
        let epoch = Epoch::now().to_raw();
        if epoch != self.epoch.load(Relaxed) {
            self.look_which_builds_are_open();
        }
        let mut innermost = self.innermost.get()?;
        if self.is_base(innermost) && epoch != self.base_epoch.load(Relaxed) {
            self.look_which_builds_are_open();
            innermost = self.innermost.get()?;
        }
        let top = innermost.node.get()?;
        let folded = self.folds.load(Relaxed) != 0;
        let node = match top.last_child.get() {
            Some(guess) if guess.is_named(name) && !folded => guess,
            _ => {
                let tree = self.tree.get()?;
                let known = if folded { None } else { tree.known(top, name) };
                let found = known.or_else(|| tree.find(top, name, folded))?;
                // What is found while folded need not be below `top`.
                if !folded {
                    top.last_child.set(Some(found));
                }
                found
            }
        };
        let frame = innermost.inner.get().or_else(|| Frame::make_chain(Some(innermost)))?;
        Some((frame, self.push(innermost, frame, node, manner, items)))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(super) fn push(
        &self,
        innermost: &'static Frame,
        frame: &'static Frame,
        node: &'static Node,
        mut manner: Manner,
        items: u64,
    ) -> Ticket {
        let version = self.begin();
        let active = node.active.load(Relaxed);
        node.active.store(active + 1, Relaxed);
        if active != 0 {
            manner = manner.and(Manner::AGAIN);
            self.folds.store(self.folds.load(Relaxed) + 1, Relaxed);
        }
        if std::thread::panicking() {
            manner = manner.and(Manner::UNWINDING);
        }
        if items != 0 {
            node.add_items(items);
        }
        frame.node.set(Some(node));
        frame.counters.store(self.tally.counters());
        let live = self.tally.live();
        raise(&innermost.peak, self.tally.peak());
        frame.peak.store(live, Relaxed);
        let own = self.own.load(Relaxed);
        if own {
            self.fold_process_level(innermost);
            frame.process_peak.store(i64::MIN, Relaxed);
        }
        self.tally.set_peak(live);
        let ticket = Ticket::new(version, manner);
        frame.set_ticket(ticket);
        self.innermost.set(Some(frame));
        let mut start = ticks::now();
        if own {
            if start.since(Ticks(self.resident_at.load(Relaxed)))
                > self.resident_fresh.load(Relaxed)
            {
                start = self.read_resident();
            }
            frame.resident.store(self.resident.load(Relaxed), Relaxed);
        }
        frame.set_start(start);
        node.entered(start);
        self.end(version);
        ticket
    }

    /// Exits the phase that was entered with `ticket`, at `now`, and all that are open above it.
    /// Does nothing where that entry has been exited already. Gives the phase's node back where
    /// its build is still open.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn exit(
        &'static self,
        frame: &'static Frame,
        ticket: Ticket,
        now: Ticks,
    ) -> Option<&'static Node> {
        if Epoch::now().to_raw() != self.epoch.load(Relaxed) {
            self.look_which_builds_are_open();
        }
        if frame.ticket() != ticket {
            return None;
        }
        let version = self.begin();
        if self.innermost.get().is_some_and(|it| std::ptr::eq(it, frame)) {
            self.pop(frame, now);
        } else {
            self.pop_down_to(frame, now);
        }
        self.end(version);
        frame.node.get()
    }

    #[cold]
    #[inline(never)]
    pub(super) fn pop_down_to(&self, frame: &'static Frame, now: Ticks) {
        while let Some(innermost) = self.innermost.get().filter(|it| !self.is_base(it)) {
            self.pop(innermost, now);
            if std::ptr::eq(innermost, frame) {
                break;
            }
        }
    }

    /// Leaves the innermost phase.
    ///
    /// PERF: where nothing was allocated or freed since the entry, the level stood still, and no
    /// peak but the process's can have changed.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(super) fn pop(&self, frame: &'static Frame, now: Ticks) {
        let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else { return };
        let manner = frame.ticket().manner();
        let start = frame.start();
        let ticks = Self::length(start, now);
        let counters = self.tally.counters();
        let allocated = frame.counters.differs_from(&counters);
        if self.own.load(Relaxed) {
            self.fold_process_level(frame);
            let process_peak = frame.process_peak.load(Relaxed);
            raise(&node.process_peak, process_peak);
            raise(&outer.process_peak, process_peak);
            if ticks > self.resident_fresh.load(Relaxed) {
                self.note_resident_delta(frame, node);
            }
        }
        if allocated {
            self.pop_peak(frame, node, outer);
        }
        if manner == Manner::CALL && !std::thread::panicking() {
            node.total.add_ticks(ticks);
            if allocated {
                node.total.add_counters(counters.minus(frame.counters.load()));
            }
            node.finished(ticks);
        } else {
            self.pop_otherwise(node, outer, manner, ticks, counters.minus(frame.counters.load()));
        }
        node.last_exit.store(now.0, Relaxed);
        node.active.store(node.active.load(Relaxed).wrapping_sub(1), Relaxed);
        frame.clear_ticket();
        if self.is_base(outer) {
            if outer.counters.differs_from(&counters) {
                self.pop_to_base(frame, outer, counters);
            }
            self.outside.add_ticks(start.since(outer.start()));
            outer.set_start(now);
        }
        self.innermost.set(Some(outer));
    }

    pub(super) fn pop_peak(&self, frame: &Frame, node: &Node, outer: &Frame) {
        let peak = frame.peak.load(Relaxed).max(self.tally.peak());
        raise(&node.peak, peak.wrapping_sub(frame.counters.load().net_bytes.cast_signed()));
        raise(&outer.peak, peak);
        self.tally.set_peak(self.tally.live());
    }

    /// What came between the last return to the base and this entry was outside of phases.
    #[inline(never)]
    pub(super) fn pop_to_base(&self, frame: &Frame, base: &Frame, now: Counters) {
        self.outside.add_counters(frame.counters.load().minus(base.counters.load()));
        base.counters.store(now);
    }

    /// The ways to leave a phase other than returning from an ordinary call.
    #[cold]
    #[inline(never)]
    pub(super) fn pop_otherwise(
        &self,
        node: &Node,
        outer: &Frame,
        manner: Manner,
        ticks: u64,
        counters: Counters,
    ) {
        self.charge(node, outer, manner, Used { ticks, counters });
        if manner.is(Manner::STRETCH) {
            bump(&node.stretches, 1);
            return;
        }
        node.finished(ticks);
        if std::thread::panicking() && !manner.is(Manner::UNWINDING) {
            bump(&node.panics, 1);
        }
    }

    /// Adds what one entry used to the sums of its phase.
    pub(super) fn charge(&self, node: &Node, outer: &Frame, manner: Manner, used: Used) {
        if manner.is(Manner::AGAIN) {
            node.again.add(used);
            if let Some(caller) = outer.node.get() {
                caller.lent.add(used);
            }
            self.folds.store(self.folds.load(Relaxed).saturating_sub(1), Relaxed);
        } else {
            node.total.add(used);
        }
    }

    /// The ticks of one call: never negative, and never more than the histogram holds.
    #[inline]
    pub(crate) fn length(start: Ticks, now: Ticks) -> u64 {
        let ticks = now.0.wrapping_sub(start.0);
        if ticks > histogram::MAX_VALUE { odd_length(start, now) } else { ticks }
    }
}

/// Whether a counter was seen to step back since this was last asked.
static STEPPED_BACK: AtomicBool = AtomicBool::new(false);

/// Whether the counter stepped back on any thread since this was last asked.
pub(crate) fn take_stepped_back() -> bool {
    STEPPED_BACK.swap(false, Relaxed)
}

#[cold]
#[inline(never)]
fn odd_length(start: Ticks, now: Ticks) -> u64 {
    if now < start {
        STEPPED_BACK.store(true, Relaxed);
    }
    now.since(start).min(histogram::MAX_VALUE)
}
