//! Random programs that make, enter, exit and close spans in any order on several threads, against
//! a slow and obvious model: work of a thread belongs to the span that it entered last and has not exited.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::thread;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, turn};
use perf_runtime::BuildStats;
use proptest::prelude::*;
use tracing::span::Id;
use tracing::{Span, info_span};

use super::{allocate, counts, subscribe, warm_up};

const THREADS: usize = 3;
const SPANS: usize = 6;

#[derive(Debug, Clone, Copy)]
enum Parent {
    /// The span that is current.
    Current,
    None,
    Span(usize),
}

/// A step of a thread.
#[derive(Debug, Clone, Copy)]
enum Step {
    Make(usize, Parent),
    Enter(usize),
    Exit(usize),
    Close(usize),
    Allocate(usize),
    End,
}

fn make(span: usize, parent: Parent, parent_id: Option<Id>) -> Span {
    macro_rules! make {
        ($($number:literal $name:literal)*) => {
            match (span, parent) {
                $(
                    ($number, Parent::Current) => info_span!($name),
                    ($number, _) => info_span!(parent: parent_id, $name),
                )*
                _ => unreachable!(),
            }
        };
    }
    make!(0 "s0" 1 "s1" 2 "s2" 3 "s3" 4 "s4" 5 "s5")
}

/// The state of a span.
#[derive(Debug, Default)]
struct ModelSpan {
    path: String,
    is_made: bool,
    is_closed: bool,
    /// The number of entries that were not exited.
    entered: usize,
    /// The number of entries while it was not entered.
    begun: u64,
    bytes: u64,
    threads: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Model {
    spans: [ModelSpan; SPANS],
    stacks: [Vec<usize>; THREADS],
    /// Bytes outside of all spans.
    outside: u64,
    steps: Vec<(usize, Step)>,
}

impl Model {
    /// Appends the step that the numbers select, if it is possible now.
    fn step(&mut self, (kind, thread, number, other): (u8, usize, usize, usize)) {
        let thread = thread % THREADS;
        let span = number % SPANS;
        let it = &mut self.spans[span];
        let can_be_used = it.is_made && !it.is_closed;
        let step = match kind {
            0..3 => {
                let Some(span) = self.spans.iter().position(|span| !span.is_made) else { return };
                let open = |it: &usize| self.spans[*it].is_made && !self.spans[*it].is_closed;
                let parent = match other % 4 {
                    0 => Parent::None,
                    1 => Some(number % SPANS).filter(open).map_or(Parent::Current, Parent::Span),
                    _ => Parent::Current,
                };
                let above = match parent {
                    Parent::Current => self.stacks[thread].last().copied(),
                    Parent::None => None,
                    Parent::Span(above) => Some(above),
                };
                let above = above.map(|above| format!("{}/", self.spans[above].path));
                self.spans[span].path = format!("{}s{span}", above.unwrap_or_default());
                self.spans[span].is_made = true;
                self.steps.push((thread, Step::Make(span, parent)));
                return;
            }
            // The same thread does not enter it twice: the registry holds that the first entry
            // counts, and the layer that the last one does.
            3..6 if can_be_used && !self.stacks[thread].contains(&span) => {
                it.begun += u64::from(it.entered == 0);
                it.entered += 1;
                it.threads.insert(thread);
                self.stacks[thread].push(span);
                Step::Enter(span)
            }
            6..8 if !self.stacks[thread].is_empty() => {
                let from_top = if other % 3 == 0 { number } else { 0 };
                let stack = &mut self.stacks[thread];
                let span = stack.remove(stack.len() - 1 - from_top % stack.len());
                self.spans[span].entered -= 1;
                Step::Exit(span)
            }
            8 if can_be_used && it.entered == 0 => {
                it.is_closed = true;
                Step::Close(span)
            }
            9.. => {
                let bytes = other % 1_000 + 1;
                match self.stacks[thread].last() {
                    Some(&span) => self.spans[span].bytes += bytes as u64,
                    None => self.outside += bytes as u64,
                }
                Step::Allocate(bytes)
            }
            _ => return,
        };
        self.steps.push((thread, step));
    }

    /// Exits and closes all that is left.
    fn end(&mut self) {
        for thread in 0..THREADS {
            while !self.stacks[thread].is_empty() {
                self.step((6, thread, 0, 1));
            }
        }
        for span in 0..SPANS {
            self.step((8, span, span, 0));
        }
    }

