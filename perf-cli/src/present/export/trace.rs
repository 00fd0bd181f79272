//! Calls of phases on a time axis: lanes of slices that nest, as trace viewers want them.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Stacks;

/// The phases that slices are of, each once.
#[derive(Debug, Clone, Default)]
pub struct Phases {
    phases: Vec<Phase>,
    by_path: HashMap<String, usize>,
}

/// A phase.
#[derive(Debug, Clone)]
pub struct Phase {
    /// Its path.
    pub path: String,
    /// What a viewer shows of it beside its name and time.
    pub facts: Map<String, Value>,
}

impl Phases {
    /// The place of a phase, which is made if it is not there.
    pub fn place(&mut self, path: &str) -> usize {
        if let Some(place) = self.by_path.get(path) {
            return *place;
        }
        let place = self.phases.len();
        self.by_path.insert(path.to_owned(), place);
        self.phases.push(Phase { path: path.to_owned(), facts: Map::new() });
        place
    }

    /// A phase with what there is to say of it.
    pub fn describe(&mut self, path: &str, facts: Map<String, Value>) {
        let place = self.place(path);
        self.phases[place].facts = facts;
    }

    /// The phase at a place.
    ///
    /// # Panics
    ///
    /// There is none: the place is of others.
    #[must_use]
    pub fn get(&self, place: usize) -> &Phase {
        &self.phases[place]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Phase> {
        self.phases.iter()
    }
}

impl Phase {
    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// A stretch of time in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The place of the phase.
    pub phase: usize,
    /// Nanoseconds since the build's start.
    pub start_ns: u64,
    /// The same; not before the start.
    pub end_ns: u64,
}

/// Slices on one time axis, of which any two are apart, or one is within the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Whose time it is: `own thread`.
    pub name: String,
    /// In the order of their starts, one that holds others before these.
    slices: Vec<Slice>,
}

/// The beginning or the end of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// A slice begins.
    Open {
        /// The place of its phase.
        phase: usize,
        /// Nanoseconds since the build's start.
        at_ns: u64,
    },
    /// The slice that began last of those that have not ended ends.
    Close {
        /// The place of its phase.
        phase: usize,
        /// Nanoseconds since the build's start.
        at_ns: u64,
    },
}

/// A thread's calls are spread over no more lanes than this. Calls on one thread nest, so that one
/// is enough for all that the runtime writes.
const MOST_LANES: usize = 16;

/// A lane that is being filled.
#[derive(Default)]
struct Filling {
    slices: Vec<Slice>,
    /// The ends of those slices that the next may be within.
    open: Vec<u64>,
}

impl Lane {
    /// Quantities of time as if each phase had been entered once and all had run one after
    /// another: a phase is as long as what it and those below it took together, and stands where
    /// the one before it ends.
    #[must_use]
    pub fn laid_out(name: impl Into<String>, sums: &Stacks, phases: &mut Phases) -> Self {
        let mut slices: Vec<Slice> = Vec::new();
        // The slices that have not ended, by their places, and the frames that they are of.
        let mut open: Vec<usize> = Vec::new();
        let mut frames: &[String] = &[];
        let mut now = 0;
        for stack in &sums.stacks {
            let in_common = frames.iter().zip(&stack.frames).take_while(|(a, b)| a == b).count();
            for place in open.drain(in_common..) {
                slices[place].end_ns = now;
            }
            for depth in in_common..stack.frames.len() {
                let phase = phases.place(&stack.frames[..=depth].join("/"));
                open.push(slices.len());
                slices.push(Slice { phase, start_ns: now, end_ns: now });
            }
            frames = &stack.frames;
            now += stack.value;
        }
        for place in open {
            slices[place].end_ns = now;
        }
        Self { name: name.into(), slices }
    }

    /// The calls of one thread, in as few lanes as it takes for them to nest, up to 16; and how many calls
    /// nest in none of these.
    #[must_use]
    pub fn of_calls(name: &str, mut calls: Vec<Slice>) -> (Vec<Self>, u64) {
        calls.sort_by_key(|call| (call.start_ns, Reverse(call.end_ns), call.phase));
        let mut lanes: Vec<Filling> = vec![Filling::default()];
        let mut left_out = 0;
        for call in calls {
            let lane = match lanes.iter_mut().find_map(|lane| lane.take(call)) {
                Some(()) => continue,
                None if lanes.len() < MOST_LANES => lanes.push_mut(Filling::default()),
                None => {
                    left_out += 1;
                    continue;
                }
            };
            let _ = lane.take(call);
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

    /// When the last slice ends.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.slices.iter().map(|slice| slice.end_ns).max().unwrap_or(0)
    }

    /// Beginnings and ends in the order of time, properly nested.
    pub fn edges(&self) -> impl Iterator<Item = Edge> {
        let mut slices = self.slices.iter().copied().peekable();
        let mut open: Vec<Slice> = Vec::new();
        std::iter::from_fn(move || {
            let next = slices.peek();
            match (open.last(), next) {
                (Some(top), Some(next)) if !is_within(next, top.end_ns) => {}
                (Some(_), None) => {}
                _ => {
                    let slice = slices.next()?;
                    open.push(slice);
                    return Some(Edge::Open { phase: slice.phase, at_ns: slice.start_ns });
                }
            }
            let Slice { phase, end_ns, .. } = open.pop()?;
            Some(Edge::Close { phase, at_ns: end_ns })
        })
    }
}

/// Whether a slice that begins after another is within it. One without length that begins where
/// the other ends is not.
fn is_within(slice: &Slice, end_ns: u64) -> bool {
    slice.start_ns < end_ns && slice.end_ns <= end_ns
}

impl Filling {
    /// Takes the slice, if it nests in those before.
    fn take(&mut self, slice: Slice) -> Option<()> {
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
