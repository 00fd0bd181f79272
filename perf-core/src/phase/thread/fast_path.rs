//! Entering and exiting phases: the fast path.
//!
//! # Implementation
//!
//! This handles the usual case only: no build started or ended, no recursion, no panic, and the phase
//! was entered from the same parent before. A few comparisons detect all other cases, before anything
//! is written, and pass them to [`super::slow_path`], which handles every case.
//!
//! PERF: most of the cost is in the stores and in reading the counter. Nothing here calls a function
//! except as its last step, so that the compiler need not save registers.

use std::hint::cold_path;
use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::process_level;
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::{EntryFlags, Frame, Ticket, raise};
use crate::phase::global::OPEN_BUILDS;
use crate::phase::name::NameId;
use crate::phase::node::Node;
use crate::phase::path::Location;

use super::Thread;

/// An entry: its frame, and the ticket that distinguishes it from other uses of the frame.
pub(crate) type Entry = (&'static Frame, Ticket);

/// What an entry on the fast path touches.
struct FastEntry {
    innermost: &'static Frame,
    frame: &'static Frame,
    node: &'static Node,
}

impl Thread {
    /// Enters a phase by a call. `None` if no build is open for this thread.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn enter_call(
        &'static self,
        name: NameId,
        location: Option<&'static Location>,
    ) -> Option<Entry> {
        self.enter_with_flags(name, location, EntryFlags::CALL)
    }

    /// Enters a phase for one segment of a call, as [`Self::enter_call`] does for a whole call.
    #[cfg(feature = "tracing")]
    pub(crate) fn enter_segment(&'static self, name: NameId) -> Option<Entry> {
        self.enter_with_flags(name, None, EntryFlags::SEGMENT)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn enter_with_flags(
        &'static self,
        name: NameId,
        location: Option<&'static Location>,
        flags: EntryFlags,
    ) -> Option<Entry> {
        let Some(FastEntry { innermost, frame, node }) = self.fast_entry(name) else {
            cold_path();
            return self.enter(name, location, flags);
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
        let owns_build = self.owns_build.load(Relaxed);
        if owns_build {
            raise(&innermost.process_peak, self.local_process_peak());
            frame.process_peak.store(i64::MIN, Relaxed);
        }
        let start = ticks::counter();
        frame.set_start(start);
        if owns_build && self.resident_is_stale(start) {
            cold_path();
            return Some(self.publish_with_resident(frame, ticket));
        }
        // The store of the innermost frame publishes the whole entry.
        self.version.step(version);
        self.innermost.set(Some(frame));
        if peak != live {
            cold_path();
            self.tally.restart_peak(live);
        }
        Some((frame, ticket))
    }

    /// `None` if the entry must take the slow path.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn fast_entry(&self, name: NameId) -> Option<FastEntry> {
        if OPEN_BUILDS.epoch().to_raw() != self.epoch.load(Relaxed)
            || self.slow_path_flags.load(Relaxed) != 0
            || self.others_published()
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
        let node = last.follower.get().filter(|follower| follower.has_name(name))?;
        top.last_child.set(Some(node));
        Some(FastEntry { innermost, frame, node })
    }

    /// Exits the phase that was entered with `ticket`, at `now`, and all phases above it. Does nothing
    /// if that entry has been exited already.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn exit_call(&'static self, frame: &'static Frame, ticket: Ticket, now: Ticks) {
        if !self.exit_fast(frame, ticket, now, EntryFlags::CALL) {
            cold_path();
            self.exit(frame, ticket, now);
        }
    }

    /// Exits a phase that [`Self::enter_segment`] entered. Returns `false` if the phase is not
    /// innermost, the thread is unwinding, or the build has ended.
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

    /// Returns `false`, and has done nothing, if the exit must take the slow path.
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
        if OPEN_BUILDS.epoch().to_raw() != self.epoch.load(Relaxed)
            || !self.innermost.get().is_some_and(|innermost| std::ptr::eq(innermost, frame))
            || frame.ticket() != ticket
            || ticket.flags() != flags
            // This includes a counter that stepped back.
            || ticks > self.resident_interval.load(Relaxed)
            || self.others_published()
            || std::thread::panicking()
        {
            cold_path();
            return false;
        }
        let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else {
            return false;
        };
        let count = if flags == EntryFlags::SEGMENT {
            // The slow path records the first entry of the phase.
            if node.segments.load(Relaxed) == 0 {
                cold_path();
                return false;
            }
            &node.segments
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
        if self.owns_build.load(Relaxed) {
            self.pop_process_peak(frame, node, outer);
        }
        // If nothing was allocated or freed since the entry, no peak but that of the process can have
        // changed.
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

    /// Whether any thread published its level since the process peak was last updated, if that is
    /// measured here.
    #[inline]
    fn others_published(&self) -> bool {
        self.owns_build.load(Relaxed)
            && process_level::publish_count() != self.seen_publish_count.load(Relaxed)
    }

    #[inline]
    fn pop_peak(&self, frame: &Frame, node: &Node, outer: &Frame) {
        let peak = frame.peak.load(Relaxed).max(self.tally.peak());
        raise(&node.peak, peak.wrapping_sub(frame.counters.net_bytes()));
        raise(&outer.peak, peak);
        self.tally.restart_peak(self.tally.live());
    }

    /// To be called if no thread published its level since the last entry or exit.
    #[inline]
    fn pop_process_peak(&self, frame: &Frame, node: &Node, outer: &Frame) {
        let peak = frame.process_peak.load(Relaxed).max(self.local_process_peak());
        raise(&node.process_peak, peak);
        raise(&outer.process_peak, peak);
    }
}
