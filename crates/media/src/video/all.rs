//! Frames one after another, as they are decoded: all of a source, or those chosen.
//!
//! Where the container's tables tell the groups of pictures, and those are short, each core decodes
//! a group of its own; elsewhere one decoder has threads for all cores. For chosen frames the first
//! groups say which of the two it is. Results come in the order they are shown.

use std::sync::{Arc, Mutex, PoisonError};

use moviola_av::{
    decoder::{DecoderOptions, Received, Sent},
    error::Error as AvError,
    frame::VideoFrame,
    interrupt::Interrupt,
    packet::Packet,
    time::Pts,
};

use super::{
    Video,
    fetch::frame,
    lane::{Finish, Lane, Sources},
    packets::PacketReader,
    plan::{self, Groups, Way, short_groups},
    wanted::Job,
};
use crate::{
    error::{Error, Result},
    frame::Frame,
    hardware::StreamDecoder,
    index::FrameIndex,
    media::{Media, VideoStream, cannot_decode},
    source::{Source, SourceOptions},
    stage::{Bounds, Ordered, Results},
};

/// The frames of a source in the order they are shown, or what was made of each on a thread of its
/// own.
///
/// An `Err` for one frame doesn't end the iteration. An error of the container does where one decoder
/// reads; where each worker decodes a group of its own, every group behind it gives one. Frames of a
/// group that can't be decoded are told behind the others of their group. Dropping the reader stops its threads and waits for them: if the source is a silent pipe, until it speaks or
/// closes.
///
/// Memory doesn't grow with the source: [`SourceOptions::memory`] bounds what waits for its turn,
/// besides a few pictures for each thread.
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
    results: Ordered<Result<T>>,
    interrupt: Interrupt,
}

impl FrameReader {
    /// Opens `source` and starts decoding all of it.
    ///
    /// # Errors
    ///
    /// As [`Media::open`] and [`FrameReader::all`].
    pub fn open(source: Source, options: SourceOptions) -> Result<Self> {
        let media = Media::open(source, options)?;
        let workers = (0..media.decoders()).map(|_| |frame| frame).collect();
        Self::all(media, workers)
    }
}

impl<T: Send + 'static> FrameReader<T> {
    /// Starts decoding all frames of `media`. Each frame goes to one of the `workers`, each of
    /// which has a thread of its own.
    ///
    /// Any source will do, a pipe too.
    ///
    /// # Errors
    ///
    /// [`Error::NoVideo`] if the decoder can't be opened, [`Error::Thread`] if the system gives no
    /// thread.
    pub fn all<W>(media: Media, workers: Vec<W>) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
    {
        let Some(index) = short_groups(&media, workers.len()) else {
            return Self::in_one(media, workers, |read| read());
        };
        let video = Video::of_media(media)?;
        if video.reader().has_true_entrances(&index) {
            let count = u32::try_from(index.len()).unwrap_or(u32::MAX);
            let index = Arc::new(index);
            let groups = Groups::new(Arc::clone(&index), 0..count);
            return Self::in_groups(video, index, groups, 1, workers);
        }
        Self::in_one(video.into_media()?, workers, |read| read())
    }

    /// Starts decoding the frames of the given numbers, which must ascend.
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
        let index = video.true_index()?;
        let count = index.len();
        let numbers = numbers.into_iter().take_while(move |&number| number < count);
        let numbers = numbers.filter_map(|number| u32::try_from(number).ok());
        let mut groups = Groups::new(Arc::clone(&index), numbers);
        let cores = workers.len();
        let first: Vec<_> = groups.by_ref().take(plan::looked_at(cores)).collect();
        let way = plan::choose_in_order(&first, cores, plan::room(video.reader().media()));
        let groups = first.into_iter().chain(groups);
        if way == Way::SideBySide {
            return Self::in_groups(video, index, groups, 1, workers);
        }
        let (name, one) = (video.name.clone(), vec![|frame| frame]);
        let mut frames = FrameReader::in_groups(video, index, groups, threads(cores), one)?;
        let interrupt = frames.interrupt.clone();
        Self::in_turns(&name, interrupt, workers, move || frames.next())
    }

    /// One decoder with many threads; the workers take turns at what `choose` takes of the frames
    /// that its argument gives.
    pub(super) fn in_one<W, C>(media: Media, workers: Vec<W>, mut choose: C) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
        C: FnMut(&mut dyn FnMut() -> Option<Result<Frame>>) -> Option<Result<Frame>>
            + Send
            + 'static,
    {
        let (name, interrupt) = (media.name.clone(), media.interrupt.clone());
        let mut stream = Stream::open(media, workers.len())?;
        Self::in_turns(&name, interrupt, workers, move || choose(&mut || stream.next()))
    }

    /// The workers take turns at the frames that `pull` gives.
    fn in_turns<W, P>(name: &str, interrupt: Interrupt, workers: Vec<W>, pull: P) -> Result<Self>
    where
        W: FnMut(Frame) -> T + Send + 'static,
        P: FnMut() -> Option<Result<Frame>> + Send + 'static,
    {
        let window = workers.len() * 2;
        let each = |mut work: W| move |frame: Result<Frame>| frame.map(&mut work);
        let workers = workers.into_iter().map(each).collect();
        let results = Ordered::start(pull, workers, window);
        let results = results.map_err(|error| no_thread(name, &error))?;
        Ok(Self { results, interrupt })
    }

    /// A decoder with so many threads for each worker, a group at a time.
    fn in_groups<G, W>(
        video: Video,
        index: Arc<FrameIndex>,
        mut groups: G,
        threads: u16,
        workers: Vec<W>,
    ) -> Result<Self>
    where
        G: Iterator<Item = Job<()>> + Send + 'static,
        W: FnMut(Frame) -> T + Send + 'static,
    {
        let Video { name, stream, start, reader, fetcher, .. } = video;
        let (interrupt, waiting) = {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            (reader.media().interrupt.clone(), plan::room(reader.media()).max(workers.len()))
        };
        let bounds = Bounds { jobs: workers.len() + 1, results: waiting };
        let workers = workers
            .into_iter()
            .map(|work| GroupWorker {
                lane: Lane::new(Arc::clone(fetcher.recipe()), threads),
                name: name.clone(),
                stream: Arc::clone(&stream),
                start,
                reader: Arc::clone(&reader),
                index: Arc::clone(&index),
                work,
            })
            .map(|mut worker| {
                move |job, results: &mut Results<'_, Result<T>>| worker.run(job, results)
            })
            .collect();
        let results = Ordered::start_many(move || groups.next(), workers, bounds);
        let results = results.map_err(|error| no_thread(&name, &error))?;
        Ok(Self { results, interrupt })
    }
}

