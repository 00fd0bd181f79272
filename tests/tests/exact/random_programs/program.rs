//! Programs: what threads do, step by step, and how random programs are generated.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::Union;

/// Few, so that recursion is common.
pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];
pub(crate) const BLOCKS: usize = 5;
pub(crate) const HANDLES: usize = 3;
pub(crate) const FUTURES: usize = 3;
pub(crate) const CLOSURES: usize = 2;
pub(crate) const BUILDS: usize = 3;
/// Threads that live as long as the program. The first runs it.
pub(crate) const PLAYERS: usize = 3;

pub(crate) type Steps = Arc<[Step]>;

#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The thread that runs the step while all others wait. `None` is the current thread.
    pub(crate) player: Option<usize>,
    pub(crate) act: Act,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Ready,
    Panics,
    Never,
}

/// A future that is a phase or not, and is handed off or not, with the steps of each poll and of its drop.
#[derive(Debug, Clone)]
pub(crate) struct FuturePlan {
    pub(crate) future: usize,
    pub(crate) name: Option<usize>,
    pub(crate) handed: bool,
    pub(crate) polls: Arc<[Steps]>,
    pub(crate) ending: Ending,
    pub(crate) last: Steps,
}

/// Blocks, handles, futures, closures and builds are kept in slots. Numbers are indices of slots.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Allocate {
        block: usize,
        size: usize,
    },
    Zeroed {
        block: usize,
        size: usize,
    },
    Free(usize),
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
    Drop(usize),
    Forget(usize),
    Phase {
        name: usize,
        steps: Steps,
    },
    AddItems(u64),
    /// Unwinds through the newest guards. The steps run while unwinding, before the guards are dropped.
    Unwind {
        guards: usize,
        steps: Steps,
    },
    TakePhase(usize),
    TakeBuild(usize),
    /// Enters a handle; its guard is kept by the thread.
    EnterHandle(usize),
    InHandle {
        handle: usize,
        steps: Steps,
    },
    MakeClosure {
        closure: usize,
        panics: bool,
        steps: Steps,
    },
    Call(usize),
    MakeFuture(FuturePlan),
    Poll(usize),
    DropFuture(usize),
    StartBuild(usize),
    EndBuild(usize),
    /// A thread that ends before the program goes on.
    Thread(Steps),
    /// Two threads at once.
    Both {
        one: Steps,
        other: Steps,
    },
}

impl Act {
    /// The highest number of a player that runs any of the steps.
    pub(crate) fn last_player(steps: &[Step]) -> usize {
        let own = steps.iter().filter_map(|step| step.player).max().unwrap_or(0);
        steps
            .iter()
            .flat_map(|step| step.act.parts())
            .map(|part| Self::last_player(&part))
            .fold(own, usize::max)
    }

    fn parts(&self) -> Vec<Steps> {
        match self {
            Self::Phase { steps, .. }
            | Self::Unwind { steps, .. }
            | Self::InHandle { steps, .. }
            | Self::MakeClosure { steps, .. }
            | Self::Thread(steps) => vec![steps.clone()],
            Self::MakeFuture(FuturePlan { polls, last, .. }) => {
                polls.iter().chain([last]).cloned().collect()
            }
            Self::Both { one, other } => vec![one.clone(), other.clone()],
            _ => Vec::new(),
        }
    }
}

// ---- random programs --------- ------------------------------------------------------------------

/// What random programs consist of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    /// The relative frequency of each kind of step.
    pub(crate) handles: u32,
    pub(crate) futures: u32,
    pub(crate) builds: u32,
    pub(crate) threads: u32,
}

/// Random programs.
pub(crate) fn programs(kinds: Kinds) -> BoxedStrategy<Steps> {
    let step = leaf(kinds).prop_recursive(4, 48, 5, move |step| compound(kinds, &step));
    let program = prop::collection::vec(step, 1..14);
    program.prop_map(Steps::from).boxed()
}

type Acts = BoxedStrategy<Act>;

