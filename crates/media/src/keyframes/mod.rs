//! Every keyframe of a video, decoded on all cores, in presentation order.
//!
//! A free worker reads the next keyframe's packet itself and decodes it in its own single-threaded
//! decoder (frame threads don't help: skipped packets would take turns too). The caller's function
//! runs on the same thread, while the frame is in the core's cache. No keyframe follows one in
//! decoding order that it precedes in presentation, so both orders are the same.

mod cues;
mod decode;
mod numbers;
mod select;

use std::sync::{Arc, mpsc::SyncSender};

use moviola_av::{
    discard::Discard,
    error::Error as AvError,
    frame::VideoFrame,
    interrupt::Interrupt,
    io::IoCounters,
    time::{Pts, TimeBase},
};

use self::decode::KeyframeDecoder;
use crate::{
    bitstream::access::Classifier,
    decode::DecoderConfig,
    error::{Error, Result},
    frame::Frame,
    input::{OpenInput, Purpose, VideoStream, cannot_decode},
    send::{SendOutcome, send_all},
    source::{Bytes, Source, SourceOptions},
    workers::{OrderedPool, WorkerHandle},
};
use select::{KeyframeJob, Selector};

/// An iterator over the keyframes of a source, or over the workers' results for them.
///
/// An `Err` for one keyframe doesn't end the iteration: the next may be fine. An error of the
/// container does, after the keyframes before it. Dropping the reader stops the decoders and joins
/// their threads: if the source is a silent pipe, that takes until the pipe sends data or closes.
///
/// Memory is bounded by the decoders: each holds one packet and one frame, and as many results
/// again wait for the caller. Frames that are dropped return their memory to
/// [`SourceOptions::pool`], which has a bound of its own.
///
/// ```no_run
/// use moviola_media::{keyframes::KeyframeReader, source::Source};
///
/// for keyframe in KeyframeReader::open(Source::path("video.mp4"), Default::default())? {
///     let keyframe = keyframe?;
///     println!("{:?}: {}×{}", keyframe.time, keyframe.decoded.width(), keyframe.decoded.height());
/// }
/// # Ok::<(), moviola_media::error::Error>(())
/// ```
#[derive(Debug)]
pub struct KeyframeReader<T = Frame> {
    results: OrderedPool<Option<Result<T>>>,
    worker_handle: WorkerHandle<Frame, T>,
    interrupt: Interrupt,
    counters: Option<Arc<IoCounters>>,
    /// The source's bytes, whose reading without the demuxer is counted too.
    bytes: Option<Bytes>,
}

