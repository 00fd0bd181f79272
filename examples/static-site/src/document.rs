//! Markdown, parsed: what the site needs to know about a page, and the page's text as events.

use std::collections::HashMap;

use percent_encoding::utf8_percent_encode;
use perf_runtime::tracked_phase;
use pulldown_cmark::{
    CowStr, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd,
};
use serde::{Deserialize, Serialize};

use crate::front_matter::FrontMatter;
use crate::paths::PATH;

/// How many bytes of a page's text the search index holds.
const SEARCHED_BYTES: usize = 2000;
/// How many characters of the first paragraph describe a page that does not describe itself.
const DESCRIPTION_CHARS: usize = 200;

/// What the site needs to know about a page without its text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) front_matter: FrontMatter,
    /// Why the front matter counts for nothing, where it does.
    pub(crate) broken_front_matter: Option<String>,
    /// The text of the first heading.
    pub(crate) heading: Option<String>,
    /// Whether the text has a heading of the first level, be it in Markdown or in HTML.
    pub(crate) has_title: bool,
    pub(crate) description: String,
    /// Headings of the second and third level.
    pub(crate) outline: Vec<Heading>,
    /// What the search index holds.
    pub(crate) text: String,
}

/// A heading that can be linked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heading {
    pub(crate) level: u8,
    pub(crate) id: String,
    pub(crate) text: String,
}

/// A page, parsed.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(crate) facts: Facts,
    pub(crate) events: Vec<Event<'t>>,
}

/// Whom a document was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A site generator: there may be front matter.
    Site,
    /// A package's repository: a line of dashes at the top is only that.
    Package,
}

/// Parses one document: front matter, `CommonMark` with GitHub's extensions, anchors for headings.
#[tracked_phase("document")]
pub(crate) fn parse(text: &str, dialect: Dialect) -> Document<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    let mut events = Vec::with_capacity(text.len() / 16);
    let parser = Parser::new_ext(text, extensions(dialect));
    for event in parser {
        reader.read(event, &mut events);
    }
    let mut facts = reader.facts;
    if let Some(description) = &facts.front_matter.description {
        facts.description.clone_from(description);
    }
    Document { facts, events }
}

fn extensions(dialect: Dialect) -> Options {
    let front_matter = match dialect {
        Dialect::Site => {
            Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
                | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
        }
        Dialect::Package => Options::empty(),
    };
    front_matter
        | Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
}

/// Gathers facts while events go by, and gives headings their ids.
#[derive(Default)]
struct Reader {
    facts: Facts,
    metadata: Option<(MetadataBlockKind, String)>,
    /// Code blocks and pictures' descriptions are no text to be read in passing.
    in_no_text: usize,
    /// The heading that is open: where its start is among the events, and its text so far.
    heading: Option<(usize, String)>,
    paragraph_open: bool,
    /// How often an id was asked for.
    ids: HashMap<String, usize>,
}

impl Reader {
    fn read<'t>(&mut self, event: Event<'t>, events: &mut Vec<Event<'t>>) {
        match &event {
            Event::Start(Tag::MetadataBlock(kind)) => {
                self.metadata = Some((*kind, String::new()));
                return;
            }
            Event::End(TagEnd::MetadataBlock(_)) => {
                self.end_metadata();
                return;
            }
            Event::Text(text) if self.metadata.is_some() => {
                if let Some((_, block)) = &mut self.metadata {
                    block.push_str(text);
                }
                return;
            }
            Event::Start(Tag::CodeBlock(_) | Tag::Image { .. }) => self.in_no_text += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Image) => self.in_no_text -= 1,
            Event::Start(Tag::Heading { .. }) => self.heading = Some((events.len(), String::new())),
            Event::End(TagEnd::Heading(level)) => self.end_heading(*level, events),
            Event::Start(Tag::Paragraph) => self.paragraph_open = self.facts.description.is_empty(),
            Event::End(TagEnd::Paragraph) => self.end_paragraph(),
            Event::Text(text) | Event::Code(text) if self.in_no_text == 0 => self.text(text),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            Event::Html(html) => self.facts.has_title |= html.contains("<h1"),
            _ => {}
        }
        events.push(event);
    }

    fn end_metadata(&mut self) {
        let Some((kind, block)) = self.metadata.take() else {
            return;
        };
        match FrontMatter::parse(kind, &block) {
            Ok(front_matter) => self.facts.front_matter = front_matter,
            Err(reason) => self.facts.broken_front_matter = Some(reason),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        }
        if self.paragraph_open && self.facts.description.chars().count() < DESCRIPTION_CHARS {
            self.facts.description.push_str(text);
        }
        let room = SEARCHED_BYTES.saturating_sub(self.facts.text.len());
        self.facts.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    fn end_paragraph(&mut self) {
        if self.paragraph_open {
            self.paragraph_open = false;
            let description = self.facts.description.trim();
            // A paragraph of badges says nothing.
            self.facts.description = if description.split_whitespace().count() < 3 {
                String::new()
            } else {
                shortened(description)
            };
        }
        self.text(" ");
    }

    fn end_heading(&mut self, level: HeadingLevel, events: &mut Vec<Event<'_>>) {
        let Some((start, text)) = self.heading.take() else {
            return;
        };
        let Event::Start(Tag::Heading { id, .. }) = &mut events[start] else {
            return;
        };
        let wanted = match id {
            Some(own) => own.to_string(),
            None => anchor(&text),
        };
        let unique = self.unique(wanted);
        *id = Some(CowStr::from(unique.clone()));
        self.facts.has_title |= level == HeadingLevel::H1;
        if matches!(level, HeadingLevel::H2 | HeadingLevel::H3) {
            self.facts.outline.push(Heading {
                level: level as u8,
                id: unique.clone(),
                text: text.trim().to_owned(),
            });
        }
        let link = format!(
            " <a class=anchor href=\"#{}\" aria-label=\"Link to this heading\">#</a>",
            utf8_percent_encode(&unique, PATH)
        );
        events.push(Event::InlineHtml(CowStr::from(link)));
        if self.facts.heading.is_none() && !text.trim().is_empty() {
            self.facts.heading = Some(text.trim().to_owned());
        }
        self.text(" ");
    }

    /// Two headings of one text get two ids, numbered as GitHub does.
    fn unique(&mut self, wanted: String) -> String {
        let mut id = wanted.clone();
        let mut number = self.ids.get(&wanted).copied().unwrap_or(0);
        while self.ids.contains_key(&id) {
            number += 1;
            id = format!("{wanted}-{number}");
        }
        self.ids.insert(wanted, number);
        self.ids.entry(id.clone()).or_insert(0);
        id
    }
}

