//! Whose time and memory it is, as a table.

use std::io::{self, Write};

use comfy_table::{Cell, Table};

use super::table::{Style, number, table};
use crate::attribution::{Attribution, Finding, Unit, Verdict};

/// Writes the table.
pub(crate) fn print_attribution(
    attribution: &Attribution,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    writeln!(to, "✓ exact, ✗ off by more than 5 %, – not told.\n")?;
    writeln!(to, "{}", findings(attribution, style))
}

fn findings(attribution: &Attribution, style: Style) -> Table {
    let hotpath = format!("hotpath {}", attribution.hotpath_version);
    let header = ["situation", "what is asked", "truth", "perf-runtime", &hotpath];
    let mut table = table(style, header.map(String::from).into());
    let mut before = "";
    for finding in &attribution.findings {
        // Said once for all that is asked of it.
        let situation = if finding.situation == before { "" } else { finding.situation };
        before = finding.situation;
        table.add_row(vec![
            Cell::new(situation),
            Cell::new(&finding.question),
            number(amount(finding.unit, finding.truth)),
            number(answer(finding, finding.perf_runtime)),
            number(answer(finding, finding.hotpath)),
        ]);
    }
    table
}

fn answer(finding: &Finding, answer: Option<f64>) -> String {
    let Some(answer) = answer else { return String::from("–") };
    let amount = amount(finding.unit, answer);
    let off = (answer - finding.truth) / finding.truth * 100.0;
    match finding.verdict(answer) {
        Verdict::Exact => format!("{amount} ✓"),
        Verdict::Close => format!("{amount} ({off:+.1} %)"),
        Verdict::Wrong if finding.truth == 0.0 => format!("{amount} ✗"),
        Verdict::Wrong => format!("{amount} ({off:+.0} %) ✗"),
    }
}

/// An amount in a unit for readers. What is no round number of MiB is told to the byte.
fn amount(unit: Unit, value: f64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    match unit {
        Unit::Bytes if value != 0.0 && value % MIB == 0.0 => format!("{:.0} MiB", value / MIB),
        Unit::Bytes => format!("{value:.0} B"),
        Unit::Milliseconds => format!("{value:.1} ms"),
        Unit::Number => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_far_it_is_off() {
        let of = |unit, truth, it: Option<f64>| {
            let finding = Finding {
                situation: "",
                question: String::new(),
                unit,
                truth,
                perf_runtime: it,
                hotpath: None,
            };
            answer(&finding, it)
        };
        let mib = f64::from(1 << 20);
        assert_eq!(of(Unit::Bytes, 4.0 * mib, Some(4.0 * mib)), "4 MiB ✓");
        assert_eq!(of(Unit::Bytes, 4.0 * mib, Some(4.0 * mib + 1.0)), "4194305 B (+0.0 %)");
        assert_eq!(of(Unit::Bytes, 4.0 * mib, Some(0.0)), "0 B (-100 %) ✗");
        assert_eq!(of(Unit::Bytes, 0.0, Some(mib)), "1 MiB ✗");
        assert_eq!(of(Unit::Milliseconds, 20.0, Some(20.06)), "20.1 ms (+0.3 %)");
        assert_eq!(of(Unit::Number, 1.0, None), "–");
    }
}
