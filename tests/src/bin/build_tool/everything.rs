//! Fifty phases that each have a value for every field: calls that return, panic, are cancelled and stay
//! open, on two threads, with items, allocations, reallocations and frees.

use std::{
    future::{Future, pending},
    hint::black_box,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    task::{Context, Waker},
    thread,
    time::Duration,
};

use perf_runtime::tracked_build;

/// Long enough for the change of the resident set to be recorded.
const LONG: Duration = Duration::from_millis(25);

/// How a call of a phase ends.
#[derive(Clone, Copy)]
enum Ending {
    Returns,
    Panics,
    Pends,
}

pub(crate) fn main() {
    build();
}

fn poll(future: Pin<&mut dyn Future<Output = ()>>) {
    let _ = future.poll(&mut Context::from_waker(Waker::noop()));
}

/// Allocates, grows, and frees half of it.
fn work(ending: Ending, at_least: Duration) {
    let kept = vec![0_u8; 1_234_567];
    let mut freed = vec![1_u8; 345_678];
    freed.reserve_exact(1_000_000);
    std::mem::forget(black_box(kept));
    drop(black_box(freed));
    thread::sleep(at_least);
    if matches!(ending, Ending::Panics) {
        resume_unwind(Box::new(()));
    }
}

/// Phases that call themselves with every ending, and the phases below.
macro_rules! phases {
    ($($name:ident $(($($below:ident)*))?)*) => {$(
        mod $name {
            use super::*;

            $(phases!($($below)*);)?

            #[perf_runtime::tracked_phase(items = 12_345)]
            async fn $name(ending: Ending, at_least: Duration, below: fn()) {
                work(ending, at_least);
                below();
                if matches!(ending, Ending::Pends) {
                    pending::<()>().await;
                }
            }

            pub(super) fn in_all_ways() {
                let call = |ending| Box::pin($name(ending, Duration::ZERO, || ()));
                let below = || { $($($below::in_all_ways();)*)? };
                poll(Box::pin($name(Ending::Returns, LONG, below)).as_mut());
                let panics = || poll(call(Ending::Panics).as_mut());
                assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
                // One call is cancelled, and one stays open.
                poll(call(Ending::Pends).as_mut());
                let mut open = call(Ending::Pends);
                poll(open.as_mut());
                std::mem::forget(open);
            }

            pub(super) fn on_another_thread() {
                let below = || { $($($below::on_another_thread();)*)? };
                poll(Box::pin($name(Ending::Returns, Duration::ZERO, below)).as_mut());
            }
        }
    )*};
}

phases! {
    discover_sources (read_directory read_file hash_contents compare_with_last find_assets follow_links skip_hidden sort_pages report_found)
    parse_documents (front_matter common_mark footnotes tables_of_contents short_codes citations diagrams definitions cross_references)
    render_pages (load_templates highlight_code resolve_links insert_images minify_html paginate build_feeds translate social_cards)
    process_assets (compile_styles bundle_scripts resize_images subset_fonts copy_static compress_gzip compress_brotli fingerprint_names source_maps)
    write_outputs (make_directories write_pages write_assets write_sitemap write_search_index write_redirects check_links remove_stale record_manifest)
}

#[tracked_build("everything")]
fn build() {
    let build = perf_runtime::build();
    for (name, count) in
        [("total_pages", 83), ("regular_pages", 70), ("generated_pages", 13), ("total_assets", 240)]
    {
        build.count(name, count);
    }
    build.set_incremental(true);
    build.set_parallel(true);
    build.set_label("run", "nightly");
    discover_sources::in_all_ways();
    parse_documents::in_all_ways();
    render_pages::in_all_ways();
    process_assets::in_all_ways();
    write_outputs::in_all_ways();
    let other = thread::spawn(|| {
        discover_sources::on_another_thread();
        parse_documents::on_another_thread();
        render_pages::on_another_thread();
        process_assets::on_another_thread();
        write_outputs::on_another_thread();
    });
    assert!(other.join().is_ok());
}
