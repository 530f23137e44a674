//! Exact access to any frame of a video: by number, by time, in ranges.
//!
//! Frames that are requested together are sorted, grouped by the keyframe at which their decoding
//! starts, and decoded by several decoders in parallel. On the way to a frame, packets that nothing
//! depends on are skipped. Decoders keep their positions, so that following frames are quick.

mod all;
mod cursor;
mod damaged;
mod fetch;
mod fetcher;
mod groups;
mod indexed_output;
mod packets;
mod played;
mod read;
mod request;
mod schedule;
mod sequential;
mod sources;
mod wanted;

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moviola_av::{interrupt::Interrupt, time::Pts};

pub use all::FrameReader;
pub(crate) use all::no_thread;
pub(crate) use packets::PacketReader;
pub use played::TimeSelection;
pub use request::OutOfRange;
pub(crate) use schedule::{index_from_tables, room};
pub(crate) use sequential::SequentialDecoder;

use crate::{
    damage::DamageHandler,
    decode::DecoderConfig,
    error::{Error, Result},
    frame::Frame,
    index::{self, FrameIndex},
    input::{OpenInput, Purpose, VideoStream},
    source::{Source, SourceOptions},
};
pub use crate::{index::FrameMetadata, input::Damage, source::OnDamage};
use fetcher::Fetcher;

/// A video, any frame of which can be decoded.
///
/// The source must be readable more than once: a file, bytes, a URL. Frames are numbered from 0 in
/// the order they are shown. Requests take numbers of any type that converts to `i128`, such as
/// `i64` and the `u64` of [`Frame`] and [`FrameMetadata`]; negative numbers count from the end.
/// Times are seconds from the start of the presentation, ranges are half-open.
///
/// The index is made when it is first needed. Methods take `&mut self` because decoders move; open
/// the source several times to read from several threads. Calls made at the same time share the
/// cores.
///
/// # Examples
///
/// ```
/// use moviola_media::{source::Source, video::Video};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
/// let mut video = Video::open(Source::path(path), Default::default())?;
/// assert_eq!(video.len()?, 300);
/// let last = video.frame_at(-1)?;
/// assert_eq!(last.number, Some(299));
/// let frames = video.frames_played_at(&[0.0, 2.5, 1.04])?;
/// assert_eq!(frames[2].number, Some(31)); // 30 a second
/// # Ok::<(), moviola_media::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Video {
    name: String,
    stream: Arc<VideoStream>,
    start: Pts,
    reader: Arc<Mutex<PacketReader>>,
    index: Option<Arc<FrameIndex>>,
    fetcher: Fetcher,
    out_of_range: OutOfRange,
    damage_handler: DamageHandler,
}

