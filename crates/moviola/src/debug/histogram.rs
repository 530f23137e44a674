//! A histogram, which computes percentiles of any count of numbers in fixed memory.

/// The number of steps per power of two. Percentiles are within 3 % of the exact ones.
const STEPS: f64 = 12.0;

/// Counts of numbers in steps; each step is 6 % wide.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u32>,
    count: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; step(u64::MAX) + 1], count: 0, largest: 0 }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, number: u64) {
        let count = &mut self.counts[step(number)];
        *count = count.saturating_add(1);
        self.count += 1;
        self.largest = self.largest.max(number);
    }

    pub(super) fn largest(&self) -> u64 {
        self.largest
    }

    /// The percentile at `share`, 0.0 to 1.0; 0 if the histogram is empty.
    pub(super) fn percentile(&self, share: f64) -> u64 {
        #[expect(clippy::cast_sign_loss, reason = "shares aren't negative")]
        let rank = (self.count as f64 * share).ceil() as u64;
        let mut before = 0;
        let at = self.counts.iter().position(|count| {
            before += u64::from(*count);
            before >= rank.max(1)
        });
        at.map_or(0, |step| middle(step).min(self.largest))
    }
}

/// The step of a number.
#[expect(clippy::cast_sign_loss, reason = "the logarithm of at least 1 isn't negative")]
fn step(number: u64) -> usize {
    ((number.max(1) as f64).log2() * STEPS) as usize
}

/// The middle of a step's numbers.
#[expect(clippy::cast_sign_loss, reason = "a power isn't negative")]
fn middle(step: usize) -> u64 {
    ((step as f64 + 0.5) / STEPS).exp2() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_three_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|number| histogram.add(number * 1000));
        for (share, want) in [(0.5, 5e6), (0.95, 9.5e6), (0.01, 1e5)] {
            let got = histogram.percentile(share) as f64;
            assert!((got / want - 1.0).abs() < 0.03, "{share}: {got}");
        }
        assert_eq!(histogram.percentile(1.0), 10_000_000);
        assert_eq!(histogram.largest(), 10_000_000);
    }

    #[test]
    fn empty_and_extreme_histograms_have_percentiles() {
        assert_eq!(Histogram::default().percentile(0.5), 0);
        let mut histogram = Histogram::default();
        [0, u64::MAX].into_iter().for_each(|number| histogram.add(number));
        assert!(histogram.percentile(0.5) <= 1);
        assert!(histogram.percentile(1.0) > u64::MAX / 2);
    }
}
