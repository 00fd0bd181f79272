//! The one way in which the runtime speaks: a warning, to the program's log or to standard error.

use std::borrow::Cow;
use std::io::Write;

use crate::phase::threads::counted;

/// Warns through the `log` crate, or on standard error where no logger is installed. What a path
/// or a variable of the environment may hold of control characters is escaped.
pub(super) fn warn(text: &str) {
    let text = harmless(text);
    // NOTE: without a logger the level is off. So it is where a program turned its logger off by
    // the level, which then gets what it would otherwise not hear of on standard error.
    if log::max_level() == log::LevelFilter::Off {
        // A closed standard error is nothing to stop a build for.
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    } else {
        // What the program's logger does is the program's.
        counted(|| log::warn!(target: "perf_runtime", "{text}"));
    }
}

fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_path_cannot_act_on_a_terminal() {
        assert_eq!(harmless("größe/a\u{1b}[2J\nb\u{85}"), "größe/a\\u{1b}[2J\\nb\\u{85}");
        assert!(matches!(harmless("plain"), Cow::Borrowed("plain")));
    }
}
