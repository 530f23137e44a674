//! Reading of audio into the caller's buffers.

use super::{AudioReader, Samples};
use crate::error::{Error, Result};

/// A buffer for samples of all channels.
trait Buffer {
    /// Number of samples of each channel that fit into the buffer.
    fn capacity(&self) -> usize;
    /// Copies `piece` into the buffer, starting at sample `at` of each channel.
    fn put(&mut self, at: usize, piece: &Samples);
}

/// A buffer of interleaved channels.
struct Interleaved<'a> {
    out: &'a mut [f32],
    channels: usize,
}

impl Buffer for Interleaved<'_> {
    fn capacity(&self) -> usize {
        self.out.len() / self.channels
    }

    fn put(&mut self, at: usize, piece: &Samples) {
        for (place, channel) in piece.channels.iter().enumerate() {
            let out = self.out[at * self.channels + place..].iter_mut().step_by(self.channels);
            out.zip(channel).for_each(|(out, sample)| *out = *sample);
        }
    }
}

/// A buffer with a slice for each channel.
struct Planar<'a, 'b>(&'a mut [&'b mut [f32]]);

impl Buffer for Planar<'_, '_> {
    fn capacity(&self) -> usize {
        self.0.iter().map(|out| out.len()).min().unwrap_or(0)
    }

    fn put(&mut self, at: usize, piece: &Samples) {
        for (out, channel) in self.0.iter_mut().zip(&piece.channels) {
            out[at..at + channel.len()].copy_from_slice(channel);
        }
    }
}

impl AudioReader {
    /// Number of output channels; `None` if the stream has no samples.
    ///
    /// # Errors
    ///
    /// The errors of the iterator, because the first packets may have to be decoded.
    pub fn channels(&mut self) -> Result<Option<usize>> {
        self.learn()?;
        Ok(self.audio.grid().map(|grid| grid.converter.channels()))
    }

    /// Fills `out` with the next samples, interleaved: left, right, left, right…
    ///
    /// Returns the number of samples of each channel that were written at the buffer's start: as
    /// many as fit, fewer only before the end or an error, 0 at the end. The samples are those that
    /// the iterator would return, from the end of the last read or range on.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `out` is too short for one sample of each channel; else the
    /// errors of the iterator, after all samples that were read before them.
    ///
    /// # Examples
    ///
    /// ```
    /// use moviola_media::{
    ///     audio::{AudioOptions, AudioReader},
    ///     source::{Source, SourceOptions},
    /// };
    ///
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/audio_only.m4a");
    /// let (source, options) = (Source::path(path), SourceOptions::default());
    /// let mut reader = AudioReader::open(source, options, AudioOptions::default())?;
    /// let channels = reader.channels()?.expect("there is audio");
    /// let (mut buffer, mut total) = (vec![0.0; 1000 * channels], 0);
    /// loop {
    ///     match reader.read_interleaved(&mut buffer)? {
    ///         0 => break,
    ///         samples => total += samples, // in buffer[..samples * channels]
    ///     }
    /// }
    /// # let same = AudioReader::open(Source::path(path), Default::default(), Default::default());
    /// # assert_eq!(total, same?.all_samples()?.len());
    /// # Ok::<(), moviola_media::error::Error>(())
    /// ```
    pub fn read_interleaved(&mut self, out: &mut [f32]) -> Result<usize> {
        let Some(channels) = self.channels()? else { return Ok(0) };
        let got = out.len();
        let buffer = Interleaved { out, channels: channels.max(1) };
        self.fill(buffer, || {
            Error::argument("the buffer", "room for one sample of each channel", got)
        })
    }

    /// Fills the slices of `out`, one for each channel, with the next samples.
    ///
    /// Returns the number of samples written to each slice: as many as fit into the shortest, as
    /// [`read_interleaved`](Self::read_interleaved) does.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the number of slices isn't that of channels, or a slice is
    /// empty; else the errors of the iterator, after all samples that were read before them.
    pub fn read_planar(&mut self, out: &mut [&mut [f32]]) -> Result<usize> {
        let Some(channels) = self.channels()? else { return Ok(0) };
        if out.len() != channels {
            return Err(Error::argument("the buffers", "one for each channel", out.len()));
        }
        self.fill(Planar(out), || Error::argument("the buffers", "room for one sample each", 0))
    }

