//! The schedule for fetching frames: which groups to decode, on how many decoders.

use std::{iter::Peekable, sync::Arc};

use moviola_av::pixel::PixelFormat;

use super::wanted::{GroupJob, Target};
use crate::{
    index::{FrameIndex, RandomAccessPoint, from_tables, tables::ReadScope},
    input::{OpenInput, VideoStream},
};

/// Files whose tables are scattered over more bytes than this are read from front to back.
const MOST_SCATTERED_BYTES: u64 = 1 << 30;

/// The share of a core that each thread of one decoder uses: frames wait for frames they depend on.
const THREADS_AT_WORK: f64 = 0.85;

/// The cost of starting over for a decoder with several threads, in frames.
const START_UP: f64 = 3.0;

/// How jobs are shared out among decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parallelism {
    /// Several decoders with one thread each, a job at a time.
    SideBySide,
    /// One decoder with several threads, one job after the other.
    Together,
}

/// The jobs for frames in ascending order, without duplicates: frames with the same access point
/// make one job.
pub(super) fn jobs<S>(index: &FrameIndex, frames: Vec<(u32, S)>) -> Vec<GroupJob<S>> {
    let mut earlier = None;
    let mut targets: Vec<_> = frames
        .into_iter()
        .filter_map(|(frame, slot)| {
            let (access_point, target) = target(index, frame, earlier)?;
            earlier = Some((frame, access_point));
            Some((access_point, target, slot))
        })
        .collect();
    targets.sort_by_key(|(access_point, target, _)| (access_point.packet, target.packet));
    let mut jobs: Vec<GroupJob<S>> = Vec::new();
    for (access_point, target, slot) in targets {
        match jobs.last_mut().filter(|job| job.access_point == access_point) {
            Some(job) => job.targets.push((target, slot)),
            None => jobs.push(GroupJob { access_point, targets: vec![(target, slot)] }),
        }
    }
    jobs
}

/// What to fetch for a frame, and where to start for it; `earlier` is an earlier frame and where to
/// start for that.
fn target(
    index: &FrameIndex,
    frame: u32,
    earlier: Option<(u32, RandomAccessPoint)>,
) -> Option<(RandomAccessPoint, Target)> {
    let packet = index.packet_of(frame)?;
    let pts = index.frame(frame.into())?.pts.ticks;
    let access_point = match earlier {
        Some(earlier) => index.access_point_after(earlier, frame),
        None => index.access_point(frame),
    };
    Some((access_point, Target { frame, packet, pts }))
}

/// An iterator over the jobs for frames in ascending order: frames with the same access point make
/// one job.
pub(super) struct Groups<N: Iterator<Item = u32>> {
    index: Arc<FrameIndex>,
    numbers: Peekable<N>,
    earlier: Option<(u32, RandomAccessPoint)>,
}

impl<N: Iterator<Item = u32>> Groups<N> {
    pub(super) fn new(index: Arc<FrameIndex>, numbers: N) -> Self {
        Self { index, numbers: numbers.peekable(), earlier: None }
    }
}

impl<N: Iterator<Item = u32>> Iterator for Groups<N> {
    type Item = GroupJob<()>;

    fn next(&mut self) -> Option<GroupJob<()>> {
        let mut job: Option<GroupJob<()>> = None;
        while let Some(&frame) = self.numbers.peek() {
            let Some((access_point, target)) = target(&self.index, frame, self.earlier) else {
                break;
            };
            if job.as_ref().is_some_and(|job| job.access_point != access_point) {
                break;
            }
            self.numbers.next();
            self.earlier = Some((frame, access_point));
            let group = job.get_or_insert_with(|| GroupJob { access_point, targets: Vec::new() });
            group.targets.push((target, ()));
        }
        let mut job = job?;
        job.targets.sort_by_key(|(target, ())| target.packet);
        Some(job)
    }
}

