//! The compiler looks at a handed-off closure before it looks at bare ones beside it.
use perf_runtime::in_current_phase;

fn two<T, R>(make: impl Fn() -> T, take: impl Fn(T) -> R) -> R {
    take(make())
}

fn main() {
    two(in_current_phase!(|| vec![1]), in_current_phase!(|made| made.len()));
    two(|| vec![1], in_current_phase!(|made: Vec<u8>| made.len()));
    two(|| vec![1], in_current_phase!(|made| made.len()));
}
