//! Programs: what threads do, step by step, and how random ones are made.

use std::fmt;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::Union;

/// Few, so that phases are often entered again.
pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];
pub(crate) const BLOCKS: usize = 5;
pub(crate) const HANDLES: usize = 3;
pub(crate) const FUTURES: usize = 3;
pub(crate) const CLOSURES: usize = 2;
pub(crate) const BUILDS: usize = 3;
/// Threads that are there all the time; the first is where a program begins.
pub(crate) const PLAYERS: usize = 3;

pub(crate) type Steps = Arc<[Step]>;

#[derive(Clone)]
pub(crate) struct Step {
    /// The thread that does it while all others wait. `None` for the one that is at it.
    pub(crate) player: Option<usize>,
    pub(crate) act: Act,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Ready,
    Panics,
    Never,
}

/// Numbers name the places where blocks, handles, futures, closures and builds are kept.
#[derive(Clone)]
pub(crate) enum Act {
    Allocate {
        block: usize,
        size: usize,
    },
    Zeroed {
        block: usize,
        size: usize,
    },
    Free {
        block: usize,
    },
    Resize {
        block: usize,
        size: usize,
    },
    Spin,
    /// Enters a phase; its guard is kept by the thread.
    Enter {
        name: usize,
        items: u64,
    },
    /// Drops a guard that the thread keeps, counted from the newest.
    Drop {
        guard: usize,
    },
    Forget {
        guard: usize,
    },
    Phase {
        name: usize,
        steps: Steps,
    },
    AddItems {
        items: u64,
    },
    /// Unwinds through the newest guards, and does the steps meanwhile, before they are dropped.
    Unwind {
        guards: usize,
        steps: Steps,
    },
    TakePhase {
        handle: usize,
    },
    TakeBuild {
        handle: usize,
    },
    /// Enters a handle; its guard is kept by the thread.
    EnterHandle {
        handle: usize,
    },
    InHandle {
        handle: usize,
        steps: Steps,
    },
    MakeClosure {
        closure: usize,
        panics: bool,
        steps: Steps,
    },
    Call {
        closure: usize,
    },
    /// A future that is a phase or none, handed off or not; what it does in each poll, and while it
    /// is dropped.
    MakeFuture {
        future: usize,
        name: Option<usize>,
        handed: bool,
        polls: Arc<[Steps]>,
        ending: Ending,
        last: Steps,
    },
    Poll {
        future: usize,
    },
    DropFuture {
        future: usize,
    },
    StartBuild {
        build: usize,
    },
    EndBuild {
        build: usize,
    },
    /// A thread that ends before the program goes on.
    Thread {
        steps: Steps,
    },
    /// Two threads at once.
    Both {
        one: Steps,
        other: Steps,
    },
}

impl Act {
    /// Whether some thread that is there all the time does any of it.
    pub(crate) fn last_player(steps: &[Step]) -> usize {
        let own = steps.iter().filter_map(|it| it.player).max().unwrap_or(0);
        steps
            .iter()
            .flat_map(|it| it.act.parts())
            .map(|it| Self::last_player(&it))
            .fold(own, usize::max)
    }

    fn parts(&self) -> Vec<Steps> {
        match self {
            Self::Phase { steps, .. }
            | Self::Unwind { steps, .. }
            | Self::InHandle { steps, .. }
            | Self::MakeClosure { steps, .. }
            | Self::Thread { steps } => vec![steps.clone()],
            Self::MakeFuture { polls, last, .. } => polls.iter().chain([last]).cloned().collect(),
            Self::Both { one, other } => vec![one.clone(), other.clone()],
            _ => Vec::new(),
        }
    }
}

// ---- how they are shown ------------------------------------------------------------------------

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(player) = self.player {
            write!(f, "on {player}: ")?;
        }
        self.act.fmt(f)
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allocate { block, size } => write!(f, "block[{block}] = allocate {size}"),
            Self::Zeroed { block, size } => write!(f, "block[{block}] = zeroed {size}"),
            Self::Free { block } => write!(f, "free block[{block}]"),
            Self::Resize { block, size } => write!(f, "resize block[{block}] to {size}"),
            Self::Spin => write!(f, "spin"),
            Self::Enter { name, items: 0 } => write!(f, "enter {}", NAMES[*name]),
            Self::Enter { name, items } => write!(f, "enter {} with {items} items", NAMES[*name]),
            Self::Drop { guard } => write!(f, "drop guard[-{}]", guard + 1),
            Self::Forget { guard } => write!(f, "forget guard[-{}]", guard + 1),
            Self::Phase { name, .. } => write!(f, "phase {}", NAMES[*name]),
            Self::AddItems { items } => write!(f, "add {items} items"),
            Self::Unwind { guards, .. } => write!(f, "unwind through {guards} guards, meanwhile"),
            Self::TakePhase { handle } => write!(f, "handle[{handle}] = current phase"),
            Self::TakeBuild { handle } => write!(f, "handle[{handle}] = build"),
            Self::EnterHandle { handle } => write!(f, "enter handle[{handle}]"),
            Self::InHandle { handle, .. } => write!(f, "in handle[{handle}]"),
            Self::MakeClosure { closure, panics, .. } => {
                write!(f, "closure[{closure}] = in_current_phase! panics: {panics}")
            }
            Self::Call { closure } => write!(f, "call closure[{closure}]"),
            Self::MakeFuture { future, name, handed, ending, .. } => {
                let name = name.map_or("no phase", |it| NAMES[it]);
                write!(f, "future[{future}] = {name}, handed: {handed}, {ending:?}")
            }
            Self::Poll { future } => write!(f, "poll future[{future}]"),
            Self::DropFuture { future } => write!(f, "drop future[{future}]"),
            Self::StartBuild { build } => write!(f, "start build[{build}]"),
            Self::EndBuild { build } => write!(f, "end build[{build}]"),
            Self::Thread { .. } => write!(f, "on a new thread"),
            Self::Both { .. } => write!(f, "on two new threads at once"),
        }?;
        self.parts().iter().try_for_each(|it| write!(f, " {it:#?}"))
    }
}

