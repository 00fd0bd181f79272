//! Methods: every kind of `self`, in types and in traits.
use std::fmt::Debug;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use perf_runtime::tracked_phase;

use crate::{Yield, assert_send, block_on};

#[derive(Debug, Clone, Default)]
struct Site {
    pages: Vec<String>,
    count: usize,
}

impl Site {
    #[tracked_phase]
    fn new(page: &str) -> Self {
        Self { pages: vec![page.to_owned()], count: 1 }
    }

    #[tracked_phase]
    fn by_reference(&self) -> &str {
        &self.pages[0]
    }

    #[tracked_phase]
    fn by_mutable_reference(&mut self) -> &mut String {
        self.count += 1;
        &mut self.pages[0]
    }

    #[tracked_phase]
    fn by_value(self) -> Vec<String> {
        self.pages
    }

    #[tracked_phase]
    fn by_mutable_value(mut self) -> Self {
        self.count += 1;
        self
    }

    #[tracked_phase]
    fn by_box(self: Box<Self>) -> usize {
        self.count
    }

    #[tracked_phase]
    fn by_rc(self: &Rc<Self>) -> usize {
        self.count
    }

    #[tracked_phase]
    fn by_owned_rc(self: Rc<Self>, other: Rc<Self>) -> Rc<Self> {
        if other.count > self.count { other } else { self }
    }

    #[tracked_phase]
    fn by_arc(self: Arc<Self>) -> Arc<Self> {
        self
    }

    #[tracked_phase]
    fn by_pin(mut self: Pin<&mut Self>) -> usize {
        self.count += 1;
        self.count
    }

    #[tracked_phase]
    async fn async_by_reference(&self) -> &str {
        Yield::default().await;
        &self.pages[0]
    }

    #[tracked_phase]
    async fn async_by_mutable_reference(&mut self, more: usize) -> &mut String {
        Yield::default().await;
        self.count += more;
        &mut self.pages[0]
    }

    #[tracked_phase]
    async fn async_by_value(self) -> Vec<String> {
        Yield::default().await;
        self.pages
    }

    #[tracked_phase]
    async fn async_by_mutable_value(mut self) -> Self {
        self.count += 1;
        Yield::default().await;
        self
    }

    #[tracked_phase]
    async fn async_by_box(self: Box<Self>) -> usize {
        Yield::default().await;
        self.count
    }

    #[tracked_phase]
    async fn async_by_arc(self: Arc<Self>) -> Arc<Self> {
        Yield::default().await;
        self
    }

    #[tracked_phase]
    async fn async_by_rc(self: Rc<Self>) -> usize {
        Yield::default().await;
        self.count
    }

    #[tracked_phase]
    async fn async_by_pin(mut self: Pin<&mut Self>) -> usize {
        Yield::default().await;
        self.count += 1;
        self.count
    }

    #[tracked_phase]
    async fn async_borrows<'a>(&'a self, other: &'a str) -> [&'a str; 2] {
        Yield::default().await;
        [&self.pages[0], other]
    }

    #[tracked_phase]
    async fn async_makes_closure(&self) -> usize {
        let count = || self.count + self.pages.len();
        Yield::default().await;
        count()
    }

    #[tracked_phase]
    async fn async_format(&self, __self: u32, _self: u32) -> String {
        Yield::default().await;
        format!("{} {self:?} {}", self.count, __self + _self)
    }

    #[tracked_phase]
    async fn async_by_explicit_reference(self: &Self, Self { count, .. }: Self) -> usize {
        Yield::default().await;
        self.count + count
    }

    #[tracked_phase]
    async fn async_by_pinned_box(self: Pin<Box<Self>>) -> usize {
        Yield::default().await;
        self.count
    }

    #[tracked_phase]
    async fn async_new(page: &str) -> Self {
        Yield::default().await;
        Self::new(page)
    }
}

trait Render {
    type Output: Debug;

    const FACTOR: usize;

    fn render(&self) -> Self::Output;

    #[tracked_phase]
    fn render_twice(&self) -> (Self::Output, Self::Output) {
        (self.render(), self.render())
    }

    #[tracked_phase]
    fn consume(self) -> Option<Self::Output>
    where
        Self: Sized,
    {
        Some(self.render())
    }

    #[tracked_phase]
    fn factor() -> usize
    where
        Self: Sized,
    {
        Self::FACTOR
    }
}