impl Video {
    /// Opens `source` and picks its video stream.
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`] and [`Video::start`].
    pub fn open(source: Source, options: SourceOptions) -> Result<Self> {
        Self::start(OpenInput::open(source, options, Purpose::Video)?)
    }

    /// The video of `input`.
    ///
    /// # Errors
    ///
    /// [`Error::NoVideo`] if there is none that this build can decode; [`Error::Demux`] if its
    /// first packet can't be read.
    pub fn start(mut input: OpenInput) -> Result<Self> {
        let stream = input.read_video()?;
        let (name, start) = (input.name.clone(), input.start());
        let (mut config, cores) = (DecoderConfig::of(&input, &stream), input.decoders());
        let damage_handler = DamageHandler::new(&input, &stream);
        let mut reader = PacketReader::new(input, Arc::clone(&stream));
        config.first_sets = reader.first_sets()?;
        let fetcher = Fetcher::new(config, cores);
        Ok(Self {
            name,
            stream,
            start,
            reader: Arc::new(Mutex::new(reader)),
            index: None,
            fetcher,
            out_of_range: OutOfRange::default(),
            damage_handler,
        })
    }

    /// The source's name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The video stream.
    pub fn stream(&self) -> &VideoStream {
        &self.stream
    }

    /// The index of the frames; made at the first call.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnce`] or [`Error::Demux`] if it can't be made.
    pub fn index(&mut self) -> Result<&FrameIndex> {
        if self.index.is_none() {
            let index = index::build(self.reader().input(), &self.stream)?;
            let is_doubtful = index.calls_all_keyframes() && !self.is_intra_only();
            self.index = Some(Arc::new(index));
            if is_doubtful {
                self.true_index()?;
            }
        }
        self.index.as_deref().ok_or_else(|| Error::ReadOnce { name: self.name.clone() })
    }

    /// The index. It is rebuilt from packets if the container's tables mark frames as keyframes
    /// that aren't, because reading many frames with such an index would start too far before them.
    fn true_index(&mut self) -> Result<Arc<FrameIndex>> {
        self.index()?;
        let known = self.index.take().ok_or_else(|| Error::ReadOnce { name: self.name.clone() })?;
        let is_true = self.reader().has_true_access_points(&known);
        let index = match is_true {
            true => known,
            false => Arc::new(index::cached_from_packets(self.reader().input(), &self.stream)?),
        };
        self.index = Some(Arc::clone(&index));
        Ok(index)
    }

    fn is_intra_only(&self) -> bool {
        self.stream.parameters.is_intra_only()
    }

    fn reader(&self) -> MutexGuard<'_, PacketReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The input as it was opened, with nothing read.
    fn into_input(self) -> Result<OpenInput> {
        let reader = Arc::into_inner(self.reader);
        let reader = reader.ok_or_else(|| Error::ReadOnce { name: self.name.clone() })?;
        reader.into_inner().unwrap_or_else(PoisonError::into_inner).into_input()
    }

    /// A handle that ends reading from any thread. Get it before the call that may have to be
    /// stopped; that call then returns [`Error::Demux`].
    pub fn interrupt(&self) -> Interrupt {
        self.reader().input().interrupt()
    }

    /// The number of frames.
    ///
    /// # Errors
    ///
    /// As [`index`](Self::index).
    #[expect(clippy::len_without_is_empty, reason = "a video without frames is an error")]
    pub fn len(&mut self) -> Result<u64> {
        self.index().map(FrameIndex::len)
    }

    /// The frame of that number; negative numbers count from the end.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrame`] if there is none; [`Error::Decode`] if it can't be decoded; as
    /// [`index`](Self::index).
    pub fn frame_at(&mut self, number: impl Into<i128>) -> Result<Frame> {
        self.one(|video| Ok(vec![video.resolve(number)?]))
    }

    /// The frames of these numbers, in this order; negative numbers count from the end.
    ///
    /// All are held in memory at once; duplicates share their pixels.
    ///
    /// # Errors
    ///
    /// As [`frame_at`](Self::frame_at), for the first that fails.
    pub fn frames_at(&mut self, numbers: &[impl Into<i128> + Copy]) -> Result<Vec<Frame>> {
        let numbers = self.resolve_all(numbers)?;
        self.fetch(&numbers)
    }

    /// The frame that is shown at a time, in seconds from the start of the presentation: the last
    /// that begins at or before it.
    ///
    /// # Errors
    ///
    /// As [`frame_at`](Self::frame_at).
    pub fn frame_played_at(&mut self, seconds: f64) -> Result<Frame> {
        self.one(|video| Ok(vec![video.resolve_time(seconds)?]))
    }

    /// The frames that are shown at these times, in this order.
    ///
    /// # Errors
    ///
    /// As [`frame_at`](Self::frame_at), for the first that fails.
    pub fn frames_played_at(&mut self, seconds: &[f64]) -> Result<Vec<Frame>> {
        let numbers = self.resolve_times(seconds)?;
        self.fetch(&numbers)
    }

    /// Every `step`-th frame of a range of numbers; negative ones count from the end. The
    /// range is clamped to the video.
    ///
    /// # Errors
    ///
    /// As [`frame_at`](Self::frame_at), for the first that fails. A `step` of 0 counts as 1.
    pub fn frames_in_range(
        &mut self,
        range: Range<impl Into<i128>>,
        step: usize,
    ) -> Result<Vec<Frame>> {
        let count = self.len()?;
        let numbers: Vec<_> = request::clamp(range, count).step_by(step.max(1)).collect();
        self.fetch(&numbers)
    }

    /// The frames shown in a range of seconds: those that begin in it, and the one that is shown
    /// when it begins. With `rate`, the frames shown at every 1/`rate` of a second from its start
    /// on, some perhaps more than once; [`out_of_range`](Self::out_of_range) applies to times at
    /// which nothing is shown. Without `rate` either end may be infinite.
    ///
    /// # Errors
    ///
    /// As [`frame_at`](Self::frame_at), for the first that fails, or if a time isn't a number;
    /// [`Error::Range`] if `rate` isn't positive, or makes more than 4,194,304 times of the range.
    pub fn frames_played_in_range(
        &mut self,
        range: Range<f64>,
        rate: Option<f64>,
    ) -> Result<Vec<Frame>> {
        let numbers = self.resolve_range(range, rate)?;
        self.fetch(&numbers)
    }

    /// Calls `work` with each of the frames of these numbers, and its place among them, on the
    /// threads of the decoders, as soon as it is decoded; returns the results in the order of the
    /// numbers. So frames need not be kept in memory.
    ///
    /// A frame that can't be decoded, or that [`OnDamage`] makes an error, is an `Err` among the
    /// results. `work` is called last, and on the caller's thread, for frames that replace damaged
    /// ones. Frames that [`OnDamage::Skip`] skips have no result: those after them move up.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrame`] if one of the frames doesn't exist; [`Error::Demux`] if reading fails.
    pub fn map_frames_at<T: Send>(
        &mut self,
        numbers: &[impl Into<i128> + Copy],
        work: impl Fn(usize, &Frame) -> T + Sync,
    ) -> Result<Vec<Result<T>>> {
        let numbers = self.resolve_all(numbers)?;
        self.map(&numbers, work)
    }

    fn one(&mut self, numbers: impl FnOnce(&mut Self) -> Result<Vec<u64>>) -> Result<Frame> {
        let numbers = numbers(self)?;
        let mut frames = self.fetch(&numbers)?;
        let number = numbers.first().copied().unwrap_or(0);
        frames.pop().ok_or_else(|| self.undecodable(number)) // left out because it is damaged
    }

    /// Seconds from the start of the presentation to `pts`.
    pub fn time_of(&self, pts: Pts) -> f64 {
        pts.seconds_since(self.start)
    }
}
