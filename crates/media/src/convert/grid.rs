//! Where the samples of a plane are read, and its rows read there.

use moviola_av::plane::Plane;

use super::{
    axis::{Axis, RowTap, Siting},
    geometry::halved,
};
use crate::{
    frame_view::Depth,
    simd::{Isa, Lanes, Taps, lanes},
};

/// Where the samples of a plane, or of planes alike, are read.
#[derive(Debug)]
pub(super) struct Grid {
    isa: Isa,
    depth: Depth,
    /// Samples of a row; a pair of chroma counts once.
    width: usize,
    rows: Vec<RowTap>,
    columns: Taps,
    /// Whether columns are taken as they are.
    as_they_are: bool,
}

/// A row between its two steps.
#[derive(Debug)]
pub(super) struct Line {
    blended: Vec<Lanes<i16>>,
    sampled: Vec<Lanes<i16>>,
}

impl Line {
    /// Room for rows of luma, of its chroma, or of pairs of chroma at half its width.
    pub(super) fn new(across: Axis) -> Self {
        Self {
            // Kernels like to load nine pairs at once, the last of them too.
            blended: vec![[0; 16]; lanes(across.input + 18)],
            sampled: vec![[0; 16]; lanes(across.output)],
        }
    }
}

impl Grid {
    /// The places in a plane that has its samples at `siting` of two axes of luma.
    pub(super) fn new(
        isa: Isa,
        depth: Depth,
        [across, down]: [Axis; 2],
        [column, row]: [Siting; 2],
    ) -> Self {
        Self {
            isa,
            depth,
            width: halved(across.input, column.log2()),
            rows: down.row_taps(row),
            columns: across.taps(column),
            as_they_are: across.is_identity() && column == Siting::LUMA,
        }
    }

    /// Row `y` of the output, as levels.
    pub(super) fn sample<'a>(
        &self,
        plane: &Plane<'_>,
        y: usize,
        line: &'a mut Line,
    ) -> &'a [Lanes<i16>] {
        self.blend(plane, (y, 1), &mut line.blended);
        if self.as_they_are {
            return &line.blended;
        }
        self.isa.resample(&line.blended, &self.columns, &mut line.sampled);
        &line.sampled
    }

    /// Row `y` of the output in the columns of the plane, as levels; the last one comes twice.
    pub(super) fn blended<'a>(&self, plane: &Plane<'_>, y: usize, line: &'a mut Line) -> &'a [i16] {
        self.blend(plane, (y, 1), &mut line.blended);
        let Some(row) = line.blended.as_flattened_mut().get_mut(..=self.width) else { return &[] };
        if let [.., last, beyond] = row {
            *beyond = *last;
        }
        row
    }

    /// Row `y` of a plane of pairs, as levels of the two components.
    pub(super) fn sample_pairs<'a>(
        &self,
        plane: &Plane<'_>,
        y: usize,
        lines: &'a mut [Line; 2],
    ) -> [&'a [Lanes<i16>]; 2] {
        let [first, second] = lines;
        self.blend(plane, (y, 2), &mut first.blended);
        let out = [first.sampled.as_mut_slice(), second.sampled.as_mut_slice()];
        self.isa.resample_pairs(&first.blended, &self.columns, out);
        [&first.sampled, &second.sampled]
    }

    /// The two input rows that output row `y` lies between, blended; samples come in groups of
    /// `group`.
    fn blend(&self, plane: &Plane<'_>, (y, group): (usize, usize), out: &mut [Lanes<i16>]) {
        let Some(tap) = self.rows.get(y) else { return };
        let rows = tap.rows.map(|row| plane.row(row).unwrap_or_default());
        let Some(out) = out.as_flattened_mut().get_mut(..self.width * group) else { return };
        match self.depth.bytes() {
            1 => self.isa.blend8(rows, tap.weight, out),
            _ => self.isa.blend16(rows, self.depth, tap.weight, out),
        }
    }
}
