//! Where pages and assets go: safe names, no two in one place, and the links between them.

use std::collections::HashSet;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// What may stand in a URL's path or fragment as it is (RFC 3986: unreserved, and the slash).
pub(crate) const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The place of a file in the site: relative to its root, segments joined by `/`, none of which
/// is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SitePath(String);

impl SitePath {
    /// The path, if it is one: a path that was read from a file may be anything.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let sound = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && !segment.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        };
        path.split('/').all(sound).then(|| Self(path.to_owned()))
    }

    /// A path from segments of any origin: each is made safe.
    pub(crate) fn from_segments<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = String::new();
        for segment in segments {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&safe_file_name(segment));
        }
        if path.is_empty() {
            path.push_str("index.html");
        }
        Self(path)
    }

    /// As text, not encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the page that a folder is known by.
    pub(crate) fn is_index(&self) -> bool {
        self.0.rsplit('/').next() == Some("index.html")
    }

    /// What stands before a link from this page to the root of the site: `../` per folder.
    pub(crate) fn to_root(&self) -> String {
        "../".repeat(self.0.matches('/').count())
    }

    /// The link from the page at `from` to this path, relative, so that the site works in any
    /// folder and straight from the disk.
    pub(crate) fn href_from(&self, from: &Self) -> String {
        let mut shared = 0;
        for (index, (a, b)) in self.0.bytes().zip(from.0.bytes()).enumerate() {
            if a != b {
                break;
            }
            if a == b'/' {
                shared = index + 1;
            }
        }
        let up = from.0[shared..].matches('/').count();
        format!("{}{}", "../".repeat(up), utf8_percent_encode(&self.0[shared..], PATH))
    }

    /// The address below `base`, which ends in a slash. `index.html` goes without saying.
    pub(crate) fn url(&self, base: &str) -> String {
        let end = if self.is_index() { self.0.len() - "index.html".len() } else { self.0.len() };
        let path = &self.0[..end];
        format!("{base}{}", utf8_percent_encode(path, PATH))
    }

    /// The same name with a number, for the loser of a collision: `a.html` becomes `a-2.html`.
    fn numbered(&self, number: usize) -> Self {
        let name_start = self.0.rfind('/').map_or(0, |slash| slash + 1);
        let dot = self.0[name_start..]
            .rfind('.')
            .filter(|&dot| dot > 0)
            .map_or(self.0.len(), |dot| name_start + dot);
        let (stem, extension) = self.0.split_at(dot);
        Self(format!("{stem}-{number}{extension}"))
    }
}

impl TryFrom<String> for SitePath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        Self::parse(&path).ok_or_else(|| format!("{path:?} leads out of the site"))
    }
}

impl From<SitePath> for String {
    fn from(path: SitePath) -> Self {
        path.0
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A word for a URL out of any text: lower case, runs of anything but letters, digits, `_` and
/// `.` become one `-`. Never empty, never a dot file, never a way out of its folder.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' || c == '.' {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches(|c| c == '-' || c == '.');
    if slug.is_empty() { "page" } else { slug }.to_owned()
}

/// A file's own name, less what some file system or browser would not take.
fn safe_file_name(name: &str) -> String {
    if matches!(name, "" | "." | "..") {
        return "-".to_owned();
    }
    let unsafe_char = |c: char| c.is_control() || "<>:\"/\\|?*".contains(c);
    name.replace(unsafe_char, "-")
}

/// Who has which place. Case does not tell two places apart: on some file systems it would not.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl Claims {
    /// The wanted place, or the nearest numbered one where it is taken.
    pub(crate) fn claim(&mut self, wanted: SitePath) -> SitePath {
        if self.take(&wanted) {
            return wanted;
        }
        let mut number = 2;
        loop {
            let other = wanted.numbered(number);
            if self.take(&other) {
                return other;
            }
            number += 1;
        }
    }

    fn take(&mut self, path: &SitePath) -> bool {
        let key = path.0.to_lowercase();
        let parents = || key.match_indices('/').map(|(slash, _)| &key[..slash]);
        if self.folders.contains(&key)
            || self.files.contains(&key)
            || parents().any(|folder| self.files.contains(folder))
        {
            return false;
        }
        for folder in parents() {
            if !self.folders.contains(folder) {
                self.folders.insert(folder.to_owned());
            }
        }
        self.files.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, SitePath, slug};

    fn path(text: &str) -> SitePath {
        SitePath::parse(text).unwrap()
    }

    #[test]
    fn a_slug_cannot_leave_its_folder() {
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("..\\..\\windows"), "windows");
        assert_eq!(slug("..."), "page");
        assert_eq!(slug(""), "page");
        assert_eq!(slug(".htaccess"), "htaccess");
        assert_eq!(slug("a\0b\nc"), "a-b-c");
    }

    #[test]
    fn a_slug_keeps_letters_of_all_scripts() {
        assert_eq!(slug("Übersicht: 日本語 v1.2"), "übersicht-日本語-v1.2");
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for bad in ["", "/etc/passwd", "a/../b", "..", "a//b", "./a", "C:\\x", "a\0"] {
            assert_eq!(SitePath::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn hostile_segments_become_a_sound_path() {
        let made = SitePath::from_segments(["..", "a/b", "c\\d", "e?f"]);
        assert_eq!(made.as_str(), "-/a-b/c-d/e-f");
        assert_eq!(SitePath::parse(made.as_str()), Some(made));
    }

    #[test]
    fn links_are_relative_and_encoded() {
        let href = |to: &str, from: &str| path(to).href_from(&path(from));
        assert_eq!(href("a.html", "index.html"), "a.html");
        assert_eq!(href("b/a.html", "b/index.html"), "a.html");
        assert_eq!(href("bc/a.html", "b/index.html"), "../bc/a.html");
        assert_eq!(href("index.html", "a/b/c.html"), "../../index.html");
        assert_eq!(href("x y/ü#.png", "index.html"), "x%20y/%C3%BC%23.png");
    }

    #[test]
    fn an_index_is_known_by_its_folder() {
        assert_eq!(path("index.html").url("https://e.org/"), "https://e.org/");
        assert_eq!(path("a/index.html").url("https://e.org/"), "https://e.org/a/");
        assert_eq!(path("a/myindex.html").url("https://e.org/"), "https://e.org/a/myindex.html");
    }

    #[test]
    fn no_two_files_get_one_place() {
        let mut claims = Claims::default();
        let mut claim = |text: &str| claims.claim(path(text)).as_str().to_owned();
        assert_eq!(claim("a.html"), "a.html");
        assert_eq!(claim("A.html"), "A-2.html");
        assert_eq!(claim("a.html"), "a-3.html");
        assert_eq!(claim("guide"), "guide");
        assert_eq!(claim("guide-2/x.html"), "guide-2/x.html");
        assert_eq!(claim("guide"), "guide-3");
    }
}
