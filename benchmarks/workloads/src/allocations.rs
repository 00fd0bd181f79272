//! Allocations and frees, beside the same code on the system's allocator in the same process.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use allocator_api2::alloc::{Allocator, Global, System};
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec as VecIn;

use crate::batches::{Budget, Pair, time, time_pairs};
use crate::pace::{Timed, timed};
use crate::{Contender, Phases};

/// How many blocks one unit of a contender's work holds.
const BLOCKS: u32 = 1000;
/// How many vectors one unit of a contender's work holds.
const VECTORS: u32 = 40;
/// How many elements a vector grows to.
const ELEMENTS: u64 = 256;

/// A block of so many bytes, allocated and freed.
pub(crate) fn time_blocks<C: Contender>(size: usize, budget: Budget<'_>) -> Vec<Pair> {
    time_pairs(
        budget,
        BLOCKS,
        |repeats| time(repeats, || unit::<C>(|| blocks_in(size, Global))),
        |repeats| time(repeats, || blocks_in(size, System)),
    )
}

/// Allocates and frees so many blocks of 8 bytes, rounded up to thousands, and gives their number.
pub(crate) fn allocate_often<C: Contender>(blocks: u32) -> u32 {
    let units = blocks.div_ceil(BLOCKS);
    for _ in 0..units {
        unit::<C>(|| blocks_in(8, Global));
    }
    units * BLOCKS
}

/// A unit of the contender's work, inside of a phase: some count nothing elsewhere.
fn unit<C: Contender>(mut work: impl FnMut()) {
    C::unit(|| C::Annotated::within(&mut work));
}

#[inline(never)]
fn blocks_in<A: Allocator + Copy>(size: usize, allocator: A) {
    for _ in 0..BLOCKS {
        drop(black_box(VecIn::<u8, A>::with_capacity_in(size, allocator)));
    }
}

/// Vectors that grow by `push`.
pub(crate) fn time_growth<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_pairs(
        budget,
        VECTORS,
        |repeats| time(repeats, || unit::<C>(|| vectors_in(Global))),
        |repeats| time(repeats, || vectors_in(System)),
    )
}

#[inline(never)]
fn vectors_in<A: Allocator + Copy>(allocator: A) {
    for _ in 0..VECTORS {
        let mut vector = VecIn::new_in(allocator);
        for element in 0..ELEMENTS {
            push(&mut vector, element);
        }
        drop(black_box(vector));
    }
}

/// Pushes one element. Not inlined: else the compiler keeps the vector in registers for some
/// allocators and in memory for others, which costs more than what is measured.
#[inline(never)]
fn push<A: Allocator>(vector: &mut VecIn<u64, A>, element: u64) {
    vector.push(black_box(element));
}

/// Blocks that one thread allocates and another frees: the time of both.
pub(crate) fn time_freed_elsewhere<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    thread::scope(|scope| {
        let freer = Freer::spawn::<C>(scope);
        let both = |repeats, there_and_back: fn(&Freer) -> Timed| {
            (0..repeats).map(|_| there_and_back(&freer)).fold(Timed::default(), Timed::and)
        };
        time_pairs(
            budget,
            BLOCKS,
            |repeats| both(repeats, Freer::there_and_back::<C>),
            |repeats| both(repeats, Freer::there_and_back_bare),
        )
    })
}

type Blocks<A> = Vec<Box<[u8; 64], A>>;

/// What goes to the thread that frees, and comes back empty. One thread frees both kinds, so that
/// wherever it runs is the same for both.
enum Parcel {
    Measured(Blocks<Global>),
    Bare(Blocks<System>),
}

/// A thread that frees what it is sent, and sends the empty vector back with the time it took.
struct Freer {
    full: SyncSender<Parcel>,
    empty: Receiver<(Parcel, Timed)>,
}

impl Freer {
    fn spawn<'scope, C: Contender>(scope: &'scope thread::Scope<'scope, '_>) -> Self {
        let (full, to_free) = sync_channel(1);
        let (freed, empty) = sync_channel(1);
        scope.spawn(move || {
            while let Ok(mut parcel) = to_free.recv() {
                let freeing = timed(|| match &mut parcel {
                    Parcel::Measured(blocks) => unit::<C>(|| blocks.clear()),
                    Parcel::Bare(blocks) => blocks.clear(),
                });
                if freed.send((parcel, freeing)).is_err() {
                    break;
                }
            }
        });
        Self { full, empty }
    }

    /// Allocates, lets free, and gives the time of both without that of the way.
    fn there_and_back<C: Contender>(&self) -> Timed {
        let mut blocks = Vec::with_capacity(BLOCKS as usize);
        let filling = timed(|| unit::<C>(|| fill(&mut blocks, Global)));
        filling.and(self.free(Parcel::Measured(blocks)))
    }

    /// The same on the system's allocator.
    fn there_and_back_bare(&self) -> Timed {
        let mut blocks = Vec::with_capacity(BLOCKS as usize);
        let filling = timed(|| fill(&mut blocks, System));
        filling.and(self.free(Parcel::Bare(blocks)))
    }

    fn free(&self, parcel: Parcel) -> Timed {
        // The other thread lives as long as this end does.
        let sent = self.full.send(parcel).is_ok();
        if sent {
            self.empty.recv().map_or_else(|_| Timed::default(), |it| it.1)
        } else {
            Timed::default()
        }
    }
}

#[inline(never)]
fn fill<A: Allocator + Copy>(blocks: &mut Blocks<A>, allocator: A) {
    for _ in 0..BLOCKS {
        blocks.push(Box::new_in(black_box([0; 64]), allocator));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Seen;

    macro_rules! phase {
        ($function:item) => {
            $function
        };
    }

    crate::phases!(phase, phase);

    struct Bare;

    impl Contender for Bare {
        type Annotated = Annotated;

        fn measuring<T>(work: impl FnOnce() -> T) -> T {
            work()
        }

        fn seen(work: impl FnOnce()) -> Seen {
            work();
            Seen::default()
        }
    }

    #[test]
    fn blocks_come_back_freed_with_the_time_that_it_took() {
        thread::scope(|scope| {
            let freer = Freer::spawn::<Bare>(scope);
            let mut blocks = Vec::new();
            fill(&mut blocks, Global);
            assert_eq!(blocks.len(), BLOCKS as usize);
            freer.full.send(Parcel::Measured(blocks)).unwrap();
            let (parcel, freeing) = freer.empty.recv().unwrap();
            assert!(matches!(parcel, Parcel::Measured(blocks) if blocks.is_empty()));
            assert!(freeing.taken > Duration::ZERO);
            assert!(freer.there_and_back::<Bare>().taken > Duration::ZERO);
            assert!(freer.there_and_back_bare().taken > Duration::ZERO);
        });
    }

    #[test]
    fn a_phase_does_the_work_given_to_it_once() {
        let mut times = 0;
        unit::<Bare>(|| times += 1);
        assert_eq!(times, 1);
        assert_eq!(Bare::measuring(|| 7), 7);
        assert_eq!(Annotated::ten_nested(3), 3);
        assert_eq!(Annotated::hundred_sites(5), 5);
    }
}
