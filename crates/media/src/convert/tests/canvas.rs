//! Frames of every geometry to convert.

use moviola_av::plane::Plane;
use proptest::prelude::*;

use crate::frame_view::{
    ChromaSiting, Depth, FrameColor, FrameView, Layout, Matrix, Orientation, Range,
};

/// A frame that owns its planes.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) layout: Layout,
    pub(super) color: FrameColor,
    pub(super) orientation: Orientation,
    pub(super) planes: Vec<Rows>,
}

/// The rows of a plane, with padding between them.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) bytes: Vec<u8>,
    pub(super) stride: usize,
    pub(super) row_bytes: usize,
    pub(super) rows: usize,
}

impl Canvas {
    /// A frame of zeros with `padding` bytes after each row.
    pub(super) fn new((width, height): (usize, usize), layout: Layout, padding: usize) -> Self {
        let halved = |side: usize, log2: u8| (side + (1 << log2) - 1) >> log2;
        let full = |bytes| (width * bytes, height);
        let sizes = match layout {
            Layout::Gray(depth) => vec![full(depth.bytes())],
            Layout::Packed { bytes, .. } => vec![full(usize::from(bytes))],
            Layout::PlanarRgb(depth) => vec![full(depth.bytes()); 3],
            Layout::SemiPlanar { depth, .. } => {
                let chroma = (2 * depth.bytes() * halved(width, 1), halved(height, 1));
                vec![full(depth.bytes()), chroma]
            }
            Layout::Yuv { depth, log2_width, log2_height } => {
                let chroma =
                    (depth.bytes() * halved(width, log2_width), halved(height, log2_height));
                vec![full(depth.bytes()), chroma, chroma]
            }
        };
        let plane = |(row_bytes, rows): (usize, usize)| {
            let stride = row_bytes + padding;
            let bytes = vec![0; stride * (rows - 1) + row_bytes];
            Rows { bytes, stride, row_bytes, rows }
        };
        Self {
            width,
            height,
            layout,
            color: FrameColor::default(),
            orientation: Orientation::default(),
            planes: sizes.into_iter().map(plane).collect(),
        }
    }

    /// A frame of noise; the padding is noise too.
    pub(super) fn noise(
        size: (usize, usize),
        layout: Layout,
        padding: usize,
        mut seed: u64,
    ) -> Self {
        let mut canvas = Self::new(size, layout, padding);
        for byte in canvas.planes.iter_mut().flat_map(|plane| &mut plane.bytes) {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = seed.to_le_bytes()[7];
        }
        canvas
    }

    pub(super) fn view(&self) -> FrameView<'_> {
        let plane = |index: usize| {
            let rows = self.planes.get(index)?;
            Plane::from_slice(&rows.bytes, rows.stride, rows.row_bytes, rows.rows)
        };
        FrameView {
            width: self.width,
            height: self.height,
            layout: self.layout,
            planes: [plane(0), plane(1), plane(2)],
            color: self.color,
            orientation: self.orientation,
            sample_aspect: (1, 1),
        }
    }

    /// The code of a component (Y, U, V or R, G, B) at a column and row of that component.
    pub(super) fn code(&self, component: usize, x: usize, y: usize) -> u32 {
        let (plane, index, depth) = self.locate(component, x);
        let row = &self.planes[plane].bytes[self.planes[plane].stride * y..];
        let word = match depth.bytes() {
            1 => u32::from(row[index]),
            _ => u32::from(u16::from_le_bytes([row[2 * index], row[2 * index + 1]])),
        };
        (word >> depth.shift).min((1 << depth.bits) - 1)
    }

    /// Sets the code that [`Self::code`] reads.
    pub(super) fn set(&mut self, component: usize, (x, y): (usize, usize), code: u32) {
        let (plane, index, depth) = self.locate(component, x);
        let Rows { bytes, stride, .. } = &mut self.planes[plane];
        let word = (code << depth.shift).to_le_bytes();
        let size = depth.bytes();
        bytes[*stride * y + size * index..][..size].copy_from_slice(&word[..size]);
    }

    /// The plane of a component, the index of the sample in its row, and its depth.
    fn locate(&self, component: usize, x: usize) -> (usize, usize, Depth) {
        match self.layout {
            Layout::Gray(depth) => (0, x, depth),
            Layout::Yuv { depth, .. } => (component, x, depth),
            Layout::PlanarRgb(depth) => ([2, 0, 1][component], x, depth),
            Layout::SemiPlanar { depth, .. } if component == 0 => (0, x, depth),
            Layout::SemiPlanar { depth, is_v_first } => {
                (1, 2 * x + usize::from((component == 2) != is_v_first), depth)
            }
            Layout::Packed { bytes, rgb } => {
                (0, usize::from(bytes) * x + usize::from(rgb[component]), Depth::EIGHT)
            }
        }
    }
}

