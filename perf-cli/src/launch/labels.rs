//! The labels of builds in `BUILD_METRICS_LABELS`: those of the user and those of a run.

use std::str::FromStr;

/// A valid label for `BUILD_METRICS_LABELS`: not empty, without commas and control characters, without
/// blanks at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label(String);

/// A text is not a valid label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a label must not be empty or contain commas or control characters")]
pub(crate) struct LabelError;

impl Label {
    /// A label of this crate, which is valid.
    pub(crate) fn new(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let text = text.trim();
        let is_fit = |c: char| c != ',' && !c.is_control();
        if text.is_empty() || !text.chars().all(is_fit) {
            return Err(LabelError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The user's labels and ours. Ours replace those with the same key; ours without a value do not.
pub(super) fn merged(inherited: Option<&str>, ours: &[(&str, Option<&str>)]) -> String {
    let ours = || ours.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
    let key_of = |pair: &str| pair.split_once('=').map_or(pair, |(key, _)| key).trim().to_owned();
    let inherited = inherited.unwrap_or_default().split(',');
    let kept = inherited
        .filter(|pair| !pair.trim().is_empty() && !ours().any(|(key, _)| key == key_of(pair)));
    let kept = kept.map(str::to_owned);
    kept.chain(ours().map(|(key, value)| format!("{key}={value}"))).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_environment_are_kept_unless_ours_have_the_same_key() {
        let ours = [("session", Some("s")), ("run", Some("base"))];
        assert_eq!(merged(None, &ours), "session=s,run=base");
        assert_eq!(
            merged(Some("host=a=b, run = x,,session=old,odd"), &ours),
            "host=a=b,odd,session=s,run=base"
        );
        assert_eq!(
            merged(Some("run=x"), &[("session", Some("s")), ("run", None)]),
            "run=x,session=s"
        );
    }

    #[test]
    fn a_text_that_would_read_as_several_labels_is_refused() {
        for text in ["", "  ", "a,b", "a\nb", "a\u{1b}b"] {
            assert_eq!(text.parse::<Label>(), Err(LabelError), "{text:?}");
        }
        assert_eq!(" a=b c ".parse::<Label>().unwrap().as_str(), "a=b c");
    }
}
