//! The attribute on `impl` blocks, traits and modules.
use perf_runtime::tracked_phase;

use crate::{Yield, block_on};

#[derive(Default)]
struct Site {
    pages: Vec<u32>,
}

#[tracked_phase]
impl Site {
    const LIMIT: usize = Self::limit();

    const fn limit() -> usize {
        3
    }

    fn load(&mut self) -> Result<usize, std::num::ParseIntError> {
        self.pages.push("1".parse()?);
        Ok(self.pages.len())
    }

    async fn fetch(&self, (more, _): (u32, u32)) -> Option<&u32> {
        Yield::default().await;
        self.pages.iter().find(|page| **page < more)
    }

    fn later(&self) -> impl std::future::Future<Output = usize> + '_ {
        async move { self.pages.len() }
    }

    #[untracked]
    fn left_out(&self) -> bool {
        self.pages.is_empty()
    }

    #[tracked_phase("draw", items = self.pages.len())]
    fn render(&self) -> usize {
        self.pages.len()
    }
}

#[tracked_phase(prefix = "count")]
trait Count {
    fn count(&self) -> usize;

    fn count_twice(&self) -> usize {
        2 * self.count()
    }
}

#[tracked_phase(prefix = "site")]
impl Count for Site {
    fn count(&self) -> usize {
        self.pages.len()
    }
}

#[tracked_phase(prefix = "pages", crate = ::perf_runtime)]
mod pages {
    pub(super) struct Page(pub(super) u32);

    impl Page {
        pub(super) fn number(&self) -> u32 {
            self.0 + inner::one()
        }
    }

    #[untracked]
    impl Drop for Page {
        fn drop(&mut self) {
            self.0 = 0;
        }
    }

    mod inner {
        pub(super) fn one() -> u32 {
            1
        }
    }
}

pub(crate) fn run() {
    let mut site = Site::default();
    assert!(site.left_out());
    assert_eq!(site.load(), Ok(1));
    assert_eq!(block_on(site.fetch((2, 0))), Some(&1));
    assert_eq!(block_on(site.later()) + site.render() + Site::LIMIT, 5);
    assert_eq!(site.count_twice(), 2);
    assert_eq!(pages::Page(1).number(), 2);
}
