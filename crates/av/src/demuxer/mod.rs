//! Demuxers: a container becomes packets.

mod guard;
mod index;
mod info;
mod open;
mod options;

use std::{ffi::c_int, fmt, ops::Range, ptr::NonNull, sync::Arc, thread, time::Duration};

use ffmpeg_sys_next as ffi;

use self::guard::Guard;
pub use self::{
    index::IndexEntry,
    options::{DemuxerOptions, Limits},
};
use crate::{
    decoder,
    discard::Discard,
    error::{Error, Result, check},
    interrupt::Watch,
    io::{Avio, IoCounters},
    log,
    packet::Packet,
    stage,
    stream::Stream,
};

/// One open input.
///
/// # Examples
///
/// ```no_run
/// use moviola_av::{Demuxer, DemuxerOptions};
///
/// let mut demuxer =
///     Demuxer::open(DemuxerOptions { url: "clip.mp4".into(), ..Default::default() })?;
/// while let Some(packet) = demuxer.read_packet()? {
///     println!("stream {} at {:?}", packet.stream_index(), packet.pts());
/// }
/// # Ok::<(), moviola_av::Error>(())
/// ```
pub struct Demuxer {
    /// Closed before what its callbacks use, which are the next three.
    raw: NonNull<ffi::AVFormatContext>,
    io: Option<Avio>,
    guard: Arc<Guard>,
    watch: Arc<Watch>,
    /// The time one call may take.
    timeout: Option<Duration>,
}

// SAFETY: a format context may be used from any thread, by one at a time; `&mut self` sees to it.
// What its callbacks use is Send.
unsafe impl Send for Demuxer {}

/// Which way a seek may miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekDirection {
    /// To the last key frame at or before the place.
    Backward,
    /// To the first key frame at or after the place.
    Forward,
    /// To any packet near the place, key frame or not.
    Any,
}

/// How long to wait before asking again an input that has nothing yet.
const RETRY: Duration = Duration::from_millis(5);

impl Demuxer {
    /// Opens an input and reads its header.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it can't be read, [`Error::Ffmpeg`] if it is no media file or a damaged
    /// one, [`Error::Refused`] if it names something that it may not open,
    /// [`Error::UnusedOptions`], [`Error::Interrupted`] or [`Error::TimedOut`].
    pub fn open(options: DemuxerOptions) -> Result<Self> {
        open::open(options)
    }

    /// Reads and decodes some packets to find out what the header did not say. They are kept for
    /// [`read_packet`](Self::read_packet).
    ///
    /// Worth its time only where the container leaves gaps, as MPEG-TS does.
    ///
    /// # Errors
    ///
    /// As for [`read_packet`](Self::read_packet), and [`Error::Limit`] if the container announces
    /// pictures that FFmpeg can't address: it would forget their size here.
    pub fn find_stream_info(&mut self) -> Result<()> {
        let pixels = self.streams().map(Stream::announced_pixels).max().unwrap_or(0);
        if pixels > decoder::MOST_PIXELS {
            return Err(decoder::too_large(decoder::MOST_PIXELS, pixels));
        }
        self.watch.start_call(self.timeout);
        // SAFETY: `self` owns an open context; no options for its decoders.
        let code =
            unsafe { ffi::avformat_find_stream_info(self.raw.as_ptr(), std::ptr::null_mut()) };
        self.outcome("avformat_find_stream_info", code).map(drop)
    }

    /// Leaves out packets of a stream where the format can skip reading them; elsewhere they still
    /// come, so filter them too.
    pub fn set_discard(&mut self, stream: usize, discard: Discard) {
        if let Some(&stream) = self.raw_streams().get(stream) {
            // SAFETY: the stream is valid, and `self` is borrowed mutably.
            unsafe { (*stream.as_ptr()).discard = discard.to_raw() };
        }
    }

    /// The next packet of any stream; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the source failed, even where FFmpeg would take that for the end.
    /// [`Error::Ffmpeg`] if the data is damaged; further calls may go on behind it.
    /// [`Error::Refused`], [`Error::Interrupted`] or [`Error::TimedOut`].
    pub fn read_packet(&mut self) -> Result<Option<Packet>> {
        let mut packet = Packet::new()?;
        Ok(self.read_into(&mut packet)?.then_some(packet))
    }

