//! Decoding of a model's output tensor to candidate boxes.
//!
//! The numbers are not trusted: boxes that are not finite are dropped, and a shape that does not
//! fit the head is an error.

use crate::head::{Candidate, HeadKind, HeadSpec, Order};

/// Number of anchors processed together, so that their confidences stay in the L1 cache.
const BLOCK: usize = 1024;

/// Decodes the candidates with a confidence over `above`, in the output's order.
///
/// `shape` is the output's shape `[1, a, b]`, and `data` has its `a * b` numbers.
///
/// # Errors
///
/// A message about what does not fit the head.
pub fn decode_head(
    spec: &HeadSpec,
    data: &[f32],
    shape: &[usize],
    above: f32,
) -> Result<Vec<Candidate>, String> {
    let (anchors, values) = dimensions(spec, data, shape)?;
    if values != expected_values(spec) {
        let want = expected_values(spec);
        return Err(format!("{values} values per box instead of {want} in {shape:?}"));
    }
    Ok(match (spec.kind, spec.order) {
        (HeadKind::Yolov10, _) => end_to_end(spec, data, above),
        (HeadKind::Yolov8, Order::Planes) => planes(data, anchors, above),
        (HeadKind::Yolov8, Order::Rows) => rows_without_objectness(data, values, above),
        (HeadKind::Yolov5 | HeadKind::Yolox, _) => {
            return rows_with_objectness(spec, data, values, above);
        }
    })
}

/// The numbers of anchors and of values per anchor; checked against the length of `data`.
fn dimensions(spec: &HeadSpec, data: &[f32], shape: &[usize]) -> Result<(usize, usize), String> {
    let &[1, a, b] = shape else {
        return Err(format!("a shape of [1, a, b] was expected, got {shape:?}"));
    };
    if a.checked_mul(b) != Some(data.len()) || data.is_empty() {
        return Err(format!("{} numbers for the shape {shape:?}", data.len()));
    }
    Ok(match spec.order {
        Order::Rows => (a, b),
        Order::Planes if spec.kind == HeadKind::Yolov8 => (b, a),
        Order::Planes => return Err(format!("the head {} has rows, not planes", spec.kind)),
    })
}

/// Number of values per box.
fn expected_values(spec: &HeadSpec) -> usize {
    match spec.kind {
        HeadKind::Yolov5 | HeadKind::Yolox => spec.classes.saturating_add(5),
        HeadKind::Yolov8 => spec.classes.saturating_add(4),
        HeadKind::Yolov10 => 6,
    }
}

/// Decodes YOLOv8's `[4 + classes, anchors]`. One pass over the class planes finds each anchor's
/// best confidence; the class is looked up only for the few anchors above the threshold.
fn planes(data: &[f32], anchors: usize, above: f32) -> Vec<Candidate> {
    let (boxes, scores) = data.split_at(4 * anchors);
    let mut found = Vec::new();
    let mut best = [above; BLOCK];
    for start in (0..anchors).step_by(BLOCK) {
        let best = &mut best[..BLOCK.min(anchors - start)];
        best.fill(above);
        for plane in scores.chunks_exact(anchors) {
            update_max(best, &plane[start..start + best.len()]);
        }
        for (offset, &confidence) in best.iter().enumerate() {
            if confidence > above {
                let anchor = start + offset;
                let bounds = [0, 1, 2, 3].map(|value| boxes[value * anchors + anchor]);
                let column = scores.iter().skip(anchor).step_by(anchors);
                push(&mut found, first_best(column), corners(bounds));
            }
        }
    }
    found
}

/// Sets each element of `best` to the larger of the pair, ignoring NaN. Compiles to a SIMD `max`.
fn update_max(best: &mut [f32], plane: &[f32]) {
    for (best, &value) in best.iter_mut().zip(plane) {
        *best = if value > *best { value } else { *best };
    }
}

/// Decodes YOLOv8's values in rows: `[cx, cy, w, h, classes…]` per box.
fn rows_without_objectness(data: &[f32], values: usize, above: f32) -> Vec<Candidate> {
    let mut found = Vec::new();
    for row in data.chunks_exact(values) {
        let best = first_best(row[4..].iter());
        if best.1 > above {
            push(&mut found, best, corners([row[0], row[1], row[2], row[3]]));
        }
    }
    found
}

/// Decodes YOLOv5's and YOLOX's rows: `[cx, cy, w, h, objectness, classes…]` per box.
fn rows_with_objectness(
    spec: &HeadSpec,
    data: &[f32],
    values: usize,
    above: f32,
) -> Result<Vec<Candidate>, String> {
    let anchors = data.len() / values;
    if let Some(grid) = spec.grid.filter(|grid| grid.cells() != anchors) {
        return Err(format!("{anchors} boxes for a grid of {} cells", grid.cells()));
    }
    let mut cells = spec.grid.map(|grid| grid.iter());
    let mut found = Vec::new();
    for row in data.chunks_exact(values) {
        let cell = cells.as_mut().and_then(Iterator::next);
        let objectness = row[4];
        if objectness.is_nan() || objectness <= above {
            continue; // class scores are at most 1
        }
        let (class, score) = first_best(row[5..].iter());
        let best = (class, score * objectness);
        if best.1 > above {
            let bounds = [row[0], row[1], row[2], row[3]];
            push(&mut found, best, corners(cell.map_or(bounds, |cell| decode_cell(bounds, cell))));
        }
    }
    Ok(found)
}

/// Decodes YOLOv10's rows: `[x1, y1, x2, y2, confidence, class]` per box; unused rows have
/// confidence 0.
#[expect(clippy::cast_sign_loss, reason = "checked to be 0 or more")]
fn end_to_end(spec: &HeadSpec, data: &[f32], above: f32) -> Vec<Candidate> {
    let mut found = Vec::new();
    for row in data.chunks_exact(6) {
        let (confidence, class) = (row[4], row[5].round());
        if confidence > above && class >= 0.0 && class < spec.classes as f32 {
            push(&mut found, (class as usize, confidence), [row[0], row[1], row[2], row[3]]);
        }
    }
    found
}

/// Index and value of the largest number; the first one if several are equal.
fn first_best<'a>(values: impl Iterator<Item = &'a f32>) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, &value) in values.enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best
}

/// YOLOX's published decoding of a cell's box: `(offset + cell) * stride`, `exp(size) * stride`.
fn decode_cell([x, y, width, height]: [f32; 4], [column, row, stride]: [f32; 3]) -> [f32; 4] {
    [(x + column) * stride, (y + row) * stride, width.exp() * stride, height.exp() * stride]
}

/// Converts centre and size to two corners.
fn corners([x, y, width, height]: [f32; 4]) -> [f32; 4] {
    let (half_width, half_height) = (width / 2.0, height / 2.0);
    [x - half_width, y - half_height, x + half_width, y + half_height]
}

/// Adds a candidate, unless a number is not finite.
fn push(found: &mut Vec<Candidate>, (class, confidence): (usize, f32), bounds: [f32; 4]) {
    if confidence.is_finite() && bounds.iter().all(|side| side.is_finite()) {
        found.push(Candidate { class, confidence, bounds });
    }
}

#[cfg(test)]
mod tests;
