//! The templates that pages are poured into: built in, or the user's own.

use std::fs;
use std::path::Path;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
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
