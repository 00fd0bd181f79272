//! The lines that connect parents and children of a tree in the rows of a table.

/// The lines before each row, given the depths of all rows in tree order: `│ └ `. Empty for roots.
pub(crate) fn branches(depths: &[usize]) -> Vec<String> {
    // Backwards, because a line continues if a sibling follows.
    let mut continues: Vec<bool> = Vec::new();
    let mut lines = Vec::with_capacity(depths.len());
    for &depth in depths.iter().rev() {
        let mut line = String::new();
        for level in 1..depth {
            line.push_str(if continues.get(level) == Some(&true) { "│ " } else { "  " });
        }
        if depth > 0 {
            line.push_str(if continues.get(depth) == Some(&true) { "├ " } else { "└ " });
        }
        continues.resize(depth + 1, false);
        continues[depth] = true;
        lines.push(line);
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::branches;

    #[test]
    fn lines_connect_parents_and_children() {
        assert_eq!(
            branches(&[0, 1, 2, 3, 1, 2, 0]),
            ["", "├ ", "│ └ ", "│   └ ", "└ ", "  └ ", ""]
        );
    }

    #[test]
    fn a_tree_without_its_roots_is_drawn() {
        assert_eq!(branches(&[2, 1, 0]), ["│ └ ", "└ ", ""]);
        assert!(branches(&[]).is_empty());
    }
}
