//! What became of packets and pictures, in the order in which that was decided.
//!
//! There is a bounded number of columns, each for as many decisions as the others. When they are
//! full, two become one: so a minute and a day take the same memory, no decision is lost, and of a
//! short source each has a column of its own.

use std::collections::BTreeMap;

use serde::Serialize;

use super::listener::EventFields;

/// Columns at most. They are more than a screen is wide: the page can look closer at some.
const COLUMNS: usize = 8192;

/// All decisions, in columns.
#[derive(Clone, Debug)]
pub(super) struct Decisions {
    /// How many decisions a column holds, but for the last.
    width: u64,
    columns: Vec<Column>,
    /// Verdicts and their reasons, each with its number.
    kinds: BTreeMap<(String, String), usize>,
}

/// Decisions that were made one after another.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Column {
    /// The least and the greatest pts among them, in ticks.
    pts: Option<(i64, i64)>,
    /// By the number of their kind.
    parts: BTreeMap<usize, Part>,
}

/// Decisions of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    count: u64,
    /// Of their packets, together.
    bytes: u64,
}

/// All decisions, as the report shows them.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    width: u64,
    columns: &'a [Column],
    /// By their numbers.
    kinds: Vec<Kind<'a>>,
}

/// A verdict and its reason.
#[derive(Debug, Serialize)]
struct Kind<'a> {
    verdict: &'a str,
    why: &'a str,
    #[serde(flatten)]
    total: Part,
}

impl Default for Decisions {
    fn default() -> Self {
        Self { width: 1, columns: Vec::new(), kinds: BTreeMap::new() }
    }
}

impl Decisions {
    /// Adds the decision that was made last.
    pub(super) fn add(&mut self, decision: EventFields) {
        let EventFields { verdict, why, pts, bytes, .. } = decision;
        let number = self.kinds.len();
        let kind = *self.kinds.entry((verdict, why)).or_insert(number);
        if self.columns.last().is_none_or(|last| last.count() >= self.width) {
            self.make_room();
            self.columns.push(Column::default());
        }
        if let Some(last) = self.columns.last_mut() {
            last.add(&Column {
                pts: pts.map(|pts| (pts, pts)),
                parts: BTreeMap::from([(kind, Part { count: 1, bytes })]),
            });
        }
    }

    fn make_room(&mut self) {
        if self.columns.len() < COLUMNS {
            return;
        }
        self.width = self.width.saturating_mul(2);
        let together = |pair: &[Column]| {
            let mut both = Column::default();
            pair.iter().for_each(|column| both.add(column));
            both
        };
        self.columns = self.columns.chunks(2).map(together).collect();
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, number)| **number);
        let kinds = kinds.into_iter().map(|((verdict, why), number)| Kind {
            verdict,
            why,
            total: self.columns.iter().filter_map(|column| column.parts.get(number)).sum(),
        });
        Shown { width: self.width, columns: &self.columns, kinds: kinds.collect() }
    }
}

impl Column {
    fn count(&self) -> u64 {
        self.parts.values().map(|part| part.count).sum()
    }

    fn add(&mut self, other: &Self) {
        self.pts = match (self.pts, other.pts) {
            (Some((least, most)), Some(pts)) => Some((least.min(pts.0), most.max(pts.1))),
            (one, other) => one.or(other),
        };
        for (kind, part) in &other.parts {
            let sum = self.parts.entry(*kind).or_default();
            *sum = [*sum, *part].iter().sum();
        }
    }
}

impl<'a> std::iter::Sum<&'a Part> for Part {
    fn sum<I: Iterator<Item = &'a Part>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            count: sum.count + part.count,
            bytes: sum.bytes.saturating_add(part.bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many decisions, every third of them `kept`; the n-th is of the n-th tick and of n bytes.
    fn decisions(count: u64) -> Decisions {
        let mut decisions = Decisions::default();
        for place in 0..count {
            let verdict = if place % 3 == 0 { "kept" } else { "left out" };
            let pts = i64::try_from(place).ok();
            let (verdict, why) = (verdict.into(), "a reason".into());
            decisions.add(EventFields {
                verdict,
                why,
                pts,
                bytes: place,
                ..EventFields::default()
            });
        }
        decisions
    }

    #[test]
    fn few_decisions_have_a_column_each() {
        let decisions = decisions(COLUMNS as u64);
        assert_eq!((decisions.width, decisions.columns.len()), (1, COLUMNS));
        for (place, column) in decisions.columns.iter().enumerate() {
            let place = i64::try_from(place).unwrap();
            assert_eq!((column.pts, column.count()), (Some((place, place)), 1));
        }
    }

    #[test]
    fn of_many_none_is_lost() {
        let count = 10 * COLUMNS as u64 + 7;
        let decisions = decisions(count);
        assert!(decisions.columns.len() <= COLUMNS);
        let shown = decisions.shown();
        let totals: Vec<_> = shown.kinds.iter().map(|kind| (kind.verdict, kind.total)).collect();
        let part = |wanted: bool| {
            let places = (0..count).filter(|place| (place % 3 == 0) == wanted);
            Part { count: places.clone().count() as u64, bytes: places.sum() }
        };
        assert_eq!(totals, [("kept", part(true)), ("left out", part(false))]);
        let (last, whole) = decisions.columns.split_last().unwrap();
        assert!(whole.iter().all(|column| column.count() == decisions.width));
        assert_eq!(last.pts.unwrap().1, i64::try_from(count - 1).unwrap());
        for (column, next) in decisions.columns.iter().zip(&decisions.columns[1..]) {
            assert_eq!(column.pts.unwrap().1 + 1, next.pts.unwrap().0);
        }
    }

    #[test]
    fn what_has_no_tick_counts_too() {
        let mut decisions = Decisions::default();
        decisions.add(EventFields::default());
        assert_eq!((decisions.columns[0].pts, decisions.columns[0].count()), (None, 1));
    }
}
