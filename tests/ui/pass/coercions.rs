//! What a body returns becomes what the head says, as without the attribute.
use std::error::Error;
use std::fmt::{Debug, Display};

use perf_runtime::{tracked_build, tracked_phase};

use crate::{Yield, block_on};

macro_rules! coercions {
    ($module:ident, $attribute:ident, [$($asyncness:tt)?], $wait:expr, $get:expr) => {
        mod $module {
            use super::*;

            #[$attribute]
            pub(super) $($asyncness)? fn in_ok(number: u32) -> Result<Box<dyn Debug>, Box<dyn Error>> {
                $wait;
                if number == 0 {
                    return Ok(Box::new("early"));
                }
                if number == 1 {
                    let _: u32 = "one".parse()?;
                }
                Ok(Box::new(number))
            }

            #[$attribute]
            pub(super) $($asyncness)? fn only_last() -> Result<Box<dyn Debug>, String> {
                $wait;
                Ok(Box::new(1))
            }

            #[$attribute]
            pub(super) $($asyncness)? fn unsized_slice<'a>(long: &'a [u32; 3], short: &'a [u32; 2]) -> &'a [u32] {
                $wait;
                if long[0] == 0 {
                    return short;
                }
                long
            }

            #[$attribute]
            pub(super) $($asyncness)? fn trait_object<'a>(text: &'a str) -> Option<&'a dyn Display> {
                $wait;
                let _ = text.len();
                None
            }

            #[$attribute]
            pub(super) $($asyncness)? fn function_pointer(flag: bool) -> fn(u32) -> u32 {
                fn one(number: u32) -> u32 {
                    number + 1
                }
                $wait;
                if flag {
                    return |number| number;
                }
                one
            }

            #[$attribute]
            pub(super) $($asyncness)? fn numbers() -> (u8, f32, Vec<Box<dyn Debug>>) {
                $wait;
                (1, 2.0, vec![Box::new(1), Box::new("a")])
            }

            #[$attribute]
            pub(super) $($asyncness)? fn collected(text: &str) -> Result<Vec<u32>, std::num::ParseIntError> {
                $wait;
                text.split(' ').map(str::parse).collect()
            }

            #[$attribute]
            pub(super) $($asyncness)? fn defaulted<T: Default>() -> T {
                $wait;
                Default::default()
            }

            #[$attribute]
            pub(super) $($asyncness)? fn impl_inside(number: u32) -> Result<impl Debug, Box<dyn Error>> {
                $wait;
                if number == 0 {
                    return Err("zero".into());
                }
                let number: u32 = "1".parse()?;
                Ok(number)
            }

            pub(super) fn run() {
                assert_eq!(format!("{:?}", $get(in_ok(2)).unwrap()), "2");
                assert_eq!(format!("{:?}", $get(in_ok(0)).unwrap()), "\"early\"");
                assert!($get(in_ok(1)).is_err());
                assert!($get(only_last()).is_ok());
                assert_eq!($get(unsized_slice(&[0, 1, 2], &[3, 4])), [3, 4]);
                assert_eq!($get(unsized_slice(&[1, 1, 2], &[3, 4])), [1, 1, 2]);
                assert!($get(trait_object("a")).is_none());
                assert_eq!($get(function_pointer(true))(1), 1);
                assert_eq!($get(function_pointer(false))(1), 2);
                assert_eq!($get(numbers()).0, 1);
                assert_eq!($get(collected("1 2")), Ok(vec![1, 2]));
                assert_eq!($get(defaulted::<u32>()), 0);
                assert!($get(impl_inside(0)).is_err());
                assert!($get(impl_inside(1)).is_ok());
            }
        }
    };
}

coercions!(sync_phase, tracked_phase, [], (), std::convert::identity);
coercions!(sync_build, tracked_build, [], (), std::convert::identity);
coercions!(async_phase, tracked_phase, [async], Yield::default().await, block_on);
coercions!(async_build, tracked_build, [async], Yield::default().await, block_on);

pub(crate) fn run() {
    sync_phase::run();
    sync_build::run();
    async_phase::run();
    async_build::run();
}
