//! The sampler: it reads a frame upright and at another size, row by row.

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

/// Number of rows that are turned together, a multiple of 16: the length of a turned run.
const BAND: usize = 64;

/// The part that is the whole frame: left, top, right and bottom as fractions.
const WHOLE: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

/// A receiver of runs of upright pixels. It gets each pixel once.
pub(super) trait PixelSink {
    /// Stores a run of red, green and blue that starts at column `x` of row `y`.
    fn put(&mut self, x: usize, y: usize, rgb: [&[u8]; 3]);

    /// The memory of row `y` if the sink stores packed red, green and blue; else `None`.
    fn packed_row(&mut self, _y: usize) -> Option<&mut [u8]> {
        None
    }
}

/// A sampler for frames of one geometry, with its tables and buffers.
#[derive(Debug)]
pub(super) struct Sampler {
    geometry: Geometry,
    isa: Isa,
    reader: RowReader,
    /// A faster reader for packed pixels; `None` if the geometry has none.
    direct: Option<Direct>,
    /// Length of the output along the frame's rows.
    width: usize,
    /// Length of the output along the frame's columns.
    height: usize,
    /// Whether rows of the frame become columns of the output.
    is_turned: bool,
    /// Red, green and blue of up to [`BAND`] rows.
    band: [Vec<Lanes<u8>>; 3],
}

/// The reader of a layout: makes rows of 8-bit RGB from input rows.
#[derive(Debug)]
enum RowReader {
    Planar(Planar),
    Packed(Packed),
}

impl Sampler {
    /// A sampler for frames like `view`, whole, to an upright `size`.
    pub(super) fn new(
        isa: Isa,
        view: &FrameView<'_>,
        size: (usize, usize),
    ) -> Result<Self, ConvertError> {
        Self::of_part(isa, view, WHOLE, size)
    }

    /// A sampler for a part of frames like `view`: left, top, right and bottom as fractions of the
    /// upright frame's width and height.
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
            Layout::Packed { bytes, rgb } => {
                RowReader::Packed(Packed::new(isa, (bytes, rgb), axes))
            }
            _ => RowReader::Planar(Planar::new(isa, &geometry, axes)),
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
            is_turned: geometry.orientation.swaps_axes(),
            band: [line(), line(), line()],
        })
    }

    /// The kernels in use.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// Whether the view has this sampler's geometry. Its planes aren't checked.
    pub(super) fn fits(&self, view: &FrameView<'_>) -> bool {
        Geometry::of(view) == Ok(self.geometry)
    }

    /// Reads a frame into `sink`.
    ///
    /// # Errors
    ///
    /// [`ConvertError::OtherGeometry`] or [`ConvertError::Plane`]; the sink got nothing then.
    pub(super) fn run(
        &mut self,
        view: &FrameView<'_>,
        sink: &mut impl PixelSink,
    ) -> Result<(), ConvertError> {
        let planes = self.geometry.planes(view)?;
        if let RowReader::Packed(packed) = &mut self.reader {
            packed.start();
        }
        let step = if self.is_turned { BAND } else { 1 };
        for y in (0..self.height).step_by(step) {
            if let (Some(direct), Some(out)) = (&mut self.direct, sink.packed_row(y)) {
                direct.row(&planes, y, out);
                continue;
            }
            let rows = step.min(self.height - y);
            for row in 0..rows {
                self.read(&planes, y + row, row);
            }
            match self.is_turned {
                true => self.put_columns(y, rows, sink),
                false => sink.put(0, y, self.band.each_ref().map(|row| self.samples(row))),
            }
        }
        Ok(())
    }

    /// Reads output row `y` into row `row` of the band.
    fn read(&mut self, planes: &[Plane<'_>; 3], y: usize, row: usize) {
        let pitch = lanes(self.width);
        let rgb = self.band.each_mut().map(|rows| &mut rows[row * pitch..][..pitch]);
        match &mut self.reader {
            RowReader::Planar(planar) => planar.row(planes, y, rgb),
            RowReader::Packed(packed) => packed.row(&planes[0], y, rgb),
        }
    }

    /// The first row of one component's band, without padding.
    fn samples<'a>(&self, row: &'a [Lanes<u8>]) -> &'a [u8] {
        &row.as_flattened()[..self.width]
    }

    /// Puts the band's columns into `sink` as rows; the band's first row is column `x` there.
    fn put_columns(&self, x: usize, rows: usize, sink: &mut impl PixelSink) {
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

    /// Transposes the 16 columns of one component that start at column `16 * lane`.
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
