//! Methods that `#[async_trait]` has rewritten.
use std::fmt::Debug;

use async_trait::async_trait;
use perf_runtime::tracked_phase;

use crate::{Yield, assert_send, block_on};

#[async_trait]
trait Fetch: Send + Sync {
    async fn fetch(&mut self, number: u32) -> Result<Box<dyn Debug + Send>, String>;

    #[tracked_phase]
    async fn default_method(&self, (number, _): (u32, u32), mut more: Vec<u32>) -> usize {
        Yield::default().await;
        more.push(number);
        more.len()
    }

    #[tracked_phase("associated")]
    async fn associated<T: Debug + Send>(value: T) -> String
    where
        Self: Sized,
    {
        Yield::default().await;
        format!("{value:?}")
    }
}

struct Site(u32);

#[async_trait]
impl Fetch for Site {
    #[tracked_phase(items = self.0 + number)]
    async fn fetch(&mut self, number: u32) -> Result<Box<dyn Debug + Send>, String> {
        Yield::default().await;
        self.0 += number;
        if number == 0 {
            return Err("zero".to_owned());
        }
        Ok(Box::new(self.0))
    }
}

#[async_trait(?Send)]
trait Local {
    async fn local(&self) -> std::rc::Rc<u32>;
}

#[async_trait(?Send)]
impl Local for Site {
    #[tracked_phase]
    async fn local(&self) -> std::rc::Rc<u32> {
        Yield::default().await;
        std::rc::Rc::new(self.0)
    }
}

pub(crate) fn run() {
    let mut site = Site(1);
    let fetched = block_on(assert_send(site.fetch(2))).unwrap();
    assert_eq!(format!("{fetched:?}"), "3");
    assert_eq!(block_on(site.fetch(0)).unwrap_err(), "zero");
    let dynamic: &dyn Fetch = &site;
    assert_eq!(block_on(dynamic.default_method((1, 2), vec![3])), 2);
    assert_eq!(block_on(Site::associated('a')), "'a'");
    assert_eq!(*block_on(site.local()), 3);
}