/// A heading's id as GitHub makes it, so that links written for there work here.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect()
}

/// The start of a text, cut between words.
fn shortened(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(DESCRIPTION_CHARS) else {
        return text.to_owned();
    };
    let cut = text[..end].rfind(' ').unwrap_or(end);
    format!("{}…", text[..cut].trim_end_matches([',', '.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Document, anchor};
    use pulldown_cmark::html::push_html;

    fn parse(markdown: &str) -> Document<'_> {
        super::parse(markdown, Dialect::Site)
    }

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        push_html(&mut html, parse(markdown).events.into_iter());
        html
    }

    fn ids(markdown: &str) -> Vec<String> {
        let outline = parse(markdown).facts.outline;
        outline.into_iter().map(|heading| heading.id).collect()
    }

    #[test]
    fn headings_get_the_ids_that_github_gives() {
        assert_eq!(anchor("What's `new` in v1.2?"), "whats-new-in-v12");
        assert_eq!(anchor("  A -- B  "), "a----b");
        assert_eq!(anchor("Größe & Ü"), "größe--ü");
    }

    #[test]
    fn equal_headings_get_different_ids() {
        let markdown = "## a\n## a\n## a-1\n## a\n## b {#a}\n";
        assert_eq!(ids(markdown), ["a", "a-1", "a-1-1", "a-2", "a-3"]);
    }

    #[test]
    fn front_matter_is_no_text() {
        let document = parse("---\ntitle: T\n---\n\n# H\n\nOne two three.\n");
        assert_eq!(document.facts.front_matter.title.as_deref(), Some("T"));
        assert_eq!(document.facts.heading.as_deref(), Some("H"));
        assert_eq!(document.facts.description, "One two three.");
        assert_eq!(document.facts.text.trim(), "H One two three.");
    }

    #[test]
    fn broken_front_matter_leaves_the_text_alone() {
        let document = parse("---\ntitle: [\n---\n\n# H\n");
        assert!(document.facts.broken_front_matter.is_some());
        assert_eq!(document.facts.heading.as_deref(), Some("H"));
    }

    #[test]
    fn a_package_may_start_with_a_line_of_dashes() {
        let document = super::parse("---\n\n# H\n\n- a\n---\n", Dialect::Package);
        assert_eq!(document.facts.broken_front_matter, None);
        assert_eq!(document.facts.heading.as_deref(), Some("H"));
    }

    #[test]
    fn a_row_of_badges_does_not_describe_a_page() {
        let markdown =
            "# H\n\n[![the state of the build](a.svg)](b) [docs](d)\n\nWhat this is about.\n";
        assert_eq!(parse(markdown).facts.description, "What this is about.");
    }

    #[test]
    fn a_long_description_is_cut_between_words() {
        let description = parse(&"word ".repeat(100)).facts.description;
        assert!(description.ends_with("word…"), "{description}");
        assert!(description.chars().count() <= 201);
    }

    #[test]
    fn tables_footnotes_and_task_lists_are_understood() {
        let html = html("| a |\n|---|\n| b |\n\nx[^1]\n\n[^1]: y\n\n- [x] done\n");
        for part in ["<td>b</td>", "footnote-reference", "footnote-definition", "checkbox"] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn the_text_for_the_search_ends_at_a_character() {
        let text = parse(&"ü".repeat(5000)).facts.text;
        assert_eq!(text.len(), 2000);
        assert!(text.chars().all(|c| c == 'ü'));
    }

    #[test]
    fn deep_nesting_is_survived() {
        let markdown = format!("{}x", "> ".repeat(20_000));
        assert!(html(&markdown).contains('x'));
    }
}
