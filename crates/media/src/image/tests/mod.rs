//! Frames painted by exact formulas are encoded, decoded and compared.

mod color;
mod hostile;
mod rgb;
mod shape;

use moviola_av::plane::Plane;

use super::{Encoded, JpegEncoder, JpegOptions};
use crate::frame_view::{Depth, FrameColor, FrameView, Layout, Matrix, Orientation, Range};

/// Red, green and blue, 0.0 to 1.0.
type Rgb = [f64; 3];

/// A frame that owns its planes.
struct Painted {
    size: (usize, usize),
    layout: Layout,
    color: FrameColor,
    planes: Vec<PlaneBytes>,
    orientation: Orientation,
    sample_aspect: (u32, u32),
}

impl Painted {
    /// Paints each coded pixel with `color_at` of its centre, in pixels from the top left corner.
    fn new(
        size: (usize, usize),
        layout: Layout,
        color: FrameColor,
        color_at: impl Fn(f64, f64) -> Rgb,
    ) -> Self {
        let at = |x: usize, y: usize| color_at(x as f64 + 0.5, y as f64 + 0.5);
        let planes = Painter { size, color, at: &at }.planes(layout);
        let orientation = Orientation::default();
        Self { size, layout, color, planes, orientation, sample_aspect: (1, 1) }
    }

    fn view(&self) -> FrameView<'_> {
        let mut planes = [None; 3];
        for (plane, (bytes, row_bytes, rows)) in planes.iter_mut().zip(&self.planes) {
            let stride = bytes.len() / rows;
            *plane = Some(Plane::from_slice(bytes, stride, *row_bytes, *rows).unwrap());
        }
        FrameView {
            width: self.size.0,
            height: self.size.1,
            layout: self.layout,
            planes,
            color: self.color,
            orientation: self.orientation,
            sample_aspect: self.sample_aspect,
        }
    }
}

/// Kr and Kb of ITU-T H.273, table 4.
fn kr_kb(matrix: Matrix) -> (f64, f64) {
    match matrix {
        Matrix::Bt601 | Matrix::YCgCo => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
        Matrix::Smpte240 => (0.212, 0.087),
        Matrix::Fcc => (0.3, 0.11),
    }
}

/// Y (0 to 1), Pb and Pr (-0.5 to 0.5) as H.273 defines them.
fn ycc([r, g, b]: Rgb, matrix: Matrix) -> [f64; 3] {
    if matrix == Matrix::YCgCo {
        return [0.25 * r + 0.5 * g + 0.25 * b, 0.5 * g - 0.25 * (r + b), 0.5 * (r - b)];
    }
    let (kr, kb) = kr_kb(matrix);
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    [y, (b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr))]
}

/// The code of a value; component 0 is luma, others are chroma.
fn code(value: f64, component: usize, range: Range, bits: u8) -> u16 {
    let unit = f64::from(1_u32 << (bits - 8));
    let largest = f64::from((1_u32 << bits) - 1);
    let code = match (range, component) {
        (Range::Limited, 0) => (219.0 * value + 16.0) * unit,
        (Range::Limited, _) => (224.0 * value + 128.0) * unit,
        (Range::Full, 0) => largest * value,
        (Range::Full, _) => largest * value + 128.0 * unit,
    };
    #[expect(clippy::cast_sign_loss, reason = "clamped")]
    let code = code.round().clamp(0.0, largest) as u16;
    code
}

/// A plane of bytes from samples, with three bytes of padding after each row.
fn pack(rows: impl IntoIterator<Item = Vec<u16>>, depth: Depth) -> PlaneBytes {
    let rows: Vec<Vec<u16>> = rows.into_iter().collect();
    let mut bytes = Vec::new();
    for row in &rows {
        match depth.bytes() {
            1 => bytes.extend(row.iter().map(|&code| code as u8)),
            _ => bytes.extend(row.iter().flat_map(|&code| (code << depth.shift).to_le_bytes())),
        }
        bytes.extend([0xAA; 3]);
    }
    (bytes, rows[0].len() * depth.bytes(), rows.len())
}

/// A painter of the planes of a frame.
struct Painter<'a> {
    size: (usize, usize),
    color: FrameColor,
    /// The colour of a coded pixel.
    at: &'a dyn Fn(usize, usize) -> Rgb,
}

/// The bytes of a plane, the bytes of its rows without padding, and the number of rows.
type PlaneBytes = (Vec<u8>, usize, usize);

