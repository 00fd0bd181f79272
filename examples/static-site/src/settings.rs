//! What the user decides about a site: the options of a build, and `site.toml`.

use std::fs;
use std::io;
use std::path::PathBuf;

use perf_runtime::tracked_phase;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::discover::Source;

/// The name of the settings file, in the root of a folder of Markdown.
pub(crate) const SETTINGS_FILE: &str = "site.toml";

/// What to build, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder of Markdown; `None` for the packages of the workspace around the current folder.
    pub source: Option<PathBuf>,
    /// The output folder.
    pub out: PathBuf,
    /// A folder of templates that replace the built-in ones of the same name.
    pub templates: Option<PathBuf>,
    /// Whether to rebuild only what changed since the last build into the same folder.
    pub incremental: bool,
}

/// The content of `site.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) title: String,
    pub(crate) description: String,
    /// The published address of the site, for the sitemap; ends in a slash.
    pub(crate) base_url: String,
    /// The language of the text, as in HTML's `lang`.
    pub(crate) language: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            title: String::new(),
            description: String::new(),
            base_url: "http://localhost/".to_owned(),
            language: "en".to_owned(),
        }
    }
}

impl Settings {
    /// Reads the source's settings; without a title in them, the site has the source's title.
    #[tracked_phase("settings")]
    pub(crate) fn load(source: &Source) -> Result<Self, Error> {
        let mut settings = Self::default();
        if let Some(path) = &source.settings {
            match fs::read_to_string(path) {
                Ok(text) => {
                    settings = toml::from_str(&text)
                        .map_err(|error| Error::parse(path, error.message()))?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("read", path)(error)),
            }
        }
        if settings.title.is_empty() {
            settings.title.clone_from(&source.title);
        }
        if !settings.base_url.ends_with('/') {
            settings.base_url.push('/');
        }
        Ok(settings)
    }
}
