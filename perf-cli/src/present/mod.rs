//! Writes results: as tables, facts and charts for people, as CSV and JSON for programs. This module
//! does not depend on how records are selected or judged.
//!
//! Text from a history is kept as it is until it is written. Each format then [escapes](escape) it in
//! one place, so that no command can forget it.

pub(crate) mod chart;
pub(crate) mod escape;
pub(crate) mod export;
pub(crate) mod moment;
mod report;
pub(crate) mod sparkline;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod tree;
pub(crate) mod units;

pub(crate) use report::{Block, Fact, Format, Json, Report, Shape};
pub(crate) use style::Span;
pub(crate) use table::{Cell, Column, Kind, Row, Table};
