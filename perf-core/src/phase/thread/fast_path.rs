//! Entering and leaving phases: the hot path.
//!
//! # Implementation
//!
//! What is here does the ordinary case alone: no build started or ended, no recursion, no panic,
//! the phase was entered from the same place before. All else is told from it by a few
//! comparisons, before anything is written, and goes to [`super::otherwise`], which can do
//! everything.
//!
//! PERF: what this costs are mostly its stores, and the reads of the counter. So that the compiler
//! need not save any registers, nothing here calls a function but at its very end.

use std::hint::cold_path;
use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::process_level;
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::{EntryFlags, Frame, Ticket, raise};
use crate::phase::name::NameId;
use crate::phase::node::Node;
use crate::phase::site::Site;
use crate::registry::Registry;

use super::Thread;

/// An entry: the place that it took, and what publish_count it from others that take the same place.
pub(crate) type Entry = (&'static Frame, Ticket);

/// The places that an ordinary entry is between.
struct FastEntry {
    innermost: &'static Frame,
    frame: &'static Frame,
    node: &'static Node,
}

impl Thread {
    /// Enters a phase by a call. `None` where no build is open for this thread.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn enter_call(
        &'static self,
        name: NameId,
        site: Option<&'static Site>,
    ) -> Option<Entry> {
        self.enter_ordinary(name, site, EntryFlags::CALL)
    }

    /// Enters a phase for one stretch of a call, as [`Self::enter_call`] does for a whole call.
    #[cfg(feature = "tracing")]
    pub(crate) fn enter_segment(&'static self, name: NameId) -> Option<Entry> {
        self.enter_ordinary(name, None, EntryFlags::SEGMENT)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn enter_ordinary(
        &'static self,
        name: NameId,
        site: Option<&'static Site>,
        flags: EntryFlags,
    ) -> Option<Entry> {
        let Some(FastEntry { innermost, frame, node }) = self.fast_entry(name) else {
            cold_path();
            return self.enter(name, site, flags);
        };
        let counters = self.tally.counters();
        let live = counters.net_bytes.cast_signed();
        let peak = self.tally.peak();
        raise(&innermost.peak, peak);
        frame.node.set(Some(node));
        frame.counters.store(counters);
        frame.peak.store(live, Relaxed);
        let version = self.version.number();
        let ticket = Ticket::new(version, flags);
        frame.set_ticket(ticket);
        let own = self.own.load(Relaxed);
        if own {
            raise(&innermost.process_peak, self.quiet_level());
            frame.process_peak.store(i64::MIN, Relaxed);
        }
        let start = ticks::counter();
        frame.set_start(start);
        if own && self.resident_is_stale(start) {
            cold_path();
            return Some(self.publish_with_resident(frame, ticket));
        }
        // An entry is there as a whole as soon as its frame is.
        self.version.step(version);
        self.innermost.set(Some(frame));
        if peak != live {
            cold_path();
            self.tally.restart_peak(live);
        }
        Some((frame, ticket))
    }

    /// What there is to know of an entry, if it is an ordinary one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn fast_entry(&self, name: NameId) -> Option<FastEntry> {
        if Registry::global().epoch().to_raw() != self.epoch.load(Relaxed)
            || self.slow_path_flags.load(Relaxed) != 0
            || self.others_moved()
            || !ticks::from_counter()
            || std::thread::panicking()
        {
            cold_path();
            return None;
        }
        let innermost = self.innermost.get()?;
        let frame = innermost.inner.get()?;
        let top = innermost.node.get()?;
        let last = top.last_child.get()?;
        if last.has_name(name) {
            return Some(FastEntry { innermost, frame, node: last });
        }
        let node = last.follower.get().filter(|it| it.has_name(name))?;
        top.last_child.set(Some(node));
        Some(FastEntry { innermost, frame, node })
    }

    /// Exits the phase that was entered with `ticket`, at `now`, and all that are open above it.
    /// Does nothing where that entry has been exited already.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn exit_call(&'static self, frame: &'static Frame, ticket: Ticket, now: Ticks) {
        if !self.exit_fast(frame, ticket, now, EntryFlags::CALL) {
            cold_path();
            self.exit(frame, ticket, now);
        }
    }

    /// Exits a phase that [`Self::enter_segment`] entered. Does nothing and returns `false` where
    /// the phase is not innermost, the thread is unwinding or the build has ended.
    #[cfg(feature = "tracing")]
    pub(crate) fn exit_segment(
        &'static self,
        frame: &'static Frame,
        ticket: Ticket,
        now: Ticks,
    ) -> bool {
        self.exit_fast(frame, ticket, now, EntryFlags::SEGMENT)
            || (self.innermost.get().is_some_and(|innermost| std::ptr::eq(innermost, frame))
                && !std::thread::panicking()
                && self.exit(frame, ticket, now).is_some())
    }

    /// `false` where it is no ordinary exit: then nothing has been done.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn exit_fast(
        &self,
        frame: &'static Frame,
        ticket: Ticket,
        now: Ticks,
        flags: EntryFlags,
    ) -> bool {
        let start = frame.start();
        let ticks = now.0.wrapping_sub(start.0);
        if Registry::global().epoch().to_raw() != self.epoch.load(Relaxed)
            || !self.innermost.get().is_some_and(|it| std::ptr::eq(it, frame))
            || frame.ticket() != ticket
            || ticket.flags() != flags
            // Also where the counter stepped back.
            || ticks > self.resident_fresh.load(Relaxed)
            || self.others_moved()
            || std::thread::panicking()
        {
            cold_path();
            return false;
        }
        let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else {
            return false;
        };
        let count = if flags == EntryFlags::SEGMENT {
            // The first stretch also records when the phase was first entered.
            if node.stretches.load(Relaxed) == 0 {
                return false;
            }
            &node.stretches
        } else {
            if !node.is_within_observed_range(ticks) {
                cold_path();
                return false;
            }
            let Some(bucket) = node.histogram.bucket(ticks) else { return false };
            bucket
        };
        let version = self.version.begin();
        bump(count, 1);
        node.total.add_ticks(ticks);
        node.last_exit.store(now.0, Relaxed);
        if self.own.load(Relaxed) {
            self.pop_process_peak(frame, node, outer);
        }
        // Where nothing was allocated or freed since the entry, the level stood still, and no peak
        // but the process's can have changed.
        if self.tally.moved_since(&frame.counters) {
            node.total.add_counters(self.tally.counters().minus(frame.counters.load()));
            self.pop_peak(frame, node, outer);
        }
        if let Some(idle) = outer.idle.get() {
            idle.add_ticks(start.since(outer.start()));
            outer.set_start(now);
            if self.tally.moved_since(&outer.counters) {
                idle.add_counters(frame.counters.load().minus(outer.counters.load()));
                outer.counters.store(self.tally.counters());
            }
        }
        self.innermost.set(Some(outer));
        self.version.end(version);
        true
    }

    /// Whether some other thread told that its level moved, and it matters here.
    #[inline]
    fn others_moved(&self) -> bool {
        self.own.load(Relaxed)
            && process_level::publish_count() != self.seen_publish_count.load(Relaxed)
    }

    #[inline]
    fn pop_peak(&self, frame: &Frame, node: &Node, outer: &Frame) {
        let peak = frame.peak.load(Relaxed).max(self.tally.peak());
        raise(&node.peak, peak.wrapping_sub(frame.counters.net_bytes()));
        raise(&outer.peak, peak);
        self.tally.restart_peak(self.tally.live());
    }

    /// As [`Self::pop_peak`], where no other thread told anything since the last entry or exit.
    #[inline]
    fn pop_process_peak(&self, frame: &Frame, node: &Node, outer: &Frame) {
        let peak = frame.process_peak.load(Relaxed).max(self.quiet_level());
        raise(&node.process_peak, peak);
        raise(&outer.process_peak, peak);
    }
}
