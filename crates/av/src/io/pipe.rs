//! Pipes, terminals and devices: files that can't seek and may have no data for a long time.

use std::{
    fs::File,
    io::{self, Read},
    mem::MaybeUninit,
    os::fd::AsRawFd,
};

use super::{ByteSource, reader::zeroed};

/// Longest wait for data in milliseconds, after which the caller polls its interrupt.
const POLL_TIMEOUT: libc::c_int = 50;

/// A pipe or similar file. A read waits at most [`POLL_TIMEOUT`], so that it can be interrupted.
pub(super) struct Pipe(pub(super) File);

impl ByteSource for Pipe {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        match is_ready(&self.0)? {
            true => self.0.read(zeroed(target)),
            false => Err(io::ErrorKind::WouldBlock.into()), // the caller retries unless interrupted
        }
    }

    fn seek(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::NotSeekable.into())
    }

    fn len(&mut self) -> Option<u64> {
        None
    }
}

/// Waits until there is data or the end; `false` if [`POLL_TIMEOUT`] passes first.
fn is_ready(file: &File) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the array has one writable entry, and its file is open while it is borrowed.
    let ready = unsafe { libc::poll(&raw mut entry, 1, POLL_TIMEOUT) };
    match ready {
        0.. => Ok(ready > 0),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::fd::OwnedFd};

    use super::*;

    #[test]
    fn an_empty_pipe_would_block_and_a_closed_one_ends() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let mut pipe = Pipe(File::from(OwnedFd::from(reader)));
        let mut target = [MaybeUninit::new(0); 4];
        let empty = pipe.read(&mut target).expect_err("no data");
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        writer.write_all(b"ab").expect("room in the pipe");
        assert_eq!(pipe.read(&mut target).expect("data"), 2);
        drop(writer);
        assert_eq!(pipe.read(&mut target).expect("the end"), 0);
    }
}
