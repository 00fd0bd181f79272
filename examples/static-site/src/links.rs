//! What links lead to: found in the HTML of a page, resolved against the source, rewritten.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use html5gum::Span;
use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use percent_encoding::percent_decode_str;
use perf_runtime::tracked_phase;
use pulldown_cmark_escape::escape_html;
use serde::{Deserialize, Serialize};

use crate::discover::{Repository, Section};
use crate::paths::SitePath;

/// A link or an embedded file, as the author wrote it, and where it leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) raw: String,
    pub(crate) embedded: bool,
    pub(crate) target: Target,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// Out of the site. Nobody asks whether it is there.
    External,
    /// To a place on the same page.
    Here { fragment: String },
    /// To another page or file of the site.
    Site { path: SitePath, fragment: String },
    /// To a file that is not in the site, but in the package's repository.
    Repository { url: String },
    /// To nothing.
    Missing,
}

/// Knows the pages by the names of the files they are made from.
#[derive(Debug, Default)]
pub(crate) struct Resolver<'s> {
    places: HashMap<Cow<'s, str>, SitePath>,
}

impl<'s> Resolver<'s> {
    /// A file or folder of the source has this place in the site.
    pub(crate) fn add(&mut self, name: impl Into<Cow<'s, str>>, path: SitePath) {
        self.places.insert(name.into(), path);
    }

    /// Where `raw` leads when it stands in the document `name` of `section`.
    pub(crate) fn resolve(
        &self,
        name: &str,
        section: &Section,
        raw: &str,
        embedded: bool,
    ) -> Target {
        let (address, fragment) = match Reference::of(raw) {
            Reference::External => return Target::External,
            Reference::Here { fragment } => return Target::Here { fragment },
            Reference::File { address, fragment } => (address, fragment),
        };
        let root = section.root();
        let within = name.strip_prefix(root).unwrap_or(name);
        let (up, path) = joined(within, &address);
        if up == 0
            && let Some(found) = self.find(root, &path)
        {
            let path = found.clone();
            return Target::Site { path, fragment };
        }
        let package = section.package.as_ref();
        match package.and_then(|package| package.repository.as_ref()) {
            Some(repository) => match repository.address(up, &path, embedded) {
                Some(url) => Target::Repository { url },
                None => Target::Missing,
            },
            None => Target::Missing,
        }
    }

    /// The place of a file; or of a document whose name was written as another generator wants
    /// it; or of a folder's index.
    fn find(&self, root: &str, path: &str) -> Option<&SitePath> {
        let name = format!("{root}{path}");
        let name = name.trim_end_matches('/');
        let stem = name.strip_suffix(".html").unwrap_or(name);
        let place = |name: &str| self.places.get(name);
        place(name).or_else(|| place(&format!("{stem}.md"))).or_else(|| place(&format!("{name}/")))
    }
}

impl Repository {
    /// The address of a file of the package, which may lie `up` folders above the package's own.
    ///
    /// Two folders above the repository's files are its other pages: its host shows the files
    /// below `blob/REVISION/`, so that `../../issues` leads to its issues.
    fn address(&self, up: usize, path: &str, embedded: bool) -> Option<String> {
        let mut folder = self.folder.trim_end_matches('/');
        for above in (0..up).rev() {
            if folder.is_empty() {
                return (above == 1).then(|| format!("{}/{path}", self.url));
            }
            folder = folder.rfind('/').map_or("", |slash| &folder[..slash]);
        }
        let slash = if folder.is_empty() { "" } else { "/" };
        let view = if embedded { "raw" } else { "blob" };
        Some(format!("{}/{view}/{}/{folder}{slash}{path}", self.url, self.revision))
    }
}

/// The name of the file that `raw` means when it stands in the document `name` of `section`. None
/// where it means no file, or one outside of the folder that the section's names are within.
pub(crate) fn file_of(raw: &str, name: &str, section: &Section) -> Option<String> {
    let Reference::File { address, .. } = Reference::of(raw) else {
        return None;
    };
    let root = section.root();
    let (up, path) = joined(name.strip_prefix(root)?, &address);
    (up == 0).then(|| format!("{root}{path}"))
}

