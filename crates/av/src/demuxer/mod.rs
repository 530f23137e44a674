//! Demuxers: opening containers and reading their packets.

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

/// An open input that packets are read from.
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
    /// Closed first: its callbacks use the next three fields.
    raw: NonNull<ffi::AVFormatContext>,
    io: Option<Avio>,
    guard: Arc<Guard>,
    watch: Arc<Watch>,
    /// The longest that one call may take; `None` for paths and [`Io`](crate::io::Io)s.
    timeout: Option<Duration>,
}

// SAFETY: a format context may be used from any thread, by one at a time; `&mut self` ensures that.
// The objects that its callbacks use are Send.
unsafe impl Send for Demuxer {}

/// Where a seek lands if no keyframe is exactly at the timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekDirection {
    /// On the last keyframe at or before it.
    Backward,
    /// On the first keyframe at or after it.
    Forward,
    /// On any packet near it, keyframe or not.
    Any,
}

/// Wait before retrying an input that has no data yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

impl Demuxer {
    /// Opens an input and reads its header.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it can't be read, [`Error::Ffmpeg`] if it is not a media file or is
    /// damaged, [`Error::Refused`] if it refers to a file or URL that it may not open,
    /// [`Error::UnusedOptions`], [`Error::Interrupted`] or [`Error::TimedOut`].
    pub fn open(options: DemuxerOptions) -> Result<Self> {
        open::open(options)
    }

    /// Reads and decodes some packets to find stream parameters that the header does not contain.
    /// [`read_packet`](Self::read_packet) returns these packets again.
    ///
    /// It takes tens of milliseconds, and is needed only for formats such as MPEG-TS.
    ///
    /// # Errors
    ///
    /// As for [`read_packet`](Self::read_packet), and [`Error::Limit`] if the container declares
    /// frames that FFmpeg can't address, because FFmpeg would reset their size here.
    pub fn find_stream_info(&mut self) -> Result<()> {
        let pixels = self.streams().map(Stream::declared_pixels).max().unwrap_or(0);
        if pixels > decoder::MAX_PIXELS {
            return Err(decoder::over_pixel_limit(decoder::MAX_PIXELS, pixels));
        }
        self.watch.start_call(self.timeout);
        // SAFETY: `self` owns an open context; no options for its decoders.
        let code =
            unsafe { ffi::avformat_find_stream_info(self.raw.as_ptr(), std::ptr::null_mut()) };
        self.outcome("avformat_find_stream_info", code).map(drop)
    }

    /// Sets which packets of a stream the demuxer skips. Not every format can skip them, so the
    /// caller must filter packets too.
    pub fn set_discard(&mut self, stream: usize, discard: Discard) {
        if let Some(&stream) = self.raw_streams().get(stream) {
            // SAFETY: the stream is valid, and `self` is borrowed mutably.
            unsafe { (*stream.as_ptr()).discard = discard.to_raw() };
        }
    }

    /// Reads the next packet of any stream; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if reading the source failed, also where FFmpeg would report the end.
    /// [`Error::Ffmpeg`] if the data is damaged; later calls may continue after it.
    /// [`Error::Refused`], [`Error::Interrupted`] or [`Error::TimedOut`].
    pub fn read_packet(&mut self) -> Result<Option<Packet>> {
        let mut packet = Packet::new()?;
        Ok(self.read_into(&mut packet)?.then_some(packet))
    }

    /// Reads the next packet into `packet`; `false` at the end.
    ///
    /// # Errors
    ///
    /// As for [`read_packet`](Self::read_packet).
    pub fn read_into(&mut self, packet: &mut Packet) -> Result<bool> {
        self.watch.start_call(self.timeout);
        packet.clear();
        drop(log::take_error()); // an older message must not explain this call's error
        let stage = stage!("demux");
        let before = self.bytes_read();
        let is_there = self.read_one(packet)?;
        if !stage.is_disabled() {
            // Parts of a packet may have been skipped (`skip_ranges`), so its size is not what was
            // read.
            let read = before.zip(self.bytes_read()).map(|(before, now)| now - before);
            stage.record("packets", u64::from(is_there));
            stage.record("bytes", read.unwrap_or(packet.data().len() as u64));
        }
        Ok(is_there)
    }

