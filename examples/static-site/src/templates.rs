//! The templates that pages are poured into: built in, or the user's own.

use std::fs;
use std::path::Path;

use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Output, State, UndefinedBehavior, context, escape_formatter,
};
use perf_runtime::tracked_phase;
use serde::Serialize;

use crate::Error;
use crate::digest::Digest;
use crate::settings::Settings;

/// The built-in templates.
const BUILT_IN: [(&str, &str); 5] = [
    ("base.html", include_str!("../templates/base.html")),
    ("lists.html", include_str!("../templates/lists.html")),
    ("page.html", include_str!("../templates/page.html")),
    ("section.html", include_str!("../templates/section.html")),
    ("health.html", include_str!("../templates/health.html")),
];

/// The built-in style sheet.
const STYLE: &str = include_str!("../templates/style.css");

/// All templates, ready to render.
#[derive(Debug)]
pub(crate) struct Templates {
    environment: Environment<'static>,
    pub(crate) style: String,
    /// Of all there is in them.
    pub(crate) digest: Digest,
}

impl Templates {
    /// Compiles the built-in templates, and over them those of the user's folder. A `style.css`
    /// there replaces the style sheet.
    #[tracked_phase("templates")]
    pub(crate) fn load(folder: Option<&Path>, settings: &Settings) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_formatter(write_escaped);
        environment.add_global("site", Value::from(Serde(settings)));
        let mut digests = Digest::of_json(settings).bytes().to_vec();
        let mut style = STYLE.to_owned();
        for (name, text) in BUILT_IN {
            environment.add_template(name, text)?;
            digests.extend(Digest::of(text.as_bytes()).bytes());
        }
        if let Some(folder) = folder {
            let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
            let mut paths = Vec::new();
            for entry in entries {
                paths.push(entry.map_err(Error::io("read", folder))?.path());
            }
            paths.sort();
            for path in paths {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_template = path.extension().is_some_and(|extension| extension == "html");
                if !is_template && name != "style.css" {
                    continue;
                }
                let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
                digests.extend(Digest::of_all([name.as_bytes(), text.as_bytes()]).bytes());
                if is_template {
                    environment.add_template_owned(name.into_owned(), text)?;
                } else {
                    style = text;
                }
            }
        }
        digests.extend(Digest::of(style.as_bytes()).bytes());
        Ok(Self { environment, style, digest: Digest::of(&digests) })
    }

    /// A page, from what it shows and its text as HTML.
    #[tracked_phase("template")]
    pub(crate) fn render(
        &self,
        template: &str,
        view: &impl Serialize,
        body: String,
    ) -> Result<String, Error> {
        let page = Value::from(Serde(view));
        let body = Value::from_safe_string(body);
        let template = self.environment.get_template(template)?;
        Ok(template.render(context! { page, body })?)
    }
}

/// Writes a value into a template. The engine's own formatter escapes slashes too, which makes
/// links hard to read.
fn write_escaped(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && *state.auto_escape() == AutoEscape::Html => {
            for piece in text.split_inclusive(['&', '<', '>', '"', '\'']) {
                let plain = piece.trim_end_matches(['&', '<', '>', '"', '\'']);
                out.write_str(plain)?;
                out.write_str(match &piece[plain.len()..] {
                    "&" => "&amp;",
                    "<" => "&lt;",
                    ">" => "&gt;",
                    "\"" => "&quot;",
                    "'" => "&#39;",
                    _ => "",
                })?;
            }
            Ok(())
        }
        _ => escape_formatter(out, state, value),
    }
}

#[cfg(test)]
mod tests {
    use super::Templates;
    use crate::settings::Settings;
    use serde_json::json;
    use std::fs;

    fn rendered(template: &str, view: &serde_json::Value) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.html"), template).unwrap();
        Templates::load(Some(folder.path()), &Settings::default())
            .and_then(|templates| templates.render("t.html", view, "<b>".to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_page_says_of_itself_cannot_become_markup() {
        let view = json!({ "title": "<a href='/x'>\"&</a>" });
        assert_eq!(
            rendered("{{ page.title }}|{{ body }}|{{ page.title|safe }}|{{ 1 + 1 }}", &view),
            Ok("&lt;a href=&#39;/x&#39;&gt;&quot;&amp;&lt;/a&gt;|<b>|<a href='/x'>\"&</a>|2"
                .to_owned())
        );
    }

    #[test]
    fn a_broken_template_is_named_with_its_line() {
        for template in ["\n{% if %}", "\n{{ page.no_such_field }}", "\n{% include 'none' %}"] {
            let error = rendered(template, &json!({})).unwrap_err();
            assert!(error.contains("t.html:2") && !error.contains('\n'), "{error}");
        }
    }
}