impl<T> Iterator for FrameReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.results.next()
    }
}

impl<T> Drop for FrameReader<T> {
    fn drop(&mut self) {
        // A worker may be waiting for the network; the workers are waited for next.
        self.interrupt.cancel();
    }
}

/// Threads of the one decoder that several workers have.
fn threads(workers: usize) -> u16 {
    // FFmpeg's own rule: one more than cores, because pictures wait for each other.
    let threads = if workers > 1 { workers + 1 } else { 1 };
    u16::try_from(threads).unwrap_or(u16::MAX)
}

pub(crate) fn no_thread(name: &str, cause: &std::io::Error) -> Error {
    Error::Thread { name: name.into(), reason: cause.to_string() }
}

/// One worker and its decoder.
struct GroupWorker<W> {
    lane: Lane,
    name: String,
    stream: Arc<VideoStream>,
    start: Pts,
    reader: Arc<Mutex<PacketReader>>,
    index: Arc<FrameIndex>,
    work: W,
}

impl<W> GroupWorker<W> {
    fn run<T>(&mut self, job: Job<()>, results: &mut Results<'_, Result<T>>)
    where
        W: FnMut(Frame) -> T,
    {
        let Self { lane, name, stream, start, reader, index, work } = self;
        let sources = Sources { reader, index };
        let left = lane.run(&sources, job, Finish::Drain, |target, (), picture| {
            results.put(Ok(work(frame(target.frame.into(), picture, index, stream, *start))))
        });
        lane.refused.clear(); // the index is shared, and stays as it is
        match left {
            Ok(left) => {
                for (target, ()) in left {
                    let pts = Pts { ticks: target.pts, base: stream.time_base };
                    results.put(Err(no_picture(name, pts.seconds_since(*start))));
                }
            }
            Err(error) => {
                results.put(Err(error));
            }
        }
    }
}

fn no_picture(name: &str, time: f64) -> Error {
    let (place, reason) = (format!("{time:.3} s"), "the decoder gives no picture".into());
    Error::Decode { name: name.into(), place, time: Some(time), reason }
}

/// All frames of a stream through one decoder.
pub(crate) struct Stream {
    reader: PacketReader,
    video: Arc<VideoStream>,
    start: Pts,
    name: String,
    decoder: StreamDecoder,
    /// Number of the next frame.
    number: u64,
    /// When the last frame is shown, in ticks; until one has a time of its own, they are counted.
    last: Option<i64>,
    /// Time of the packet that was sent last.
    sent: Option<f64>,
    /// A packet the decoder had no room for.
    held: Option<Packet>,
    ended: bool,
}

impl Stream {
    fn open(media: Media, workers: usize) -> Result<Self> {
        let decoder = Self::decoder(&media, workers)?;
        Ok(Self::new(media, decoder))
    }

