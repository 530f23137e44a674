//! Reads lines from a pipe, with a deadline.

use std::{
    io::{self, Read},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Bytes that are read at a time.
const READ_SIZE: usize = 64 << 10;

/// The longest accepted line, in bytes: far longer than any message.
const MAX_LINE: usize = 64 << 20;

/// The lines of a pipe.
#[derive(Debug)]
pub(super) struct Lines<P> {
    pipe: P,
    read: Vec<u8>,
    /// Where in `read` the next line begins.
    next: usize,
    /// How many bytes of `read` were searched for its end.
    searched: usize,
}

/// The result of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, with its line feed.
    Text(&'a [u8]),
    /// The deadline passed.
    TimedOut,
    /// The pipe has ended. A last line without a line feed is dropped.
    End,
}

impl<P: Read + AsFd> Lines<P> {
    pub(super) fn new(pipe: P) -> Self {
        Self { pipe, read: Vec::new(), next: 0, searched: 0 }
    }

    /// Waits for the next line, at most until `deadline`; `None` for no limit.
    ///
    /// # Errors
    ///
    /// The system's error if the pipe can't be read; [`io::ErrorKind::FileTooLarge`] for a line of
    /// more than 64 MiB.
    pub(super) fn next(&mut self, deadline: Option<Instant>) -> io::Result<Line<'_>> {
        loop {
            let end = self.read[self.searched..].iter().position(|&byte| byte == b'\n');
            if let Some(end) = end {
                let begin = self.next;
                self.next = self.searched + end + 1;
                self.searched = self.next;
                return Ok(Line::Text(&self.read[begin..self.next]));
            }
            if !is_readable(&self.pipe, deadline)? {
                return Ok(Line::TimedOut);
            }
            if self.fill()? == 0 {
                return Ok(Line::End);
            }
        }
    }

    /// Appends available bytes to the unfinished line; gives their number, 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        drop(self.read.drain(..self.next));
        self.next = 0;
        self.searched = self.read.len();
        if self.searched > MAX_LINE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "a line is longer than 64 MiB",
            ));
        }
        self.read.resize(self.searched + READ_SIZE, 0);
        let got = loop {
            match self.pipe.read(&mut self.read[self.searched..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                got => break got,
            }
        };
        self.read.truncate(self.searched + *got.as_ref().unwrap_or(&0));
        got
    }
}

/// Waits until the pipe has bytes or has ended; `false` if `deadline` passes first.
fn is_readable(pipe: &impl AsFd, deadline: Option<Instant>) -> io::Result<bool> {
    let Some(deadline) = deadline else { return Ok(true) };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // poll() rejects longer timeouts.
        let left = Timespec::try_from(left.min(Duration::from_secs(1 << 31)));
        let mut pipes = [PollFd::new(pipe, PollFlags::IN)];
        match poll(&mut pipes, left.as_ref().ok()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_whole_however_they_were_written() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut lines = Lines::new(reader);
        let now = || Some(Instant::now());
        assert_eq!(lines.next(now()).unwrap(), Line::TimedOut);
        writer.write_all(b"one\ntwo\n\nthr").unwrap();
        for want in ["one\n", "two\n", "\n"] {
            assert_eq!(lines.next(now()).unwrap(), Line::Text(want.as_bytes()));
        }
        assert_eq!(lines.next(now()).unwrap(), Line::TimedOut);
        writer.write_all(b"ee\nfour").unwrap();
        assert_eq!(lines.next(None).unwrap(), Line::Text(b"three\n"));
        drop(writer);
        assert_eq!(lines.next(None).unwrap(), Line::End, "a line that was cut short is dropped");
        assert_eq!(lines.next(now()).unwrap(), Line::End);
    }

    #[test]
    fn a_line_may_be_longer_than_one_read() {
        let (reader, mut writer) = io::pipe().unwrap();
        let long = [vec![b'x'; 5 * READ_SIZE], b"\n".to_vec()].concat();
        let written = long.clone();
        let writing = std::thread::spawn(move || writer.write_all(&written));
        let mut lines = Lines::new(reader);
        assert_eq!(lines.next(None).unwrap(), Line::Text(&long));
        writing.join().unwrap().unwrap();
    }
}
