//! Links: found in the HTML of a page, resolved against the source, rewritten.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use percent_encoding::percent_decode_str;
use perf_runtime::tracked_phase;
use pulldown_cmark_escape::escape_html;
use serde::{Deserialize, Serialize};

use crate::discover::{Repository, Section};
use crate::paths::SitePath;

/// A link or an embedded file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// The link as the author wrote it.
    pub(crate) raw: String,
    pub(crate) embedded: bool,
    pub(crate) target: Target,
}

/// What a link points to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// Another site, which is not checked.
    External,
    /// An anchor on the same page.
    SamePage { fragment: String },
    /// Another page or file of the site.
    Site { path: SitePath, fragment: String },
    /// A file that is not in the site, but in the package's repository.
    Repository { url: String },
    /// A file that does not exist.
    Missing,
}

/// Finds the pages of the site by the names of the files that they are made from.
#[derive(Debug, Default)]
pub(crate) struct Resolver<'s> {
    paths: HashMap<Cow<'s, str>, SitePath>,
}

impl<'s> Resolver<'s> {
    /// Adds a file or folder of the source and its path in the site.
    pub(crate) fn add(&mut self, name: impl Into<Cow<'s, str>>, path: SitePath) {
        self.paths.insert(name.into(), path);
    }

    /// The target of the link `raw` in the document `name` of `section`.
    pub(crate) fn resolve(
        &self,
        name: &str,
        section: &Section,
        raw: &str,
        embedded: bool,
    ) -> Target {
        let (address, fragment) = match Href::parse(raw) {
            Href::External => return Target::External,
            Href::Fragment(fragment) => return Target::SamePage { fragment },
            Href::File { address, fragment } => (address, fragment),
        };
        let root = section.link_root();
        let (up, path) = join(name.strip_prefix(root).unwrap_or(name), &address);
        if up == 0
            && let Some(found) = self.find(&format!("{root}{path}"))
        {
            return Target::Site { path: found.clone(), fragment };
        }
        let repository = section.package.as_ref().and_then(|package| package.repository.as_ref());
        let url = repository.and_then(|repository| repository.file_url(up, &path, embedded));
        url.map_or(Target::Missing, |url| Target::Repository { url })
    }

    /// The path of a file; of a document that is linked without `.md`, or with `.html`, as other
    /// generators require; or of a folder's index.
    fn find(&self, name: &str) -> Option<&SitePath> {
        let name = name.trim_end_matches('/');
        let stem = name.strip_suffix(".html").unwrap_or(name);
        let get = |name: &str| self.paths.get(name);
        get(name).or_else(|| get(&format!("{stem}.md"))).or_else(|| get(&format!("{name}/")))
    }
}