impl Section {
    /// What stands before the names of all files that may be linked by a path from the top: a
    /// package's names start with its prefix, those of a folder with nothing.
    fn root(&self) -> &str {
        self.package.as_ref().map_or("", |_| self.prefix.as_str())
    }
}

/// A link, read.
enum Reference {
    External,
    Here { fragment: String },
    File { address: String, fragment: String },
}

impl Reference {
    fn of(raw: &str) -> Self {
        let raw = raw.trim();
        let (address, fragment) = raw.split_once('#').unwrap_or((raw, ""));
        if has_scheme(address) || address.starts_with("//") {
            return Self::External;
        }
        let fragment = decoded(fragment);
        let address = decoded(address.split('?').next().unwrap_or_default());
        if address.is_empty() { Self::Here { fragment } } else { Self::File { address, fragment } }
    }
}

/// The path that `address` means in the file `name`, and how many folders above the root it
/// starts.
fn joined(name: &str, address: &str) -> (usize, String) {
    let mut segments: Vec<&str> = Vec::new();
    let mut up = 0;
    if !address.starts_with('/') {
        segments.extend(name.split('/'));
        segments.pop();
    }
    for segment in address.split('/') {
        match segment {
            "" | "." => {}
            ".." => up += usize::from(segments.pop().is_none()),
            other => segments.push(other),
        }
    }
    (up, segments.join("/"))
}

/// RFC 3986: a letter, then letters, digits, `+`, `-` and `.`, up to a colon.
fn has_scheme(address: &str) -> bool {
    address.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A page's HTML with its links rewritten, and what it can be linked at.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    pub(crate) html: String,
    pub(crate) links: Vec<Link>,
    /// The ids and names of its elements.
    pub(crate) anchors: Vec<String>,
}

/// Finds the links of a piece of HTML, whether Markdown or raw HTML made them. `resolve` says
/// where one leads, and what to write instead.
#[tracked_phase("links")]
pub(crate) fn link(
    html: &str,
    mut resolve: impl FnMut(&str, bool) -> (Target, Option<String>),
) -> Linked {
    let mut linked =
        Linked { html: String::with_capacity(html.len() + html.len() / 16), ..Linked::default() };
    let mut copied = 0;
    let mut is_anchor_tag = false;
    let mut attribute = Attribute::Other;
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| {
        match event {
            CallbackEvent::OpenStartTag { name } => is_anchor_tag = name == b"a",
            CallbackEvent::AttributeName { name } => attribute = Attribute::of(name, is_anchor_tag),
            CallbackEvent::AttributeValue { value } => {
                let value = String::from_utf8_lossy(value);
                match attribute {
                    Attribute::Anchor => linked.anchors.push(value.into_owned()),
                    Attribute::Link { embedded } => {
                        let (target, instead) = resolve(&value, embedded);
                        if let Some(instead) = instead {
                            linked.html.push_str(&html[copied..span.start]);
                            escape_html(&mut linked.html, &instead).expect("a String takes all");
                            copied = span.end;
                        }
                        linked.links.push(Link { raw: value.into_owned(), embedded, target });
                    }
                    Attribute::Other => {}
                }
            }
            _ => {}
        }
        None::<Infallible>
    });
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
    linked.html.push_str(&html[copied..]);
    linked
}

/// What an attribute means for links.
#[derive(Clone, Copy)]
enum Attribute {
    Anchor,
    Link { embedded: bool },
    Other,
}

impl Attribute {
    fn of(name: &[u8], is_anchor_tag: bool) -> Self {
        match name {
            b"id" => Self::Anchor,
            b"name" if is_anchor_tag => Self::Anchor,
            b"href" => Self::Link { embedded: false },
            b"src" => Self::Link { embedded: true },
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Resolver, Target, link};
    use crate::discover::{Package, Repository, Section};
    use crate::paths::SitePath;

    fn section(package: Option<Package>) -> Section {
        Section { prefix: "pkg/".to_owned(), title: String::new(), package }
    }

    fn site(path: &str, fragment: &str) -> Target {
        Target::Site { path: SitePath::parse(path).unwrap(), fragment: fragment.to_owned() }
    }

    fn resolver() -> Resolver<'static> {
        let mut resolver = Resolver::default();
        for (name, path) in [
            ("index.md", "index.html"),
            ("guide/", "guide/index.html"),
            ("guide/a b.md", "guide/a-b.html"),
            ("pkg/README.md", "pkg/readme.html"),
            ("pkg/logo.png", "pkg/logo.png"),
        ] {
            resolver.add(name, SitePath::parse(path).unwrap());
        }
        resolver
    }

