//! Whole conversions that must agree bit for bit.

use proptest::prelude::*;

use super::{
    super::{ChannelOrder, Placement, TensorConverter, TensorSpec},
    canvas::{Canvas, any_canvas, doubling_canvas, side},
    plain_spec, rgb8,
};
use crate::{
    frame_view::{Layout, Orientation},
    simd::Isa,
};

/// A tensor with a placement of any size and borders of any width.
fn any_spec() -> impl Strategy<Value = TensorSpec> {
    let border = || 0_usize..5;
    let placed = (side(), side(), border(), border(), border(), border());
    (placed, any::<bool>()).prop_map(|((width, height, x, y, right, below), bgr)| TensorSpec {
        width: x + width + right,
        height: y + height + below,
        placement: Placement { x, y, width, height },
        channels: if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb },
        scale: [0.017, 1.0 / 255.0, 2.0],
        bias: [-2.1, 0.0, 7.25],
        fill: [114.0, 0.0, 255.0],
    })
}

fn tensor(isa: Isa, canvas: &Canvas, spec: &TensorSpec) -> Vec<f32> {
    let mut out = vec![f32::NAN; spec.values()];
    let view = canvas.view();
    TensorConverter::with_isa(isa, &view, spec).unwrap().run(&view, &mut out).unwrap();
    out
}

/// The pixels of an upright image, turned back to the coded order.
fn coded(image: &[u8], (width, height): (usize, usize), orientation: Orientation) -> Vec<u8> {
    let (mut pixels, mut size) = (image.as_chunks::<3>().0.to_vec(), (width, height));
    for _ in 0..orientation.quarter_turns {
        let (w, h) = (size.1, size.0);
        // A quarter turn back: the right column becomes the top row.
        let turned = (0..w * h).map(|i| pixels[(i % w) * size.0 + size.0 - 1 - i / w]);
        (pixels, size) = (turned.collect(), (w, h));
    }
    if orientation.is_mirrored {
        pixels.chunks_mut(size.0).for_each(<[_]>::reverse);
    }
    pixels.into_flattened()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn all_kernels_give_the_same_tensor(canvas in any_canvas(), spec in any_spec()) {
        let (want, got) =
            (tensor(Isa::scalar(), &canvas, &spec), tensor(Isa::detect(), &canvas, &spec));
        prop_assert!(want.iter().map(|v| v.to_bits()).eq(got.iter().map(|v| v.to_bits())));
    }

    #[test]
    fn a_tensor_holds_the_samples_of_the_image(canvas in any_canvas(), spec in any_spec()) {
        let TensorSpec { width, height, placement, .. } = spec;
        let image = rgb8(Isa::scalar(), &canvas.view(), (placement.width, placement.height));
        let got = tensor(Isa::detect(), &canvas, &spec);
        for (index, &value) in got.iter().enumerate() {
            let (channel, x, y) =
                (index / (width * height), index % width, index / width % height);
            let (column, row) = (x.wrapping_sub(placement.x), y.wrapping_sub(placement.y));
            let component =
                if spec.channels == ChannelOrder::Bgr { 2 - channel } else { channel };
            let sample = if column < placement.width && row < placement.height {
                f32::from(image[3 * (row * placement.width + column) + component])
            } else {
                spec.fill[channel]
            };
            prop_assert_eq!(value, sample * spec.scale[channel] + spec.bias[channel]);
        }
    }

    #[test]
    fn packed_pixels_in_one_step_equal_those_in_planes(canvas in doubling_canvas()) {
        let (width, height) = canvas.view().display_size();
        let planes = tensor(Isa::detect(), &canvas, &plain_spec((width, height)));
        for isa in [Isa::scalar(), Isa::detect()] {
            let packed = rgb8(isa, &canvas.view(), (width, height));
            for (channel, plane) in planes.chunks(width * height).enumerate() {
                let samples = packed.iter().skip(channel).step_by(3).map(|&byte| f32::from(byte));
                prop_assert!(samples.eq(plane.iter().copied()));
            }
        }
    }

    #[test]
    fn turning_only_reorders_pixels(canvas in any_canvas(), size in (side(), side())) {
        let orientation = canvas.orientation;
        let upright = rgb8(Isa::detect(), &canvas.view(), size);
        let unturned = Canvas { orientation: Orientation::default(), ..canvas };
        let coded_size = if orientation.swaps_axes() { (size.1, size.0) } else { size };
        let want = rgb8(Isa::detect(), &unturned.view(), coded_size);
        prop_assert!(coded(&upright, size, orientation) == want);
    }

    #[test]
    fn packed_pixels_of_the_same_size_stay_unchanged(
        canvas in super::canvas::packed().prop_flat_map(|layout| {
            ((side(), side()), any::<u64>())
                .prop_map(move |(size, seed)| Canvas::noise(size, layout, 3, seed))
        }),
    ) {
        let Layout::Packed { bytes, rgb } = canvas.layout else { unreachable!() };
        let size = (canvas.width, canvas.height);
        let rows = canvas.planes[0].bytes.chunks(canvas.planes[0].stride);
        let want: Vec<u8> = rows
            .flat_map(|row| row[..canvas.planes[0].row_bytes].chunks(usize::from(bytes)))
            .flat_map(|pixel| rgb.map(|offset| pixel[usize::from(offset)]))
            .collect();
        prop_assert!(rgb8(Isa::detect(), &canvas.view(), size) == want);
    }
}

#[test]
fn a_converter_keeps_nothing_of_the_last_frame() {
    let layout = Layout::Packed { bytes: 3, rgb: [0, 1, 2] };
    let (first, second) =
        (Canvas::noise((9, 9), layout, 0, 1), Canvas::noise((9, 9), layout, 0, 2));
    let spec = plain_spec((1, 1));
    let mut converter = TensorConverter::new(&first.view(), &spec).unwrap();
    let mut out = [0.0; 3];
    converter.run(&first.view(), &mut out).unwrap();
    converter.run(&second.view(), &mut out).unwrap();
    assert_eq!(out.to_vec(), tensor(Isa::detect(), &second, &spec));
}
