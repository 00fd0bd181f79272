//! Documents: loaded, and parsed unless they are known from the last build.

use std::collections::HashMap;
use std::fs;

use percent_encoding::utf8_percent_encode;
use perf_runtime::{add_items, in_current_phase, tracked_phase};
use pulldown_cmark::{
    CowStr, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::discover::{Source, SourceFile};
use crate::front_matter::FrontMatter;
use crate::manifest::Manifest;
use crate::paths::PATH;

/// How many bytes of a page's text the search index has.
const SEARCH_TEXT_BYTES: usize = 2000;
/// The longest description that is taken from a page's first paragraph.
const DESCRIPTION_CHARS: usize = 200;

/// The content of a file.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) digest: Digest,
    /// Or why it cannot be read, in one line.
    pub(crate) text: Result<String, String>,
}

/// Reads all documents.
#[tracked_phase("load", items = documents.len())]
pub(crate) fn load(documents: &[SourceFile]) -> Vec<Text> {
    documents.par_iter().map(in_current_phase!(|document| load_one(document))).collect()
}

#[tracked_phase("read-file")]
fn load_one(document: &SourceFile) -> Text {
    let read = fs::read(&document.path).map_err(|error| error.to_string());
    let digest = Digest::from_bytes(read.as_deref().unwrap_or_default());
    let text = read.and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| {
            format!("it is not UTF-8 (at byte {})", error.utf8_error().valid_up_to())
        })
    });
    Text { digest, text }
}

/// The parsed documents, in the order of the source.
#[derive(Debug)]
pub(crate) struct Parsed<'t> {
    /// `None` for a document that cannot be read.
    pub(crate) infos: Vec<Option<DocumentInfo>>,
    /// `None` for a document that was not parsed because it has not changed.
    pub(crate) events: Vec<Option<Vec<Event<'t>>>>,
}

/// Parses all documents that changed since the last build.
#[tracked_phase("parse")]
pub(crate) fn parse_all<'t>(source: &Source, texts: &'t [Text], previous: &Manifest) -> Parsed<'t> {
    let files = source.documents.iter().zip(texts);
    let cached = files.map(|(file, text)| {
        let cached = previous.documents.get(&file.name)?;
        (cached.digest == text.digest).then(|| cached.info.clone())
    });
    let mut infos: Vec<Option<DocumentInfo>> = cached.collect();
    let indexed = texts.iter().enumerate().filter(|(index, _)| infos[*index].is_none());
    let changed: Vec<(usize, &str)> =
        indexed.filter_map(|(index, text)| Some((index, text.text.as_deref().ok()?))).collect();
    add_items(changed.len());

    let mut parsed: Vec<Document<'t>> = Vec::with_capacity(changed.len());
    changed
        .par_iter()
        .map(in_current_phase!(|&(index, text)| parse(text, source.allows_front_matter(index))))
        .collect_into_vec(&mut parsed);
    let mut events: Vec<_> = texts.iter().map(|_| None).collect();
    for ((index, _), document) in changed.into_iter().zip(parsed) {
        infos[index] = Some(document.info);
        events[index] = Some(document.events);
    }
    Parsed { infos, events }
}

/// A parsed document.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(crate) info: DocumentInfo,
    pub(crate) events: Vec<Event<'t>>,
}

/// What the site needs to know about a document besides its content.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DocumentInfo {
    pub(crate) front_matter: FrontMatter,
    /// Why the front matter was ignored.
    pub(crate) front_matter_error: Option<String>,
    /// The text of the first heading.
    pub(crate) heading: Option<String>,
    /// Whether the text has a heading of the first level, in Markdown or in HTML.
    pub(crate) has_title: bool,
    pub(crate) description: String,
    /// Headings of the second and third level.
    pub(crate) outline: Vec<Heading>,
    /// The start of the text, for the search index.
    pub(crate) text: String,
}

/// A heading that can be linked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heading {
    pub(crate) level: u8,
    pub(crate) id: String,
    pub(crate) text: String,
}

/// Parses one document: front matter, `CommonMark` with GitHub's extensions, anchors for headings.
#[tracked_phase("document")]
pub(crate) fn parse(text: &str, allows_front_matter: bool) -> Document<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM;
    options.set(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS, allows_front_matter);
    options.set(Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS, allows_front_matter);
    let mut collector = Collector::default();
    let mut events = Vec::with_capacity(text.len() / 16);
    for event in Parser::new_ext(text, options) {
        collector.visit(event, &mut events);
    }
    let mut info = collector.info;
    if let Some(description) = &info.front_matter.description {
        info.description.clone_from(description);
    }
    Document { info, events }
}

/// Collects information from the events of a document, and gives headings their ids.
#[derive(Default)]
struct Collector {
    info: DocumentInfo,
    /// The open front matter block and its text so far.
    front_matter: Option<(MetadataBlockKind, String)>,
    /// How many code blocks and images are open. Their text is neither searched nor described.
    skipped_depth: usize,
    /// The open heading: the index of its start among the events, and its text so far.
    heading: Option<(usize, String)>,
    /// Whether a paragraph is open that becomes the description.
    in_description: bool,
    /// The ids in use, each with the last number that was appended to it.
    ids: HashMap<String, usize>,
}

