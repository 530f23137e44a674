//! Counts of the decisions about packets and frames, in the order in which they were made.
//!
//! The decisions are counted in columns, each for the same number of decisions. The number of
//! columns is bounded: when all are full, each two are merged. So memory doesn't grow with the
//! length of the run, and every decision is counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::listener::EventFields;

/// The most columns: more than the width of a screen in pixels, because the page can zoom in.
const COLUMNS: usize = 8192;

/// The counts of all decisions, in columns.
#[derive(Clone, Debug)]
pub(super) struct Decisions {
    /// The number of decisions in each column; the last may have fewer.
    width: u64,
    columns: Vec<Column>,
    /// The number that identifies each kind, by verdict and reason.
    kinds: BTreeMap<(String, String), usize>,
}

/// The counts of successive decisions.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Column {
    /// The smallest and the largest pts, in ticks; `None` if no decision has a pts.
    pts: Option<(i64, i64)>,
    /// The counts, by the number of the kind.
    parts: BTreeMap<usize, KindTotal>,
}

/// Decisions of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct KindTotal {
    count: u64,
    /// The total size of their packets.
    bytes: u64,
}

/// The decisions as data for the report's page.
#[derive(Debug, Serialize)]
pub(super) struct DecisionsData<'a> {
    width: u64,
    columns: &'a [Column],
    /// The kinds, in the order of their numbers.
    kinds: Vec<DecisionKind<'a>>,
}

/// A verdict and its reason.
#[derive(Debug, Serialize)]
struct DecisionKind<'a> {
    verdict: &'a str,
    why: &'a str,
    #[serde(flatten)]
    total: KindTotal,
}

impl Default for Decisions {
    fn default() -> Self {
        Self { width: 1, columns: Vec::new(), kinds: BTreeMap::new() }
    }
}

impl Decisions {
    /// Adds the latest decision.
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
                parts: BTreeMap::from([(kind, KindTotal { count: 1, bytes })]),
            });
        }
    }

    /// Merges each two columns if all are used.
    fn make_room(&mut self) {
        if self.columns.len() < COLUMNS {
            return;
        }
        self.width = self.width.saturating_mul(2);
        let merge = |pair: &[Column]| {
            let mut both = Column::default();
            pair.iter().for_each(|column| both.add(column));
            both
        };
        self.columns = self.columns.chunks(2).map(merge).collect();
    }

    pub(super) fn data(&self) -> DecisionsData<'_> {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, number)| **number);
        let kinds = kinds.into_iter().map(|((verdict, why), number)| DecisionKind {
            verdict,
            why,
            total: self.columns.iter().filter_map(|column| column.parts.get(number)).sum(),
        });
        DecisionsData { width: self.width, columns: &self.columns, kinds: kinds.collect() }
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

impl<'a> std::iter::Sum<&'a KindTotal> for KindTotal {
    fn sum<I: Iterator<Item = &'a KindTotal>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            count: sum.count + part.count,
            bytes: sum.bytes.saturating_add(part.bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` decisions, every third of them `kept`; decision n has pts n and n bytes.
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
    fn merged_columns_count_all_decisions() {
        let count = 10 * COLUMNS as u64 + 7;
        let decisions = decisions(count);
        assert!(decisions.columns.len() <= COLUMNS);
        let data = decisions.data();
        let totals: Vec<_> = data.kinds.iter().map(|kind| (kind.verdict, kind.total)).collect();
        let part = |wanted: bool| {
            let places = (0..count).filter(|place| (place % 3 == 0) == wanted);
            KindTotal { count: places.clone().count() as u64, bytes: places.sum() }
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
    fn decisions_without_pts_are_counted() {
        let mut decisions = Decisions::default();
        decisions.add(EventFields::default());
        assert_eq!((decisions.columns[0].pts, decisions.columns[0].count()), (None, 1));
    }
}
