//! Frames and audio from one pass over a source.
//!
//! [`AudioVideoReader`] opens and reads a source once, and decodes one video and one audio stream.
//! Pipes, cameras and servers allow only one reading, and large files needn't be read twice. For
//! audio alone, [`AudioReader`](crate::audio::AudioReader) reads less; for frames alone,
//! [`FrameReader`](crate::video::FrameReader) may decode groups of pictures in parallel.

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
    error::{Error, Result},
    frame::Frame,
    input::{OpenInput, Purpose, VideoStream},
    source::{Source, SourceOptions},
    video::no_thread,
    workers::OrderedPool,
};
use open::Opened;

/// An item of one pass over a source: a frame, or a worker's result for it, or a piece of audio.
#[derive(Debug)]
pub enum Decoded<T = Frame> {
    /// The next frame, in presentation order.
    Frame(T),
    /// The next piece of audio: the samples of one packet, or at most 8192 samples of the silence
    /// that fills a gap. Pieces are contiguous.
    Audio(Samples),
}

/// A reader of a source's frames and audio in one pass. It reads any source, also pipes.
///
/// **Items.** The frames are those of [`FrameReader`](crate::video::FrameReader), the samples those
/// of [`AudioReader`](crate::audio::AudioReader). The times of both count from the start of the
/// presentation.
///
/// **Order.** Items come in the file's order: a frame or a piece of audio is given as soon as its
/// decoder gives it. Audio comes right after its packet, frames some packets later, since decoders
/// reorder them and work on several at once, depending on the number of threads. So neighbouring
/// frames and audio are near in time only if the file is interleaved: if a file has all its video
/// before all its audio, so do the items. A caller that needs both of the same time has to keep the
/// earlier.
///
/// **Memory** doesn't grow with the source, however it is interleaved, because no stream waits for
/// the other. At most 16 items for each worker wait for the caller: fewer if so many frames would
/// take more than [`SourceOptions::memory`], but at least two. In addition, the decoder holds about
/// one frame for each of its threads, and one packet is being decoded. If the caller is slow,
/// reading waits for it.
///
/// **One stream only.** A source without audio gives only frames, one without video only audio: see
/// [`video`](Self::video) and [`audio`](Self::audio). If a stream can't be decoded, or was selected
/// and doesn't exist, the first item is an `Err`, and the other stream follows.
///
/// **Errors** of one stream don't end the other. An `Err` for one frame doesn't end the frames
/// either, unless they are encrypted. A damaged packet of audio becomes silence and is counted
/// ([`audio_report`](Self::audio_report)). An error of the container is the last item, after
/// everything that was read before it.
///
/// **Threads.** Any free worker reads the source and decodes the audio; the video decoder has its
/// own threads. Dropping the reader cancels reading, stops the threads and waits for them: if the
/// source is an idle pipe, until data arrives or it is closed.
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
    /// Opens a source and starts decoding its video and audio, with a worker for each of
    /// [`SourceOptions::decoders`]. `wanted` has the options of the audio.
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
    /// Starts decoding the video and audio of an open input.
    ///
    /// Each frame goes to one of the `workers`, of which there must be at least one; each runs on
    /// its own thread. Audio is given unchanged. [`AudioOptions::seeking`] is ignored.
    ///
    /// # Errors
    ///
    /// [`Error::NoVideo`] or
    /// [`Error::NoAudio`] if it has neither video nor audio that can
    /// be decoded, [`Error::Thread`] if a thread can't be started.
    pub fn start<W>(input: OpenInput, wanted: AudioOptions, workers: Vec<W>) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        Error::check_workers(workers.len())?;
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

    /// The numbers of damaged or missing frames so far, as ranges. Frames that wait for the caller
    /// are included.
    pub fn damaged(&self) -> Vec<Range<u64>> {
        self.damage_handler.as_ref().map(DamageHandler::damaged).unwrap_or_default()
    }

    /// A handle that interrupts reading, from any thread. Reading fails afterwards.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Counts of damage, gaps and overlaps in the audio so far. Audio that waits for the caller is
    /// included.
    pub fn audio_report(&self) -> AudioReport {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker that applies `work` to frames and passes audio on.
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
        // A worker may be waiting for the network, and the pool's drop waits for the workers.
        self.interrupt.cancel();
    }
}
