//! Rows as Parquet: instants are timestamps in UTC, days are dates, JSON is text.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};
use projection::Kind;
use serde_json::Value;
use vocabulary::Timestamp;

use crate::{FormatError, Heading};

/// Rows per row group: what a reader skips or reads as a whole.
const GROUP: usize = 65_536;

/// A file being written. Rows are kept until a row group is full.
pub(crate) struct ParquetFile<W: Write + Send> {
    headings: Vec<Heading>,
    columns: Vec<Vec<Value>>,
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(crate) fn new(headings: &[Heading], to: W) -> Result<Self, FormatError> {
        let fields = headings.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("rows").with_fields(fields).build()?;
        // The name of the writer, without its version: the same rows give the same bytes.
        let properties = WriterProperties::builder()
            .set_created_by("kami".to_owned())
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { headings: headings.to_vec(), columns: vec![Vec::new(); headings.len()], writer })
    }

    pub(crate) fn push(&mut self, row: &[Value]) -> Result<(), FormatError> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell.clone());
        }
        if self.columns.first().is_some_and(|column| column.len() >= GROUP) {
            self.write_group()?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<W, FormatError> {
        if self.columns.first().is_some_and(|column| !column.is_empty()) {
            self.write_group()?;
        }
        Ok(self.writer.into_inner()?)
    }

    fn write_group(&mut self) -> Result<(), FormatError> {
        let mut group = self.writer.next_row_group()?;
        for (heading, column) in self.headings.iter().zip(&mut self.columns) {
            write_column(&mut group, heading, &std::mem::take(column))?;
        }
        group.close()?;
        Ok(())
    }
}

fn field(heading: &Heading) -> Result<TypePtr, FormatError> {
    let (physical, logical) = match heading.kind {
        Kind::Int => (Physical::INT64, None),
        Kind::Real => (Physical::DOUBLE, None),
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::At => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Text | Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(&heading.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}

fn write_column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    heading: &Heading,
    cells: &[Value],
) -> Result<(), FormatError> {
    match heading.kind {
        Kind::Int => write_cells::<_, Int64Type>(group, heading, cells, |cell| cell.as_i64()),
        Kind::Real => write_cells::<_, DoubleType>(group, heading, cells, |cell| cell.as_f64()),
        Kind::Flag => write_cells::<_, BoolType>(group, heading, cells, |cell| cell.as_bool()),
        Kind::At => write_cells::<_, Int64Type>(group, heading, cells, |cell| {
            Some(Timestamp::parse_rfc3339(cell.as_str()?).ok()?.micros())
        }),
        Kind::Date => write_cells::<_, Int32Type>(group, heading, cells, |cell| {
            let day: chrono::NaiveDate = cell.as_str()?.parse().ok()?;
            i32::try_from((day - chrono::NaiveDate::default()).num_days()).ok()
        }),
        Kind::Text => {
            write_cells::<_, ByteArrayType>(group, heading, cells, |cell| Some(cell.as_str()?.into()))
        }
        Kind::Json => write_cells::<_, ByteArrayType>(group, heading, cells, |cell| {
            Some(ByteArray::from(cell.to_string().as_str()))
        }),
    }
}

fn write_cells<W: Write + Send, T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    heading: &Heading,
    cells: &[Value],
    read: impl Fn(&Value) -> Option<T::T>,
) -> Result<(), FormatError> {
    let missing = || FormatError::Cell(heading.name.clone());
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(!cell.is_null())).collect();
    let present = cells.iter().filter(|cell| !cell.is_null());
    let values = present.map(|cell| read(cell).ok_or_else(missing)).collect::<Result<Vec<T::T>, _>>()?;
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()?;
    Ok(())
}
