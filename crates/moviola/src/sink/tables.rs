//! Parquet tables of records: one for each type of record, such as `detections.parquet`.
//!
//! A row is a record, and a column is the field of the same name; it is null if the record lacks
//! the field. Lists and structures are nested: `objects` is a list of structures, and `box` in them
//! is a list of four numbers. Types without records have empty tables.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::{ArrowError, Schema};
use moviola_av::{error::ErrorKind, remedy::Remedy};
use parquet::{
    arrow::ArrowWriter, basic::Compression, errors::ParquetError,
    file::properties::WriterProperties,
};

use crate::{
    columns::Columns,
    records::{
        DetectionsRecord, EndRecord, ErrorRecord, FrameRecord, KeyframeRecord, SourceRecord,
    },
};

/// The number of rows that are converted to columns at once.
const BATCH_ROWS: usize = 1024;

/// The bytes of each table's columns that are kept in memory and then written as one row group.
const GROUP_BYTES: usize = 16 << 20;

/// Why tables can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A record doesn't have the columns of its table.
    #[error("a record doesn't fit its table: {0}")]
    Record(#[from] ArrowError),
    /// A table can't be written.
    #[error(transparent)]
    Table(#[from] ParquetError),
}

impl TableError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(cause) => cause.kind().into(),
            Self::Record(_) | Self::Table(_) => ErrorKind::Other,
        }
    }

    /// What the caller can change to avoid the error; at present always `None`.
    pub fn remedy(&self) -> Option<Remedy> {
        None
    }
}

type Result<T> = std::result::Result<T, TableError>;

/// Tables that are being written.
///
/// Memory is bounded: [`GROUP_BYTES`] and a batch of rows for each table.
pub(super) struct Tables(Vec<Table>);

struct Table {
    /// The start of its records' lines.
    prefix: String,
    decoder: Decoder,
    writer: ArrowWriter<File>,
}

impl Tables {
    /// Creates the tables in `folder`, which must exist.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let tables =
            schemas().into_iter().map(|(kind, schema)| Table::create(folder, kind, schema));
        tables.collect::<Result<_>>().map(Self)
    }

    /// Adds a record, given as a line of JSON.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<()> {
        let table = self.0.iter_mut().find(|table| line.starts_with(table.prefix.as_bytes()));
        let table = table.ok_or_else(|| ArrowError::JsonError("of no known type".into()))?;
        table.add(line)
    }

    /// Completes the tables.
    pub(super) fn finish(self) -> Result<()> {
        self.0.into_iter().try_for_each(Table::finish)
    }
}

impl Table {
    fn create(folder: &Path, kind: &str, schema: Schema) -> Result<Self> {
        let schema = Arc::new(schema);
        let path: PathBuf = folder.join(format!("{kind}.parquet"));
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer =
            ArrowWriter::try_new(File::create(path)?, Arc::clone(&schema), Some(properties))?;
        let decoder = ReaderBuilder::new(schema).with_batch_size(BATCH_ROWS).build_decoder()?;
        Ok(Self { prefix: format!(r#"{{"type":"{kind}","#), decoder, writer })
    }

    fn add(&mut self, mut line: &[u8]) -> Result<()> {
        while !line.is_empty() {
            let decoded = self.decoder.decode(line)?;
            line = &line[decoded..];
            if !line.is_empty() || self.decoder.len() >= BATCH_ROWS {
                self.write()?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        if let Some(rows) = self.decoder.flush()? {
            self.writer.write(&rows)?;
        }
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.write()?;
        self.writer.finish()?;
        Ok(self.writer.inner().sync_data()?)
    }
}

/// The columns of each type of record, in the order of its fields.
fn schemas() -> [(&'static str, Schema); 6] {
    [
        ("source", Schema::new(SourceRecord::columns())),
        ("keyframe", Schema::new(KeyframeRecord::columns())),
        ("frame", Schema::new(FrameRecord::columns())),
        ("detections", Schema::new(DetectionsRecord::columns())),
        ("error", Schema::new(ErrorRecord::columns())),
        ("end", Schema::new(EndRecord::columns())),
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use serde_json::{Value, json};

    use super::*;

    fn lines() -> Vec<Value> {
        let position = |frame: u64| {
            json!({"source": "a", "keyframe": frame, "frame": 30 * frame, "time": 0.1, "pts": -7,
                   "time_base": [1, 30], "width": 8, "height": 9})
        };
        let detections = (0..3000).map(|number| {
            let mut record = position(number);
            let object = json!({"class_id": 2, "class": "car", "confidence": 0.912,
                                "box": [12.1, 30.0, 80.5, 200.2]});
            record["objects"] = Value::Array(vec![object; (number % 3) as usize]);
            record["type"] = "detections".into();
            record
        });
        let error = json!({"type": "error", "source": "b", "stage": "open", "time": null,
                           "message": "no"});
        let end = json!({"type": "end", "source": "a", "frames": 3000, "keyframes": 3000, "errors": 0,
                         "damaged": [[1, 2], [5, 5]], "elapsed": 0.5});
        detections.chain([error, end]).collect()
    }

    /// A record as a line that starts with its type.
    fn line(record: &Value) -> String {
        let mut fields = record.clone();
        let fields = fields.as_object_mut().expect("a record is an object");
        let kind = fields.remove("type").expect("it has a type");
        let rest = serde_json::to_string(fields).expect("it can be written");
        format!("{{\"type\":{kind},{}\n", &rest[1..])
    }

    /// The rows of a table, as records.
    fn rows(folder: &Path, kind: &str) -> Vec<Value> {
        let file = File::open(folder.join(format!("{kind}.parquet"))).expect("it was written");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is a table");
        let mut out = Vec::new();
        let mut writer = arrow_json::LineDelimitedWriter::new(&mut out);
        for batch in reader.build().expect("it can be read") {
            writer.write(&batch.expect("it can be read")).expect("it can be written");
        }
        writer.finish().expect("it can be written");
        let text = String::from_utf8(out).expect("it is text");
        text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
    }

    #[test]
    fn tables_have_the_fields_of_the_records() {
        let folder = tempfile::tempdir().unwrap();
        let mut tables = Tables::create(folder.path()).unwrap();
        for record in lines() {
            tables.add(line(&record).as_bytes()).unwrap();
        }
        tables.finish().unwrap();
        for kind in ["detections", "error", "end"] {
            let mut want = lines();
            want.retain(|record| record["type"] == kind);
            for record in &mut want {
                let fields = record.as_object_mut().unwrap();
                fields.remove("type");
                fields.retain(|_, value| !value.is_null());
            }
            let rows = rows(folder.path(), kind);
            let differs = rows.iter().zip(&want).find(|(row, record)| row != record);
            assert_eq!((rows.len(), differs), (want.len(), None), "{kind}");
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            6,
            "tables without records exist too"
        );
        assert!(rows(folder.path(), "source").is_empty());
    }

    #[test]
    fn an_invalid_record_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut tables = Tables::create(folder.path()).unwrap();
        assert!(tables.add(b"{\"type\":\"weather\",\"source\":\"a\"}\n").is_err());
        // A field of the wrong type is reported when its batch is converted.
        let added = tables.add(b"{\"type\":\"error\",\"time\":\"soon\"}\n");
        assert!(added.and_then(|()| tables.finish()).is_err());
    }
}
