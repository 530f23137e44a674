//! Readers of frames in presentation order: all of a source, or selected ones.
//!
//! If the container's tables list the groups of pictures, and these are short, each core decodes a
//! group of its own; otherwise one decoder has threads for all cores. For selected frames, the
//! first groups determine which of the two it is.

use std::{
    ops::Range,
    sync::{Arc, mpsc::SyncSender},
};

use moviola_av::interrupt::Interrupt;

use super::{
    Video,
    groups::GroupSource,
    packets::PacketReader,
    schedule::{self, Groups, Parallelism, has_short_groups, index_from_tables},
    sequential::SequentialDecoder,
    wanted::GroupJob,
};
use crate::{
    damage::DamageHandler,
    error::{Error, Result},
    frame::Frame,
    index::FrameIndex,
    input::{OpenInput, Purpose},
    send::{SendOutcome, send_all},
    source::{Source, SourceOptions},
    workers::{Bounds, OrderedPool, WorkerHandle},
};

/// An iterator over the frames of a source in presentation order, or over the workers' results for
/// them.
///
/// A frame that can't be decoded is an [`Error::Decode`] in its place, which doesn't end the
/// iteration; any other error does, after the frames before it. [`SourceOptions::on_damage`], or
/// [`Video::on_damage`], sets the policy for damaged frames.
///
/// Where the container's tables list the frames (MP4, Matroska), each frame that can't be decoded
/// is an error with a number and a time. Elsewhere, and in Matroska files of more than 1 GiB, the
/// decoded frames are counted, and errors are the decoder's, with an approximate time: missing
/// frames have no number, so they can't be replaced.
///
/// Dropping the reader stops its threads and joins them: if the source is a silent pipe, that takes
/// until the pipe sends data or closes.
///
/// Memory doesn't grow with the source: [`SourceOptions::memory`] bounds the frames that wait for
/// their turn; each thread holds a few more.
///
/// ```
/// use moviola_media::{source::Source, video::FrameReader};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo.mp4");
/// let mut last = None;
/// for frame in FrameReader::open(Source::path(path), Default::default())? {
///     last = frame?.number;
/// }
/// assert_eq!(last, Some(299));
/// # Ok::<(), moviola_media::error::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameReader<T = Frame> {
    results: OrderedPool<Result<T>>,
    worker_handle: WorkerHandle<Frame, T>,
    interrupt: Interrupt,
    damage_handler: DamageHandler,
    /// Whether the container's error was returned, after which nothing follows.
    has_ended: bool,
}

impl FrameReader {
    /// Opens `source` and starts decoding all of it.
    ///
    /// # Errors
    ///
    /// As [`OpenInput::open`] and [`FrameReader::all`].
    pub fn open(source: Source, options: SourceOptions) -> Result<Self> {
        let input = OpenInput::open(source, options, Purpose::Video)?;
        let workers = (0..input.decoders()).map(|_| |frame| frame).collect();
        Self::all(input, workers)
    }
}

