//! The one input of an image model, or why there is none.

use crate::error::{Error, Result};
use crate::letterbox::Size;
use crate::model::header::{Declared, F16, F32, Header, Side};
use crate::model::metadata::Metadata;
use crate::session::Picture;

/// The input size of models that leave it open and don't say.
const USUAL: Size = Size { width: 640, height: 640 };
/// The largest stride of models that don't say.
const USUAL_STRIDE: usize = 32;
/// Longer sides are refused: nobody trains such detectors, and the tensor takes memory.
const LONGEST: usize = 8192;

/// Name and shape of the input that takes the picture.
pub(crate) fn picture_input(
    model: &str,
    header: &Header,
    metadata: &Metadata,
    asked: Option<Size>,
) -> Result<(String, Picture)> {
    let refuse = |problem: String, remedy: &str| Error::Model {
        model: model.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let mut inputs = header.inputs();
    let input = match (inputs.pop(), inputs.is_empty()) {
        (Some(only), true) => only,
        (None, _) => return Err(refuse("it has no input".into(), "Use a detection model")),
        (Some(last), false) => {
            inputs.push(last);
            let names: Vec<String> = inputs.iter().map(describe).collect();
            let problem = format!("it wants {} inputs: {}", names.len(), names.join(", "));
            return Err(refuse(problem, "Use a detection model that takes one picture"));
        }
    };
    let half = match input.element {
        Some(F32) => false,
        Some(F16) => true,
        _ => {
            let problem = format!("its input {} is neither f32 nor f16", describe(&input));
            return Err(refuse(problem, "Export it with an f32 input"));
        }
    };
    check_layout(&input).map_err(|(problem, remedy)| refuse(problem, remedy))?;
    let stride = metadata.stride.unwrap_or(USUAL_STRIDE);
    let usual = metadata.image_size.unwrap_or(USUAL);
    let size = choose_size(&input.sides, asked, usual, stride)?;
    let pins = pins(&input.sides, size).map_err(|problem| {
        refuse(problem, "Choose an image size with equal sides, or export it again")
    })?;
    let loose = input.sides.contains(&Side::Free(String::new()));
    Ok((input.name, Picture { size, half, pins, loose }))
}

/// An input or output in a sentence: its name, type and shape.
pub(crate) fn describe(declared: &Declared) -> String {
    let sides: Vec<String> = declared.sides.iter().map(side_text).collect();
    format!("`{}` {}[{}]", declared.name, element_text(declared.element), sides.join(", "))
}

/// A side's length, its name, or a question mark.
pub(crate) fn side_text(side: &Side) -> String {
    match side {
        Side::Fixed(length) => length.to_string(),
        Side::Free(name) if name.is_empty() => "?".into(),
        Side::Free(name) => name.clone(),
    }
}

/// `TensorProto.DataType` by its usual short name.
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
    let name = usize::try_from(element).ok().and_then(|at| known.get(at));
    name.map_or_else(|| format!("type {element}"), |name| (*name).to_owned())
}

/// `[1, 3, height, width]`, with any of them open.
fn check_layout(input: &Declared) -> Result<(), (String, &'static str)> {
    let text = describe(input);
    let [batch, channels, _, last] = input.sides.as_slice() else {
        return Err((format!("its input {text} is no picture"), "Use a detection model"));
    };
    let is = |side: &Side, length: usize| *side == Side::Fixed(length);
    match (batch, channels) {
        (_, channels) if !is(channels, 3) && is(last, 3) => Err((
            format!("its input {text} has the colours last (NHWC)"),
            "Export it with the colours first (NCHW)",
        )),
        (_, Side::Fixed(channels)) if *channels != 3 => Err((
            format!("its input {text} has {channels} channels instead of 3"),
            "Use a model for colour pictures",
        )),
        (Side::Fixed(batch), _) if *batch != 1 => Err((
            format!("its input {text} is for {batch} pictures at once"),
            "Export it for a batch of 1 or of any size",
        )),
        _ => Ok(()),
    }
}

