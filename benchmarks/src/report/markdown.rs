//! The tables on a page of the workspace, between two marks.

use std::path::Path;

use super::{Report, Style, print};
use crate::error::Error;

const BEGIN: &str = "<!-- begin: measured -->";
const END: &str = "<!-- end: measured -->";

/// Puts the tables between the marks of a page.
pub(crate) fn publish(report: &Report, page: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(page).map_err(Error::file("reading", page))?;
    let mut tables = Vec::new();
    print(report, Style::Markdown, &mut tables).map_err(Error::file("writing", page))?;
    let tables = String::from_utf8_lossy(&tables);
    let text =
        between(&text, &tables).map_err(|line| Error::NoMark { path: page.to_owned(), line })?;
    std::fs::write(page, text).map_err(Error::file("writing", page))
}

/// The page with `tables` in place of what is between the marks; where one is missing, which.
fn between(page: &str, tables: &str) -> Result<String, &'static str> {
    let (before, rest) = page.split_once(BEGIN).ok_or(BEGIN)?;
    let (_, after) = rest.split_once(END).ok_or(END)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", tables.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nText.\n");
        let new = format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nText.\n");
        assert_eq!(between(&page, "new\n"), Ok(new.clone()));
        assert_eq!(between(&new, "new"), Ok(new));
        assert_eq!(between(END, "new"), Err(BEGIN));
        assert_eq!(between(BEGIN, "new"), Err(END));
    }
}