impl<T: Send + 'static> FrameReader<T> {
    /// Starts decoding all frames of `input`. Each frame goes to one of the `workers`, each of
    /// which has a thread of its own.
    ///
    /// The source may be a pipe.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] without workers, [`Error::NoVideo`] if there is no video or its
    /// decoder can't be opened, [`Error::Thread`] if a thread can't be started.
    pub fn all<W>(mut input: OpenInput, workers: Vec<W>) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        Error::check_workers(workers.len())?;
        let stream = input.read_video()?;
        let Some(index) = index_from_tables(&input, &stream).map(Arc::new) else {
            return Self::in_one(input, None, workers, |read| read());
        };
        if !has_short_groups(&index, schedule::room(&input, &stream), workers.len()) {
            return Self::in_one(input, Some(index), workers, |read| read());
        }
        let video = Video::start(input)?;
        if video.reader().has_true_access_points(&index) {
            let count = u32::try_from(index.len()).unwrap_or(u32::MAX);
            let groups = Groups::new(Arc::clone(&index), 0..count);
            return Self::in_groups(video, index, groups, 1, workers);
        }
        Self::in_one(video.into_input()?, Some(index), workers, |read| read())
    }

    /// Starts decoding the frames of the given numbers, which must ascend. The damage policy of
    /// `video` applies: with [`OnDamage::Repeat`](super::OnDamage::Repeat) damaged frames show the
    /// last undamaged one, whether that was chosen or not.
    ///
    /// # Errors
    ///
    /// As [`FrameReader::all`], and [`Video::index`].
    pub fn chosen<N, W>(mut video: Video, numbers: N, workers: Vec<W>) -> Result<Self>
    where
        N: IntoIterator<Item = u64>,
        N::IntoIter: Send + 'static,
        W: FnMut(Frame) -> T + Send + 'static,
    {
        Error::check_workers(workers.len())?;
        let index = video.true_index()?;
        let count = index.len();
        let numbers = numbers.into_iter().take_while(move |&number| number < count);
        let numbers = numbers.filter_map(|number| u32::try_from(number).ok());
        let mut groups = Groups::new(Arc::clone(&index), numbers);
        let cores = workers.len();
        let first: Vec<_> = groups.by_ref().take(schedule::looked_at(cores)).collect();
        let room = schedule::room(video.reader().input(), video.stream());
        let parallelism = schedule::choose_in_order(&first, cores, room);
        let groups = first.into_iter().chain(groups);
        if parallelism == Parallelism::SideBySide {
            return Self::in_groups(video, index, groups, 1, workers);
        }
        let (name, one) = (video.name.clone(), vec![|frame| frame]);
        let threads = schedule::threads_for_jobs(cores);
        let mut frames = FrameReader::in_groups(video, index, groups, threads, one)?;
        let (interrupt, damage_handler) =
            (frames.interrupt.clone(), frames.damage_handler.clone_for_worker());
        Self::in_turns(&name, interrupt, damage_handler, workers, move || frames.next())
    }

    /// Starts one decoder with many threads. The workers take turns at the frames that `choose`
    /// selects of those that its argument returns.
    pub(super) fn in_one<W, C>(
        mut input: OpenInput,
        index: Option<Arc<FrameIndex>>,
        workers: Vec<W>,
        mut choose: C,
    ) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
        C: FnMut(&mut dyn FnMut() -> Option<Result<Frame>>) -> Option<Result<Frame>>
            + Send
            + 'static,
    {
        Error::check_workers(workers.len())?;
        let video = input.read_video()?;
        let (name, interrupt) = (input.name.clone(), input.interrupt());
        let damage_handler = DamageHandler::new(&input, &video);
        let (count, of_tables) = (workers.len(), index.as_deref());
        let decoder = SequentialDecoder::open_decoder(&input, &video, of_tables, count)?;
        let reader = PacketReader::new(input, video);
        let mut stream =
            SequentialDecoder::new(reader, decoder, index, damage_handler.clone_for_worker());
        Self::in_turns(&name, interrupt, damage_handler, workers, move || {
            choose(&mut || stream.next())
        })
    }

    /// Starts workers that take turns at the frames that `pull` returns.
    fn in_turns<W, P>(
        name: &str,
        interrupt: Interrupt,
        damage_handler: DamageHandler,
        workers: Vec<W>,
        pull: P,
    ) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
        P: FnMut() -> Option<Result<Frame>> + Send + 'static,
    {
        let window = workers.len() * 2;
        let workers = workers.into_iter().map(each).collect();
        let results = OrderedPool::open(pull, workers, window);
        let (results, handle) = results.map_err(|error| no_thread(name, &error))?;
        let worker_handle = WorkerHandle::new(move |work| handle.join(each(work)));
        Ok(Self { results, worker_handle, interrupt, damage_handler, has_ended: false })
    }

    /// Starts a decoder for each worker, with this number of threads. Each decodes a group at a
    /// time.
    fn in_groups<G, W>(
        video: Video,
        index: Arc<FrameIndex>,
        mut groups: G,
        threads: u16,
        workers: Vec<W>,
    ) -> Result<Self>
    where
        G: Iterator<Item = GroupJob<()>> + Send + 'static,
        W: FnMut(Frame) -> T + Send + 'static,
    {
        let (interrupt, memory, waiting) = {
            let reader = video.reader();
            let input = reader.input();
            let room = schedule::room(input, &video.stream);
            (input.interrupt(), input.options.memory, room.max(workers.len()))
        };
        let Video { name, stream, start, reader, fetcher, damage_handler, .. } = video;
        let bounds = Bounds { jobs: workers.len() + 1, results: waiting };
        let config = Arc::clone(fetcher.config());
        let source = GroupSource { config, stream, start, reader, index, memory };
        let worker = |work| source.worker(threads, damage_handler.clone_for_worker(), work);
        let workers = workers.into_iter().map(worker).collect();
        let results = OrderedPool::start_many(move || groups.next(), workers, bounds);
        let (results, handle) = results.map_err(|error| no_thread(&name, &error))?;
        let of_others = damage_handler.clone_for_worker();
        let worker_handle = WorkerHandle::new(move |work| {
            handle.join_many(source.worker(threads, of_others.clone_for_worker(), work))
        });
        Ok(Self { results, worker_handle, interrupt, damage_handler, has_ended: false })
    }
}

