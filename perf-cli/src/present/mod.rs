//! How what was found is shown: as tables, facts and charts for people, as CSV and JSON for
//! programs. Nothing here knows of histories or of statistics.
//!
//! Text that comes from a history is kept as it is until it is written. Each format then
//! [escapes](escape) what would act there, in one place, so that no command can forget it.

pub mod chart;
pub mod escape;
pub mod export;
pub mod moment;
mod report;
pub mod sparkline;
pub mod style;
pub mod table;
pub mod tree;
pub mod units;

pub use report::{Block, Fact, Format, Json, Report, Shape};
pub use style::Span;
pub use table::{Cell, Column, Kind, Row, Table};
