//! The templates that make pages: the built-in ones, or the user's own.

use std::fs;
use std::path::Path;

use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Output, State, UndefinedBehavior, context, escape_formatter,
};
use perf_runtime::tracked_phase;
use pulldown_cmark_escape::{FmtWriter, escape_html};
use serde::Serialize;

use crate::Error;
use crate::digest::Digest;
use crate::settings::Settings;

const BUILT_IN: [(&str, &str); 5] = [
    ("base.html", include_str!("../templates/base.html")),
    ("lists.html", include_str!("../templates/lists.html")),
    ("page.html", include_str!("../templates/page.html")),
    ("section.html", include_str!("../templates/section.html")),
    ("health.html", include_str!("../templates/health.html")),
];

/// The name of the style sheet, in the user's templates and in the site.
const STYLE_NAME: &str = "style.css";
const BUILT_IN_STYLE: &str = include_str!("../templates/style.css");

/// All templates, ready to render.
#[derive(Debug)]
pub(crate) struct Templates {
    environment: Environment<'static>,
    pub(crate) style: String,
    /// Covers the settings too: templates can show them.
    pub(crate) digest: Digest,
}

impl Templates {
    /// Compiles the built-in templates, then those of the user's folder, which replace them. A
    /// `style.css` there replaces the style sheet.
    #[tracked_phase("templates")]
    pub(crate) fn load(folder: Option<&Path>, settings: &Settings) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_formatter(write_escaped);
        environment.add_global("site", Value::from(Serde(settings)));
        for (name, text) in BUILT_IN {
            environment.add_template(name, text)?;
        }
        let mut style = BUILT_IN_STYLE.to_owned();
        let mut replaced = Vec::new();
        if let Some(folder) = folder {
            for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
                let path = entry.map_err(Error::io("read", folder))?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let is_template = path.extension().is_some_and(|extension| extension == "html");
                if is_template || name == STYLE_NAME {
                    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
                    replaced.push((name, text));
                }
            }
        }
        replaced.sort();
        let digest = Digest::from_value(&(settings, BUILT_IN, BUILT_IN_STYLE, &replaced));
        for (name, text) in replaced {
            if name == STYLE_NAME {
                style = text;
            } else {
                environment.add_template_owned(name, text)?;
            }
        }
        Ok(Self { environment, style, digest })
    }

    /// A page, from its view and its text as HTML.
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

/// Writes a value into a template. The engine's own formatter escapes slashes as well, which makes
/// links hard to read.
fn write_escaped(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && *state.auto_escape() == AutoEscape::Html => {
            Ok(escape_html(FmtWriter(out), text)?)
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

    fn render(template: &str, view: &serde_json::Value) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.html"), template).unwrap();
        Templates::load(Some(folder.path()), &Settings::default())
            .and_then(|templates| templates.render("t.html", view, "<b>".to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn text_from_a_page_is_escaped() {
        let view = json!({ "title": "<a href='/x'>\"&</a>" });
        assert_eq!(
            render("{{ page.title }}|{{ body }}|{{ page.title|safe }}|{{ 1 + 1 }}", &view),
            Ok("&lt;a href=&#39;/x&#39;&gt;&quot;&amp;&lt;/a&gt;|<b>|<a href='/x'>\"&</a>|2"
                .to_owned())
        );
    }

    #[test]
    fn the_error_for_a_broken_template_has_its_line() {
        for template in ["\n{% if %}", "\n{{ page.no_such_field }}", "\n{% include 'none' %}"] {
            let error = render(template, &json!({})).unwrap_err();
            assert!(error.contains("t.html:2") && !error.contains('\n'), "{error}");
        }
    }
}
