//! Calls of phases on a time axis: lanes of nested slices for trace viewers.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Stacks;

/// The phases that slices refer to by index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phases {
    phases: Vec<Phase>,
    by_path: HashMap<String, usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Phase {
    pub path: String,
    /// What a viewer shows beside its name and time.
    pub facts: Map<String, Value>,
}

impl Phases {
    /// The index of a phase, which is added if it is missing.
    pub(crate) fn index_of(&mut self, path: &str) -> usize {
        if let Some(index) = self.by_path.get(path) {
            return *index;
        }
        let index = self.phases.len();
        self.by_path.insert(path.to_owned(), index);
        self.phases.push(Phase { path: path.to_owned(), facts: Map::new() });
        index
    }

    /// Sets the facts about a phase.
    pub(crate) fn describe(&mut self, path: &str, facts: Map<String, Value>) {
        let index = self.index_of(path);
        self.phases[index].facts = facts;
    }

    /// Panics if the index is of other phases.
    pub(crate) fn get(&self, index: usize) -> &Phase {
        &self.phases[index]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Phase> {
        self.phases.iter()
    }
}

impl Phase {
    /// The last part of its path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// A period of time in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The index of the phase.
    pub phase: usize,
    /// In nanoseconds since the build's start.
    pub start_ns: u64,
    pub end_ns: u64,
}

/// Slices on one time axis: any two are disjoint, or one contains the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    pub name: String,
    /// In the order of their starts, parents before children.
    slices: Vec<Slice>,
}

/// The start of a slice, or the end of the innermost open slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub is_start: bool,
    /// The index of the phase.
    pub phase: usize,
    /// In nanoseconds since the build's start.
    pub at_ns: u64,
}

/// The most lanes for the calls of one thread. Calls on one thread nest, so one is enough for
/// everything that the runtime writes.
const MAX_LANES: usize = 16;

/// A lane that is being filled.
#[derive(Default)]
struct Filling {
    slices: Vec<Slice>,
    /// The ends of the slices that may contain the next one.
    open: Vec<u64>,
}

impl Lane {
    /// Lays out sums of time as if each phase had run once, one after another. A phase lasts as long
    /// as it and its children took together.
    pub(crate) fn from_sums(name: impl Into<String>, sums: &Stacks, phases: &mut Phases) -> Self {
        let mut slices: Vec<Slice> = Vec::new();
        // The indices of the open slices, and their frames.
        let mut open: Vec<usize> = Vec::new();
        let mut frames: &[String] = &[];
        let mut now = 0;
        for stack in &sums.entries {
            let in_common = frames.iter().zip(&stack.frames).take_while(|(a, b)| a == b).count();
            for index in open.drain(in_common..) {
                slices[index].end_ns = now;
            }
            for depth in in_common..stack.frames.len() {
                let phase = phases.index_of(&stack.frames[..=depth].join("/"));
                open.push(slices.len());
                slices.push(Slice { phase, start_ns: now, end_ns: now });
            }
            frames = &stack.frames;
            now += stack.value;
        }
        for index in open {
            slices[index].end_ns = now;
        }
        Self { name: name.into(), slices }
    }

    /// Puts the calls of one thread into as few lanes as possible, and returns the number of calls
    /// that nest in none of [`MAX_LANES`] lanes.
    pub(crate) fn from_calls(name: &str, mut calls: Vec<Slice>) -> (Vec<Self>, u64) {
        calls.sort_by_key(|call| (call.start_ns, Reverse(call.end_ns), call.phase));
        let mut lanes: Vec<Filling> = vec![Filling::default()];
        let mut left_out = 0;
        for call in calls {
            let lane = match lanes.iter_mut().find_map(|lane| lane.add(call)) {
                Some(()) => continue,
                None if lanes.len() < MAX_LANES => lanes.push_mut(Filling::default()),
                None => {
                    left_out += 1;
                    continue;
                }
            };
            let _ = lane.add(call);
        }
        let named = lanes.into_iter().enumerate().map(|(number, lane)| {
            let name = match number {
                0 => name.to_owned(),
                number => format!("{name}, overlapping calls {number}"),
            };
            Self { name, slices: lane.slices }
        });
        (named.collect(), left_out)
    }

    pub(crate) fn end_ns(&self) -> u64 {
        self.slices.iter().map(|slice| slice.end_ns).max().unwrap_or(0)
    }

    /// Starts and ends in the order of time, properly nested.
    pub(crate) fn edges(&self) -> impl Iterator<Item = Edge> {
        let mut slices = self.slices.iter().copied().peekable();
        let mut open: Vec<Slice> = Vec::new();
        std::iter::from_fn(move || {
            let is_next =
                |top: &Slice| slices.peek().is_some_and(|next| is_within(next, top.end_ns));
            if open.last().is_none_or(is_next) {
                let slice = slices.next()?;
                open.push(slice);
                return Some(Edge { is_start: true, phase: slice.phase, at_ns: slice.start_ns });
            }
            let Slice { phase, end_ns, .. } = open.pop()?;
            Some(Edge { is_start: false, phase, at_ns: end_ns })
        })
    }
}

/// Whether a slice that starts after another is within it. An empty slice at the end of the other is
/// not.
fn is_within(slice: &Slice, end_ns: u64) -> bool {
    slice.start_ns < end_ns && slice.end_ns <= end_ns
}

impl Filling {
    /// Adds the slice if it nests within the earlier ones.
    fn add(&mut self, slice: Slice) -> Option<()> {
        while self.open.last().is_some_and(|end| *end <= slice.start_ns) {
            self.open.pop();
        }
        if self.open.last().is_some_and(|end| !is_within(&slice, *end)) {
            return None;
        }
        self.open.push(slice.end_ns);
        self.slices.push(slice);
        Some(())
    }
}
