//! What a change must exceed to count: defaults, and what a file or the command line says instead.

use clap::Args;

use crate::judge;

/// What a change must exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Time, in percent of what it was.
    pub time_percent: f64,
    /// Time of the build in milliseconds: in sessions of three builds and more, and in pairs.
    pub build_ms: f64,
    /// The same of a phase's self time.
    pub phase_ms: f64,
    /// Time of the build in milliseconds: of one build or two.
    pub single_build_ms: f64,
    /// The same of a phase's self time.
    pub single_phase_ms: f64,
    /// Peaks of memory, in percent of what they were.
    pub memory_percent: f64,
    /// Peaks of memory, in 2^20 bytes.
    pub memory_mb: f64,
    /// Allocations of builds in which they hardly vary, in percent of what they were.
    pub allocations_percent: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            time_percent: 5.0,
            build_ms: 5.0,
            phase_ms: 2.0,
            single_build_ms: 50.0,
            single_phase_ms: 20.0,
            memory_percent: 5.0,
            memory_mb: 1.0,
            allocations_percent: 0.45,
        }
    }
}

/// Some thresholds; `None` where nothing is said of one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Args)]
#[command(next_help_heading = "Thresholds")]
pub struct ThresholdsOf {
    /// A change of time must exceed this share [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = number)]
    pub time_percent: Option<f64>,
    /// A change of the build's time must exceed this (sessions of 3 builds and more) [default: 5]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub build_ms: Option<f64>,
    /// A change of a phase's self time must exceed this [default: 2]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub phase_ms: Option<f64>,
    /// The same as --build-ms, of one build or two [default: 50]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub single_build_ms: Option<f64>,
    /// The same as --phase-ms, of one build or two [default: 20]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub single_phase_ms: Option<f64>,
    /// A change of a memory peak must exceed this share [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = number)]
    pub memory_percent: Option<f64>,
    /// A change of a memory peak must exceed this [default: 1]
    #[arg(long, value_name = "MB", value_parser = number)]
    pub memory_mb: Option<f64>,
    /// A change of allocations that hardly vary must exceed this share [default: 0.5]
    #[arg(long, value_name = "PERCENT", value_parser = number)]
    pub allocations_percent: Option<f64>,
}

impl Thresholds {
    /// The same, but for what is said of some.
    #[must_use]
    pub fn with(self, said: &ThresholdsOf) -> Self {
        Self {
            time_percent: said.time_percent.unwrap_or(self.time_percent),
            build_ms: said.build_ms.unwrap_or(self.build_ms),
            phase_ms: said.phase_ms.unwrap_or(self.phase_ms),
            single_build_ms: said.single_build_ms.unwrap_or(self.single_build_ms),
            single_phase_ms: said.single_phase_ms.unwrap_or(self.single_phase_ms),
            memory_percent: said.memory_percent.unwrap_or(self.memory_percent),
            memory_mb: said.memory_mb.unwrap_or(self.memory_mb),
            allocations_percent: said.allocations_percent.unwrap_or(self.allocations_percent),
        }
    }
}

impl Thresholds {
    /// The same for the rules of judging, whose other thresholds are their own.
    #[must_use]
    pub fn rules(&self) -> judge::Thresholds {
        let defaults = judge::Thresholds::default();
        judge::Thresholds {
            least_change: self.time_percent / 100.0,
            build_floor_ms: self.single_build_ms,
            phase_floor_ms: self.single_phase_ms,
            session_build_floor_ms: self.build_ms,
            session_phase_floor_ms: self.phase_ms,
            memory_change: self.memory_percent / 100.0,
            memory_floor_bytes: self.memory_mb * 1_048_576.0,
            allocation_change: self.allocations_percent / 100.0,
            ..defaults
        }
    }
}

/// A threshold on the command line.
fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("it is no number, or less than 0".to_owned()),
    }
}