    /// Replaces `packet` by the next one; `false` at the end.
    ///
    /// # Errors
    ///
    /// As for [`read_packet`](Self::read_packet).
    pub fn read_into(&mut self, packet: &mut Packet) -> Result<bool> {
        self.watch.start_call(self.timeout);
        packet.clear();
        drop(log::take_error()); // what was said before
        let stage = stage!("demux");
        let before = self.bytes_read();
        let is_there = self.read_one(packet)?;
        if !stage.is_disabled() {
            // Packets may hold gaps that were never read.
            let read = before.zip(self.bytes_read()).map(|(before, now)| now - before);
            stage.record("packets", u64::from(is_there));
            stage.record("bytes", read.unwrap_or(packet.data().len() as u64));
        }
        Ok(is_there)
    }

    /// Asks FFmpeg for the next packet until it has an answer.
    fn read_one(&mut self, packet: &mut Packet) -> Result<bool> {
        loop {
            // SAFETY: `self` owns an open context, and `packet` is empty.
            let code = unsafe { ffi::av_read_frame(self.raw.as_ptr(), packet.raw_mut()) };
            if code == ffi::AVERROR(libc::EAGAIN) && self.watch.stop().is_none() {
                // FFmpeg has no way to say when a device or a socket will be ready.
                thread::sleep(RETRY);
                continue;
            }
            return match code {
                ffi::AVERROR_EOF => self.at_end().map(|()| false),
                _ if code == ffi::AVERROR(libc::EIO) && self.has_open_end() => {
                    self.at_end().map(|()| false)
                }
                _ => self.outcome("av_read_frame", code).map(|_| true),
            };
        }
    }

    /// Moves to `timestamp` in ticks of a stream's time base. The next packets come from there, of
    /// all streams. Decoders have to be flushed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there is no such stream; else as for
    /// [`read_packet`](Self::read_packet).
    pub fn seek(&mut self, stream: usize, timestamp: i64, direction: SeekDirection) -> Result<()> {
        let index = self.stream_index(stream)?;
        let flags = match direction {
            SeekDirection::Backward => ffi::AVSEEK_FLAG_BACKWARD,
            SeekDirection::Forward => 0,
            SeekDirection::Any => ffi::AVSEEK_FLAG_ANY,
        };
        self.seek_raw(index, timestamp, flags)
    }