/// Steps of these acts, chosen by their weights.
fn steps(acts: Vec<(u32, Acts)>, kinds: Kinds) -> BoxedStrategy<Step> {
    let elsewhere = if kinds.threads == 0 { 1 } else { PLAYERS };
    let player = prop_oneof![5 => Just(None), 1 => (0..elsewhere).prop_map(Some)];
    let wanted = acts.into_iter().filter(|act| act.0 > 0).collect();
    let step = (player, Union::new_weighted(wanted));
    step.prop_map(|(player, act)| Step { player, act }).boxed()
}

fn number(count: usize, act: fn(usize) -> Act) -> Acts {
    (0..count).prop_map(act).boxed()
}

fn leaf(kinds: Kinds) -> BoxedStrategy<Step> {
    let Kinds { handles, futures, builds, .. } = kinds;
    // Some sizes are close to the step at which threads publish their levels.
    let size = || prop_oneof![1..2_000_usize, 60_000..70_000_usize, 100_000..300_000_usize];
    let sized = |act: fn(usize, usize) -> Act| {
        (0..BLOCKS, size()).prop_map(move |(block, size)| act(block, size)).boxed()
    };
    let enter = (0..NAMES.len(), 0..3_u64).prop_map(|(name, items)| Act::Enter { name, items });
    let acts = vec![
        (30, sized(|block, size| Act::Allocate { block, size })),
        (6, sized(|block, size| Act::Zeroed { block, size })),
        (20, number(BLOCKS, Act::Free)),
        (20, sized(|block, size| Act::Resize { block, size })),
        (3, Just(Act::Spin).boxed()),
        (20, enter.boxed()),
        (12, number(3, Act::Drop)),
        (3, number(3, Act::Forget)),
        (4, (1..9_u64).prop_map(Act::AddItems).boxed()),
        (2 * handles, number(HANDLES, Act::TakePhase)),
        (handles, number(HANDLES, Act::EnterHandle)),
        (handles, number(CLOSURES, Act::Call)),
        (2 * futures, number(FUTURES, Act::Poll)),
        (futures, number(FUTURES, Act::DropFuture)),
        (builds, number(HANDLES, Act::TakeBuild)),
        (builds, number(BUILDS, Act::StartBuild)),
        (builds, number(BUILDS, Act::EndBuild)),
    ];
    steps(acts, kinds)
}

fn compound(kinds: Kinds, step: &BoxedStrategy<Step>) -> BoxedStrategy<Step> {
    let Kinds { handles, futures, threads, .. } = kinds;
    let some_steps = || prop::collection::vec(step.clone(), 0..6).prop_map(Steps::from);
    let phase = (0..NAMES.len(), some_steps()).prop_map(|(name, steps)| Act::Phase { name, steps });
    let unwind =
        (0..4_usize, some_steps()).prop_map(|(guards, steps)| Act::Unwind { guards, steps });
    let within =
        (0..HANDLES, some_steps()).prop_map(|(handle, steps)| Act::InHandle { handle, steps });
    let closure = (0..CLOSURES, any::<bool>(), some_steps())
        .prop_map(|(closure, panics, steps)| Act::MakeClosure { closure, panics, steps });
    let ending = prop_oneof![Just(Ending::Ready), Just(Ending::Panics), Just(Ending::Never)];
    let polls = prop::collection::vec(some_steps(), 1..4).prop_map(Arc::from);
    let kind = (0..FUTURES, prop::option::weighted(0.8, 0..NAMES.len()), any::<bool>());
    let last = prop::collection::vec(step.clone(), 0..3).prop_map(Steps::from);
    let future =
        (kind, polls, ending, last).prop_map(|((future, name, handed), polls, ending, last)| {
            Act::MakeFuture(FuturePlan { future, name, handed, polls, ending, last })
        });
    let both = (some_steps(), some_steps()).prop_map(|(one, other)| Act::Both { one, other });
    let acts = vec![
        (12, phase.boxed()),
        (4, unwind.boxed()),
        (2 * handles, within.boxed()),
        (handles, closure.boxed()),
        (2 * futures, future.boxed()),
        (threads, some_steps().prop_map(Act::Thread).boxed()),
        (threads.div_ceil(2), both.boxed()),
    ];
    steps(acts, kinds)
}
