//! What an author says about a page above its text.

use pulldown_cmark::MetadataBlockKind;
use serde::{Deserialize, Serialize};

use crate::error::one_line;

/// The fields of a page's front matter that this generator uses. Others are left alone: they
/// belong to the page's next generator.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FrontMatter {
    /// The page's title; else its first heading.
    pub(crate) title: Option<String>,
    /// One sentence for search engines and listings; else the first paragraph.
    pub(crate) description: Option<String>,
    /// The last part of the page's address; else the file's name.
    pub(crate) slug: Option<String>,
    /// What the page is about: each tag gets a page of its own.
    pub(crate) tags: Vec<String>,
    /// Where the page stands among its siblings; those without one come last, by title.
    pub(crate) order: Option<i64>,
    /// A draft makes no page.
    pub(crate) draft: bool,
}

impl FrontMatter {
    /// Reads `---` blocks as YAML and `+++` blocks as TOML; the error is one line.
    pub(crate) fn parse(kind: MetadataBlockKind, text: &str) -> Result<Self, String> {
        match kind {
            // An empty block is YAML's null.
            MetadataBlockKind::YamlStyle => serde_yaml_ng::from_str::<Option<Self>>(text)
                .map(Option::unwrap_or_default)
                .map_err(|error| one_line(&error)),
            MetadataBlockKind::PlusesStyle => {
                toml::from_str(text).map_err(|error| one_line(&error.message()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FrontMatter;
    use pulldown_cmark::MetadataBlockKind::{PlusesStyle, YamlStyle};

    #[test]
    fn yaml_and_toml_say_the_same() {
        let yaml = "title: A\ntags: [x, y]\norder: 3\ndraft: true\nlayout: other";
        let toml = "title = 'A'\ntags = ['x', 'y']\norder = 3\ndraft = true\nlayout = 'other'";
        let front_matter = FrontMatter::parse(YamlStyle, yaml).unwrap();
        assert_eq!(front_matter.title.as_deref(), Some("A"));
        assert_eq!(front_matter.tags, ["x", "y"]);
        assert_eq!((front_matter.order, front_matter.draft), (Some(3), true));
        assert_eq!(FrontMatter::parse(PlusesStyle, toml).unwrap(), front_matter);
    }

    #[test]
    fn an_empty_block_says_nothing() {
        let nothing = FrontMatter::default();
        assert_eq!(FrontMatter::parse(YamlStyle, "").unwrap(), nothing);
        assert_eq!(FrontMatter::parse(PlusesStyle, "").unwrap(), nothing);
    }

    #[test]
    fn a_broken_block_is_explained_in_one_line() {
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