impl Render for Site {
    type Output = usize;

    const FACTOR: usize = 3;

    #[tracked_phase("render site")]
    fn render(&self) -> Self::Output {
        self.count
    }
}

#[derive(Debug, Clone, Copy)]
struct Wrapped<'a, T, const N: usize>(&'a [T; N]);

impl<'a, T: Debug, const N: usize> Render for Wrapped<'a, T, N> {
    type Output = (&'a T, usize);

    const FACTOR: usize = N;

    #[tracked_phase]
    fn render(&self) -> Self::Output {
        (&self.0[0], N)
    }
}

trait Measure {
    fn measure(&self) -> usize;

    async fn measure_later(&self) -> usize;
}

impl Measure for str {
    #[tracked_phase]
    fn measure(&self) -> usize {
        self.len()
    }

    #[tracked_phase]
    async fn measure_later(&self) -> usize {
        Yield::default().await;
        self.len()
    }
}

impl<T> Measure for [T] {
    #[tracked_phase]
    fn measure(&self) -> usize {
        self.len()
    }

    #[tracked_phase]
    async fn measure_later(&self) -> usize {
        Yield::default().await;
        self.len()
    }
}

trait Fetch {
    async fn fetch(&mut self, number: u32) -> Result<u32, String>;

    #[tracked_phase]
    async fn fetch_twice(&mut self, (number, _): (u32, u32)) -> Result<u32, String> {
        Ok(self.fetch(number).await? + self.fetch(number).await?)
    }
}

impl Fetch for Site {
    #[tracked_phase]
    async fn fetch(&mut self, number: u32) -> Result<u32, String> {
        Yield::default().await;
        self.count += 1;
        if number == 0 {
            return Err("zero".to_owned());
        }
        Ok(number)
    }
}

pub(crate) fn run() {
    let mut site = Site::new("page");
    assert_eq!(site.by_reference(), "page");
    site.by_mutable_reference().push('s');
    assert_eq!(site.clone().by_value(), ["pages"]);
    let mut site = site.by_mutable_value();
    assert_eq!(Box::new(site.clone()).by_box(), 3);
    assert_eq!(Rc::new(site.clone()).by_rc(), 3);
    assert_eq!(Rc::new(Site::default()).by_owned_rc(Rc::new(site.clone())).count, 3);
    assert_eq!(Arc::new(site.clone()).by_arc().count, 3);
    assert_eq!(Pin::new(&mut site).by_pin(), 4);

    assert_eq!(block_on(assert_send(site.async_by_reference())), "pages");
    block_on(assert_send(site.async_by_mutable_reference(1))).push('!');
    assert_eq!(block_on(site.clone().async_by_value()), ["pages!"]);
    let mut site = block_on(site.async_by_mutable_value());
    assert_eq!(block_on(Box::new(site.clone()).async_by_box()), 6);
    assert_eq!(block_on(assert_send(Arc::new(site.clone()).async_by_arc())).count, 6);
    assert_eq!(block_on(Rc::new(site.clone()).async_by_rc()), 6);
    assert_eq!(block_on(Pin::new(&mut site).async_by_pin()), 7);
    assert_eq!(block_on(site.async_borrows("other")), ["pages!", "other"]);
    assert_eq!(block_on(site.async_makes_closure()), 8);
    assert!(block_on(site.async_format(1, 2)).starts_with("7 Site"));
    let explicit = site.async_by_explicit_reference(Site::new(""));
    assert_eq!(block_on(explicit), 8);
    assert_eq!(block_on(Box::pin(site.clone()).async_by_pinned_box()), 7);
    assert_eq!(block_on(Site::async_new("new")).pages, ["new"]);

    assert_eq!(site.render_twice(), (7, 7));
    assert_eq!(Site::factor(), 3);
    let wrapped = Wrapped(&['a', 'b']);
    assert_eq!(wrapped.render_twice(), ((&'a', 2), (&'a', 2)));
    assert_eq!(wrapped.consume(), Some((&'a', 2)));
    assert_eq!(block_on(site.fetch_twice((2, 0))), Ok(4));
    assert_eq!(block_on(site.fetch(0)), Err("zero".to_owned()));
    assert_eq!(site.consume(), Some(10));
    assert_eq!("abc".measure() + [1].measure(), 4);
    assert_eq!(block_on("abc".measure_later()) + block_on([1].measure_later()), 4);
}