    /// The spans that are below one, and itself.
    fn below<'model>(&'model self, path: &'model str) -> impl Iterator<Item = &'model ModelSpan> {
        let is_below = move |it: &&ModelSpan| {
            it.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.spans.iter().filter(|span| span.is_made).filter(is_below)
    }

    fn check(&self, stats: &BuildStats) -> Result<(), TestCaseError> {
        assert_conserved(stats);
        // The test harness allocates as well.
        let outside = stats.unattributed.as_ref().and_then(|outside| outside.alloc_bytes);
        prop_assert!(outside >= Some(self.outside), "{outside:?} < {}", self.outside);
        for span in self.spans.iter().filter(|span| span.is_made) {
            let path = &*span.path;
            let threads: BTreeSet<_> = self.below(path).flat_map(|span| &span.threads).collect();
            let Some(phase) = stats.phase(path) else {
                prop_assert!(threads.is_empty(), "{path} is missing");
                continue;
            };
            let bytes: u64 = self.below(path).map(|span| span.bytes).sum();
            let calls = span.begun.min(1);
            prop_assert_eq!(counts(phase), [calls, span.begun - calls, 0, 0, 0], "{}", path);
            prop_assert_eq!(phase.self_alloc_bytes, Some(span.bytes), "self of {}", path);
            prop_assert_eq!(phase.alloc_bytes, Some(bytes), "total of {}", path);
            prop_assert_eq!(phase.threads, threads.len() as u64, "threads of {}", path);
            let own = self.below(path).any(|span| span.threads.contains(&0));
            prop_assert_eq!(phase.build_thread_ms.is_some(), own, "{} on the build thread", path);
        }
        let known = |path: &str| self.spans.iter().any(|span| span.path == path);
        prop_assert!(stats.phases.iter().all(|phase| known(&phase.path)), "{:?}", stats.phases);
        Ok(())
    }
}

/// Hands steps to a thread and waits until they are done. Allocates nothing.
#[derive(Default)]
struct Turnstile {
    step: Mutex<Option<Step>>,
    changed: Condvar,
}

impl Turnstile {
    fn run(&self, step: Step) {
        *self.step.lock().unwrap() = Some(step);
        self.changed.notify_all();
        drop(self.changed.wait_while(self.step.lock().unwrap(), |step| step.is_some()).unwrap());
    }

    /// Runs steps until the end.
    fn obey(&self, mut act: impl FnMut(Step)) {
        loop {
            let waiting = self.changed.wait_while(self.step.lock().unwrap(), |step| step.is_none());
            let step = *waiting.unwrap();
            if let Some(step) = step {
                act(step);
            }
            *self.step.lock().unwrap() = None;
            self.changed.notify_all();
            if matches!(step, Some(Step::End)) {
                return;
            }
        }
    }
}

/// Runs the steps, those of the first thread on the build thread.
fn run(steps: &[(usize, Step)]) -> BuildStats {
    let spans: [Mutex<Option<Span>>; SPANS] = Default::default();
    let of = |span: usize| spans[span].lock().unwrap();
    let enter = |span: &Span| span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
    let exit = |span: &Span| span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
    let act = |step| match step {
        Step::Make(span, parent) => {
            let parent_id = match parent {
                Parent::Span(parent) => of(parent).as_ref().and_then(Span::id),
                _ => None,
            };
            *of(span) = Some(make(span, parent, parent_id));
        }
        Step::Enter(span) => drop(of(span).as_ref().map(enter)),
        Step::Exit(span) => drop(of(span).as_ref().map(exit)),
        Step::Close(span) => *of(span) = None,
        Step::Allocate(bytes) => allocate(bytes),
        Step::End => {}
    };
    let turnstiles: [Turnstile; THREADS] = Default::default();
    let mut collector = collector();
    thread::scope(|scope| {
        for turnstile in &turnstiles[1..] {
            scope.spawn(|| {
                warm_up();
                turnstile.obey(act);
            });
        }
        // All threads have started when the build does.
        turnstiles[1..].iter().for_each(|turnstile| turnstile.run(Step::Allocate(0)));
        collector.start_build();
        for &(thread, step) in steps {
            match thread {
                0 => act(step),
                _ => turnstiles[thread].run(step),
            }
        }
        let stats = collector.end_build();
        turnstiles[1..].iter().for_each(|turnstile| turnstile.run(Step::End));
        stats
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_of_spans_are_measured_as_the_model_says(
        numbers in prop::collection::vec((0_u8..13, 0..THREADS, 0_usize..60, 0_usize..9_999), 1..60),
    ) {
        subscribe();
        let _turn = turn();
        warm_up();
        let mut model = Model::default();
        for numbers in numbers {
            model.step(numbers);
        }
        model.end();
        let stats = run(&model.steps);
        model.check(&stats)?;
    }
}
