//! Functions that `macro_rules!` makes.
use perf_runtime::{tracked_build, tracked_phase};

use crate::{Yield, block_on};

macro_rules! from_fragments {
    ($(#[$meta:meta])* $vis:vis $name:ident, $literal:literal, $text:expr, $argument:pat => $ty:ty, $output:ty, $items:expr, $body:block) => {
        $(#[$meta])*
        #[tracked_phase($literal, items = $items)]
        $vis fn $name($argument: $ty) -> $output $body

        pub(super) mod asynchronous {
            use super::*;

            #[tracked_phase(name = $text)]
            pub(crate) async fn $name($argument: $ty) -> $output {
                Yield::default().await;
                $body
            }
        }
    };
}

from_fragments!(
    /// Documented.
    pub(super) fragments, "literal", "expression", (a, b) => (u32, u32), Result<u32, String>, 2, {
        if a == 0 {
            return Err(String::new());
        }
        Ok(a + b)
    }
);

macro_rules! with_local_names {
    ($name:ident, $site:ident, $guard:ident) => {
        #[tracked_phase(items = $site)]
        fn $name($site: u32, $guard: u32) -> u32 {
            let output = $site + $guard;
            output * 2
        }
    };
}

with_local_names!(local_names, site, __guard);

macro_rules! method {
    ($this:ident, $name:ident, $body:expr) => {
        #[tracked_phase]
        fn $name(&$this) -> u32 {
            $body
        }
    };
    (async $this:ident, $name:ident, $body:expr) => {
        #[tracked_phase]
        async fn $name(mut $this) -> u32 {
            Yield::default().await;
            $this.0 += 1;
            $body
        }
    };
}

struct Number(u32);

impl Number {
    method!(self, get, self.0);
    method!(async self, get_later, self.0);
}

macro_rules! early_return {
    ($value:expr) => {
        return $value
    };
}

#[tracked_phase]
async fn returns_by_macro(number: u32) -> Option<Box<dyn Fn() -> u32>> {
    Yield::default().await;
    if number == 0 {
        early_return!(Some(Box::new(|| 1)));
    }
    None
}

macro_rules! build {
    ($tool:literal, $name:ident, $future:ty) => {
        #[tracked_build($tool)]
        fn $name() -> $future {
            Box::pin(async { 1 })
        }
    };
}

build!("tool", build, std::pin::Pin<Box<dyn std::future::Future<Output = u32>>>);

macro_rules! annotate {
    ($($item:item)*) => {
        $(#[tracked_phase] $item)*
    };
}

annotate! {
    /// Documented.
    fn item(number: u32) -> u32 {
        number
    }

    async fn item_later((number, _): (u32, u32)) -> Result<u32, String> {
        Yield::default().await;
        Ok(number)
    }
}

macro_rules! of_type {
    ($([$($asyncness:tt)?] $attribute:ident $name:ident $output:ty, $value:expr;)*) => {
        $(#[$attribute]
        $($asyncness)? fn $name() -> $output {
            $value
        })*
    };
}

of_type! {
    [] tracked_phase opaque_type impl std::future::Future<Output = u32> + Unpin, std::future::ready(1);
    [] tracked_build opaque_build impl std::future::Future<Output = u32>, std::future::ready(1);
    [] tracked_build opaque_value impl std::fmt::Debug, 1;
    [] tracked_build never_build !, std::process::abort();
    [async] tracked_phase opaque_later impl std::fmt::Debug, Yield::default().await;
    [async] tracked_phase never_later !, std::process::abort();
    [async] tracked_phase parenthesised Result<impl std::fmt::Debug, ()>, Ok(1);
    [async] tracked_build never_build_later !, std::process::abort();
}

pub(crate) mod nested {
    pub(crate) use super::asynchronous::fragments as later;
}

pub(crate) fn run() {
    assert_eq!(fragments((1, 2)), Ok(3));
    assert_eq!(block_on(nested::later((0, 2))), Err(String::new()));
    assert_eq!(local_names(1, 2), 6);
    assert_eq!(Number(1).get(), 1);
    assert_eq!(block_on(Number(1).get_later()), 2);
    assert_eq!(block_on(returns_by_macro(0)).map(|get| get()), Some(1));
    assert_eq!(block_on(build()), 1);
    assert_eq!(item(1), 1);
    assert_eq!(block_on(item_later((1, 2))), Ok(1));
    assert_eq!(block_on(opaque_type()) + block_on(opaque_build()), 2);
    assert_eq!(format!("{:?}", opaque_value()), "1");
    assert_eq!(format!("{:?}", block_on(opaque_later())), "()");
    assert_eq!(format!("{:?}", block_on(parenthesised())), "Ok(1)");
    if std::env::args().nth(1).is_some() {
        never_build();
        block_on(never_later());
        block_on(never_build_later());
    }
}