// ---- how random ones are made ------------------------------------------------------------------

/// What a random program may be made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    /// How often steps are of each kind, by comparison.
    pub(crate) handles: u32,
    pub(crate) futures: u32,
    pub(crate) builds: u32,
    pub(crate) threads: u32,
}

/// Random programs.
pub(crate) fn programs(kinds: Kinds) -> BoxedStrategy<Steps> {
    let steps = leaf(kinds).prop_recursive(4, 48, 5, move |step| compound(kinds, &step));
    let program = prop::collection::vec(steps, 1..14);
    program.prop_map(Steps::from).boxed()
}

type Acts = BoxedStrategy<Act>;

/// One of the acts, by how often each is wanted, somewhere.
fn steps_of(acts: Vec<(u32, Acts)>, kinds: Kinds) -> BoxedStrategy<Step> {
    let elsewhere = if kinds.threads == 0 { 1 } else { PLAYERS };
    let player = prop_oneof![5 => Just(None), 1 => (0..elsewhere).prop_map(Some)];
    let wanted = acts.into_iter().filter(|it| it.0 > 0).collect();
    let step = (player, Union::new_weighted(wanted));
    step.prop_map(|(player, act)| Step { player, act }).boxed()
}

fn number(count: usize, act: fn(usize) -> Act) -> Acts {
    (0..count).prop_map(act).boxed()
}

fn leaf(kinds: Kinds) -> BoxedStrategy<Step> {
    let Kinds { handles, futures, builds, .. } = kinds;
    // Sizes around the step at which threads tell the process of their level, too.
    let size = || prop_oneof![1..2_000_usize, 60_000..70_000_usize, 100_000..300_000_usize];
    let sized = |act: fn(usize, usize) -> Act| {
        (0..BLOCKS, size()).prop_map(move |(block, size)| act(block, size)).boxed()
    };
    let enter = (0..NAMES.len(), 0..3_u64).prop_map(|(name, items)| Act::Enter { name, items });
    let acts = vec![
        (30, sized(|block, size| Act::Allocate { block, size })),
        (6, sized(|block, size| Act::Zeroed { block, size })),
        (20, number(BLOCKS, |block| Act::Free { block })),
        (20, sized(|block, size| Act::Resize { block, size })),
        (3, Just(Act::Spin).boxed()),
        (20, enter.boxed()),
        (12, number(3, |guard| Act::Drop { guard })),
        (3, number(3, |guard| Act::Forget { guard })),
        (4, (1..9_u64).prop_map(|items| Act::AddItems { items }).boxed()),
        (2 * handles, number(HANDLES, |handle| Act::TakePhase { handle })),
        (handles, number(HANDLES, |handle| Act::EnterHandle { handle })),
        (handles, number(CLOSURES, |closure| Act::Call { closure })),
        (2 * futures, number(FUTURES, |future| Act::Poll { future })),
        (futures, number(FUTURES, |future| Act::DropFuture { future })),
        (builds, number(HANDLES, |handle| Act::TakeBuild { handle })),
        (builds, number(BUILDS, |build| Act::StartBuild { build })),
        (builds, number(BUILDS, |build| Act::EndBuild { build })),
    ];
    steps_of(acts, kinds)
}

fn compound(kinds: Kinds, step: &BoxedStrategy<Step>) -> BoxedStrategy<Step> {
    let Kinds { handles, futures, threads, .. } = kinds;
    let steps = || prop::collection::vec(step.clone(), 0..6).prop_map(Steps::from);
    let phase = (0..NAMES.len(), steps()).prop_map(|(name, steps)| Act::Phase { name, steps });
    let unwind = (0..4_usize, steps()).prop_map(|(guards, steps)| Act::Unwind { guards, steps });
    let within = (0..HANDLES, steps()).prop_map(|(handle, steps)| Act::InHandle { handle, steps });
    let closure = (0..CLOSURES, any::<bool>(), steps())
        .prop_map(|(closure, panics, steps)| Act::MakeClosure { closure, panics, steps });
    let ending = prop_oneof![Just(Ending::Ready), Just(Ending::Panics), Just(Ending::Never)];
    let polls = prop::collection::vec(steps(), 1..4).prop_map(Arc::from);
    let kind = (0..FUTURES, prop::option::weighted(0.8, 0..NAMES.len()), any::<bool>());
    let last = prop::collection::vec(step.clone(), 0..3).prop_map(Steps::from);
    let future =
        (kind, polls, ending, last).prop_map(|((future, name, handed), polls, ending, last)| {
            Act::MakeFuture { future, name, handed, polls, ending, last }
        });
    let both = (steps(), steps()).prop_map(|(one, other)| Act::Both { one, other });
    let acts = vec![
        (12, phase.boxed()),
        (4, unwind.boxed()),
        (2 * handles, within.boxed()),
        (handles, closure.boxed()),
        (2 * futures, future.boxed()),
        (threads, steps().prop_map(|steps| Act::Thread { steps }).boxed()),
        (threads.div_ceil(2), both.boxed()),
    ];
    steps_of(acts, kinds)
}
