//! `phase!` around blocks.
use perf_runtime::phase;

fn value(numbers: &[u32]) -> u32 {
    let sum: u32 = phase!("sum", items = numbers.len(), { numbers.iter().sum() });
    phase!("double", { sum * 2 })
}

fn leaves(number: u32) -> Result<u32, std::num::ParseIntError> {
    let parsed: u32 = phase!("parse", { "1".parse()? });
    'outer: loop {
        phase!("loop", {
            if number == 0 {
                break 'outer;
            }
            if number == 1 {
                return Ok(7);
            }
            break;
        });
    }
    phase!("nested", {
        let _site = 1;
        phase!("inside", {});
    });
    Ok(parsed)
}

fn moves(values: Vec<u32>) -> usize {
    phase!("moves", { values.into_iter().count() })
}

pub(crate) fn run() {
    assert_eq!(value(&[1, 2]), 6);
    assert_eq!(leaves(0), Ok(1));
    assert_eq!(leaves(1), Ok(7));
    assert_eq!(leaves(2), Ok(1));
    assert_eq!(moves(vec![1]), 1);
}
