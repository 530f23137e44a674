//! JSON Lines: one line for each record, written without delay.

use std::io::{self, Write};

use serde::Serialize;

/// A writer of records as lines of JSON.
///
/// Each record is one write and one flush: the reader of a pipe receives it without delay, and
/// after a crash or an interrupt the output consists of complete lines.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
    /// The buffer for a line, reused by all lines.
    line: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    /// A writer to `out`, which need not be buffered.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Returns the writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Writes one record.
    ///
    /// # Errors
    ///
    /// The error of `out`. [`io::ErrorKind::BrokenPipe`] means that the reader closed the pipe.
    pub fn write(&mut self, record: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that records every call.
    #[derive(Default)]
    struct Calls {
        writes: Vec<Vec<u8>>,
        flushes: usize,
    }

    impl Write for &mut Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes.push(bytes.into());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.flushes += 1;
            Ok(())
        }
    }

    #[test]
    fn each_record_is_one_write_and_one_flush() {
        let mut calls = Calls::default();
        let mut lines = JsonLines::new(&mut calls);
        lines.write(&[1, 2]).unwrap();
        lines.write(&"a\nb").unwrap();
        assert_eq!(calls.writes, [b"[1,2]\n".to_vec(), b"\"a\\nb\"\n".to_vec()]);
        assert_eq!(calls.flushes, 2);
    }

    #[test]
    fn a_broken_pipe_has_its_own_error_kind() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let error = JsonLines::new(writer).write(&1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
