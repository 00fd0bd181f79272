//! The series of the list: a sparkline of their times, and their medians.

use crate::present::sparkline::sparkline;
use crate::present::style::ACCENT;
use crate::present::{Fact, Span, units};

use super::listed::{Listed, Series};

/// Further series are only counted.
const MOST: usize = 6;

/// A line for each series, that of the newest build first.
pub(super) fn facts(listed: &Listed, width: usize) -> Vec<Fact> {
    let present: Vec<usize> = (0..listed.series.len())
        .filter(|place| listed.builds.iter().any(|build| build.series == *place))
        .collect();
    let varying = varying(&present.iter().map(|place| &listed.series[*place]).collect::<Vec<_>>());
    let mut facts: Vec<Fact> = present
        .iter()
        .take(MOST)
        .map(|&place| {
            let builds = || listed.builds.iter().filter(move |build| build.series == place);
            let times: Vec<Option<f64>> = builds()
                .take(width / 3)
                .map(|build| build.is_typical.then_some(build.time_ms))
                .collect();
            let times: Vec<Option<f64>> = times.into_iter().rev().collect();
            let series = &listed.series[place];
            let fact = Fact::new(name(series, &varying));
            let fact = match times.iter().flatten().count() {
                0 => fact,
                _ => fact.and(Span::new(sparkline(&times), ACCENT)),
            };
            let fact = fact.and(Span::plain(units::counted(builds().count() as u64, "build")));
            fact.known(series.median_ms.map(|median| format!("median {}", units::time(median))))
        })
        .collect();
    if present.len() > MOST {
        let more = units::count((present.len() - MOST) as u64);
        facts.push(Fact::new(format!("{more} more series")).and(Span::dim("not drawn")));
    }
    facts
}

/// The indices of the facts in [`SeriesKey::facts`] in which the series differ.
///
/// [`SeriesKey::facts`]: crate::select::SeriesKey::facts
fn varying(series: &[&Series]) -> Vec<usize> {
    let Some(first) = series.first().map(|series| series.key.facts()) else {
        return Vec::new();
    };
    let differs =
        |place: &usize| series.iter().any(|other| other.key.facts()[*place].1 != first[*place].1);
    (0..first.len()).filter(differs).collect()
}

fn name(series: &Series, varying: &[usize]) -> String {
    let facts = series.key.facts();
    let known: Vec<&str> = varying.iter().filter_map(|place| facts[*place].1.as_deref()).collect();
    if known.is_empty() { "time".to_owned() } else { known.join(", ") }
}
