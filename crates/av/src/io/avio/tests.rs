use std::ptr;

use super::*;
use crate::interrupt::Interrupt;

fn avio(io: Io) -> Avio {
    Avio::new(io, Arc::default()).unwrap()
}

fn call_read(avio: &Avio, target: *mut u8, size: c_int) -> c_int {
    // SAFETY: the bridge is live and nothing else uses it; the tests pass null or enough bytes.
    unsafe { read(avio.bridge.as_ptr().cast(), target, size) }
}

fn call_seek(avio: &Avio, offset: i64, whence: c_int) -> i64 {
    // SAFETY: the bridge is live and nothing else uses it.
    unsafe { seek(avio.bridge.as_ptr().cast(), offset, whence) }
}

#[test]
fn a_read_of_0_bytes_is_an_error() {
    let avio = avio(Io::bytes([1, 2, 3]));
    let mut target = [0; 2];
    assert_eq!(call_read(&avio, ptr::null_mut(), 0), ffi::AVERROR(libc::EINVAL));
    assert_eq!(call_read(&avio, ptr::null_mut(), 5), ffi::AVERROR(libc::EINVAL));
    assert_eq!(call_read(&avio, target.as_mut_ptr(), 0), ffi::AVERROR(libc::EINVAL));
    assert_eq!(call_read(&avio, target.as_mut_ptr(), -1), ffi::AVERROR(libc::EINVAL));
    assert_eq!(avio.failure(), None);
    assert_eq!(call_read(&avio, target.as_mut_ptr(), 2), 2);
    assert_eq!(target, [1, 2]);
}

#[test]
fn the_end_is_reported_as_such() {
    let avio = avio(Io::bytes([7]));
    let mut target = [0; 2];
    assert_eq!(call_read(&avio, target.as_mut_ptr(), 2), 1);
    assert_eq!(call_read(&avio, target.as_mut_ptr(), 2), ffi::AVERROR_EOF);
    assert_eq!((avio.counters().bytes_read(), avio.counters().reads()), (1, 1));
}

#[test]
fn every_kind_of_seek_works() {
    let avio = avio(Io::bytes([1, 2, 3, 4]));
    assert_eq!(call_seek(&avio, 0, ffi::AVSEEK_SIZE), 4);
    assert_eq!(call_seek(&avio, 0, ffi::AVSEEK_SIZE | ffi::AVSEEK_FORCE), 4);
    assert_eq!(call_seek(&avio, 2, libc::SEEK_SET), 2);
    assert_eq!(call_seek(&avio, 1, libc::SEEK_CUR), 3);
    assert_eq!(call_seek(&avio, -4, libc::SEEK_END | ffi::AVSEEK_FORCE), 0);
    assert_eq!(call_seek(&avio, -1, libc::SEEK_SET), ffi::AVERROR(libc::EINVAL).into());
    assert_eq!(call_seek(&avio, 0, 99), ffi::AVERROR(libc::EINVAL).into());
    assert_eq!(call_seek(&avio, i64::MAX, libc::SEEK_SET), i64::MAX);
    assert_eq!(call_read(&avio, [0; 1].as_mut_ptr(), 1), ffi::AVERROR_EOF);
    assert_eq!((avio.failure(), avio.counters().seeks()), (None, 4));
}

#[test]
fn a_pipe_has_no_length() {
    let avio = avio(Io::read(io::empty()));
    assert_eq!(call_seek(&avio, 0, ffi::AVSEEK_SIZE), ffi::AVERROR(libc::ENOSYS).into());
    // SAFETY: the context is valid.
    assert_eq!(unsafe { (*avio.as_ptr()).seekable }, 0);
}

#[test]
fn an_interrupted_source_is_not_read() {
    let interrupt = Interrupt::new();
    let avio = Avio::new(Io::bytes([1]), Arc::new(Watch::new(interrupt.clone()))).unwrap();
    interrupt.cancel();
    assert_eq!(call_read(&avio, [0; 1].as_mut_ptr(), 1), ffi::AVERROR_EXIT);
    assert_eq!(call_seek(&avio, 0, libc::SEEK_SET), ffi::AVERROR_EXIT.into());
    assert_eq!(avio.failure(), None);
}

#[test]
fn the_first_error_is_kept() {
    struct Fails(u32);
    impl io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            Err(io::Error::other(format!("error {}", self.0)))
        }
    }
    let avio = avio(Io::read(Fails(0)));
    for _ in 0..3 {
        assert_eq!(call_read(&avio, [0; 1].as_mut_ptr(), 1), ffi::AVERROR(libc::EIO));
    }
    assert_eq!(avio.failure().unwrap().to_string(), "error 1");
}

#[test]
fn a_reader_that_panicked_is_not_called_again() {
    struct Panics;
    impl io::Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("once")
        }
    }
    let avio = avio(Io::read(Panics));
    for _ in 0..3 {
        assert_eq!(call_read(&avio, [0; 1].as_mut_ptr(), 1), ffi::AVERROR(libc::EIO));
    }
    assert_eq!(avio.failure().unwrap().to_string(), "the reader panicked: once");
}

#[test]
fn the_current_buffer_is_freed() {
    let avio = avio(Io::bytes(vec![1; 100_000]));
    // SAFETY: the context is valid.
    let buffer = unsafe { &raw mut (*avio.as_ptr()).buffer };
    // SAFETY: the buffer is av_malloc'd, and the context has read nothing yet.
    unsafe { ffi::av_freep(buffer.cast()) };
    // SAFETY: any size may be asked for.
    let other = unsafe { ffi::av_mallocz(BUFFER_SIZE) };
    // SAFETY: the context is valid, and the new buffer is as long as the old one.
    unsafe { buffer.write(other.cast()) };
    drop(avio);
    // AddressSanitizer checks that the right buffer is freed, once.
}
