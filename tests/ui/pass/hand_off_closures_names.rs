//! `in_current_phase!` where its names mean something else, nothing is in scope, the runtime has
//! another name, or the closure comes from another macro.
use perf_runtime::in_current_phase;

mod shadowed {
    #![allow(dead_code, non_camel_case_types)]

    use crate::{Yield, block_on};

    mod core {}
    mod std {}
    mod perf_runtime {}
    mod __private {}

    struct Option;
    struct Some;
    struct None;
    struct Future;
    struct carry;
    struct enter_carried;
    struct carried_future;

    pub(super) fn run() {
        let __phase = 1_u32;
        let __guard = 2_u32;
        let constants = ::perf_runtime::in_current_phase!(|| __phase + __guard);
        assert_eq!(constants(), 3);
        let arguments = ::perf_runtime::in_current_phase!(|(phase, guard): (u32, u32)| {
            let __output = phase;
            guard + __output + __phase
        });
        assert_eq!(arguments((2, 3)), 6);
        let future = ::perf_runtime::in_current_phase!(|number: u32| async move {
            Yield::default().await;
            number + __phase
        });
        assert_eq!(block_on(future(1)), 2);
        let closure = ::perf_runtime::in_current_phase!(async |(number, _): (u32, u32),
                                                               __arg1: u32|
               -> Result<u32, u32> {
            Yield::default().await;
            if number == 0 {
                return Err(__arg1);
            }
            Ok(number + __arg1 + __guard)
        });
        assert_eq!(block_on(closure((1, 0), 2)), Ok(5));
        assert_eq!(block_on(closure((0, 0), 2)), Err(2));
    }
}

#[no_implicit_prelude]
mod no_prelude {
    use ::std::assert_eq;
    use ::std::result::Result::{self, Err, Ok};

    pub(super) fn run() {
        let closure = ::perf_runtime::in_current_phase!(|number| number + 1);
        assert_eq!(closure(1), 2);
        let moved = ::perf_runtime::in_current_phase!(move || closure(1));
        assert_eq!(moved(), 2);
        let future = ::perf_runtime::in_current_phase!(|number: u32| async move { number });
        assert_eq!(crate::block_on(future(1)), 1);
        let closure = ::perf_runtime::in_current_phase!(async |number: u32| -> Result<u32, u32> {
            if number == 0 {
                return Err(number);
            }
            Ok(number)
        });
        assert_eq!(crate::block_on(closure(1)), Ok(1));
    }
}

mod renamed {
    mod performance {
        pub(crate) use perf_runtime as tracking;
    }

    use performance::tracking::in_current_phase as hand_off;

    pub(super) fn run() {
        let by_module = hand_off!(crate = performance::tracking, |number| number + 1);
        assert_eq!(by_module(1), 2);
        let by_self = hand_off!(crate = self::performance::tracking, move |number| number + 1,);
        assert_eq!(by_self(1), 2);
        let by_crate = hand_off!(
            crate = crate::hand_off_closures_names::renamed::performance::tracking,
            async |number: u32| number + 1
        );
        assert_eq!(crate::block_on(by_crate(1)), 2);
        let by_root = hand_off!(crate = ::perf_runtime, || 1);
        assert_eq!(by_root(), 1);
    }
}

macro_rules! made {
    (move $argument:ident, $($body:tt)*) => {
        in_current_phase!(move |$argument| { $($body)* })
    };
    ($argument:pat => $body:expr) => {
        in_current_phase!(|$argument| $body)
    };
}

macro_rules! given {
    ($closure:expr) => {
        in_current_phase!($closure)
    };
}

macro_rules! with_local_names {
    ($name:ident) => {{
        let __phase = 1;
        let __guard = 2;
        in_current_phase!(move |$name| $name + __phase + __guard)
    }};
}

fn by_macros() -> [Box<dyn Fn(u32) -> u32>; 5] {
    let two = 2;
    [
        Box::new(made!(x => x + 1)),
        Box::new(made!(move x, let y = x + two; y)),
        Box::new(given!(|x| x + 3)),
        Box::new(given!(move |x| x + two * 2)),
        Box::new(with_local_names!(__phase)),
    ]
}

pub(crate) fn run() {
    shadowed::run();
    no_prelude::run();
    renamed::run();
    assert_eq!(by_macros().iter().map(|add| add(0)).collect::<Vec<_>>(), [1, 2, 3, 4, 3]);
}
