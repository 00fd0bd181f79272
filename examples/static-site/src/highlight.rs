//! Syntax highlighting: the scopes of a language's grammar, reduced to a few classes.

use std::sync::LazyLock;

use perf_runtime::tracked_phase;
use pulldown_cmark_escape::escape_html_body_text;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer blocks in bytes stay plain: they are data rather than code, and grammars are slow.
const LONGEST_BLOCK: usize = 64 * 1024;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(load_syntaxes);
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    CLASS_OF_SCOPE
        .iter()
        .map(|&(scope, class)| (Scope::new(scope).expect("a valid scope"), class))
        .collect()
});

/// The class in the style sheet for each scope; the first that matches wins.
const CLASS_OF_SCOPE: [(&str, &str); 16] = [
    ("comment", "c"),
    ("punctuation.definition.comment", "c"),
    ("string", "s"),
    ("punctuation.definition.string", "s"),
    ("constant", "n"),
    ("entity.name.function", "f"),
    ("support.function", "f"),
    ("support.macro", "f"),
    ("entity.name.tag", "k"),
    ("entity.name", "t"),
    ("support.type", "t"),
    ("storage.type", "k"),
    ("storage", "k"),
    ("keyword.operator", ""),
    ("keyword", "k"),
    ("variable.language", "k"),
];

#[tracked_phase("load-syntaxes")]
fn load_syntaxes() -> SyntaxSet {
    two_face::syntax::extra_newlines()
}

/// Code as HTML, in `<pre><code>`; plain if the language is unknown.
///
/// `info` is the text after the fence: `rust,no_run`.
#[tracked_phase("highlight")]
pub(crate) fn highlight(info: &str, code: &str) -> String {
    let language =
        info.split(|c: char| c == ',' || c == '{' || c.is_whitespace()).next().unwrap_or_default();
    let mut html = String::with_capacity(code.len() * 2 + 64);
    html.push_str("<pre><code");
    if !language.is_empty() {
        html.push_str(" class=\"language-");
        escape(&mut html, &language.replace('"', ""));
        html.push('"');
    }
    html.push('>');
    let start = html.len();
    if let Some(syntax) = syntax_of(language, code)
        && push_highlighted(&mut html, syntax, code).is_err()
    {
        html.truncate(start);
    }
    if html.len() == start {
        escape(&mut html, code);
    }
    html.push_str("</code></pre>\n");
    html
}

fn syntax_of(language: &str, code: &str) -> Option<&'static SyntaxReference> {
    // rustdoc takes blocks with these attributes for Rust.
    let language = match language {
        "ignore" | "no_run" | "should_panic" | "compile_fail" => "rust",
        "console" | "shell" | "cmd" => "sh",
        other => other,
    };
    if language.is_empty() || code.len() > LONGEST_BLOCK {
        return None;
    }
    SYNTAXES.find_syntax_by_token(language).filter(|syntax| syntax.name != "Plain Text")
}

/// Appends the code, with each run of one class in a `<span>`.
fn push_highlighted(
    html: &mut String,
    syntax: &SyntaxReference,
    code: &str,
) -> Result<(), syntect::Error> {
    let mut state = ParseState::new(syntax);
    let mut scopes = ScopeStack::new();
    let mut open = "";
    for line in code.split_inclusive('\n') {
        let mut done = 0;
        for (at, change) in state.parse_line(line, &SYNTAXES)? {
            push_text(html, &mut open, class_of(&scopes), &line[done..at]);
            done = at;
            scopes.apply(&change)?;
        }
        push_text(html, &mut open, class_of(&scopes), &line[done..]);
    }
    if !open.is_empty() {
        html.push_str("</span>");
    }
    Ok(())
}

/// Appends text of a class. Neighbours of one class share a span; white space joins any span.
fn push_text(html: &mut String, open: &mut &'static str, class: &'static str, text: &str) {
    if class != *open && !text.trim().is_empty() {
        if !open.is_empty() {
            html.push_str("</span>");
        }
        if !class.is_empty() {
            html.extend(["<span class=", class, ">"]);
        }
        *open = class;
    }
    escape(html, text);
}

/// The class of the innermost scope that has one.
fn class_of(scopes: &ScopeStack) -> &'static str {
    let class_of_one = |scope: &Scope| {
        CLASSES.iter().find(|(known, _)| known.is_prefix_of(*scope)).map(|&(_, class)| class)
    };
    scopes.scopes.iter().rev().find_map(class_of_one).unwrap_or("")
}

fn escape(html: &mut String, text: &str) {
    escape_html_body_text(html, text).expect("writing to a String succeeds");
}

#[cfg(test)]
mod tests {
    use super::highlight;

    #[test]
    fn code_is_highlighted_by_its_language() {
        assert_eq!(
            highlight("rust,no_run", "let a = \"<b>\"; // c\n"),
            "<pre><code class=\"language-rust\"><span class=k>let</span> a = \
             <span class=s>\"&lt;b&gt;\"</span>; <span class=c>// c\n</span></code></pre>\n"
        );
    }

    #[test]
    fn code_in_an_unknown_language_is_only_escaped() {
        for info in ["", "klingon", "text"] {
            let html = highlight(info, "a < b & c\n");
            assert!(html.ends_with(">a &lt; b &amp; c\n</code></pre>\n"), "{html}");
            assert!(!html.contains("<span"), "{html}");
        }
    }

    #[test]
    fn an_info_string_cannot_leave_its_attribute() {
        assert_eq!(
            highlight("\"><script>", "x"),
            "<pre><code class=\"language-&gt;&lt;script&gt;\">x</code></pre>\n"
        );
    }

    #[test]
    fn highlighting_keeps_the_text() {
        let code = "fn main() { /* x */ }\nkey = \"v\" # y\n$ ls -l | wc\n{\"a\": [1, null]}\n";
        for language in ["rust", "toml", "sh", "json", "yaml", "c", "python", "js", "diff"] {
            let html = highlight(language, code);
            let text: String = html
                .split('<')
                .map(|tag_and_text| tag_and_text.split_once('>').map_or("", |(_, text)| text))
                .collect();
            assert_eq!(text.trim_end(), code.trim_end(), "{language}");
        }
    }
}