    fn fill(&mut self, mut out: impl Buffer, no_room: impl Fn() -> Error) -> Result<usize> {
        let (capacity, mut filled) = (out.capacity(), 0);
        if capacity == 0 {
            return Err(no_room());
        }
        while filled < capacity {
            let mut piece = match self.next_piece() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) if filled == 0 => return Err(error),
                Err(error) => {
                    self.end = Some(Err(error)); // for the next call
                    break;
                }
            };
            let room = i64::try_from(capacity - filled).unwrap_or(i64::MAX);
            let rest = piece.split_off(piece.start.saturating_add(room));
            self.rest = Some(rest).filter(|rest| !rest.is_empty());
            out.put(filled, &piece);
            filled += piece.len();
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{audio::AudioOptions, source::Source};

    fn open(clip: &str, channels: Option<u16>) -> AudioReader {
        let path = format!("{}/../../testdata/{clip}", env!("CARGO_MANIFEST_DIR"));
        let wanted = AudioOptions { channels, ..AudioOptions::default() };
        AudioReader::open(Source::path(path), Default::default(), wanted).unwrap()
    }

    /// All samples, read into buffers of these sizes over and over.
    fn read(mut reader: AudioReader, sizes: &[usize], planar: bool) -> Vec<Vec<f32>> {
        let channels = reader.channels().unwrap().unwrap();
        let mut all = vec![Vec::new(); channels];
        for size in sizes.iter().cycle() {
            let mut buffer = vec![f32::NAN; size * channels];
            let read = if planar {
                let mut planes: Vec<_> = buffer.chunks_mut(*size).collect();
                reader.read_planar(&mut planes).unwrap()
            } else {
                reader.read_interleaved(&mut buffer).unwrap()
            };
            for sample in 0..read {
                for (channel, all) in all.iter_mut().enumerate() {
                    let place =
                        if planar { channel * size + sample } else { sample * channels + channel };
                    all.push(buffer[place]);
                }
            }
            if read == 0 {
                return all;
            }
            assert!(read <= *size);
        }
        all
    }

    fn iterated(reader: AudioReader) -> Vec<Vec<f32>> {
        let pieces: Vec<Samples> = reader.map(|piece| piece.unwrap()).collect();
        let channels = pieces.first().map_or(0, |piece| piece.channels.len());
        let whole = |n: usize| pieces.iter().flat_map(|piece| piece.channels[n].clone()).collect();
        (0..channels).map(whole).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn buffers_of_any_size_get_the_samples_of_the_iterator(
            sizes in prop::collection::vec(1_usize..5000, 1..8),
            planar: bool,
            channels in prop::option::of(1_u16..3),
        ) {
            for clip in ["audio_only.m4a", "audio_lame_8khz.mp3", "h264_bframes.mp4"] {
                let got = read(open(clip, channels), &sizes, planar);
                prop_assert_eq!(got, iterated(open(clip, channels)));
            }
        }
    }

    #[test]
    fn buffers_that_do_not_fit_are_refused() {
        let mut reader = open("audio_only.m4a", Some(2));
        let refused = |result| matches!(result, Err(Error::InvalidArgument { .. }));
        assert!(refused(reader.read_interleaved(&mut [0.0])));
        assert!(refused(reader.read_planar(&mut [&mut [0.0; 4][..]])));
        assert!(refused(reader.read_planar(&mut [&mut [0.0; 4][..], &mut [][..]])));
    }

    #[test]
    fn a_read_goes_on_where_a_range_ended() {
        let mut reader = open("audio_only.m4a", Some(1));
        let range = reader.samples_played_in_range(0.25, 0.5).unwrap();
        let mut next = vec![0.0; 777];
        assert_eq!(reader.read_interleaved(&mut next).unwrap(), 777);
        let whole = iterated(open("audio_only.m4a", Some(1))).remove(0);
        let end = usize::try_from(range.end()).unwrap();
        assert_eq!(next, whole[end..end + 777]);
    }
}
