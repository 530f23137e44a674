//! The image input of a model: its checks, its size, and its dynamic sides.

use crate::error::{Error, Result};
use crate::letterbox::Size;
use crate::model::header::{Declared, F16, F32, Header, Side};
use crate::model::metadata::Metadata;
use crate::session::{ModelInput, NamedSide};

/// The input size of models with a dynamic size and no metadata.
const DEFAULT_SIZE: Size = Size { width: 640, height: 640 };
/// The stride of models whose metadata has none.
const DEFAULT_STRIDE: usize = 32;
/// The longest side. Detectors are not trained for longer ones, and the tensor takes memory.
const MAX_SIDE: usize = 8192;

/// Finds the input that takes the image. `requested` is the caller's size.
///
/// # Errors
///
/// [`Error::Model`] if the model does not have exactly one image input, [`Error::InvalidArgument`]
/// if it does not accept the requested size.
pub(crate) fn image_input(
    model: &str,
    header: &Header,
    metadata: &Metadata,
    requested: Option<Size>,
) -> Result<ModelInput> {
    let refuse = |problem: String, remedy: &str| Error::Model {
        model: model.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let input =
        single_input(header.inputs()).map_err(|(problem, remedy)| refuse(problem, remedy))?;
    let is_half = match input.element {
        Some(F32) => false,
        Some(F16) => true,
        _ => {
            let problem = format!("its input {} is neither f32 nor f16", describe(&input));
            return Err(refuse(problem, "Export it with an f32 input"));
        }
    };
    check_layout(&input).map_err(|(problem, remedy)| refuse(problem, remedy))?;
    let stride = metadata.stride.unwrap_or(DEFAULT_STRIDE);
    let default_size = metadata.image_size.unwrap_or(DEFAULT_SIZE);
    let size = choose_size(&input.sides, requested, default_size, stride)?;
    let named_sides = named_sides(&input.sides, size).map_err(|problem| {
        refuse(problem, "Choose an image size with equal sides, or export it again")
    })?;
    let has_unnamed_sides = input.sides.contains(&Side::Dynamic(String::new()));
    Ok(ModelInput { name: input.name, size, is_half, named_sides, has_unnamed_sides })
}

/// The model's only input; else the problem and the remedy.
fn single_input(mut inputs: Vec<Declared>) -> Result<Declared, (String, &'static str)> {
    match (inputs.pop(), inputs.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(("it has no input".into(), "Use a detection model")),
        (Some(last), false) => {
            inputs.push(last);
            let names: Vec<String> = inputs.iter().map(describe).collect();
            let problem = format!("it has {} inputs: {}", names.len(), names.join(", "));
            Err((problem, "Use a detection model that takes one image"))
        }
    }
}

/// Describes an input or output for messages: name, type and shape.
pub(crate) fn describe(declared: &Declared) -> String {
    let sides: Vec<String> = declared.sides.iter().map(side_text).collect();
    format!("`{}` {}[{}]", declared.name, element_text(declared.element), sides.join(", "))
}

/// A side's length; its name if it is dynamic; `?` without a name.
pub(crate) fn side_text(side: &Side) -> String {
    match side {
        Side::Fixed(length) => length.to_string(),
        Side::Dynamic(name) if name.is_empty() => "?".into(),
        Side::Dynamic(name) => name.clone(),
    }
}

/// The short name of a `TensorProto.DataType`, such as "f32".
pub(crate) fn element_text(element: Option<i32>) -> String {
    let Some(element) = element else { return "no tensor".into() };
    let known = [
        "undefined",
        "f32",
        "u8",
        "i8",
        "u16",
        "i16",
        "i32",
        "i64",
        "string",
        "bool",
        "f16",
        "f64",
        "u32",
        "u64",
        "c64",
        "c128",
        "bf16",
    ];
    let name = usize::try_from(element).ok().and_then(|number| known.get(number));
    name.map_or_else(|| format!("type {element}"), |name| (*name).to_owned())
}

/// Checks that the shape is `[1, 3, height, width]`, where any side may be dynamic. `Err` has the
/// problem and the remedy.
fn check_layout(input: &Declared) -> Result<(), (String, &'static str)> {
    let text = describe(input);
    let [batch, channels, _, last] = input.sides.as_slice() else {
        return Err((format!("its input {text} is not an image"), "Use a detection model"));
    };
    let is = |side: &Side, length: usize| *side == Side::Fixed(length);
    match (batch, channels) {
        (_, channels) if !is(channels, 3) && is(last, 3) => Err((
            format!("its input {text} has the colours last (NHWC)"),
            "Export it with the colours first (NCHW)",
        )),
        (_, Side::Fixed(channels)) if *channels != 3 => Err((
            format!("its input {text} has {channels} channels instead of 3"),
            "Use a model for colour images",
        )),
        (Side::Fixed(batch), _) if *batch != 1 => Err((
            format!("its input {text} is for a batch of {batch} images"),
            "Export it for a batch of 1 or of any size",
        )),
        _ => Ok(()),
    }
}

/// The size of the input tensor: the model's where it is fixed, else the caller's, else the
/// default.
fn choose_size(
    sides: &[Side],
    requested: Option<Size>,
    default_size: Size,
    stride: usize,
) -> Result<Size> {
    let wanted = requested.unwrap_or(default_size);
    let choose = |side: &Side, wanted: usize| match *side {
        Side::Fixed(length) if requested.is_some() && wanted != length => Err(format!("{length}")),
        Side::Fixed(length) => Ok(length),
        Side::Dynamic(_) if !wanted.is_multiple_of(stride) => {
            Err(format!("a multiple of {stride}"))
        }
        Side::Dynamic(_) => Ok(wanted),
    };
    let limited = |side: &Side, wanted: usize| match choose(side, wanted) {
        Ok(length) if (1..=MAX_SIDE).contains(&length) => Ok(length),
        Ok(_) => Err(format!("between 1 and {MAX_SIDE}")),
        Err(expected) => Err(expected),
    };
    let [_, _, height, width] = sides else { return Ok(wanted) };
    let height = limited(height, wanted.height).map_err(|expected| {
        Error::argument("height of the model's input", &expected, wanted.height)
    })?;
    let width = limited(width, wanted.width).map_err(|expected| {
        Error::argument("width of the model's input", &expected, wanted.width)
    })?;
    Ok(Size { width, height })
}

/// Lengths for the dynamic sides that have names. `Err` if one name would get two lengths.
fn named_sides(sides: &[Side], size: Size) -> Result<Vec<NamedSide>, String> {
    let mut named: Vec<NamedSide> = Vec::new();
    for (side, length) in sides.iter().zip([1, 3, size.height, size.width]) {
        let Side::Dynamic(name) = side else { continue };
        match named.iter().find(|known| known.name == *name) {
            Some(NamedSide { length: other, .. }) if *other != length => {
                return Err(format!("its input uses '{name}' for sides of {other} and {length}"));
            }
            None if !name.is_empty() => named.push(NamedSide { name: name.clone(), length }),
            _ => {}
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Dynamic, Fixed};

    fn dynamic(name: &str) -> Side {
        Dynamic(name.into())
    }

    fn input(sides: [Side; 4]) -> Declared {
        Declared { name: "images".into(), element: Some(F32), sides: sides.into() }
    }

    #[track_caller]
    fn check_size(
        sides: [Side; 2],
        requested: Option<(usize, usize)>,
        want: Option<(usize, usize)>,
    ) {
        let [height, width] = sides;
        let sides = [Fixed(1), Fixed(3), height, width];
        let requested = requested.map(|(width, height)| Size { width, height });
        let size = choose_size(&sides, requested, DEFAULT_SIZE, 32).ok();
        assert_eq!(size.map(|size| (size.width, size.height)), want);
    }

    #[test]
    fn the_size_is_the_models_the_callers_or_the_default() {
        check_size([Fixed(416), Fixed(512)], None, Some((512, 416)));
        check_size([Fixed(416), Fixed(416)], Some((416, 416)), Some((416, 416)));
        check_size([Fixed(416), Fixed(416)], Some((640, 640)), None);
        check_size([dynamic("h"), dynamic("w")], Some((320, 192)), Some((320, 192)));
        check_size([dynamic("h"), dynamic("w")], Some((320, 200)), None);
        check_size([dynamic("h"), dynamic("w")], Some((0, 0)), None);
        check_size([dynamic("h"), dynamic("w")], Some((32_768, 32)), None);
        check_size([dynamic("h"), dynamic("w")], None, Some((640, 640)));
        check_size([Fixed(100_000), Fixed(32)], None, None);
    }

    #[test]
    fn other_layouts_are_errors_that_name_them() {
        let word = |sides| check_layout(&input(sides)).unwrap_err().0;
        assert!(word([dynamic("N"), Fixed(224), Fixed(224), Fixed(3)]).contains("NHWC"));
        assert!(word([Fixed(1), dynamic(""), dynamic(""), Fixed(3)]).contains("NHWC"));
        assert!(word([Fixed(1), Fixed(1), Fixed(28), Fixed(28)]).contains("1 channels"));
        assert!(word([Fixed(8), Fixed(3), Fixed(64), Fixed(64)]).contains("8 images"));
        assert!(
            check_layout(&input([dynamic("N"), dynamic("C"), dynamic("H"), dynamic("W")])).is_ok()
        );
        assert!(check_layout(&input([Fixed(1), Fixed(3), Fixed(3), Fixed(3)])).is_ok());
        let flat = Declared {
            sides: vec![dynamic("N"), dynamic("T")],
            ..input([Fixed(1), Fixed(3), Fixed(1), Fixed(1)])
        };
        assert!(check_layout(&flat).unwrap_err().0.contains("not an image"));
    }

    #[test]
    fn dynamic_sides_get_lengths_by_name() {
        let size = Size { width: 640, height: 480 };
        let sides = [dynamic("batch"), Fixed(3), dynamic("height"), dynamic("width")];
        let want = [("batch", 1), ("height", 480), ("width", 640)];
        let want = want.map(|(name, length)| NamedSide { name: name.to_owned(), length });
        assert_eq!(named_sides(&sides, size), Ok(want.into()));
        assert_eq!(named_sides(&[Fixed(1), Fixed(3), dynamic(""), dynamic("")], size), Ok(vec![]));
        assert!(
            named_sides(&[Fixed(1), Fixed(3), dynamic("side"), dynamic("side")], size).is_err()
        );
    }

    #[test]
    fn types_have_their_short_names() {
        assert_eq!(element_text(Some(F16)), "f16");
        assert_eq!(element_text(Some(99)), "type 99");
        assert_eq!(element_text(Some(-1)), "type -1");
        assert_eq!(element_text(None), "no tensor");
    }
}
