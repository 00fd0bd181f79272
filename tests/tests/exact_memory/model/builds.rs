//! How builds start and end, and threads end.

use std::collections::{BTreeMap, BTreeSet};

use crate::times::Span;
use crate::truth::{Build, Memory, Path};

use super::stacks::Chain;
use super::{Call, Model};

impl Model {
    /// Whether a chain is that of a build which its thread started in the midst of another.
    pub(super) fn is_started_inside(&self, chain: &Chain) -> bool {
        let build = chain.build.filter(|&it| self.builds[it].open);
        let guard = chain.base.as_ref().map(|it| it.guard);
        build.is_some() && guard.is_some_and(|it| it >= self.next_guard)
    }

    /// Whether some thread but that one would go on with other work if a build ended.
    pub(super) fn is_above_other_work(&self, build: usize, ended_by: usize) -> bool {
        let others = self.threads.iter().filter(|it| *it.0 != ended_by);
        others.map(|it| &it.1[..]).any(|it| match it {
            [.., below, top] => {
                top.build == Some(build)
                    && below.build != Some(build)
                    && (below.base.is_some() || !below.phases.is_empty())
            }
            _ => false,
        })
    }

    pub(super) fn die(&mut self, thread: usize, at: Span) {
        self.beyond |= self.threads[&thread].iter().any(|it| self.is_started_inside(it));
        for build in self.open_builds() {
            self.leave_open(thread, build, at);
        }
        self.threads.remove(&thread);
    }

    pub(super) fn start_build(&mut self, thread: usize, number: usize, at: Span) {
        assert_eq!(number, self.builds.len());
        let others = self.builds.iter_mut().filter(|it| it.open);
        let overlaps = others.map(|it| it.unclaimed.get_or_insert_default()).count() > 0;
        let has_own = self.builds.iter().any(|it| it.open && it.own == thread);
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
        let in_the_midst = match &self.threads[&thread][..] {
            [bottom] => has_own || !bottom.phases.is_empty(),
            _ => true,
        };
        if in_the_midst {
            self.next_guard -= 1;
            self.begin_chain(thread, number, Path::new(), self.next_guard, at);
        }
    }

    pub(super) fn end_build(&mut self, number: usize, at: Span) {
        // The chains stay where they are: their guards still close what is above.
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
