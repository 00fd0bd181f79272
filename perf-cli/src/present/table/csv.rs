//! Tables in CSV (RFC 4180): all columns, exact numbers, units in the column names.

use std::io::{self, Write};

use crate::present::escape;

use super::{Content, Table};

impl Table {
    pub(crate) fn write_csv(&self, target: &mut dyn Write) -> io::Result<()> {
        self.write_csv_head(target)?;
        self.write_csv_rows(target)
    }

    /// Writes the names of the columns.
    pub(crate) fn write_csv_head(&self, target: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(target);
        let names = self.data().map(|(_, column)| escape::csv(&column.key));
        writer.write_record(names.map(|name| name.as_bytes().to_owned())).map_err(io_error)?;
        writer.flush()
    }

    /// Writes the rows, without the names of the columns.
    pub(crate) fn write_csv_rows(&self, target: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(target);
        for row in &self.rows {
            let cells = self.data().map(|(index, _)| match &row.cells[index].content {
                Content::Absent => String::new(),
                Content::Number(number) => number.to_string(),
                Content::Flag(flag) => flag.to_string(),
                Content::Text { raw, .. } => escape::csv(raw).into_owned(),
            });
            writer.write_record(cells).map_err(io_error)?;
        }
        writer.flush()
    }
}

/// The error of the target; its kind says whether the reader closed the pipe.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
