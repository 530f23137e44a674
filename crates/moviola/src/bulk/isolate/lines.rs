//! Lines of a pipe, waited for no longer than is wanted.

use std::{
    io::{self, Read},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// How much is read at a time.
const CHUNK: usize = 64 << 10;

/// The longest line that there may be: nobody has so much to say.
const LONGEST: usize = 64 << 20;

/// Lines of a pipe.
#[derive(Debug)]
pub(super) struct Lines<P> {
    pipe: P,
    read: Vec<u8>,
    /// Where in `read` the next line begins.
    next: usize,
    /// How much of `read` has been searched for its end.
    searched: usize,
}

/// What waiting for a line brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The line, with its end.
    Text(&'a [u8]),
    /// Nothing, in that time.
    TimedOut,
    /// Nothing more will come; what has no end doesn't count.
    End,
}

impl<P: Read + AsFd> Lines<P> {
    pub(super) fn new(pipe: P) -> Self {
        Self { pipe, read: Vec::new(), next: 0, searched: 0 }
    }

    /// Waits for the next line, until that moment at most.
    ///
    /// # Errors
    ///
    /// The system's error if the pipe can't be read; a line that is too long.
    pub(super) fn next(&mut self, until: Option<Instant>) -> io::Result<Line<'_>> {
        loop {
            let end = self.read[self.searched..].iter().position(|&byte| byte == b'\n');
            if let Some(end) = end {
                let begin = self.next;
                self.next = self.searched + end + 1;
                self.searched = self.next;
                return Ok(Line::Text(&self.read[begin..self.next]));
            }
            if !is_readable(&self.pipe, until)? {
                return Ok(Line::TimedOut);
            }
            if self.fill()? == 0 {
                return Ok(Line::End);
            }
        }
    }

    /// Reads what is there, behind the line that has begun.
    fn fill(&mut self) -> io::Result<usize> {
        drop(self.read.drain(..self.next));
        self.next = 0;
        self.searched = self.read.len();
        if self.searched > LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a line has no end"));
        }
        self.read.resize(self.searched + CHUNK, 0);
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

/// Waits until something can be read, or the end is there; `false` if that takes too long.
fn is_readable(pipe: &impl AsFd, until: Option<Instant>) -> io::Result<bool> {
    let Some(until) = until else { return Ok(true) };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // What is too long for the system is a lifetime.
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
    fn lines_come_whole_whatever_pieces_they_were_written_in() {
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
        assert_eq!(lines.next(None).unwrap(), Line::End, "a line that was cut short doesn't count");
        assert_eq!(lines.next(now()).unwrap(), Line::End);
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_a_time() {
        let (reader, mut writer) = io::pipe().unwrap();
        let long = [vec![b'x'; 5 * CHUNK], b"\n".to_vec()].concat();
        let written = long.clone();
        let writing = std::thread::spawn(move || writer.write_all(&written));
        let mut lines = Lines::new(reader);
        assert_eq!(lines.next(None).unwrap(), Line::Text(&long));
        writing.join().unwrap().unwrap();
    }
}
