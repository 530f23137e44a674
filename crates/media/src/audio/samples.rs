//! A piece of audio in memory.

/// A piece of audio: 32-bit floats, in a vector for each channel.
///
/// Samples are counted from the start of the presentation: sample number *n* is played at
/// *n* ÷ [`sample_rate`](Self::sample_rate) seconds. Full scale is ±1; peaks may exceed it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Number of the first sample. Negative before the start of the presentation.
    pub start: i64,
    /// Samples per second.
    pub sample_rate: u32,
    /// The samples of each channel, all of one length.
    pub channels: Vec<Vec<f32>>,
}

impl Samples {
    /// Number of samples of each channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Whether it has no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the sample after the last one.
    pub fn end(&self) -> i64 {
        self.start + self.len().cast_signed() as i64
    }

    /// Seconds from the start of the presentation to the first sample.
    pub fn start_seconds(&self) -> f64 {
        self.start as f64 / f64::from(self.sample_rate)
    }

    /// Duration in seconds.
    pub fn duration_seconds(&self) -> f64 {
        self.len() as f64 / f64::from(self.sample_rate)
    }

    /// All channels interleaved in one vector: left, right, left, right…
    pub fn interleaved(&self) -> Vec<f32> {
        (0..self.len()).flat_map(|n| self.channels.iter().map(move |channel| channel[n])).collect()
    }

    /// Appends `more`, which must start where this piece ends.
    pub(super) fn append(&mut self, more: &Self) {
        debug_assert_eq!(self.end(), more.start);
        for (channel, more) in self.channels.iter_mut().zip(&more.channels) {
            channel.extend_from_slice(more);
        }
    }

    /// Splits the piece before a sample's number: keeps the samples before it and gives the rest.
    ///
    /// A number outside the piece is clamped to it.
    pub(super) fn split_off(&mut self, number: i64) -> Self {
        let number = number.clamp(self.start, self.end());
        let keep = usize::try_from(number - self.start).unwrap_or(0);
        let channels = self.channels.iter_mut().map(|channel| channel.split_off(keep)).collect();
        Self { start: number, sample_rate: self.sample_rate, channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_split_and_join() {
        let channels = vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
        let whole = Samples { start: -1, sample_rate: 2, channels };
        assert_eq!((whole.len(), whole.end(), whole.start_seconds()), (3, 2, -0.5));
        assert_eq!(whole.interleaved(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        for number in -3..4 {
            let mut first = whole.clone();
            let rest = first.split_off(number);
            assert_eq!(first.end(), number.clamp(-1, 2));
            first.append(&rest);
            assert_eq!(first, whole);
        }
    }
}
