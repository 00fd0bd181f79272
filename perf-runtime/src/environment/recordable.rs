//! Checks text from outside before it enters a record. It must be short and without control
//! characters, and must look like what its field is for: a URL with a password is not a branch.

/// The longest text that is recorded, in bytes.
const MAX_BYTES: usize = 256;

/// `value` trimmed and cut to 256 bytes, with control characters replaced. `None` if it is blank, or if
/// it is a URL, which may contain credentials.
pub(super) fn text(value: &str) -> Option<String> {
    let value = value.trim();
    if value.is_empty() || value.contains("://") {
        return None;
    }
    let mut clean = String::with_capacity(value.len().min(MAX_BYTES));
    for character in value.chars() {
        let character =
            if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
        if clean.len() + character.len_utf8() > MAX_BYTES {
            break;
        }
        clean.push(character);
    }
    Some(clean)
}

/// The full hexadecimal name of a commit (SHA-1 or SHA-256) in lower case, or `None`.
pub(super) fn commit(value: &str) -> Option<String> {
    let value = value.trim();
    (matches!(value.len(), 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| value.to_ascii_lowercase())
}

/// The name of a branch, without the prefix `refs/heads/`. `None` for other references, and for names
/// that `git check-ref-format` rejects.
pub(super) fn branch(value: &str) -> Option<String> {
    let value = value.trim();
    let name = match value.strip_prefix("refs/heads/") {
        Some(name) => name,
        None if value.starts_with("refs/") => return None,
        None => value,
    };
    let forbidden = |character: char| character.is_control() || " ~^:?*[\\".contains(character);
    if name == "HEAD" || name.contains(forbidden) || name.contains("..") || name.contains("@{") {
        return None;
    }
    text(name)
}

/// The number of a pull or merge request, from the number itself, `refs/pull/NUMBER/…` or its URL.
pub(super) fn change(value: &str) -> Option<String> {
    let value = value.trim();
    let number = if let Some(rest) = value.strip_prefix("refs/pull/") {
        rest.split('/').next()?
    } else if value.contains("://") {
        value.rsplit('/').next()?
    } else {
        value
    };
    (matches!(number.len(), 1..=20) && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_record() {
        assert_eq!(
            text("a\u{1b}[31mb\nc\u{85}d").as_deref(),
            Some("a\u{fffd}[31mb\u{fffd}c\u{fffd}d")
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character_boundary() {
        let long = "ä".repeat(200);
        let clean = text(&long).unwrap();
        assert_eq!(clean, "ä".repeat(128));
        assert_eq!(text(&"x".repeat(10_000_000)).unwrap().len(), 256);
    }

    #[test]
    fn a_blank_text_is_absent() {
        assert_eq!(text(" \t "), None);
    }

    #[test]
    fn a_url_with_a_password_is_neither_a_text_nor_a_branch() {
        let url = "https://user:secret@example.org/repository.git";
        assert_eq!(text(url), None);
        assert_eq!(branch(url), None);
        assert_eq!(branch("user:secret@example.org/x"), None);
    }

    #[test]
    fn a_commit_is_a_full_hexadecimal_name() {
        assert_eq!(commit(&"A".repeat(40)), Some("a".repeat(40)));
        assert_eq!(commit(&format!("{}\n", "0".repeat(64))), Some("0".repeat(64)));
        for none in ["HEAD", "", "abc1234", &"g".repeat(40), &"a".repeat(41)] {
            assert_eq!(commit(none), None, "{none}");
        }
    }

    #[test]
    fn a_branch_is_a_name_that_git_accepts() {
        assert_eq!(branch("refs/heads/feature/a/b").as_deref(), Some("feature/a/b"));
        assert_eq!(branch("ünïcode/🦀$(rm)<b>").as_deref(), Some("ünïcode/🦀$(rm)<b>"));
        for none in
            ["refs/tags/v1", "refs/pull/1/merge", "HEAD", "a b", "a..b", "a\nb", "a@{1}", ""]
        {
            assert_eq!(branch(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_change_is_a_number() {
        assert_eq!(change("17").as_deref(), Some("17"));
        assert_eq!(change("refs/pull/18/merge").as_deref(), Some("18"));
        assert_eq!(change("https://example.org/o/r/pull/19").as_deref(), Some("19"));
        for none in ["false", "", "refs/heads/issue/20", "refs/heads/21", "1e3", "-1", "https://x/"]
        {
            assert_eq!(change(none), None, "{none:?}");
        }
        assert_eq!(change(&"1".repeat(21)), None);
    }
}
