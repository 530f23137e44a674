//! Reads a picture upright and at another size, row by row.

use moviola_av::plane::Plane;

use super::{
    ConvertError,
    axis::axes,
    direct::Direct,
    geometry::{Geometry, check_side},
    packed::Packed,
    planar::Planar,
};
use crate::{
    frame_view::{FrameView, Layout},
    simd::{Isa, Lanes, lanes},
};

/// Rows that are turned together, a multiple of 16: the length of a turned run.
const BAND: usize = 64;

/// The part that is all of a picture.
const WHOLE: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

/// Takes runs of upright pixels, each pixel once.
pub(super) trait Sink {
    /// Stores a run of red, green and blue that starts at column `x` of row `y`.
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]);

    /// Where row `y` has its place as packed red, green and blue, if that is how it is stored.
    fn packed_row(&mut self, _y: usize) -> Option<&mut [u8]> {
        None
    }
}

/// A plan for pictures of one geometry, with the memory that it needs.
#[derive(Debug)]
pub(super) struct Sampler {
    geometry: Geometry,
    isa: Isa,
    reader: Reader,
    /// A faster way to packed pixels, where there is one.
    direct: Option<Direct>,
    /// Size of the output in the direction of the coded rows.
    width: usize,
    height: usize,
    turned: bool,
    /// Red, green and blue of up to [`BAND`] rows.
    band: [Vec<Lanes<u8>>; 3],
}

/// Input rows to 8-bit rows.
#[derive(Debug)]
enum Reader {
    Planar(Planar),
    Packed(Packed),
}

impl Sampler {
    /// The plan to read `picture`, and others like it, at an upright size.
    pub(super) fn new(
        isa: Isa,
        view: &FrameView<'_>,
        size: (usize, usize),
    ) -> Result<Self, ConvertError> {
        Self::of_part(isa, view, WHOLE, size)
    }

    /// The plan to read a part of `picture`: left, top, right and bottom as fractions of the upright
    /// picture's width and height.
    pub(super) fn of_part(
        isa: Isa,
        view: &FrameView<'_>,
        part: [f64; 4],
        size: (usize, usize),
    ) -> Result<Self, ConvertError> {
        let geometry = Geometry::of(view)?;
        check_side("the output's width", size.0)?;
        check_side("the output's height", size.1)?;
        let axes = axes((geometry.width, geometry.height), geometry.orientation, part, size);
        let reader = match geometry.layout {
            Layout::Packed { bytes, rgb } => Reader::Packed(Packed::new(isa, (bytes, rgb), axes)),
            _ => Reader::Planar(Planar::new(isa, &geometry, axes)),
        };
        let [across, down] = axes;
        let line = || vec![[0; 16]; BAND * lanes(across.output)];
        Ok(Self {
            geometry,
            isa,
            reader,
            direct: Direct::new(isa, &geometry, axes),
            width: across.output,
            height: down.output,
            turned: geometry.orientation.swaps_axes(),
            band: [line(), line(), line()],
        })
    }

    /// The kernels that the plan was made for.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// Whether [`Self::run`] takes this picture; it still needs all its planes.
    pub(super) fn fits(&self, view: &FrameView<'_>) -> bool {
        Geometry::of(view) == Ok(self.geometry)
    }

    /// Reads a picture of the plan's geometry.
    pub(super) fn run(
        &mut self,
        view: &FrameView<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), ConvertError> {
        let planes = self.geometry.planes(view)?;
        if let Reader::Packed(packed) = &mut self.reader {
            packed.start();
        }
        let step = if self.turned { BAND } else { 1 };
        for y in (0..self.height).step_by(step) {
            if let (Some(direct), Some(out)) = (&mut self.direct, sink.packed_row(y)) {
                direct.row(&planes, y, out);
                continue;
            }
            let rows = step.min(self.height - y);
            for row in 0..rows {
                self.read(&planes, y + row, row);
            }
            match self.turned {
                true => self.put_columns(y, rows, sink),
                false => sink.put(0, y, self.band.each_ref().map(|row| self.samples(row))),
            }
        }
        Ok(())
    }

    /// Reads row `y` into row `row` of the band.
    fn read(&mut self, planes: &[Plane<'_>; 3], y: usize, row: usize) {
        let pitch = lanes(self.width);
        let rgb = self.band.each_mut().map(|rows| &mut rows[row * pitch..][..pitch]);
        match &mut self.reader {
            Reader::Planar(planar) => planar.row(planes, y, rgb),
            Reader::Packed(packed) => packed.row(&planes[0], y, rgb),
        }
    }

    /// The first row of a band without its filling.
    fn samples<'a>(&self, row: &'a [Lanes<u8>]) -> &'a [u8] {
        &row.as_flattened()[..self.width]
    }

    /// Hands out the band's columns as rows: the band's first row is column `x` of the output.
    fn put_columns(&self, x: usize, rows: usize, sink: &mut impl Sink) {
        let mut columns = [[[0; BAND]; 16]; 3];
        for lane in 0..lanes(self.width) {
            for (columns, band) in columns.iter_mut().zip(&self.band) {
                self.turn(band, lane, columns);
            }
            for column in 0..16.min(self.width - 16 * lane) {
                let rgb = columns.each_ref().map(|columns| &columns[column][..rows]);
                sink.put(x, 16 * lane + column, rgb);
            }
        }
    }

    /// Turns the 16 columns of one component that start at column `16 * lane`.
    fn turn(&self, band: &[Lanes<u8>], lane: usize, columns: &mut [[u8; BAND]; 16]) {
        let pitch = lanes(self.width);
        for top in (0..BAND).step_by(16) {
            let tile = std::array::from_fn(|row| band[(top + row) * pitch + lane]);
            for (column, turned) in columns.iter_mut().zip(self.isa.transpose(&tile)) {
                column[top..top + 16].copy_from_slice(&turned);
            }
        }
    }
}
