//! Which rows are wanted.

use projection::{Kind, iso};
use serde_json::Value;
use vocabulary::Timestamp;

use crate::Source;

/// Most values of one `in`.
const VALUES_MAX: usize = 100;

/// Why a filter cannot be used. The texts repeat no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is not `column:operator:value`.
    #[error("a filter is written column:operator:value")]
    Shape,
    /// The source has no such column, or its cells cannot be compared.
    #[error("there is no such column to filter by")]
    Column,
    /// It is none of the operators.
    #[error("an operator is one of eq, ne, lt, le, gt, ge, in")]
    Operator,
    /// The value is not of the column's kind.
    #[error("{column} is compared with {wanted}")]
    Value {
        /// The column.
        column: String,
        /// What its values are.
        wanted: &'static str,
    },
}

/// A condition on one declared column. Its values are bound, never written into a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    column: String,
    operator: &'static str,
    pub(crate) values: Vec<Value>,
}

impl Filter {
    /// Reads `column:operator:value`. Operators are `eq`, `ne` (a cell without value is different, too), `lt`, `le`,
    /// `gt`, `ge`, and `in` with values joined by commas.
    pub fn parse(text: &str, source: &Source) -> Result<Self, FilterError> {
        let mut parts = text.splitn(3, ':');
        let (Some(column), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(FilterError::Shape);
        };
        let heading = source.headings().into_iter().find(|heading| heading.name == column);
        let heading = heading.filter(|heading| heading.kind != Kind::Json).ok_or(FilterError::Column)?;
        let operator = match operator {
            "eq" => "=",
            "ne" => "IS NOT",
            "lt" => "<",
            "le" => "<=",
            "gt" => ">",
            "ge" => ">=",
            "in" => "IN",
            _ => return Err(FilterError::Operator),
        };
        let several: Vec<&str> = if operator == "IN" { value.split(',').collect() } else { vec![value] };
        let read = |value: &&str| read(value, heading.kind).map_err(|wanted| (column.to_owned(), wanted));
        let values: Result<Vec<Value>, _> = several.iter().take(VALUES_MAX + 1).map(read).collect();
        let values = values.map_err(|(column, wanted)| FilterError::Value { column, wanted })?;
        if values.len() > VALUES_MAX {
            return Err(FilterError::Value { column: heading.name, wanted: "at most 100 values" });
        }
        Ok(Self { column: heading.name, operator, values })
    }

    /// The row with this key: one filter per key column; none where the key has another number of values.
    pub(crate) fn key(source: &Source, key: &[Value]) -> Option<Vec<Self>> {
        let equal = |(column, value): (&projection::Column, &Value)| Self {
            column: column.name.to_owned(),
            operator: "=",
            values: vec![value.clone()],
        };
        (key.len() == source.key).then(|| source.key_columns().zip(key).map(equal).collect())
    }

    /// The condition in SQL, a `?` per value.
    pub(crate) fn condition(&self) -> String {
        if self.operator == "IN" {
            let places = vec!["?"; self.values.len()].join(", ");
            return format!("{} IN ({places})", self.column);
        }
        format!("{} {} ?", self.column, self.operator)
    }
}

/// A value as the column stores it, or what it should have been.
fn read(text: &str, kind: Kind) -> Result<Value, &'static str> {
    match kind {
        Kind::Int => text.parse::<i64>().map(Value::from).map_err(|_| "a whole number"),
        Kind::Real => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from).ok_or("a number"),
        Kind::Flag => match text {
            "true" | "1" => Ok(Value::from(1)),
            "false" | "0" => Ok(Value::from(0)),
            _ => Err("true or false"),
        },
        Kind::At => {
            Timestamp::parse_rfc3339(text).map(|at| Value::from(iso(at))).map_err(|_| "an instant, RFC 3339")
        }
        Kind::Date => {
            let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "a day, yyyy-mm-dd")?;
            Ok(Value::from(day.format("%Y-%m-%d").to_string()))
        }
        Kind::Text | Kind::Json => Ok(Value::from(text)),
    }
}