impl Repository {
    /// The address of a file, from a path that starts `up` folders above the package's folder.
    ///
    /// The host shows files below `blob/REVISION/`. A path that starts two folders above the
    /// repository's root is therefore one of its other pages: `../../issues` are its issues.
    fn file_url(&self, up: usize, path: &str, embedded: bool) -> Option<String> {
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

impl Section {
    /// The start of the names of all files that can be linked by an absolute path: a package's
    /// prefix, or nothing for a folder.
    fn link_root(&self) -> &str {
        self.package.as_ref().map_or("", |_| self.prefix.as_str())
    }
}

/// The name of the file that the link `raw` in the document `name` of `section` points to. `None`
/// for links that do not point to a file, or point out of the source or package.
pub(crate) fn file_name_of(raw: &str, name: &str, section: &Section) -> Option<String> {
    let Href::File { address, .. } = Href::parse(raw) else {
        return None;
    };
    let root = section.link_root();
    let (up, path) = join(name.strip_prefix(root)?, &address);
    (up == 0).then(|| format!("{root}{path}"))
}

/// A parsed link.
enum Href {
    External,
    Fragment(String),
    File { address: String, fragment: String },
}

impl Href {
    fn parse(raw: &str) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let raw = raw.trim();
        let (address, fragment) = raw.split_once('#').unwrap_or((raw, ""));
        if has_scheme(address) || address.starts_with("//") {
            return Self::External;
        }
        let fragment = decode(fragment);
        let address = decode(address.split('?').next().unwrap_or_default());
        if address.is_empty() { Self::Fragment(fragment) } else { Self::File { address, fragment } }
    }
}

/// RFC 3986: a letter, then letters, digits, `+`, `-` and `.`, up to a colon.
fn has_scheme(address: &str) -> bool {
    address.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// Resolves `address` relative to the file `name`. Returns how many folders above the root the
/// result starts, and the path from there.
fn join(name: &str, address: &str) -> (usize, String) {
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

/// The HTML of a page with its links rewritten.
#[derive(Debug, Default)]
pub(crate) struct RewrittenHtml {
    pub(crate) html: String,
    pub(crate) links: Vec<Link>,
    /// The ids and names of its elements.
    pub(crate) anchors: Vec<String>,
}

/// Finds the links in HTML that may come from Markdown or from the author. For each, `resolve`
/// returns its target and, if it has to change, the new link.
#[tracked_phase("links")]
pub(crate) fn rewrite_links(
    html: &str,
    mut resolve: impl FnMut(&str, bool) -> (Target, Option<String>),
) -> RewrittenHtml {
    let mut page = RewrittenHtml::default();
    page.html.reserve(html.len() + html.len() / 16);
    let mut copied = 0;
    let mut is_anchor_tag = false;
    let mut attribute = Attribute::Other;
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| {
        match event {
            CallbackEvent::OpenStartTag { name } => is_anchor_tag = name == b"a",
            CallbackEvent::AttributeName { name } => {
                attribute = match name {
                    b"id" => Attribute::Anchor,
                    b"name" if is_anchor_tag => Attribute::Anchor,
                    b"href" => Attribute::Link { embedded: false },
                    b"src" => Attribute::Link { embedded: true },
                    _ => Attribute::Other,
                }
            }
            CallbackEvent::AttributeValue { value } => {
                let value = String::from_utf8_lossy(value).into_owned();
                match attribute {
                    Attribute::Anchor => page.anchors.push(value),
                    Attribute::Link { embedded } => {
                        let (target, replacement) = resolve(&value, embedded);
                        if let Some(replacement) = replacement {
                            page.html.push_str(&html[copied..span.start]);
                            escape_html(&mut page.html, &replacement)
                                .expect("writing to a String succeeds");
                            copied = span.end;
                        }
                        page.links.push(Link { raw: value, embedded, target });
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
    page.html.push_str(&html[copied..]);
    page
}

#[derive(Clone, Copy)]
enum Attribute {
    Anchor,
    Link { embedded: bool },
    Other,
}

#[cfg(test)]
mod tests {
    use super::{Resolver, Target, rewrite_links};
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
    fn links_between_documents_resolve_in_all_spellings() {
        let (resolver, folder) = (resolver(), section(None));
        for (raw, expected) in [
            ("a%20b.md#Top", site("guide/a-b.html", "Top")),
            ("./a b", site("guide/a-b.html", "")),
            ("../guide/a b.html?q=1", site("guide/a-b.html", "")),
            ("/guide/", site("guide/index.html", "")),
            ("../index.md", site("index.html", "")),
            ("#c%C3%BC", Target::SamePage { fragment: "cü".to_owned() }),
            ("missing.md", Target::Missing),
            ("../../../etc/passwd", Target::Missing),
            ("https://e.org/a.md", Target::External),
            ("mailto:a@b", Target::External),
            ("//e.org", Target::External),
            ("JavaScript:x", Target::External),
        ] {
            assert_eq!(resolver.resolve("guide/x.md", &folder, raw, false), expected, "{raw}");
        }
    }

    #[test]
    fn files_that_a_package_does_not_ship_are_linked_in_its_repository() {
        let repository = Some(Repository {
            url: "https://github.com/o/r".to_owned(),
            revision: "c0ffee".to_owned(),
            folder: "crates/pkg/".to_owned(),
        });
        let package = section(Some(Package { repository, ..Package::default() }));
        let host =
            |path: &str| Target::Repository { url: format!("https://github.com/o/r/{path}") };
        let resolver = resolver();
        for (raw, embedded, expected) in [
            ("logo.png", true, site("pkg/logo.png", "")),
            ("/README.md", false, site("pkg/readme.html", "")),
            ("examples/a.rs", false, host("blob/c0ffee/crates/pkg/examples/a.rs")),
            ("../../x.png", true, host("raw/c0ffee/x.png")),
            ("../../../x.png", true, Target::Missing),
            ("../../../../issues/new?labels=bug", false, host("issues/new")),
            ("../../../../../other", false, Target::Missing),
            ("../index.md", false, host("blob/c0ffee/crates/index.md")),
        ] {
            assert_eq!(
                resolver.resolve("pkg/README.md", &package, raw, embedded),
                expected,
                "{raw}"
            );
        }
    }

    #[test]
    fn only_links_that_change_are_rewritten() {
        let html = "<p ALIGN=center><a href=x.md>X</a> <img src='y.png' alt=\"href=z\">\
                    <a href=\"https://e.org/?a=1&amp;b=2\" id=q>E</a><a name=n></a>\
                    <script>var a = '<a href=x.md>';</script><!-- <a href=x.md> -->";
        let page = rewrite_links(html, |raw, embedded| match raw {
            "x.md" | "y.png" => (Target::Missing, Some(format!("{raw}&\"{embedded}"))),
            _ => (Target::External, None),
        });
        assert_eq!(
            page.html,
            "<p ALIGN=center><a href=x.md&amp;&quot;false>X</a> \
             <img src='y.png&amp;&quot;true' alt=\"href=z\">\
             <a href=\"https://e.org/?a=1&amp;b=2\" id=q>E</a><a name=n></a>\
             <script>var a = '<a href=x.md>';</script><!-- <a href=x.md> -->"
        );
        let raw: Vec<_> = page.links.iter().map(|link| link.raw.as_str()).collect();
        assert_eq!(raw, ["x.md", "y.png", "https://e.org/?a=1&b=2"]);
        assert_eq!(page.anchors, ["q", "n"]);
    }

    #[test]
    fn incomplete_html_is_kept() {
        for html in ["<a href=\"x", "<a href=x", "<a", "<", "<a href='ü' <b", "&#x110000;<!--"] {
            let page = rewrite_links(html, |_, _| (Target::Missing, None));
            assert_eq!(page.html, html);
        }
    }
}
