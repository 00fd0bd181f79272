//! Warnings, the only output of the runtime: to the program's log or to standard error.

use std::borrow::Cow;
use std::io::Write;

#[cfg(feature = "track")]
use std::sync::Mutex;

/// Warns through the `log` crate, or on standard error if no logger is installed. Control
/// characters in paths and environment variables are escaped.
pub(super) fn warn(text: &str) {
    let text = escape(text);
    // NOTE: without a logger the level is off. So it is if the program turned its logger off by
    // the level; then standard error gets what the logger would not.
    if log::max_level() == log::LevelFilter::Off {
        // A closed standard error is no reason to stop a build.
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    } else {
        let log = || log::warn!(target: "perf_runtime", "{text}");
        // What the program's logger allocates is the program's.
        #[cfg(feature = "track")]
        perf_core::recorder::counted(log);
        #[cfg(not(feature = "track"))]
        log();
    }
}

/// As [`warn`], once in a process for each text.
#[cfg(feature = "track")]
pub(super) fn warn_once(text: &str) {
    static WARNED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut warned = WARNED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !warned.iter().any(|known| known == text) {
        warned.push(text.to_owned());
        drop(warned);
        warn(text);
    }
}

fn escape(text: &str) -> Cow<'_, str> {
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
        assert_eq!(escape("größe/a\u{1b}[2J\nb\u{85}"), "größe/a\\u{1b}[2J\\nb\\u{85}");
        assert!(matches!(escape("plain"), Cow::Borrowed("plain")));
    }
}
