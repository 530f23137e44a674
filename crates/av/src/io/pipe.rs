//! What can't seek and may be silent for long: pipes, terminals, devices.

use std::{
    fs::File,
    io::{self, Read},
    mem::MaybeUninit,
    os::fd::AsRawFd,
};

use super::{Source, reader::zeroed};

/// How long the system waits before it is asked whether reading is still wanted, in milliseconds.
const PATIENCE: libc::c_int = 50;

/// A pipe, which is never waited for so long that a wish to stop goes unheard.
pub(super) struct Pipe(pub(super) File);

impl Source for Pipe {
    fn read(&mut self, target: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        match is_ready(&self.0)? {
            true => self.0.read(zeroed(target)),
            false => Err(io::ErrorKind::WouldBlock.into()), // it is asked again, unless it is to stop
        }
    }

    fn seek(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::NotSeekable.into())
    }

    fn len(&mut self) -> Option<u64> {
        None
    }
}

/// Whether there is something to read, or the end, before patience runs out.
fn is_ready(file: &File) -> io::Result<bool> {
    let mut asked = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, which is written to, and whose file is open as long as it is borrowed.
    let ready = unsafe { libc::poll(&raw mut asked, 1, PATIENCE) };
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
    fn a_silent_pipe_says_so_and_one_that_is_closed_has_ended() {
        let (reader, mut writer) = io::pipe().expect("there are pipes");
        let mut pipe = Pipe(File::from(OwnedFd::from(reader)));
        let mut target = [MaybeUninit::new(0); 4];
        let silent = pipe.read(&mut target).expect_err("nothing was written");
        assert_eq!(silent.kind(), io::ErrorKind::WouldBlock);
        writer.write_all(b"ab").expect("it is read");
        assert_eq!(pipe.read(&mut target).expect("it is there"), 2);
        drop(writer);
        assert_eq!(pipe.read(&mut target).expect("it has ended"), 0);
    }
}
