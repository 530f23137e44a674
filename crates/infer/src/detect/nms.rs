//! Non-maximum suppression: of overlapping boxes, the one with the highest confidence is kept.

use std::cmp::Ordering;

use crate::head::Candidate;

/// The largest number of candidates that are compared; those of lower confidence are dropped first.
/// This bounds the work.
pub const MAX_CANDIDATES: usize = 30_000;

/// Parameters of non-maximum suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// If two boxes overlap by more than this IoU, the one of lower confidence is dropped. A box
    /// with exactly this overlap is kept.
    pub iou: f32,
    /// Whether boxes of different classes are compared too.
    pub is_agnostic: bool,
    /// The largest number of boxes that are kept.
    pub max_boxes: usize,
}

/// Applies non-maximum suppression; returns the kept boxes by falling confidence.
///
/// Boxes of equal confidence keep the order of `candidates`, so the result is the same on every
/// machine.
pub fn suppress(candidates: Vec<Candidate>, options: &Suppression) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in by_confidence(candidates, MAX_CANDIDATES) {
        if kept.len() >= options.max_boxes {
            break;
        }
        let suppresses = |other: &Candidate| {
            (options.is_agnostic || other.class == candidate.class)
                && iou(&other.bounds, &candidate.bounds) > options.iou
        };
        if !kept.iter().any(suppresses) {
            kept.push(candidate);
        }
    }
    kept
}

/// Sorts candidates by falling confidence and keeps the first `max_boxes`; equal ones keep their
/// order.
pub fn by_confidence(mut candidates: Vec<Candidate>, max_boxes: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.confidence.partial_cmp(&a.confidence).unwrap_or(Ordering::Equal));
    candidates.truncate(max_boxes);
    candidates
}

/// Intersection over union, 0.0 to 1.0; 0.0 for boxes that do not touch.
pub fn iou(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let intersection = width * height;
    let union = area(a) + area(b) - intersection;
    if union > 0.0 { intersection / union } else { 0.0 }
}

fn area(bounds: &[f32; 4]) -> f32 {
    (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(class: usize, confidence: f32, bounds: [f32; 4]) -> Candidate {
        Candidate { class, confidence, bounds }
    }

    const PER_CLASS: Suppression = Suppression { iou: 0.5, is_agnostic: false, max_boxes: 300 };

    #[test]
    fn boxes_that_touch_only_at_corners_do_not_overlap() {
        // An unclamped intersection would give two far boxes a positive area.
        assert_eq!(iou(&[0.0, 0.0, 10.0, 10.0], &[9.5, 19.5, 19.5, 29.5]), 0.0);
        assert_eq!(iou(&[0.0, 0.0, 10.0, 10.0], &[30.0, 30.0, 40.0, 40.0]), 0.0);
        assert_eq!(iou(&[0.0, 0.0, 10.0, 10.0], &[0.0, 0.0, 10.0, 10.0]), 1.0);
        assert_eq!(iou(&[5.0; 4], &[5.0; 4]), 0.0);
    }

    #[test]
    fn an_overlap_of_exactly_the_limit_is_kept() {
        let a = candidate(0, 0.9, [0.0, 0.0, 10.0, 10.0]);
        let b = candidate(0, 0.8, [0.0, 0.0, 10.0, 5.0]); // IoU 0.5
        assert_eq!(suppress(vec![a, b], &PER_CLASS), [a, b]);
        let strict = Suppression { iou: 0.499, ..PER_CLASS };
        assert_eq!(suppress(vec![a, b], &strict), [a]);
    }

    #[test]
    fn classes_are_compared_only_if_agnostic() {
        let a = candidate(0, 0.8, [0.0, 0.0, 10.0, 10.0]);
        let b = candidate(1, 0.9, [0.0, 0.0, 10.0, 10.0]);
        assert_eq!(suppress(vec![a, b], &PER_CLASS), [b, a]);
        assert_eq!(suppress(vec![a, b], &Suppression { is_agnostic: true, ..PER_CLASS }), [b]);
    }

    #[test]
    fn ties_keep_the_models_order() {
        let boxes: Vec<_> = (0..5)
            .map(|i| candidate(i, 0.5, [i as f32 * 20.0, 0.0, i as f32 * 20.0 + 5.0, 5.0]))
            .collect();
        assert_eq!(suppress(boxes.clone(), &PER_CLASS), boxes);
        assert_eq!(suppress(boxes.clone(), &Suppression { max_boxes: 2, ..PER_CLASS }), boxes[..2]);
    }

    /// The textbook algorithm: the box of highest confidence removes the boxes that it overlaps,
    /// until none is left.
    fn textbook(mut pool: Vec<Candidate>, options: &Suppression) -> Vec<Candidate> {
        let mut kept = Vec::new();
        while !pool.is_empty() && kept.len() < options.max_boxes {
            let mut best = 0;
            for i in 1..pool.len() {
                if pool[i].confidence > pool[best].confidence {
                    best = i;
                }
            }
            let winner = pool.remove(best);
            pool.retain(|other| {
                !(options.is_agnostic || other.class == winner.class)
                    || iou(&winner.bounds, &other.bounds) <= options.iou
            });
            kept.push(winner);
        }
        kept
    }

    prop_compose! {
        fn any_candidate()(
            class in 0usize..3, step in 0u8..20, x in 0f32..50.0, y in 0f32..50.0,
            w in 0f32..40.0, h in 0f32..40.0,
        ) -> Candidate {
            candidate(class, f32::from(step) / 20.0, [x, y, x + w, y + h])
        }
    }

    proptest! {
        #[test]
        fn result_equals_the_textbook_algorithm(
            pool in prop::collection::vec(any_candidate(), 0..80),
            iou in 0f32..1.0, is_agnostic in any::<bool>(), max_boxes in 0usize..40,
        ) {
            let options = Suppression { iou, is_agnostic, max_boxes };
            prop_assert_eq!(suppress(pool.clone(), &options), textbook(pool, &options));
        }
    }
}
