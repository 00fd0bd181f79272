//! The lines that lead from parents to children in a tree that stands in rows.

/// For each depth of rows in the order of a tree, what leads to the row: `│ └ `. Roots have none.
pub(crate) fn branches(depths: &[usize]) -> Vec<String> {
    // From the end, since a row's line goes on where a sibling follows.
    let mut goes_on: Vec<bool> = Vec::new();
    let mut lines = Vec::with_capacity(depths.len());
    for &depth in depths.iter().rev() {
        let mut line = String::new();
        for level in 1..depth {
            line.push_str(if goes_on.get(level) == Some(&true) { "│ " } else { "  " });
        }
        if depth > 0 {
            line.push_str(if goes_on.get(depth) == Some(&true) { "├ " } else { "└ " });
        }
        goes_on.resize(depth + 1, false);
        goes_on[depth] = true;
        lines.push(line);
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::branches;

    #[test]
    fn lines_lead_from_parents_to_children() {
        assert_eq!(
            branches(&[0, 1, 2, 3, 1, 2, 0]),
            ["", "├ ", "│ └ ", "│   └ ", "└ ", "  └ ", ""]
        );
    }

    #[test]
    fn a_tree_whose_roots_lie_deep_is_drawn_as_far_as_it_is_there() {
        assert_eq!(branches(&[2, 1, 0]), ["│ └ ", "└ ", ""]);
        assert!(branches(&[]).is_empty());
    }
}