    /// Moves to a place in the file, in bytes. Only for formats without an index, such as MPEG-TS.
    ///
    /// # Errors
    ///
    /// As for [`read_packet`](Self::read_packet).
    pub fn seek_bytes(&mut self, position: u64) -> Result<()> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.seek_raw(-1, position, ffi::AVSEEK_FLAG_BYTE)
    }

    /// From now on leaves out the parts of the source that are `unneeded` and nowhere `needed`:
    /// packets that lie there keep their times and sizes but hold zeros, and nothing is read for
    /// them. Both are ranges of bytes of the source, in any order.
    ///
    /// Parsers are switched off, because they would look: only for containers that mark where
    /// packets begin, such as MP4. `false`, and nothing changes, if the source can't seek or isn't
    /// an [`Io`](crate::io::Io).
    pub fn skip_ranges(&mut self, unneeded: Vec<Range<u64>>, needed: Vec<Range<u64>>) -> bool {
        let left_out = self.io.as_ref().is_some_and(|io| io.skip_ranges(unneeded, needed));
        if left_out {
            // SAFETY: `self` owns an open context.
            unsafe { (*self.raw.as_ptr()).flags |= ffi::AVFMT_FLAG_NOPARSE };
        }
        left_out
    }

    /// How much was read, if the bytes came through an [`Io`](crate::io::Io), as those of a path
    /// do.
    pub fn io_counters(&self) -> Option<Arc<IoCounters>> {
        self.io.as_ref().map(|io| Arc::clone(io.counters()))
    }

    fn bytes_read(&self) -> Option<u64> {
        self.io.as_ref().map(|io| io.counters().bytes_read())
    }

    fn seek_raw(&mut self, stream: c_int, timestamp: i64, flags: c_int) -> Result<()> {
        self.watch.start_call(self.timeout);
        // SAFETY: `self` owns an open context, and the stream's index was checked.
        let code = unsafe { ffi::av_seek_frame(self.raw.as_ptr(), stream, timestamp, flags) };
        self.outcome("av_seek_frame", code).map(drop)
    }

    fn stream_index(&self, stream: usize) -> Result<c_int> {
        let known = stream < self.raw_streams().len();
        c_int::try_from(stream).ok().filter(|_| known).ok_or_else(|| Error::InvalidArgument {
            what: "the stream",
            expected: "one of the input's",
            got: stream.to_string(),
        })
    }

    fn raw_streams(&self) -> &[NonNull<ffi::AVStream>] {
        // SAFETY: `self` owns an open context.
        let streams = unsafe { (*self.raw.as_ptr()).streams };
        // SAFETY: as above.
        let count = unsafe { (*self.raw.as_ptr()).nb_streams };
        let Some(streams) = NonNull::new(streams) else { return &[] };
        // SAFETY: FFmpeg keeps that many valid streams there, unchanged until a call on
        // `&mut self`, and none of them is null.
        unsafe { std::slice::from_raw_parts(streams.as_ptr().cast(), count as usize) }
    }

    /// Whether the end is one: FFmpeg also calls it so when the source failed.
    fn at_end(&self) -> Result<()> {
        self.outcome("av_read_frame", 0)?;
        // The one thing by which Matroska's demuxer tells a cut from an end.
        if let Some(said) = log::take_error().filter(|said| said.contains("ended prematurely")) {
            let cut = Error::from_code("av_read_frame", ffi::AVERROR_INVALIDDATA);
            return Err(cut.explained_by(Some(said)));
        }
        if let Some(error) = self.watch.stop().or_else(|| self.io.as_ref()?.failure()) {
            return Err(error);
        }
        // SAFETY: `self` owns an open context.
        let Some(io) = NonNull::new(unsafe { (*self.raw.as_ptr()).pb }) else { return Ok(()) };
        // SAFETY: an open context's I/O is valid.
        match unsafe { (*io.as_ptr()).error } {
            0.. | ffi::AVERROR_EOF => Ok(()),
            error if error == ffi::AVERROR(libc::EIO) && self.has_open_end() => Ok(()),
            error => check("av_read_frame", error).map(drop),
        }
    }

    /// Whether the input is a server's that did not say how long it is: FFmpeg calls its end an
    /// error, because it can't know.
    fn has_open_end(&self) -> bool {
        // SAFETY: `self` owns an open context.
        let io = NonNull::new(unsafe { (*self.raw.as_ptr()).pb });
        io.filter(|_| self.io.is_none()).is_some_and(|io| {
            // SAFETY: an open context's I/O is valid.
            let size = unsafe { ffi::avio_size(io.as_ptr()) };
            size < 0
        })
    }

    /// The result of a call, with the true cause of a failure in place of FFmpeg's number. A
    /// refusal is a failure whatever FFmpeg makes of it: it goes on with what is left.
    fn outcome(&self, op: &'static str, code: c_int) -> Result<c_int> {
        self.guard.refusal().map_or(Ok(()), Err)?;
        outcome(op, code, &self.watch, self.io.as_ref())
    }
}

/// The result of `code`, preferring the causes that FFmpeg does not know.
fn outcome(op: &'static str, code: c_int, watch: &Watch, io: Option<&Avio>) -> Result<c_int> {
    if code >= 0 {
        return Ok(code);
    }
    if let Some(stop) = watch.stop() {
        return Err(stop);
    }
    io.and_then(Avio::failure).map_or_else(|| check(op, code), Err)
}

/// What makes a TLS connection check who is on the other side, as options of FFmpeg's.
fn tls_options() -> Vec<(&'static str, String)> {
    let mut options = vec![("tls_verify", "1".to_owned())];
    let chosen =
        ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    // OpenSSL looks where the machine that built it keeps its certificates; these are the others.
    let bundles = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let bundle = bundles.iter().find(|path| std::path::Path::new(path).exists());
    if let Some(bundle) = bundle.filter(|_| !chosen) {
        options.push(("ca_file", (*bundle).to_owned()));
    }
    options
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: `self` owns the context, nothing uses it after this, and what its callbacks use
        // is dropped later.
        unsafe { ffi::avformat_close_input(&raw mut raw) };
    }
}

impl fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demuxer")
            .field("format", &self.format_name())
            .field("streams", &self.raw_streams().len())
            .finish_non_exhaustive()
    }
}
