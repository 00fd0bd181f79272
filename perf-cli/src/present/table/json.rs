//! Tables in JSON: an object for each row, without missing values.

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::{Content, Table};

/// Larger integers are not exact in a double.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// An object with its fields in order.
pub(crate) struct InOrder<'a, T>(pub(crate) Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub(crate) type Object<'a> = InOrder<'a, Field<'a>>;

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Field<'a> {
    Flag(bool),
    Number(Number),
    Text(&'a str),
}

impl Table {
    /// The rows as objects with the keys of the columns.
    pub(crate) fn objects(&self) -> Vec<Object<'_>> {
        let mut objects = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let cells = self.data().map(|(index, column)| (column, &row.cells[index]));
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

    pub(crate) fn to_value(&self) -> Value {
        // Text and numbers can always be converted.
        serde_json::to_value(self.objects()).unwrap_or_default()
    }
}

/// Integers have no decimals.
fn as_number(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() < MAX_INTEGER {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}