/// Whether a next frame at the same distance would be reached from the last of these, which ascend.
/// Then the decoder should keep its position, to continue from there.
pub(super) fn reads_on<S>(index: &FrameIndex, frames: &[(u32, S)]) -> bool {
    let [.., (before, _), (last, _)] = frames else { return true };
    let next = last.saturating_add(last - before);
    let (last, next) = (index.packet_of(*last), index.packet_of(next).map(|_| next));
    last.zip(next).is_some_and(|(last, next)| index.access_point(next).packet <= last)
}

/// The number of packets that a job decodes, from its access point on.
pub(super) fn cost<S>(job: &GroupJob<S>) -> u32 {
    job.last().saturating_add(1).saturating_sub(job.access_point.packet)
}

/// The quicker kind of parallelism for jobs of these costs, in descending order, on this number of
/// cores.
pub(super) fn choose(costs: &[u32], cores: usize) -> Parallelism {
    if cores < 2 {
        return Parallelism::SideBySide;
    }
    let whole: f64 = costs.iter().copied().map(f64::from).sum();
    let starts = costs.len() as f64 * START_UP;
    let together = whole / (cores as f64 * THREADS_AT_WORK) + starts;
    if busiest(costs, cores) <= together { Parallelism::SideBySide } else { Parallelism::Together }
}

/// How many frames may wait for their turn, if they are as large as the container says.
pub(crate) fn room(input: &OpenInput, video: &VideoStream) -> usize {
    input.options.memory / bytes_of_stream(video)
}

/// Threads of one decoder that does one job after the other on so many cores.
///
/// A frame's thread waits for the frames it refers to: with two threads for each core one of
/// them can go on. More cost more than they bring, because the decoder starts over for each job.
pub(super) fn threads_for_jobs(cores: usize) -> u16 {
    if cores > 1 { u16::try_from(2 * cores).unwrap_or(u16::MAX) } else { 1 }
}

/// Threads of one decoder that decodes all frames, on so many cores; `room` is as in [`room`].
///
/// It never starts over, so more threads pay: FFmpeg's own rule, one more than there are cores,
/// keeps 1.7 of two cores busy, six for each 1.9. Each holds a frame: they take a quarter of the
/// room at most. FFmpeg warns of more than sixteen.
pub(super) fn threads_for_all(cores: usize, room: usize) -> u16 {
    if cores < 2 {
        return 1;
    }
    let most = (room / 4).min(16);
    u16::try_from((6 * cores).min(most).max(cores + 1)).unwrap_or(u16::MAX)
}

/// How many of the first jobs say how all of them are to be done on so many cores.
pub(super) fn looked_at(cores: usize) -> usize {
    cores.saturating_mul(3)
}

/// As [`choose`] for jobs whose frames are wanted one after another; `first` are the first
/// [`looked_at`] jobs. At most `room` frames can wait for their turn.
pub(super) fn choose_in_order<S>(first: &[GroupJob<S>], cores: usize, room: usize) -> Parallelism {
    let most = first.iter().map(|job| job.targets.len()).max().unwrap_or(0);
    if cores > 1 && most.saturating_mul(cores - 1) > room {
        return Parallelism::Together; // decoders beside the first would soon stand still
    }
    if first.len() >= looked_at(cores) {
        return Parallelism::SideBySide; // there is enough to do for each core
    }
    let mut costs: Vec<_> = first.iter().map(cost).collect();
    costs.sort_unstable_by(|a, b| b.cmp(a));
    choose(&costs, cores)
}

/// What the busiest core gets if each free one takes the longest job that is left.
fn busiest(costs: &[u32], cores: usize) -> f64 {
    let mut loads = vec![0.0; cores];
    for &cost in costs {
        let free = loads.iter_mut().min_by(|a, b| f64::total_cmp(a, b));
        free.into_iter().for_each(|load| *load += f64::from(cost));
    }
    loads.into_iter().fold(0.0, f64::max)
}

/// The index from the container's tables, if it is quickly read.
pub(crate) fn index_from_tables(input: &OpenInput, video: &VideoStream) -> Option<FrameIndex> {
    let scattered = !input.container().starts_with("mov") && input.size() > MOST_SCATTERED_BYTES;
    if scattered { None } else { from_tables(input, video, ReadScope::File) }
}

