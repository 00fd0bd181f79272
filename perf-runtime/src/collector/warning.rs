//! Warnings, the only output of the runtime. They go to the program's log or to standard error.

use std::borrow::Cow;
use std::io::Write;

#[cfg(feature = "track")]
use std::sync::Mutex;

/// Warns through the `log` crate or, if no logger is installed, on standard error. Control characters,
/// which paths and environment variables may contain, are escaped.
pub(super) fn warn(text: &str) {
    let text = escape(text);
    // NOTE: the level is off if there is no logger, and also if the program switched its logger off. Then
    // the warning goes to standard error, too.
    if log::max_level() == log::LevelFilter::Off {
        // A build goes on if standard error is closed.
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    } else {
        let log = || log::warn!(target: "perf_runtime", "{text}");
        // The allocations of the program's logger count as the program's.
        #[cfg(feature = "track")]
        perf_core::recorder::counted(log);
        #[cfg(not(feature = "track"))]
        log();
    }
}

/// Like [`warn`], but each text is printed once per process.
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
    fn control_characters_are_escaped() {
        assert_eq!(escape("größe/a\u{1b}[2J\nb\u{85}"), "größe/a\\u{1b}[2J\\nb\\u{85}");
        assert!(matches!(escape("plain"), Cow::Borrowed("plain")));
    }
}