    #[test]
    fn links_between_documents_are_found_however_they_are_written() {
        let resolver = resolver();
        let folder = section(None);
        let resolve = |raw: &str| resolver.resolve("guide/x.md", &folder, raw, false);
        assert_eq!(resolve("a%20b.md#Top"), site("guide/a-b.html", "Top"));
        assert_eq!(resolve("./a b"), site("guide/a-b.html", ""));
        assert_eq!(resolve("../guide/a b.html?q=1"), site("guide/a-b.html", ""));
        assert_eq!(resolve("/guide/"), site("guide/index.html", ""));
        assert_eq!(resolve("../index.md"), site("index.html", ""));
        assert_eq!(resolve("#c%C3%BC"), Target::Here { fragment: "cü".to_owned() });
        assert_eq!(resolve("missing.md"), Target::Missing);
        assert_eq!(resolve("../../../etc/passwd"), Target::Missing);
        for external in ["https://e.org/a.md", "mailto:a@b", "//e.org", "JavaScript:x"] {
            assert_eq!(resolve(external), Target::External, "{external}");
        }
    }

    #[test]
    fn what_a_package_does_not_ship_is_linked_in_its_repository() {
        let package = section(Some(Package {
            repository: Some(Repository {
                url: "https://github.com/o/r".to_owned(),
                revision: "c0ffee".to_owned(),
                folder: "crates/pkg/".to_owned(),
            }),
            ..Package::default()
        }));
        let resolver = resolver();
        let resolve =
            |raw: &str, embedded| resolver.resolve("pkg/README.md", &package, raw, embedded);
        let repository =
            |url: &str| Target::Repository { url: format!("https://github.com/o/r/{url}") };
        assert_eq!(resolve("logo.png", true), site("pkg/logo.png", ""));
        assert_eq!(resolve("/README.md", false), site("pkg/readme.html", ""));
        assert_eq!(
            resolve("examples/a.rs", false),
            repository("blob/c0ffee/crates/pkg/examples/a.rs")
        );
        assert_eq!(resolve("../../x.png", true), repository("raw/c0ffee/x.png"));
        assert_eq!(resolve("../../../x.png", true), Target::Missing);
        assert_eq!(resolve("../../../../issues/new?labels=bug", false), repository("issues/new"));
        assert_eq!(resolve("../../../../../other", false), Target::Missing);
        assert_eq!(resolve("../index.md", false), repository("blob/c0ffee/crates/index.md"));
    }

    #[test]
    fn only_the_values_that_change_are_rewritten() {
        let html = "<p ALIGN=center><a href=x.md>X</a> <img src='y.png' alt=\"href=z\">\
                    <a href=\"https://e.org/?a=1&amp;b=2\" id=q>E</a><a name=n></a>\
                    <script>var a = '<a href=x.md>';</script><!-- <a href=x.md> -->";
        let linked = link(html, |raw, embedded| match raw {
            "x.md" | "y.png" => (Target::Missing, Some(format!("{raw}&\"{embedded}"))),
            _ => (Target::External, None),
        });
        assert_eq!(
            linked.html,
            "<p ALIGN=center><a href=x.md&amp;&quot;false>X</a> \
             <img src='y.png&amp;&quot;true' alt=\"href=z\">\
             <a href=\"https://e.org/?a=1&amp;b=2\" id=q>E</a><a name=n></a>\
             <script>var a = '<a href=x.md>';</script><!-- <a href=x.md> -->"
        );
        let raw: Vec<_> = linked.links.iter().map(|link| link.raw.as_str()).collect();
        assert_eq!(raw, ["x.md", "y.png", "https://e.org/?a=1&b=2"]);
        assert_eq!(linked.anchors, ["q", "n"]);
    }

    #[test]
    fn html_that_stops_in_the_middle_is_kept() {
        for html in ["<a href=\"x", "<a href=x", "<a", "<", "<a href='ü' <b", "&#x110000;<!--"] {
            let linked = link(html, |_, _| (Target::Missing, None));
            assert_eq!(linked.html, html);
        }
    }
}
