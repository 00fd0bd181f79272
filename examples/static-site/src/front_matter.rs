//! What an author declares about a page above its text.

use pulldown_cmark::MetadataBlockKind;
use serde::{Deserialize, Serialize};

use crate::error::one_line;

/// The fields of a page's front matter that this generator uses. Other fields are ignored: they
/// may belong to another generator.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FrontMatter {
    /// The page's title; by default its first heading.
    pub(crate) title: Option<String>,
    /// One sentence for search engines and listings; by default the first paragraph.
    pub(crate) description: Option<String>,
    /// The last part of the page's address; by default the file's name.
    pub(crate) slug: Option<String>,
    /// Each tag gets a page of its own.
    pub(crate) tags: Vec<String>,
    /// The page's position among its siblings; those without one come last, by title.
    pub(crate) order: Option<i64>,
    /// A draft produces no page.
    pub(crate) draft: bool,
}

impl FrontMatter {
    /// Reads `---` blocks as YAML and `+++` blocks as TOML; the error is one line.
    pub(crate) fn parse(kind: MetadataBlockKind, text: &str) -> Result<Self, String> {
        match kind {
            // An empty block is YAML's null.
            MetadataBlockKind::YamlStyle => serde_yaml_ng::from_str::<Option<Self>>(text)
                .map(Option::unwrap_or_default)
                .map_err(one_line),
            MetadataBlockKind::PlusesStyle => {
                toml::from_str(text).map_err(|error| one_line(error.message()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FrontMatter;
    use pulldown_cmark::MetadataBlockKind::{PlusesStyle, YamlStyle};

    #[test]
    fn yaml_and_toml_are_equivalent() {
        let yaml = "title: A\ntags: [x, y]\norder: 3\ndraft: true\nlayout: other";
        let toml = "title = 'A'\ntags = ['x', 'y']\norder = 3\ndraft = true\nlayout = 'other'";
        let front_matter = FrontMatter::parse(YamlStyle, yaml).unwrap();
        assert_eq!(front_matter.title.as_deref(), Some("A"));
        assert_eq!(front_matter.tags, ["x", "y"]);
        assert_eq!((front_matter.order, front_matter.draft), (Some(3), true));
        assert_eq!(FrontMatter::parse(PlusesStyle, toml).unwrap(), front_matter);
        for kind in [YamlStyle, PlusesStyle] {
            assert_eq!(FrontMatter::parse(kind, "").unwrap(), FrontMatter::default());
        }
    }

    #[test]
    fn the_error_for_a_broken_block_is_one_line() {
        for (kind, text) in [
            (YamlStyle, "title: [a"),
            (YamlStyle, "tags: 3"),
            (YamlStyle, "a: &a [*a, *a]\ntitle: x: y"),
            (PlusesStyle, "title = "),
            (PlusesStyle, "order = 'first'"),
        ] {
            let reason = FrontMatter::parse(kind, text).unwrap_err();
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
        }
    }
}