/// The size of the tensor: the model's where it is fixed, else the caller's, else the file's.
fn choose_size(sides: &[Side], asked: Option<Size>, usual: Size, stride: usize) -> Result<Size> {
    let wanted = asked.unwrap_or(usual);
    let choose = |side: &Side, wanted: usize| match *side {
        Side::Fixed(length) if asked.is_some() && wanted != length => Err(format!("{length}")),
        Side::Fixed(length) => Ok(length),
        Side::Free(_) if !wanted.is_multiple_of(stride) => Err(format!("a multiple of {stride}")),
        Side::Free(_) => Ok(wanted),
    };
    let limited = |side: &Side, wanted: usize| match choose(side, wanted) {
        Ok(length) if (1..=LONGEST).contains(&length) => Ok(length),
        Ok(_) => Err(format!("between 1 and {LONGEST}")),
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

/// Lengths for the open sides that have names; one name can't have two lengths.
fn pins(sides: &[Side], size: Size) -> Result<Vec<(String, usize)>, String> {
    let mut pins: Vec<(String, usize)> = Vec::new();
    for (side, length) in sides.iter().zip([1, 3, size.height, size.width]) {
        let Side::Free(name) = side else { continue };
        match pins.iter().find(|(known, _)| known == name) {
            Some((_, other)) if *other != length => {
                return Err(format!("its input uses '{name}' for sides of {other} and {length}"));
            }
            None if !name.is_empty() => pins.push((name.clone(), length)),
            _ => {}
        }
    }
    Ok(pins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Fixed, Free};

    fn free(name: &str) -> Side {
        Free(name.into())
    }

    fn input(sides: [Side; 4]) -> Declared {
        Declared { name: "images".into(), element: Some(F32), sides: sides.into() }
    }

    #[track_caller]
    fn check_size(sides: [Side; 2], asked: Option<(usize, usize)>, want: Option<(usize, usize)>) {
        let [height, width] = sides;
        let sides = [Fixed(1), Fixed(3), height, width];
        let asked = asked.map(|(width, height)| Size { width, height });
        let size = choose_size(&sides, asked, USUAL, 32).ok();
        assert_eq!(size.map(|size| (size.width, size.height)), want);
    }

    #[test]
    fn the_size_is_the_models_the_callers_or_the_usual() {
        check_size([Fixed(416), Fixed(512)], None, Some((512, 416)));
        check_size([Fixed(416), Fixed(416)], Some((416, 416)), Some((416, 416)));
        check_size([Fixed(416), Fixed(416)], Some((640, 640)), None);
        check_size([free("h"), free("w")], Some((320, 192)), Some((320, 192)));
        check_size([free("h"), free("w")], Some((320, 200)), None);
        check_size([free("h"), free("w")], Some((0, 0)), None);
        check_size([free("h"), free("w")], Some((32_768, 32)), None);
        check_size([free("h"), free("w")], None, Some((640, 640)));
        check_size([Fixed(100_000), Fixed(32)], None, None);
    }

    #[test]
    fn other_layouts_are_named() {
        let word = |sides| check_layout(&input(sides)).unwrap_err().0;
        assert!(word([free("N"), Fixed(224), Fixed(224), Fixed(3)]).contains("NHWC"));
        assert!(word([Fixed(1), free(""), free(""), Fixed(3)]).contains("NHWC"));
        assert!(word([Fixed(1), Fixed(1), Fixed(28), Fixed(28)]).contains("1 channels"));
        assert!(word([Fixed(8), Fixed(3), Fixed(64), Fixed(64)]).contains("8 pictures"));
        assert!(check_layout(&input([free("N"), free("C"), free("H"), free("W")])).is_ok());
        assert!(check_layout(&input([Fixed(1), Fixed(3), Fixed(3), Fixed(3)])).is_ok());
        let flat = Declared {
            sides: vec![free("N"), free("T")],
            ..input([Fixed(1), Fixed(3), Fixed(1), Fixed(1)])
        };
        assert!(check_layout(&flat).unwrap_err().0.contains("no picture"));
    }

    #[test]
    fn open_sides_are_pinned_by_name() {
        let size = Size { width: 640, height: 480 };
        let sides = [free("batch"), Fixed(3), free("height"), free("width")];
        let want = [("batch", 1), ("height", 480), ("width", 640)];
        let want = want.map(|(name, length)| (name.to_owned(), length));
        assert_eq!(pins(&sides, size), Ok(want.into()));
        assert_eq!(pins(&[Fixed(1), Fixed(3), free(""), free("")], size), Ok(vec![]));
        assert!(pins(&[Fixed(1), Fixed(3), free("side"), free("side")], size).is_err());
    }

    #[test]
    fn types_have_their_short_names() {
        assert_eq!(element_text(Some(F16)), "f16");
        assert_eq!(element_text(Some(99)), "type 99");
        assert_eq!(element_text(Some(-1)), "type -1");
        assert_eq!(element_text(None), "no tensor");
    }
}