    /// A decoder whose threads keep as many cores busy as there are `workers`.
    pub(crate) fn decoder(media: &Media, workers: usize) -> Result<StreamDecoder> {
        let options = DecoderOptions { threads: threads(workers), ..media.decoder_options() };
        let decoder = StreamDecoder::open(&media.video.parameters, &options, media.hardware());
        decoder.map_err(|cause| cannot_decode(&media.name, &media.video, &cause))
    }

    pub(crate) fn new(media: Media, decoder: StreamDecoder) -> Self {
        Self {
            video: Arc::new(media.video.clone()),
            start: media.start,
            name: media.name.clone(),
            reader: PacketReader::new(media),
            decoder,
            number: 0,
            last: None,
            sent: None,
            held: None,
            ended: false,
        }
    }

    /// From now on reads the video only.
    pub(crate) fn leave_out_sound(&mut self) {
        self.reader.leave_out_sound();
    }

    /// The next frame; `None` at the end. After an error of reading there are no more.
    fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            if let Some(frame) = self.receive() {
                return Some(frame);
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.feed() {
                return Some(Err(error));
            }
        }
    }

    /// The next frame that takes no further packet; after the end, what the decoder held back.
    pub(crate) fn receive(&mut self) -> Option<Result<Frame>> {
        loop {
            match self.decoder.receive() {
                Ok(Received::Frame(picture)) if picture.is_discard() => {}
                Ok(Received::Frame(picture)) => return Some(Ok(self.frame(picture))),
                Ok(Received::End | Received::NeedPacket) => return None,
                Err(cause) => return Some(Err(self.undecodable(&cause))),
            }
        }
    }

    fn feed(&mut self) -> Result<()> {
        match self.read() {
            Ok(Some(packet)) => self.send(packet),
            Ok(None) => self.end(),
            Err(error) => {
                // What the decoder holds still comes.
                self.end()?;
                Err(error)
            }
        }
    }

    /// The next packet; `None` at the end. Where sound is read along, it may be one of that.
    pub(crate) fn read(&mut self) -> Result<Option<Packet>> {
        match self.held.take() {
            Some(packet) => Ok(Some(packet)),
            None => self.reader.next(),
        }
    }

    /// Gives the decoder a packet of the video.
    pub(crate) fn send(&mut self, packet: Packet) -> Result<()> {
        let ticks = packet.pts().or(packet.dts());
        self.sent = ticks.map(|ticks| self.time(ticks)).or(self.sent);
        match self.decoder.send(&packet) {
            Ok(Sent::Accepted) => Ok(()),
            Ok(Sent::Full) => {
                self.held = Some(packet);
                Ok(())
            }
            Err(cause) => Err(self.undecodable(&cause)),
        }
    }

    /// Says that no packet will follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.ended = true;
        self.decoder.send_end().map_err(|cause| self.undecodable(&cause))
    }

    fn time(&self, ticks: i64) -> f64 {
        Pts { ticks, base: self.video.time_base }.seconds_since(self.start)
    }

    fn frame(&mut self, picture: VideoFrame) -> Frame {
        // As in an index, what has no time comes right behind the frame before.
        let told = picture.pts().or(self.last.map(|last| last.saturating_add(1)));
        self.last = told;
        let ticks = told.or_else(|| self.video.counted_ticks(self.number));
        let pts = ticks.map(|ticks| Pts { ticks, base: self.video.time_base });
        let duration = picture.duration();
        let duration = duration.map(|ticks| Pts { ticks, base: self.video.time_base }.seconds());
        let number = self.number;
        self.number += 1;
        Frame {
            number: Some(number),
            pts,
            time: pts.map(|pts| pts.seconds_since(self.start)),
            duration,
            keyframe: picture.is_key(),
            damaged: picture.is_corrupt(),
            frame: picture,
            stream: Arc::clone(&self.video),
        }
    }

    fn undecodable(&self, cause: &AvError) -> Error {
        let place =
            self.sent.map_or_else(|| "an unknown time".into(), |time| format!("about {time:.3} s"));
        Error::Decode { name: self.name.clone(), place, time: self.sent, reason: cause.to_string() }
    }
}
