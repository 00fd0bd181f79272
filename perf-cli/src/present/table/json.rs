//! A table in JSON: an object for each row, without what is not known.

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::{Content, Table};

/// The whole numbers that a double tells apart.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// An object whose fields keep their order.
pub(crate) struct InOrder<'a, T>(pub(crate) Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A row.
pub(crate) type Object<'a> = InOrder<'a, Field<'a>>;

/// A cell.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Field<'a> {
    Flag(bool),
    Number(Number),
    Text(&'a str),
}

impl Table {
    /// The rows as objects, whose names are the keys of the columns.
    pub(crate) fn objects(&self) -> Vec<Object<'_>> {
        let mut objects = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let cells = self.data().map(|(at, column)| (column, &row.cells[at]));
            let fields = cells.filter_map(|(column, cell)| {
                let field = match &cell.content {
                    Content::Absent => return None,
                    Content::Flag(flag) => Field::Flag(*flag),
                    Content::Number(number) => Field::Number(as_number(*number)?),
                    Content::Text { raw, .. } => Field::Text(raw),
                };
                Some((column.key.as_str(), field))
            });
            objects.push(InOrder(fields.collect()));
        }
        objects
    }

    /// The same objects, for a field of others.
    pub(crate) fn to_value(&self) -> Value {
        // Texts and numbers are always values.
        serde_json::to_value(self.objects()).unwrap_or_default()
    }
}

/// Whole numbers without decimals.
fn as_number(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() < WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}
