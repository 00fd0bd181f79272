//! Many trials of one question, over all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A question that is tried with a number as its seed.
pub type Question<'a, T> = Box<dyn Fn(u64) -> T + Sync + Send + 'a>;

/// Tries each question `trials` times. Every trial has a seed of its own, so that the answers do not
/// depend on the number of processors.
pub fn answers<T: Send>(questions: Vec<Question<'_, T>>, trials: u64) -> Vec<Vec<T>> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new((0..questions.len()).map(|_| Vec::new()).collect::<Vec<_>>());
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(question) = questions.get(at) else { return };
        let seed = |trial| 1 + trial + trials * at as u64;
        let of_this: Vec<T> = (0..trials).map(|trial| question(seed(trial))).collect();
        answers.lock().expect("no trial panics")[at] = of_this;
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    drop(questions);
    answers.into_inner().expect("no trial panics")
}

/// The share of trials that were answered with yes.
pub fn share(answers: &[bool]) -> f64 {
    mean(answers.iter().map(|yes| f64::from(u8::from(*yes))))
}

/// The mean of some numbers.
pub fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = f64::from(u32::try_from(numbers.len()).expect("a number of trials"));
    numbers.sum::<f64>() / count
}