impl Painter<'_> {
    /// The codes of a component (Y, Cb or Cr), averaged over the pixels that a sample covers.
    fn codes(&self, component: usize, log2: (u8, u8), bits: u8) -> Vec<Vec<u16>> {
        let (width, height) = self.size;
        let (across, down) = (1_usize << log2.0, 1_usize << log2.1);
        let sample = |x: usize, y: usize| {
            let xs = x * across..width.min((x + 1) * across);
            let ys = y * down..height.min((y + 1) * down);
            let pixels: Vec<(usize, usize)> =
                ys.flat_map(|y| xs.clone().map(move |x| (x, y))).collect();
            let value =
                |&(x, y): &(usize, usize)| ycc((self.at)(x, y), self.color.matrix)[component];
            let mean = pixels.iter().map(value).sum::<f64>() / pixels.len() as f64;
            code(mean, component, self.color.range, bits)
        };
        let columns = width.div_ceil(across);
        (0..height.div_ceil(down)).map(|y| (0..columns).map(|x| sample(x, y)).collect()).collect()
    }

    /// A plane of one component of Y, Cb and Cr.
    fn plane(&self, component: usize, log2: (u8, u8), depth: Depth) -> PlaneBytes {
        pack(self.codes(component, log2, depth.bits), depth)
    }

    /// A plane of interleaved Cb and Cr, or Cr and Cb if `is_v_first`.
    fn chroma_pairs(&self, depth: Depth, is_v_first: bool) -> PlaneBytes {
        let [first, second] =
            if is_v_first { [2, 1] } else { [1, 2] }.map(|c| self.codes(c, (1, 1), depth.bits));
        let join =
            |(a, b): (&Vec<u16>, &Vec<u16>)| a.iter().zip(b).flat_map(|(&a, &b)| [a, b]).collect();
        pack(first.iter().zip(&second).map(join), depth)
    }

    /// A plane of red (component 0), green or blue.
    fn rgb(&self, component: usize, depth: Depth) -> PlaneBytes {
        let sample = |x, y| code((self.at)(x, y)[component], 0, Range::Full, depth.bits);
        let (width, height) = self.size;
        pack((0..height).map(|y| (0..width).map(|x| sample(x, y)).collect()), depth)
    }

    /// A plane of pixels of `bytes` bytes with components at the offsets `rgb`.
    fn packed(&self, bytes: u8, rgb: [u8; 3]) -> PlaneBytes {
        let pixel = |x, y| {
            let mut pixel = vec![7_u16; usize::from(bytes)];
            for (component, &place) in rgb.iter().enumerate() {
                pixel[usize::from(place)] = code((self.at)(x, y)[component], 0, Range::Full, 8);
            }
            pixel
        };
        let (width, height) = self.size;
        let row = |y| (0..width).flat_map(|x| pixel(x, y)).collect();
        pack((0..height).map(row), Depth::EIGHT)
    }

    /// Every plane of a layout.
    fn planes(&self, layout: Layout) -> Vec<PlaneBytes> {
        match layout {
            Layout::Gray(depth) => vec![self.plane(0, (0, 0), depth)],
            Layout::Yuv { depth, log2_width, log2_height } => {
                let log2 =
                    |component| if component == 0 { (0, 0) } else { (log2_width, log2_height) };
                (0..3).map(|c| self.plane(c, log2(c), depth)).collect()
            }
            Layout::SemiPlanar { depth, is_v_first } => {
                vec![self.plane(0, (0, 0), depth), self.chroma_pairs(depth, is_v_first)]
            }
            Layout::Packed { bytes, rgb } => vec![self.packed(bytes, rgb)],
            Layout::PlanarRgb(depth) => [1, 2, 0].map(|c| self.rgb(c, depth)).to_vec(),
        }
    }
}

/// Planar YUV with chroma halved so many times across and down.
fn yuv(bits: u8, log2_width: u8, log2_height: u8) -> Layout {
    Layout::Yuv { depth: Depth { bits, shift: 0 }, log2_width, log2_height }
}

/// A decoded JPEG.
struct Decoded {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    /// How many times chroma is halved across and down; `None` without chroma.
    chroma: Option<(u32, u32)>,
}

impl Decoded {
    /// Red, green and blue of a pixel, 0 to 255.
    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[3 * (y * self.width + x)..][..3].try_into().unwrap()
    }
}

fn decode(image: Encoded<'_>) -> Decoded {
    let file = mozjpeg::Decompress::new_mem(image.bytes).unwrap();
    let (width, height) = file.size();
    assert_eq!((width, height), (image.width, image.height));
    let factors = file.components().iter().map(|part| (part.h_samp_factor, part.v_samp_factor));
    let factors: Vec<_> = factors.map(|(h, v)| (h.cast_unsigned(), v.cast_unsigned())).collect();
    let chroma = (factors.len() == 3).then(|| (factors[0].0.ilog2(), factors[0].1.ilog2()));
    let mut rows = file.rgb().unwrap();
    let pixels = rows.read_scanlines().unwrap();
    Decoded { width, height, pixels, chroma }
}

fn encode_with(view: &FrameView<'_>, options: JpegOptions) -> Decoded {
    decode(JpegEncoder::new(options).unwrap().encode(view).unwrap())
}

/// The largest difference of a pixel's components from the wanted ones, in 8-bit codes.
fn difference(got: [u8; 3], want: Rgb) -> f64 {
    let component = |(&got, want): (&u8, f64)| (f64::from(got) - 255.0 * want).abs();
    got.iter().zip(want).map(component).fold(0.0, f64::max)
}