impl Collector {
    fn visit<'t>(&mut self, event: Event<'t>, events: &mut Vec<Event<'t>>) {
        match &event {
            Event::Start(Tag::MetadataBlock(kind)) => {
                self.front_matter = Some((*kind, String::new()));
                return;
            }
            Event::End(TagEnd::MetadataBlock(_)) => {
                let (kind, block) = self.front_matter.take().expect("the block was started");
                match FrontMatter::parse(kind, &block) {
                    Ok(front_matter) => self.info.front_matter = front_matter,
                    Err(reason) => self.info.front_matter_error = Some(reason),
                }
                return;
            }
            Event::Text(text) if self.front_matter.is_some() => {
                if let Some((_, block)) = &mut self.front_matter {
                    block.push_str(text);
                }
                return;
            }
            Event::Start(Tag::CodeBlock(_) | Tag::Image { .. }) => self.skipped_depth += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Image) => self.skipped_depth -= 1,
            Event::Start(Tag::Heading { .. }) => self.heading = Some((events.len(), String::new())),
            Event::End(TagEnd::Heading(level)) => self.end_heading(*level, events),
            Event::Start(Tag::Paragraph) => self.in_description = self.info.description.is_empty(),
            Event::End(TagEnd::Paragraph) => self.end_paragraph(),
            Event::Text(text) | Event::Code(text) if self.skipped_depth == 0 => self.text(text),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            Event::Html(html) => self.info.has_title |= html.contains("<h1"),
            _ => {}
        }
        events.push(event);
    }

    fn text(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        }
        if self.in_description && self.info.description.chars().count() < DESCRIPTION_CHARS {
            self.info.description.push_str(text);
        }
        let room = SEARCH_TEXT_BYTES.saturating_sub(self.info.text.len());
        self.info.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    fn end_paragraph(&mut self) {
        if self.in_description {
            self.in_description = false;
            let description = self.info.description.trim();
            let is_row_of_badges = description.split_whitespace().count() < 3;
            self.info.description =
                if is_row_of_badges { String::new() } else { shortened(description) };
        }
        self.text(" ");
    }

    fn end_heading(&mut self, level: HeadingLevel, events: &mut Vec<Event<'_>>) {
        let (start, text) = self.heading.take().expect("the heading was started");
        let Event::Start(Tag::Heading { id, .. }) = &mut events[start] else {
            unreachable!("the index of the heading's start");
        };
        let unique =
            self.unique_id(id.as_ref().map_or_else(|| github_anchor(&text), ToString::to_string));
        *id = Some(CowStr::from(unique.clone()));
        let link = format!(
            " <a class=anchor href=\"#{}\" aria-label=\"Link to this heading\">#</a>",
            utf8_percent_encode(&unique, PATH)
        );
        events.push(Event::InlineHtml(CowStr::from(link)));
        let text = text.trim().to_owned();
        if self.info.heading.is_none() && !text.is_empty() {
            self.info.heading = Some(text.clone());
        }
        self.info.has_title |= level == HeadingLevel::H1;
        if matches!(level, HeadingLevel::H2 | HeadingLevel::H3) {
            self.info.outline.push(Heading { level: level as u8, id: unique, text });
        }
        self.text(" ");
    }

    /// Appends a number to an id that is in use, as GitHub does.
    fn unique_id(&mut self, wanted: String) -> String {
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

/// The id that GitHub gives a heading, so that links written for GitHub work here.
fn github_anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
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
    use super::{Document, github_anchor};
    use pulldown_cmark::html::push_html;

    fn parse(markdown: &str) -> Document<'_> {
        super::parse(markdown, true)
    }

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        push_html(&mut html, parse(markdown).events.into_iter());
        html
    }

    #[test]
    fn headings_have_the_ids_that_github_gives_them() {
        assert_eq!(github_anchor("What's `new` in v1.2?"), "whats-new-in-v12");
        assert_eq!(github_anchor("  A -- B  "), "a----b");
        assert_eq!(github_anchor("Größe & Ü"), "größe--ü");
        let outline = parse("## a\n## a\n## a-1\n## a\n## b {#a}\n").info.outline;
        let ids: Vec<_> = outline.iter().map(|heading| heading.id.as_str()).collect();
        assert_eq!(ids, ["a", "a-1", "a-1-1", "a-2", "a-3"]);
    }

    #[test]
    fn front_matter_is_not_part_of_the_text() {
        let info = parse("---\ntitle: T\n---\n\n# H\n\nOne two three.\n").info;
        assert_eq!(info.front_matter.title.as_deref(), Some("T"));
        assert_eq!(info.heading.as_deref(), Some("H"));
        assert_eq!(info.description, "One two three.");
        assert_eq!(info.text.trim(), "H One two three.");

        let broken = parse("---\ntitle: [\n---\n\n# H\n").info;
        assert!(broken.front_matter_error.is_some());
        assert_eq!(broken.heading.as_deref(), Some("H"));
    }

    #[test]
    fn a_document_of_a_package_may_start_with_a_line_of_dashes() {
        let info = super::parse("---\n\n# H\n\n- a\n---\n", false).info;
        assert_eq!(info.front_matter_error, None);
        assert_eq!(info.heading.as_deref(), Some("H"));
    }

    #[test]
    fn the_first_paragraph_with_a_sentence_is_the_description() {
        let markdown =
            "# H\n\n[![the state of the build](a.svg)](b) [docs](d)\n\nWhat this is about.\n";
        assert_eq!(parse(markdown).info.description, "What this is about.");

        let long = parse(&"word ".repeat(100)).info.description;
        assert!(long.ends_with("word…") && long.chars().count() <= 201, "{long}");
    }

    #[test]
    fn tables_footnotes_and_task_lists_are_rendered() {
        let html = html("| a |\n|---|\n| b |\n\nx[^1]\n\n[^1]: y\n\n- [x] done\n");
        for part in ["<td>b</td>", "footnote-reference", "footnote-definition", "checkbox"] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn the_text_for_the_search_ends_at_a_character() {
        let text = parse(&"ü".repeat(5000)).info.text;
        assert_eq!(text.len(), 2000);
        assert!(text.chars().all(|c| c == 'ü'));
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let markdown = format!("{}x", "> ".repeat(20_000));
        assert!(html(&markdown).contains('x'));
    }
}
