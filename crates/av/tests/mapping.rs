//! Tests of mapped files: truncation while reading is an error, not a crash, and memory stays
//! small. In a separate process, because signal handlers and memory belong to the process.
#![allow(clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

use std::{fs::File, io::Write, os::unix::process::ExitStatusExt, path::Path, process::Command};

use moviola_av::{Demuxer, DemuxerOptions, Error, Io, Packet, io::sigbus};

/// Environment variable that makes this program cause a fault, and selects it.
const ROLE: &str = "MOVIOLA_TEST_ROLE";

/// A transport stream of 32 MiB: one clip, repeated.
fn big_file() -> tempfile::NamedTempFile {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/mpeg2_field.ts");
    let clip = std::fs::read(clip).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for _ in 0..(32 << 20) / clip.len() {
        file.write_all(&clip).unwrap();
    }
    file
}

/// Maps a file, truncates it after some packets, and continues to read; returns the error.
fn read_while_truncated(len: u64) -> Error {
    let file = big_file();
    let io = Io::map(file.reopen().unwrap()).unwrap();
    let options = DemuxerOptions { url: "big.ts".into(), io: Some(io), ..Default::default() };
    let mut demuxer = Demuxer::open(options).unwrap();
    for _ in 0..100 {
        assert!(demuxer.read_packet().unwrap().is_some());
    }
    file.as_file().set_len(len).unwrap();
    loop {
        match demuxer.read_packet() {
            Ok(packet) => assert!(packet.is_some(), "the end came without an error"),
            Err(error) => return error,
        }
    }
}

#[track_caller]
fn check_truncated(len: u64) {
    let error = read_while_truncated(len);
    let Error::Io { message, .. } = &error else { panic!("{error:?}") };
    assert_eq!(message, "the file was truncated while it was read");
}

/// Memory of this process that is used by mapped files, in bytes.
#[cfg(target_os = "linux")]
fn mapped() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(2).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(target_os = "linux")]
fn check_memory() {
    let io = Io::map(big_file().reopen().unwrap()).unwrap();
    let counters = io.counters();
    let options = DemuxerOptions { url: "big.ts".into(), io: Some(io), ..Default::default() };
    let mut demuxer = Demuxer::open(options).unwrap();
    let mut packet = Packet::new().unwrap();
    let (before, mut peak) = (mapped(), 0);
    while demuxer.read_into(&mut packet).unwrap() {
        peak = peak.max(mapped());
    }
    assert!(counters.bytes_read() > 30 << 20);
    assert!(peak.saturating_sub(before) < 12 << 20, "{} MB more", (peak - before) >> 20);
}

/// Starts this program in a role; returns the signal that ended it.
fn signal_of(role: &str) -> Option<i32> {
    let program = std::env::current_exe().unwrap();
    Command::new(program).arg("--nocapture").env(ROLE, role).status().unwrap().signal()
}

/// Reads past the end of the file of a mapping that does not belong to the crate.
fn fault_elsewhere() {
    use std::os::fd::AsRawFd;
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let (access, flags) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: the kernel chooses the place.
    let start =
        unsafe { libc::mmap(std::ptr::null_mut(), 8192, access, flags, File::as_raw_fd(&file), 0) };
    assert_ne!(start, libc::MAP_FAILED);
    file.set_len(0).unwrap();
    // SAFETY: the address is mapped; the read faults, which is what this tests.
    let byte = unsafe { start.cast::<u8>().read_volatile() };
    println!("survived a foreign fault: {byte}");
}

#[test]
fn truncation_is_an_error_and_memory_stays_small() {
    match std::env::var(ROLE).as_deref() {
        Ok("foreign") => {
            sigbus::install().unwrap();
            return fault_elsewhere();
        }
        Ok("without handler") => {
            read_while_truncated(0);
            return;
        }
        _ => {}
    }
    #[cfg(target_os = "linux")]
    check_memory();
    sigbus::install().unwrap();
    sigbus::install().unwrap();
    check_truncated(0);
    check_truncated(1 << 20);
    check_truncated((1 << 20) + 777);
    check_truncated((16 << 20) + 1);
    std::thread::scope(|scope| {
        for number in 1..=4 {
            scope.spawn(move || check_truncated(number * 3_000_000));
        }
    });

    assert_eq!(signal_of("foreign"), Some(libc::SIGBUS), "other faults still end the process");
    assert_eq!(
        signal_of("without handler"),
        Some(libc::SIGBUS),
        "without the handler, truncation ends the process"
    );
}
