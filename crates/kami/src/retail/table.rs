//! The columns of the Parquet file, read whole.

use std::{collections::HashSet, fs::File, path::Path, sync::Arc};

use chrono::{DateTime, NaiveDateTime};
use parquet::{
    basic::{LogicalType, TimeUnit, Type},
    column::reader::{ColumnReader, get_typed_column_reader},
    data_type::{ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
};

use super::RetailError;

/// Values of a column, row by row; none where the file has none.
type Values<T> = Vec<Option<T>>;

/// The columns, each as long as the file has rows.
pub(super) struct Table {
    pub(super) invoice: Values<Arc<str>>,
    pub(super) item: Values<Arc<str>>,
    pub(super) description: Values<Arc<str>>,
    pub(super) quantity: Values<f64>,
    /// The shop's own clock, without a zone.
    pub(super) time: Values<NaiveDateTime>,
    pub(super) price: Values<f64>,
    pub(super) customer: Values<f64>,
    pub(super) country: Values<Arc<str>>,
}

impl Table {
    pub(super) fn read(path: &Path) -> Result<Self, RetailError> {
        let file = File::open(path).map_err(RetailError::Open)?;
        let reader = SerializedFileReader::new(file).map_err(RetailError::NotParquet)?;
        let columns = Columns { reader };
        Ok(Self {
            invoice: columns.texts("InvoiceNo")?,
            item: columns.texts("StockCode")?,
            description: columns.texts("Description")?,
            quantity: columns.numbers("Quantity")?,
            time: columns.times("InvoiceDate")?,
            price: columns.numbers("UnitPrice")?,
            customer: columns.numbers("CustomerID")?,
            country: columns.texts("Country")?,
        })
    }
}

struct Columns {
    reader: SerializedFileReader<File>,
}

impl Columns {
    /// The number of a column of this type.
    fn find(&self, name: &'static str, wanted: Type) -> Result<usize, RetailError> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let place = schema.columns().iter().position(|column| column.path().string() == name);
        let place = place.ok_or(RetailError::MissingColumn(name))?;
        let column = schema.column(place);
        let is_flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
        if column.physical_type() == wanted && is_flat {
            Ok(place)
        } else {
            Err(RetailError::WrongType { column: name, wanted })
        }
    }

    fn values<T: DataType>(&self, name: &'static str) -> Result<Values<T::T>, RetailError> {
        let place = self.find(name, T::get_physical_type())?;
        let damaged = |source| RetailError::Damaged { column: name, source };
        let mut all = Vec::new();
        for number in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(number).map_err(damaged)?;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let column = group.get_column_reader(place).map_err(damaged)?;
            all.extend(chunk::<T>(column, rows).map_err(damaged)?);
        }
        Ok(all)
    }

    fn numbers(&self, name: &'static str) -> Result<Values<f64>, RetailError> {
        self.values::<DoubleType>(name)
    }

    /// Texts, of which most come again and again.
    fn texts(&self, name: &'static str) -> Result<Values<Arc<str>>, RetailError> {
        let mut known: HashSet<Arc<str>> = HashSet::new();
        let mut texts = Vec::new();
        for (row, value) in self.values::<ByteArrayType>(name)?.into_iter().enumerate() {
            let Some(bytes) = value else {
                texts.push(None);
                continue;
            };
            let text = std::str::from_utf8(bytes.data());
            let text = text.map_err(|_| RetailError::row(row, format!("{name} is not text")))?;
            let shared = known.get(text).cloned().unwrap_or_else(|| text.into());
            known.insert(shared.clone());
            texts.push(Some(shared));
        }
        Ok(texts)
    }

    fn times(&self, name: &'static str) -> Result<Values<NaiveDateTime>, RetailError> {
        let wrong = || RetailError::WrongType { column: name, wanted: Type::INT64 };
        let column =
            self.reader.metadata().file_metadata().schema_descr().column(self.find(name, Type::INT64)?);
        let Some(LogicalType::Timestamp(kind)) = column.logical_type_ref() else { return Err(wrong()) };
        let per_micro = match kind.unit {
            TimeUnit::MILLIS => (1_000, 1),
            TimeUnit::MICROS => (1, 1),
            TimeUnit::NANOS => (1, 1_000),
        };
        let time = |(row, value): (usize, Option<i64>)| {
            let Some(value) = value else { return Ok(None) };
            let micros = value.checked_mul(per_micro.0).map(|value| value / per_micro.1);
            let at = micros.and_then(DateTime::from_timestamp_micros);
            at.map(|at| Some(at.naive_utc()))
                .ok_or_else(|| RetailError::row(row, format!("{name} is out of range")))
        };
        self.values::<Int64Type>(name)?.into_iter().enumerate().map(time).collect()
    }
}

/// The values of one column in one group of rows.
fn chunk<T: DataType>(column: ColumnReader, rows: usize) -> Result<Values<T::T>, ParquetError> {
    let mut reader = get_typed_column_reader::<T>(column);
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!("{read} of {rows} rows are there")));
        }
        read += records;
    }
    if levels.is_empty() {
        // A column that is always there has no levels.
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}
