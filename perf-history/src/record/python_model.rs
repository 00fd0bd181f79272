//! Records of the Python model that this format comes from, read as builds of its tool.
//!
//! The model wrote a flat object without a schema: the totals of a site, one `X_time_ms` for each
//! of its fixed phases, megabytes of memory, and a time stamp of local time without an offset.

use serde::de::{self, Deserialize};
use serde_json::{Map, Value};

use super::{BuildStats, PhaseStats};

/// The one tool that wrote such records.
const TOOL: &str = "bengal";

/// Reads the fields of a record that has no `schema`, in the order of the file.
pub(super) fn build<E: de::Error>(fields: Vec<(String, Value)>) -> Result<BuildStats, E> {
    let mut fields = Fields::once_each(fields)?;
    if fields.rest.contains_key("build_id") {
        // One of ours that lost its schema.
        return Err(E::missing_field("schema"));
    }
    let timestamp: String = fields.required("timestamp")?;
    let mut stats = BuildStats {
        build_id: id_of(&timestamp),
        timestamp,
        tool: TOOL.to_owned(),
        build_time_ms: fields.required("build_time_ms")?,
        parallel: fields.take("parallel")?,
        incremental: fields.take("incremental")?,
        skipped: fields.take("skipped")?,
        memory_rss_mb: fields.take("memory_rss_mb")?,
        memory_heap_mb: fields.take("memory_heap_mb")?,
        memory_peak_mb: fields.take("memory_peak_mb")?,
        platform: fields.take("platform")?,
        ..BuildStats::default()
    };
    for name in std::mem::take(&mut fields.order) {
        let Some(value) = fields.rest.remove(&name) else {
            continue;
        };
        if let (Some(phase), Some(time)) = (name.strip_suffix("_time_ms"), value.as_f64()) {
            stats.phase_timings_ms.insert(phase.to_owned(), time);
            stats.phases.push(top_level_phase(phase, time));
        } else if let (Some(count), false) = (value.as_u64(), super::is_reserved(&name)) {
            stats.counts.insert(name, count);
        } else {
            stats.unknown_fields.0.insert(name, value);
        }
    }
    Ok(stats)
}

/// The model timed each phase as one stretch of its main thread.
fn top_level_phase(path: &str, time_ms: f64) -> PhaseStats {
    PhaseStats {
        path: path.to_owned(),
        calls: 1,
        total_ms: time_ms,
        self_ms: time_ms,
        build_thread_ms: Some(time_ms),
        build_thread_self_ms: Some(time_ms),
        elapsed_ms: time_ms,
        ..PhaseStats::default()
    }
}

/// An id that is the same at every reading: `bengal-20251009T215125788517`.
fn id_of(timestamp: &str) -> String {
    let digits = timestamp.chars().filter(char::is_ascii_alphanumeric);
    format!("{TOOL}-{}", digits.collect::<String>())
}

/// The fields of a record, to be taken by name.
struct Fields {
    order: Vec<String>,
    rest: Map<String, Value>,
}

impl Fields {
    fn once_each<E: de::Error>(fields: Vec<(String, Value)>) -> Result<Self, E> {
        let mut rest = Map::new();
        let mut order = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            if rest.insert(name.clone(), value).is_some() {
                return Err(E::custom(format_args!("duplicate field `{name}`")));
            }
            order.push(name);
        }
        Ok(Self { order, rest })
    }

    fn take<T: for<'de> Deserialize<'de>, E: de::Error>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, E> {
        let value = self.rest.remove(name).unwrap_or(Value::Null);
        Option::deserialize(value).map_err(|error| E::custom(format_args!("`{name}`: {error}")))
    }

    fn required<T: for<'de> Deserialize<'de>, E: de::Error>(
        &mut self,
        name: &'static str,
    ) -> Result<T, E> {
        self.take(name)?.ok_or_else(|| E::missing_field(name))
    }
}
