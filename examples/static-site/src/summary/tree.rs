//! The phases of a record as a tree, and which of its rows are worth a reader's eye.

use perf_runtime::PhaseStats;

/// A phase, and the phases that it called.
struct Node<'a> {
    phase: &'a PhaseStats,
    children: Vec<Node<'a>>,
}

/// A line of the tree.
pub(super) struct Row<'a> {
    /// What leads to it from its parent: `│ └ `; nothing for a root.
    pub(super) lines: String,
    pub(super) content: Content<'a>,
}

/// What a line of the tree shows.
pub(super) enum Content<'a> {
    Phase(&'a PhaseStats),
    /// Phases of one parent that are too small for a line each.
    Rest(Vec<&'a PhaseStats>),
}

/// The lines of `phases`, which stand in the record's order. Those that are `negligible` make one
/// line for each parent, below its others; a single one keeps its own, which takes no more room.
/// What is below such a phase is no larger, and has no line.
pub(super) fn rows<'a>(
    phases: &[&'a PhaseStats],
    negligible: impl Fn(&PhaseStats) -> bool,
) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(phases.len());
    let mut rest = phases;
    lay_out(forest(&mut rest, 0), "", true, &negligible, &mut rows);
    rows
}

/// Takes the trees off the front of `phases` whose roots are at `depth` or below.
fn forest<'a>(phases: &mut &[&'a PhaseStats], depth: usize) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    while let Some((phase, rest)) = phases.split_first()
        && depth_of(phase) >= depth
    {
        *phases = rest;
        nodes.push(Node { phase, children: forest(phases, depth_of(phase) + 1) });
    }
    nodes
}

pub(super) fn depth_of(phase: &PhaseStats) -> usize {
    phase.path.matches('/').count()
}

fn lay_out<'a>(
    siblings: Vec<Node<'a>>,
    indent: &str,
    are_roots: bool,
    negligible: &impl Fn(&PhaseStats) -> bool,
    rows: &mut Vec<Row<'a>>,
) {
    let (mut small, mut shown): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    let folds = siblings.iter().filter(|node| negligible(node.phase)).count() > 1;
    for node in siblings {
        if folds && negligible(node.phase) {
            small.push(node.phase);
        } else {
            shown.push(node);
        }
    }
    let last = shown.len().checked_sub(1).filter(|_| small.is_empty());
    let (branch, corner, bar, gap) =
        if are_roots { ("", "", "", "") } else { ("├ ", "└ ", "│ ", "  ") };
    for (index, node) in shown.into_iter().enumerate() {
        let (to_it, below) = if last == Some(index) { (corner, gap) } else { (branch, bar) };
        rows.push(Row { lines: format!("{indent}{to_it}"), content: Content::Phase(node.phase) });
        if !negligible(node.phase) {
            lay_out(node.children, &format!("{indent}{below}"), false, negligible, rows);
        }
    }
    if !small.is_empty() {
        rows.push(Row { lines: format!("{indent}{corner}"), content: Content::Rest(small) });
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, rows};
    use perf_runtime::PhaseStats;

    /// The rows of phases, of which those whose names are of small letters are negligible.
    fn shown(paths: &[&str]) -> Vec<String> {
        let phases: Vec<_> = paths.iter().map(|path| PhaseStats::new(*path)).collect();
        let negligible = |phase: &PhaseStats| {
            phase.path.rsplit('/').next().unwrap().starts_with(|c: char| c.is_lowercase())
        };
        rows(&phases.iter().collect::<Vec<_>>(), negligible)
            .iter()
            .map(|row| match &row.content {
                Content::Phase(phase) => format!("{}{}", row.lines, phase.path),
                Content::Rest(phases) => format!("{}… {}", row.lines, phases.len()),
            })
            .collect()
    }

    #[test]
    fn lines_lead_from_parents_to_children() {
        assert_eq!(
            shown(&["A", "A/B", "A/B/C", "A/B/C/D", "A/E", "A/E/F", "G"]),
            ["A", "├ A/B", "│ └ A/B/C", "│   └ A/B/C/D", "└ A/E", "  └ A/E/F", "G"]
        );
    }

    #[test]
    fn what_is_negligible_is_one_row_below_its_siblings() {
        assert_eq!(
            shown(&["a", "A", "A/a", "A/a/a", "A/B", "A/b", "b", "b/b", "b/c", "C"]),
            ["A", "├ A/B", "└ … 2", "C", "… 2"]
        );
    }

    #[test]
    fn a_single_negligible_phase_keeps_its_row() {
        assert_eq!(shown(&["a", "a/b", "C", "C/d", "C/d/e"]), ["a", "C", "└ C/d"]);
    }

    #[test]
    fn phases_of_any_depth_all_have_a_place() {
        assert_eq!(shown(&["A/B/C", "A/D", "E"]), ["A/B/C", "A/D", "E"]);
        assert!(shown(&[]).is_empty());
    }
}
