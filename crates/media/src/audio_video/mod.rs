//! Frames and audio from one pass over a source.
//!
//! [`AudioVideoReader`] opens a source once, reads it once, and decodes one stream of video and one
//! of audio. That is what a pipe, a camera or a server allows, and what spares a disk the second
//! reading of a large file. Where audio alone is wanted, [`AudioReader`](crate::audio::AudioReader)
//! reads less; for frames alone [`FrameReader`](crate::video::FrameReader) may decode groups of
//! pictures side by side.

mod open;
mod pass;

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use moviola_av::interrupt::Interrupt;

use crate::{
    audio::{AudioOptions, AudioReport, AudioStream, Samples},
    damage::DamageHandler,
    error::Result,
    frame::Frame,
    input::{OpenInput, Purpose, VideoStream},
    source::{Source, SourceOptions},
    video::no_thread,
    workers::OrderedPool,
};
use open::Opened;

/// What one pass over a source gives: frames, or what was made of them, and audio.
#[derive(Debug)]
pub enum Decoded<T = Frame> {
    /// The next frame of the video, in the order they are shown.
    Frame(T),
    /// The next piece of the audio: what one packet holds, or at most 8192 samples of the stream
    /// where it is silence that fills a gap. Pieces follow on each other without a break.
    Audio(Samples),
}

/// The frames and the audio of a source, from one pass over it. Any source will do, a pipe too.
///
/// **What comes.** The frames are those of [`FrameReader`](crate::video::FrameReader), the samples
/// together those of [`AudioReader`](crate::audio::AudioReader). Times of both count from the start
/// of the presentation.
///
/// **Order.** Items come as the file has them: a frame or a piece of audio leaves as soon as its
/// decoder gives it. Audio comes behind its packet at once, frames some packets later, since
/// decoders put them in order and work on several at a time; how many depends on the number of
/// threads. So times of frames and audio that are neighbours are near each other only as far as the
/// file is interleaved: one that has all its video before all its audio comes in that order. Who
/// needs both of a time at once has to wait for the later.
///
/// **Memory** doesn't grow with the source, however it is interleaved, because nothing waits for the
/// other stream. At most 16 items for each worker wait for the caller: fewer where so many frames
/// would take more than [`SourceOptions::memory`], but two at least. The decoder holds about one
/// picture for each of its threads besides, and one packet is in the making. A caller that is slow
/// stops the reading.
///
/// **One stream only.** A source without audio gives frames, one without video audio: see
/// [`video`](Self::video) and [`audio`](Self::audio). A stream that is there and can't be decoded, or
/// that was asked for by number and isn't there, is told as an `Err` first; the other comes.
///
/// **Errors** of one stream don't end the other. An `Err` for one frame doesn't end the frames
/// either, unless it says that they are encrypted; a damaged packet of audio is silence and is
/// counted ([`audio_report`](Self::audio_report)). An error of the container comes once, behind all
/// that was read before it, and is the last item.
///
/// **Threads.** The source is read and the audio decoded on whichever worker is free; the video's
/// decoder has threads of its own. Dropping the reader cancels the reading, stops the threads and
/// waits for them: if the source is a silent pipe, until it speaks or closes.
///
/// # Examples
///
/// ```
/// use moviola_media::{
///     audio::AudioOptions,
///     audio_video::{AudioVideoReader, Decoded},
///     source::{Source, SourceOptions},
/// };
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/h264_bframes.mp4");
/// let speech =
///     AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..AudioOptions::default() };
/// let (mut frames, mut samples) = (0, 0);
/// for item in AudioVideoReader::open(Source::path(path), SourceOptions::default(), speech)? {
///     match item? {
///         Decoded::Frame(_) => frames += 1,
///         Decoded::Audio(piece) => samples += piece.len(),
///     }
/// }
/// assert_eq!((frames, samples), (75, 48_000)); // 3 s of each
/// # Ok::<(), moviola_media::error::Error>(())
/// ```
#[derive(Debug)]
pub struct AudioVideoReader<T = Frame> {
    results: OrderedPool<Result<Decoded<T>>>,
    interrupt: Interrupt,
    video: Option<Arc<VideoStream>>,
    audio: Option<AudioStream>,
    report: Arc<Mutex<AudioReport>>,
    damage_handler: Option<DamageHandler>,
}

impl AudioVideoReader {
    /// Opens `source` and starts decoding its video and its audio as it is `wanted`, with a worker
    /// for each of [`SourceOptions::decoders`].
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`] and [`start`](Self::start).
    pub fn open(source: Source, options: SourceOptions, wanted: AudioOptions) -> Result<Self> {
        let input = OpenInput::open(source, options, Purpose::AudioVideo)?;
        let workers = (0..input.decoders()).map(|_| |frame| frame).collect();
        Self::start(input, wanted, workers)
    }
}

impl<T: Send + 'static> AudioVideoReader<T> {
    /// Starts decoding the video and the audio of `input`. Each frame goes to one of the `workers`,
    /// at least one, each of which has a thread of its own; audio passes by.
    /// [`AudioOptions::seeking`] doesn't matter.
    ///
    /// # Errors
    ///
    /// [`Error::NoVideo`](crate::error::Error::NoVideo) or
    /// [`Error::NoAudio`](crate::error::Error::NoAudio) if it has neither video nor audio that can
    /// be decoded, [`Error::Thread`](crate::error::Error::Thread) if the system gives no thread.
    pub fn start<W>(input: OpenInput, wanted: AudioOptions, workers: Vec<W>) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        let opened = Opened::new(input, wanted, workers.len())?;
        let Opened { name, interrupt, video, audio, damage_handler, window, mut pass } = opened;
        let report = pass.report();
        let workers = workers.into_iter().map(worker).collect();
        let results = OrderedPool::start(move || pass.next(), workers, window);
        let results = results.map_err(|error| no_thread(&name, &error))?;
        Ok(Self { results, interrupt, video, audio, report, damage_handler })
    }
}

impl<T> AudioVideoReader<T> {
    /// The video that is read; `None` if there is none, or none that can be decoded.
    pub fn video(&self) -> Option<&VideoStream> {
        self.video.as_deref()
    }

    /// The audio that is read; `None` if there is none, or none that can be decoded.
    pub fn audio(&self) -> Option<&AudioStream> {
        self.audio.as_ref()
    }

    /// The frames that were decoded so far, or should have been, and are damaged, as ranges of
    /// numbers. What waits for the caller counts too.
    pub fn damaged(&self) -> Vec<Range<u64>> {
        self.damage_handler.as_ref().map(DamageHandler::damaged).unwrap_or_default()
    }

    /// Ends reading, from any thread: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// What was not as it should be with the audio, as far as it was decoded: what waits for the
    /// caller counts too.
    pub fn audio_report(&self) -> AudioReport {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets `work` have the frames.
fn worker<T>(
    mut work: impl FnMut(Frame) -> T,
) -> impl FnMut(Result<Decoded>) -> Result<Decoded<T>> {
    move |item| {
        item.map(|item| match item {
            Decoded::Frame(frame) => Decoded::Frame(work(frame)),
            Decoded::Audio(piece) => Decoded::Audio(piece),
        })
    }
}

impl<T> Iterator for AudioVideoReader<T> {
    type Item = Result<Decoded<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.results.next()
    }
}

impl<T> std::iter::FusedIterator for AudioVideoReader<T> {}

impl<T> Drop for AudioVideoReader<T> {
    fn drop(&mut self) {
        // A worker may be waiting for the network; the workers are waited for next.
        self.interrupt.cancel();
    }
}
