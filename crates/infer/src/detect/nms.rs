//! Non-maximum suppression: of boxes that lie over each other, the surest one stays.

use std::cmp::Ordering;

use crate::detect::head::Candidate;

/// More candidates than this, and only the surest are compared: the work is bounded.
pub const MOST_CANDIDATES: usize = 30_000;

/// How overlapping boxes are thinned out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// Of two boxes the less sure goes if they overlap more than this; exactly this much stays.
    pub iou: f32,
    /// Compare boxes of different classes too.
    pub agnostic: bool,
    /// At most this many boxes stay.
    pub most: usize,
}

/// The boxes that stay, the surest first.
///
/// Equal confidences keep the order of `candidates`, so the result is the same on every machine.
pub fn suppress(candidates: Vec<Candidate>, how: &Suppression) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in surest_first(candidates, MOST_CANDIDATES) {
        if kept.len() >= how.most {
            break;
        }
        let rival = |other: &Candidate| {
            (how.agnostic || other.class == candidate.class)
                && iou(&other.bounds, &candidate.bounds) > how.iou
        };
        if !kept.iter().any(rival) {
            kept.push(candidate);
        }
    }
    kept
}

/// The first `most` candidates by falling confidence; equal ones keep their order.
pub fn surest_first(mut candidates: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.confidence.partial_cmp(&a.confidence).unwrap_or(Ordering::Equal));
    candidates.truncate(most);
    candidates
}

/// Intersection over union, 0.0 to 1.0; 0.0 for boxes that do not touch.
pub fn iou(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let shared = width * height;
    let union = area(a) + area(b) - shared;
    if union > 0.0 { shared / union } else { 0.0 }
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

    const ALL: Suppression = Suppression { iou: 0.5, agnostic: false, most: 300 };

    #[test]
    fn boxes_that_touch_only_at_corners_do_not_overlap() {
        // An unclamped intersection would give two far boxes a positive area.
        assert_eq!(iou(&[0.0, 0.0, 10.0, 10.0], &[9.5, 19.5, 19.5, 29.5]), 0.0);
        assert_eq!(iou(&[0.0, 0.0, 10.0, 10.0], &[30.0, 30.0, 40.0, 40.0]), 0.0);
        assert_eq!(iou(&[0.0, 0.0, 10.0, 10.0], &[0.0, 0.0, 10.0, 10.0]), 1.0);
        assert_eq!(iou(&[5.0; 4], &[5.0; 4]), 0.0);
    }

    #[test]
    fn an_overlap_of_exactly_the_limit_stays() {
        let a = candidate(0, 0.9, [0.0, 0.0, 10.0, 10.0]);
        let b = candidate(0, 0.8, [0.0, 0.0, 10.0, 5.0]); // IoU 0.5
        assert_eq!(suppress(vec![a, b], &ALL), [a, b]);
        let strict = Suppression { iou: 0.499, ..ALL };
        assert_eq!(suppress(vec![a, b], &strict), [a]);
    }

    #[test]
    fn classes_compete_only_when_agnostic() {
        let a = candidate(0, 0.8, [0.0, 0.0, 10.0, 10.0]);
        let b = candidate(1, 0.9, [0.0, 0.0, 10.0, 10.0]);
        assert_eq!(suppress(vec![a, b], &ALL), [b, a]);
        assert_eq!(suppress(vec![a, b], &Suppression { agnostic: true, ..ALL }), [b]);
    }

    #[test]
    fn ties_keep_the_models_order() {
        let boxes: Vec<_> = (0..5)
            .map(|i| candidate(i, 0.5, [i as f32 * 20.0, 0.0, i as f32 * 20.0 + 5.0, 5.0]))
            .collect();
        assert_eq!(suppress(boxes.clone(), &ALL), boxes);
        assert_eq!(suppress(boxes.clone(), &Suppression { most: 2, ..ALL }), boxes[..2]);
    }

    /// The textbook: the surest remaining box removes its rivals until none is left.
    fn naive(mut pool: Vec<Candidate>, how: &Suppression) -> Vec<Candidate> {
        let mut kept = Vec::new();
        while !pool.is_empty() && kept.len() < how.most {
            let mut best = 0;
            for i in 1..pool.len() {
                if pool[i].confidence > pool[best].confidence {
                    best = i;
                }
            }
            let winner = pool.remove(best);
            pool.retain(|other| {
                !(how.agnostic || other.class == winner.class)
                    || iou(&winner.bounds, &other.bounds) <= how.iou
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
        fn equals_the_textbook(
            pool in prop::collection::vec(any_candidate(), 0..80),
            iou in 0f32..1.0, agnostic in any::<bool>(), most in 0usize..40,
        ) {
            let how = Suppression { iou, agnostic, most };
            prop_assert_eq!(suppress(pool.clone(), &how), naive(pool, &how));
        }
    }
}