/// Whether groups are short enough for several decoders to decode one each: frames that they decode
/// ahead of their turn have to wait in memory, where there is `room` for so many.
pub(super) fn has_short_groups(index: &FrameIndex, room: usize, workers: usize) -> bool {
    let workers = workers.max(2); // others may join one
    let waiting = index.longest_group().saturating_mul(workers - 1);
    waiting <= room && index.keyframes() >= workers as u64
}

/// About the bytes of a frame that is as the container says.
fn bytes_of_stream(VideoStream { parameters, .. }: &VideoStream) -> usize {
    frame_bytes((parameters.width(), parameters.height()), parameters.pixel_format())
}

/// About the bytes of a frame; 4:2:0 and 8 bits if the format is unknown.
pub(super) fn frame_bytes((width, height): (u32, u32), format: Option<PixelFormat>) -> usize {
    let pixels = width as usize * height as usize;
    let bytes = format.map_or(1, |format| format.depth().div_ceil(8));
    let (across, down) = format.map_or((1, 1), |format| format.log2_chroma());
    let samples = pixels + 2 * (pixels >> (across + down));
    (samples * bytes as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(costs: &[u32], cores: usize, want: Parallelism) {
        assert_eq!(choose(costs, cores), want);
    }

    #[test]
    fn groups_are_decoded_side_by_side() {
        check(&[600, 580, 560, 500, 420, 300, 200, 50], 2, Parallelism::SideBySide);
        check(&[30, 30, 29, 29], 4, Parallelism::SideBySide);
        check(&[1], 2, Parallelism::SideBySide);
    }

    #[test]
    fn one_long_group_is_decoded_with_all_threads() {
        check(&[600], 2, Parallelism::Together);
        check(&[600, 30], 4, Parallelism::Together);
    }

    #[test]
    fn one_core_decodes_side_by_side() {
        check(&[600], 1, Parallelism::SideBySide);
    }

    #[test]
    fn a_decoder_of_all_pictures_has_threads_as_far_as_there_is_room() {
        let of_1080p = (256 << 20) / frame_bytes((1920, 1080), None);
        let of_2160p = (256 << 20) / frame_bytes((3840, 2160), None);
        for (cores, room, threads) in [
            (1, of_1080p, 1),
            (2, of_1080p, 12),
            (4, of_1080p, 16),
            (32, of_1080p, 33),
            (2, of_2160p, 5),
            (2, 0, 3),
        ] {
            assert_eq!(threads_for_all(cores, room), threads, "{cores} cores, {room} pictures");
        }
    }

    /// Checks `jobs` jobs of `frames` frames each, all of which are wanted.
    #[track_caller]
    fn check_in_order(jobs: u32, frames: u32, cores: usize, room: usize, want: Parallelism) {
        let target = |packet| (Target { frame: packet, packet, pts: 0 }, ());
        let job = |number: u32| GroupJob {
            access_point: RandomAccessPoint { packet: number * frames, pts: 0, position: None },
            targets: (number * frames..(number + 1) * frames).map(target).collect(),
        };
        let first: Vec<_> = (0..jobs).take(looked_at(cores)).map(job).collect();
        assert_eq!(choose_in_order(&first, cores, room), want);
    }

    #[test]
    fn few_long_groups_in_order_are_decoded_with_all_threads() {
        check_in_order(1, 600, 2, 1000, Parallelism::Together);
        check_in_order(3, 600, 2, 1000, Parallelism::Together);
        check_in_order(4, 600, 2, 1000, Parallelism::SideBySide);
        check_in_order(1, 600, 1, 10, Parallelism::SideBySide);
    }

    #[test]
    fn groups_that_would_wait_for_each_other_are_decoded_with_all_threads() {
        check_in_order(100, 600, 2, 1000, Parallelism::SideBySide);
        check_in_order(100, 600, 2, 500, Parallelism::Together);
        check_in_order(100, 600, 4, 1000, Parallelism::Together);
    }
}
