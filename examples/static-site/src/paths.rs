//! Paths in the site: safe, unique, and linked relatively.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Escapes all but the characters that a URL's path may contain (RFC 3986: unreserved, and `/`).
pub(crate) const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The path of a file in the site: relative to its root, with segments joined by `/`, none of
/// which is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SitePath(String);

impl SitePath {
    /// Checks a path of any origin. `None` if it is not one within the site.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let is_safe = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && !segment.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        };
        path.split('/').all(is_safe).then(|| Self(path.to_owned()))
    }

    /// A path from segments of any origin: each is made safe.
    pub(crate) fn from_segments<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        let segments: Vec<_> = segments.into_iter().map(safe_file_name).collect();
        Self(segments.join("/"))
    }

    /// The path as text, not percent-encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path on disk, for a site in the folder `out`.
    pub(crate) fn below(&self, out: &Path) -> PathBuf {
        out.join(&self.0)
    }

    /// Whether this is the index page of a folder.
    pub(crate) fn is_index(&self) -> bool {
        self.0.rsplit('/').next() == Some("index.html")
    }

    /// The start of a link from this page to the root of the site: `../` per folder.
    pub(crate) fn to_root(&self) -> String {
        "../".repeat(self.0.matches('/').count())
    }

    /// The link from the page at `from` to this path. It is relative, so that the site works in
    /// any folder and when opened from disk.
    pub(crate) fn href_from(&self, from: &Self) -> String {
        let same = self.0.bytes().zip(from.0.bytes()).take_while(|(a, b)| a == b).count();
        let shared = self.0.as_bytes()[..same].iter().rposition(|&byte| byte == b'/');
        let shared = shared.map_or(0, |slash| slash + 1);
        let up = from.0[shared..].matches('/').count();
        format!("{}{}", "../".repeat(up), utf8_percent_encode(&self.0[shared..], PATH))
    }

    /// The address below `base`, which ends in a slash. `index.html` is left out.
    pub(crate) fn url(&self, base: &str) -> String {
        let path = if self.is_index() { self.0.trim_end_matches("index.html") } else { &self.0 };
        format!("{base}{}", utf8_percent_encode(path, PATH))
    }

    /// The path with a number in it, for a path that is taken: `a.html` becomes `a-2.html`.
    fn numbered(&self, number: usize) -> Self {
        let name_start = self.0.rfind('/').map_or(0, |slash| slash + 1);
        let dot = self.0.rfind('.').filter(|&dot| dot > name_start).unwrap_or(self.0.len());
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

/// A URL segment from any text, in lower case; runs of characters other than letters, digits, `_`
/// and `.` become one `-`. Never empty, and never starts with a dot.
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

/// A file's own name, without characters that a file system or browser rejects.
fn safe_file_name(name: &str) -> String {
    if matches!(name, "" | "." | "..") {
        return "-".to_owned();
    }
    let unsafe_char = |c: char| c.is_control() || "<>:\"/\\|?*".contains(c);
    name.replace(unsafe_char, "-")
}

/// The paths that are taken. Case is ignored, as it is on some file systems.
#[derive(Debug, Default)]
pub(crate) struct TakenPaths {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl TakenPaths {
    /// Takes the wanted path, or the first numbered one that is free.
    pub(crate) fn claim(&mut self, wanted: SitePath) -> SitePath {
        if self.take(&wanted) {
            return wanted;
        }
        let mut others = (2..).map(|number| wanted.numbered(number));
        others.find(|path| self.take(path)).expect("there are enough numbers")
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
        self.folders.extend(parents().map(str::to_owned));
        self.files.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::{SitePath, TakenPaths, slug};

    fn path(text: &str) -> SitePath {
        SitePath::parse(text).unwrap()
    }

    #[test]
    fn a_slug_is_a_safe_segment_with_letters_of_any_script() {
        assert_eq!(
            ["../../etc/passwd", "..\\..\\windows", "...", "", ".htaccess", "a\0b\nc"].map(slug),
            ["etc-passwd", "windows", "page", "page", "htaccess", "a-b-c"]
        );
        assert_eq!(slug("Übersicht: 日本語 v1.2"), "übersicht-日本語-v1.2");
    }

    #[test]
    fn a_path_out_of_the_site_is_rejected() {
        for bad in ["", "/etc/passwd", "a/../b", "..", "a//b", "./a", "C:\\x", "a\0"] {
            assert_eq!(SitePath::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn unsafe_segments_become_a_safe_path() {
        let made = SitePath::from_segments(["..", "a/b", "c\\d", "e?f"]);
        assert_eq!(made.as_str(), "-/a-b/c-d/e-f");
        assert_eq!(SitePath::parse(made.as_str()), Some(made));
    }

    #[test]
    fn links_are_relative_and_encoded() {
        for (to, from, expected) in [
            ("a.html", "index.html", "a.html"),
            ("b/a.html", "b/index.html", "a.html"),
            ("bc/a.html", "b/index.html", "../bc/a.html"),
            ("index.html", "a/b/c.html", "../../index.html"),
            ("x y/ü#.png", "index.html", "x%20y/%C3%BC%23.png"),
        ] {
            assert_eq!(path(to).href_from(&path(from)), expected);
        }
    }

    #[test]
    fn the_address_of_an_index_is_its_folder() {
        let files = ["index.html", "a/index.html", "a/myindex.html"];
        let urls = ["https://e.org/", "https://e.org/a/", "https://e.org/a/myindex.html"];
        assert_eq!(files.map(|file| path(file).url("https://e.org/")), urls);
    }

    #[test]
    fn no_two_files_have_the_same_path() {
        let mut taken = TakenPaths::default();
        let wanted = ["a.html", "A.html", "a.html", "guide", "guide-2/x.html", "guide"];
        let given = ["a.html", "A-2.html", "a-3.html", "guide", "guide-2/x.html", "guide-3"];
        assert_eq!(wanted.map(|wanted| String::from(taken.claim(path(wanted)))), given);
    }
}