fn depth() -> impl Strategy<Value = Depth> {
    prop_oneof![
        Just(Depth::EIGHT),
        (9_u8..=16)
            .prop_flat_map(|bits| (Just(bits), 0..=16 - bits))
            .prop_map(|(bits, shift)| Depth { bits, shift }),
    ]
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        depth().prop_map(Layout::Gray),
        (depth(), 0_u8..=2, 0_u8..=2).prop_map(|(depth, log2_width, log2_height)| {
            Layout::Yuv { depth, log2_width, log2_height }
        }),
        (depth(), any::<bool>())
            .prop_map(|(depth, is_v_first)| Layout::SemiPlanar { depth, is_v_first }),
        depth().prop_map(Layout::PlanarRgb),
        packed(),
    ]
}

/// Any packed layout.
pub(super) fn packed() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just((3, [0, 1, 2])),
        Just((3, [2, 1, 0])),
        Just((4, [0, 1, 2])),
        Just((4, [3, 2, 1])),
    ]
    .prop_map(|(bytes, rgb)| Layout::Packed { bytes, rgb })
}

fn color() -> impl Strategy<Value = FrameColor> {
    use Matrix::{Bt601, Bt709, Bt2020, Fcc, Smpte240, YCgCo};
    let matrix = prop::sample::select(vec![Bt601, Bt709, Bt2020, Smpte240, Fcc, YCgCo]);
    let range = prop::sample::select(vec![Range::Limited, Range::Full]);
    use ChromaSiting::{Bottom, BottomLeft, Center, Left, Top, TopLeft};
    let sitings = vec![Left, Center, TopLeft, Top, BottomLeft, Bottom];
    (matrix, range, prop::sample::select(sitings)).prop_map(|(matrix, range, siting)| FrameColor {
        matrix,
        range,
        siting,
    })
}

fn orientation() -> impl Strategy<Value = Orientation> {
    (0_u8..4, any::<bool>())
        .prop_map(|(quarter_turns, is_mirrored)| Orientation { quarter_turns, is_mirrored })
}

/// Sides around multiples of the kernels' vector lengths.
pub(super) fn side() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..=9, 1_usize..=70]
}

/// Noise of every size, layout, colour and orientation.
pub(super) fn any_canvas() -> impl Strategy<Value = Canvas> {
    canvas(layout(), orientation())
}

/// Noise whose chroma has half the columns of luma; two thirds of it are upright.
pub(super) fn doubling_canvas() -> impl Strategy<Value = Canvas> {
    let layout = (0_u8..=2).prop_map(|log2_height| Layout::Yuv {
        depth: Depth::EIGHT,
        log2_width: 1,
        log2_height,
    });
    canvas(layout, prop_oneof![2 => Just(Orientation::default()), 1 => orientation()])
}

fn canvas(
    layout: impl Strategy<Value = Layout>,
    orientation: impl Strategy<Value = Orientation>,
) -> impl Strategy<Value = Canvas> {
    let noise = ((side(), side()), layout, 0_usize..9, any::<u64>())
        .prop_map(|(size, layout, padding, seed)| Canvas::noise(size, layout, padding, seed));
    (noise, color(), orientation).prop_map(|(canvas, color, orientation)| Canvas {
        color,
        orientation,
        ..canvas
    })
}
