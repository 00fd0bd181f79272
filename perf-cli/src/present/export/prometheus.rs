//! The text format of Prometheus:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::io::{self, Write};

use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};

use super::shown;

/// A gauge, with a value for each set of labels.
#[derive(Debug)]
pub(crate) struct Metric {
    /// Without the prefix `buildperf_`.
    pub name: &'static str,
    pub help: &'static str,
    /// The names of the labels.
    pub labels: Vec<&'static str>,
    /// The values of the labels, and the value of the gauge.
    pub samples: Vec<(Vec<String>, f64)>,
}

/// Writes metrics in the order of their names, without those that have no samples.
pub(crate) fn write(target: &mut dyn Write, metrics: &[Metric]) -> io::Result<()> {
    let registry = Registry::new();
    for metric in metrics.iter().filter(|metric| !metric.samples.is_empty()) {
        let gauges = GaugeVec::new(
            Opts::new(metric.name, metric.help).namespace("buildperf"),
            &metric.labels,
        )
        .map_err(io::Error::other)?;
        registry.register(Box::new(gauges.clone())).map_err(io::Error::other)?;
        for (labels, value) in &metric.samples {
            let labels: Vec<String> = labels.iter().map(|label| shown(label)).collect();
            gauges.get_metric_with_label_values(&labels).map_err(io::Error::other)?.set(*value);
        }
    }
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).map_err(io::Error::other)?;
    target.write_all(&text)
}