impl<T> FrameReader<T> {
    /// A handle that starts more workers; where groups of pictures are decoded side by side, each
    /// with a decoder of its own.
    pub fn worker_handle(&self) -> WorkerHandle<Frame, T> {
        self.worker_handle.clone()
    }

    /// Ends reading, from any thread: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// The frames that were decoded so far, or should have been, and are damaged, as ranges of
    /// numbers. Some may not have been returned yet; after the last frame the list is complete.
    pub fn damaged(&self) -> Vec<Range<u64>> {
        self.damage_handler.damaged()
    }

    /// Sends all remaining frames to a bounded channel, and waits while it is full.
    ///
    /// Blocks until the last is sent, or until a frame can't be sent because the receiver was
    /// dropped. Errors are sent too, as the iterator returns them.
    pub fn send_to(&mut self, to: &SyncSender<Result<T>>) -> SendOutcome {
        send_all(self, to)
    }
}

impl<T> Iterator for FrameReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let result = if self.has_ended { None } else { self.results.next() };
        // Workers at later groups get the container's error too.
        self.has_ended = match &result {
            Some(Err(error)) => !matches!(error, Error::Decode { .. }),
            Some(Ok(_)) => false,
            None => true,
        };
        result
    }
}

impl<T> Drop for FrameReader<T> {
    fn drop(&mut self) {
        // A worker may be waiting for the network; the workers are joined next.
        self.interrupt.cancel();
    }
}

/// A worker at frames that are decoded already.
fn each<T>(
    mut work: impl FnMut(Frame) -> T + Send + 'static,
) -> impl FnMut(Result<Frame>) -> Result<T> + Send + 'static {
    move |frame| frame.map(&mut work)
}

pub(crate) fn no_thread(name: &str, cause: &std::io::Error) -> Error {
    Error::Thread { name: name.into(), reason: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a few frames, makes reading fail, and returns what follows: numbers and errors.
    fn after_failure(workers: usize) -> Vec<std::result::Result<u64, String>> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/cues.mkv");
        let options = SourceOptions::default();
        let input = OpenInput::open(Source::path(path), options, Purpose::Video);
        let work = vec![|frame: Frame| frame.number.expect("tables number frames"); workers];
        let reader = FrameReader::all(input.expect("one of our own clips"), work);
        let mut reader = reader.expect("it can be decoded");
        let few: Vec<_> = reader.by_ref().take(3).map(|number| number.ok()).collect();
        assert_eq!(few, [0, 1, 2].map(Some));
        reader.interrupt.cancel();
        let rest =
            reader.by_ref().map(|result| result.map_err(|error| error.to_string())).collect();
        assert!(reader.next().is_none(), "the end stays the end");
        rest
    }

    #[test]
    fn an_error_of_the_container_comes_once_after_the_frames_before_it() {
        for workers in [1, 2, 3, 7] {
            let rest = after_failure(workers);
            let (last, frames) = rest.split_last().expect("there is an error");
            assert!(last.is_err(), "{workers} workers: {rest:?}");
            let numbers: Vec<_> = frames.iter().flatten().copied().collect();
            let want: Vec<_> = (3..).take(frames.len()).collect();
            assert_eq!(numbers, want, "{workers} workers: {rest:?}");
        }
    }
}
