//! The text format of Prometheus:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::io::{self, Write};

use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};

use super::shown;

/// A metric, which has a value for each set of labels: a gauge.
#[derive(Debug)]
pub(crate) struct Metric {
    /// Its name, which ends with its unit.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: Vec<&'static str>,
    /// The values of the labels, as many, and what is measured.
    pub samples: Vec<(Vec<String>, f64)>,
}

/// Writes metrics in the order of their names. Those without samples are left out.
pub(crate) fn write(target: &mut dyn Write, metrics: &[Metric]) -> io::Result<()> {
    let registry = Registry::new();
    for metric in metrics.iter().filter(|metric| !metric.samples.is_empty()) {
        let gauges = GaugeVec::new(Opts::new(metric.name, metric.help), &metric.labels)
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
