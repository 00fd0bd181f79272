//! Tables on a page of the workspace, each kind between two marks of its own.

use std::path::Path;

use crate::error::Error;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    begin: &'static str,
    end: &'static str,
}

impl Part {
    /// What measuring costs.
    pub(crate) const COST: Self =
        Self { begin: "<!-- begin: measured -->", end: "<!-- end: measured -->" };
    /// Whose time and memory it is.
    pub(crate) const ATTRIBUTION: Self =
        Self { begin: "<!-- begin: situations -->", end: "<!-- end: situations -->" };
}

/// Puts tables into a part of a page.
pub(crate) fn publish(tables: &str, part: Part, page: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(page).map_err(Error::file("reading", page))?;
    let text = within(&text, part, tables)
        .map_err(|line| Error::NoMark { path: page.to_owned(), line })?;
    std::fs::write(page, text).map_err(Error::file("writing", page))
}

/// The page with `tables` in place of what is between the marks; where one is missing, which.
fn within(page: &str, Part { begin, end }: Part, tables: &str) -> Result<String, &'static str> {
    let (before, rest) = page.split_once(begin).ok_or(begin)?;
    let (_, after) = rest.split_once(end).ok_or(end)?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", tables.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let part = Part::COST;
        let Part { begin, end } = part;
        let page = format!("# Title\n\n{begin}\nold\n{end}\n\nText.\n");
        let new = format!("# Title\n\n{begin}\n\nnew\n\n{end}\n\nText.\n");
        assert_eq!(within(&page, part, "new\n"), Ok(new.clone()));
        assert_eq!(within(&new, part, "new"), Ok(new.clone()));
        assert_eq!(within(end, part, "new"), Err(begin));
        assert_eq!(within(begin, part, "new"), Err(end));
        assert_eq!(within(&new, Part::ATTRIBUTION, "new"), Err(Part::ATTRIBUTION.begin));
    }
}