    /// Reads the next packet; retries while the input has no data yet.
    fn read_one(&mut self, packet: &mut Packet) -> Result<bool> {
        loop {
            // SAFETY: `self` owns an open context, and `packet` is empty.
            let code = unsafe { ffi::av_read_frame(self.raw.as_ptr(), packet.raw_mut()) };
            if code == ffi::AVERROR(libc::EAGAIN) && self.watch.stop().is_none() {
                // Nothing can be waited for instead: FFmpeg can't report when a device or socket
                // becomes readable. The interrupt is checked each time.
                thread::sleep(RETRY_INTERVAL);
                continue;
            }
            return match code {
                ffi::AVERROR_EOF => self.check_end().map(|()| false),
                _ if code == ffi::AVERROR(libc::EIO) && self.has_open_end() => {
                    self.check_end().map(|()| false)
                }
                _ => self.outcome("av_read_frame", code).map(|_| true),
            };
        }
    }

    /// Seeks all streams to `timestamp`, in ticks of the time base of `stream`. Decoders must be
    /// flushed afterwards.
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

    /// Seeks to a byte offset in the file. Only for formats without an index, such as MPEG-TS.
    ///
    /// # Errors
    ///
    /// As for [`read_packet`](Self::read_packet).
    pub fn seek_bytes(&mut self, position: u64) -> Result<()> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.seek_raw(-1, position, ffi::AVSEEK_FLAG_BYTE)
    }

    /// Skips parts of the source from now on: the byte ranges in `unneeded`, without those in
    /// `needed`. Packets in skipped ranges keep their times and sizes but contain zeros, and are
    /// not read. Both lists may be in any order.
    ///
    /// This disables FFmpeg's parsers, which would parse the zeros: use it only with containers
    /// that store packet boundaries, such as MP4. Returns `false` and changes nothing if the source
    /// can't seek or is not an [`Io`](crate::io::Io).
    pub fn skip_ranges(&mut self, unneeded: Vec<Range<u64>>, needed: Vec<Range<u64>>) -> bool {
        let is_skipping = self.io.as_ref().is_some_and(|io| io.skip_ranges(unneeded, needed));
        if is_skipping {
            // SAFETY: `self` owns an open context.
            unsafe { (*self.raw.as_ptr()).flags |= ffi::AVFMT_FLAG_NOPARSE };
        }
        is_skipping
    }

    /// Counters of the reads, if the input is read through an [`Io`](crate::io::Io), as paths are.
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

    /// Checks that the end of file that FFmpeg reports is not a failure of the source.
    fn check_end(&self) -> Result<()> {
        self.outcome("av_read_frame", 0)?;
        // Matroska's demuxer reports a truncated file only by this message.
        let logged = log::take_error().filter(|text| text.contains("ended prematurely"));
        if logged.is_some() {
            let truncated = Error::from_code("av_read_frame", ffi::AVERROR_INVALIDDATA);
            return Err(truncated.explained_by(logged));
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

    /// Whether it is a network input of unknown length: FFmpeg reports its end as an error.
    fn has_open_end(&self) -> bool {
        // SAFETY: `self` owns an open context.
        let io = NonNull::new(unsafe { (*self.raw.as_ptr()).pb });
        io.filter(|_| self.io.is_none()).is_some_and(|io| {
            // SAFETY: an open context's I/O is valid.
            let size = unsafe { ffi::avio_size(io.as_ptr()) };
            size < 0
        })
    }

    /// The result of an FFmpeg call, with the actual cause of a failure instead of FFmpeg's code. A
    /// refusal is always an error, although FFmpeg continues with the rest of the input.
    fn outcome(&self, op: &'static str, code: c_int) -> Result<c_int> {
        self.guard.refusal().map_or(Ok(()), Err)?;
        outcome(op, code, &self.watch, self.io.as_ref())
    }
}

/// The result for FFmpeg's `code`: a stop or a failure of the source goes before FFmpeg's error.
fn outcome(op: &'static str, code: c_int, watch: &Watch, io: Option<&Avio>) -> Result<c_int> {
    if code >= 0 {
        return Ok(code);
    }
    if let Some(stop) = watch.stop() {
        return Err(stop);
    }
    io.and_then(Avio::failure).map_or_else(|| check(op, code), Err)
}

/// FFmpeg options that make TLS connections verify the server's certificate.
fn tls_options() -> Vec<(&'static str, String)> {
    let mut options = vec![("tls_verify", "1".to_owned())];
    let chosen =
        ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    // OpenSSL searches the folder of the machine that built it; these are those of other systems.
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
        // SAFETY: `self` owns the context, nothing uses it after this, and the objects of its
        // callbacks are dropped later.
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