impl KeyframeReader {
    /// Opens `source` and starts decoding.
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`] and [`KeyframeReader::start`].
    pub fn open(source: Source, options: SourceOptions) -> Result<Self> {
        let input = OpenInput::open(source, options, Purpose::Video)?;
        let workers = (0..input.decoders()).map(|_| |keyframe| keyframe).collect();
        KeyframeReader::start(input, workers)
    }
}

impl<T: Send + 'static> KeyframeReader<T> {
    /// Starts decoding the video of `input` with a decoder for each of `workers`, which is called
    /// with the decoder's keyframes on the decoder's thread.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] without workers, [`Error::NoVideo`] if there is no video or its
    /// decoder can't be opened, [`Error::Thread`] if a thread can't be started.
    pub fn start<W>(mut input: OpenInput, workers: Vec<W>) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        Error::check_workers(workers.len())?;
        let video = input.read_video()?;
        let context = Arc::new(KeyframeContext::new(&input, &video));
        let mut first = KeyframeDecoder::new(Arc::clone(&context.config));
        first.warm_up().map_err(|cause| context.cannot_open(&cause))?;
        let (interrupt, counters) = (input.interrupt(), input.demuxer.io_counters());
        let bytes = input.bytes().cloned();
        let mut selector = Selector::new(input, video);
        let window = workers.len() * 2;
        let mut first = Some(first);
        let workers = workers
            .into_iter()
            .map(|work| worker(Arc::clone(&context), first.take(), work))
            .collect();
        let results = OrderedPool::open(move || selector.next(), workers, window);
        let (results, handle) = results.map_err(|error| context.no_thread(&error))?;
        let worker_handle =
            WorkerHandle::new(move |work| handle.join(worker(Arc::clone(&context), None, work)));
        Ok(Self { results, worker_handle, interrupt, counters, bytes })
    }

    /// A handle that starts more workers, each with a decoder of its own.
    pub fn worker_handle(&self) -> WorkerHandle<Frame, T> {
        self.worker_handle.clone()
    }

    /// Sends all remaining keyframes to a bounded channel, and waits while it is full.
    ///
    /// Blocks until the last is sent, or until a keyframe can't be sent because the receiver was
    /// dropped. A keyframe that can't be decoded is sent as its error, as the iterator returns it.
    pub fn send_to(&mut self, to: &SyncSender<Result<T>>) -> SendOutcome {
        send_all(self, to)
    }

    /// Ends reading, from any thread: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Bytes read from the source so far, if it is read through our own I/O: not of addresses.
    pub fn bytes_read(&self) -> Option<u64> {
        let beside = self.bytes.as_ref().map_or(0, Bytes::bytes_read);
        self.counters.as_ref().map(|counters| counters.bytes_read() + beside)
    }
}

/// A worker: a decoder, and the function it calls with each keyframe.
fn worker<T>(
    context: Arc<KeyframeContext>,
    decoder: Option<KeyframeDecoder>,
    mut work: impl FnMut(Frame) -> T + Send + 'static,
) -> impl FnMut(Result<KeyframeJob>) -> Option<Result<T>> + Send + 'static {
    let mut decoder = decoder.unwrap_or_else(|| KeyframeDecoder::new(Arc::clone(&context.config)));
    move |job| match job {
        Ok(job) => Some(context.decode(&mut decoder, &job)?.map(&mut work)),
        Err(error) => Some(Err(error)),
    }
}

impl<T> Iterator for KeyframeReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.results.find_map(|result| result)
    }
}

impl<T> Drop for KeyframeReader<T> {
    fn drop(&mut self) {
        // A worker may be waiting for the network; the workers are joined next.
        self.interrupt.cancel();
    }
}

/// What all decoders of a stream share, and what turns their output into keyframes.
struct KeyframeContext {
    name: String,
    stream: Arc<VideoStream>,
    start: Pts,
    config: Arc<DecoderConfig>,
}

impl KeyframeContext {
    fn new(input: &OpenInput, video: &Arc<VideoStream>) -> Self {
        // For codecs that the classifier doesn't know, the decoder skips all but keyframes.
        let is_sure = Classifier::of(&video.parameters).is_sure();
        let skip = if is_sure { Discard::Useless } else { Discard::NonKey };
        Self {
            name: input.name.clone(),
            stream: Arc::clone(video),
            start: input.start(),
            config: Arc::new(DecoderConfig::of(input, video).with_skip(skip)),
        }
    }

    /// `None` if the decoder finds that the packet is no keyframe.
    fn decode(&self, decoder: &mut KeyframeDecoder, job: &KeyframeJob) -> Option<Result<Frame>> {
        match decoder.decode(job) {
            Ok(Some(frame)) => Some(Ok(self.keyframe(frame, job))),
            Ok(None) if self.config.skips_other_frames() => None,
            Ok(None) => Some(Err(self.undecodable(job, None))),
            Err(cause) => Some(Err(self.undecodable(job, Some(cause)))),
        }
    }

    fn keyframe(&self, frame: VideoFrame, job: &KeyframeJob) -> Frame {
        let ticks = frame.pts().or_else(|| job.ticks());
        let pts = ticks.map(|ticks| Pts { ticks, base: self.base() });
        let damaged = frame.is_corrupt();
        Frame {
            decoded: frame,
            number: job.number,
            pts,
            time: pts.map(|pts| self.time(pts)),
            duration: None,
            keyframe: true,
            damaged,
            stream: Arc::clone(&self.stream),
        }
    }

    fn base(&self) -> TimeBase {
        self.stream.time_base
    }

    fn time(&self, pts: Pts) -> f64 {
        pts.seconds_since(self.start)
    }

    fn undecodable(&self, job: &KeyframeJob, cause: Option<AvError>) -> Error {
        let pts = job.ticks().map(|ticks| Pts { ticks, base: self.base() });
        let time = pts.map(|pts| self.time(pts));
        let place = time.map_or_else(|| "an unknown time".into(), |time| format!("{time:.3} s"));
        let reason = "the decoder gives no picture";
        let reason = cause.as_ref().map_or_else(|| reason.into(), AvError::to_string);
        Error::Decode { name: self.name.clone(), place, time, reason, cause: cause.map(Box::new) }
    }

    fn cannot_open(&self, cause: &AvError) -> Error {
        cannot_decode(&self.name, &self.stream, cause)
    }

    fn no_thread(&self, cause: &std::io::Error) -> Error {
        Error::Thread { name: self.name.clone(), reason: cause.to_string() }
    }
}
