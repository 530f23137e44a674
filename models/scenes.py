"""Synthetic scenes for the demo detector: an image and the boxes of its objects.

Everything is a pure function of a seed, so a scene is named by one number and
"unseen" means "a seed that training never used". Colours are RGB, boxes are
`class, x1, y1, x2, y2` in pixels of the picture, clipped to it.
"""

import cv2
import numpy as np

CLASSES = ("circle", "square", "triangle", "star", "cross", "heart")
INPUT_SIZE = 320
PAD = 114
SIZES = ((16, 9), (16, 9), (4, 3), (1, 1), (3, 4), (9, 16))
# Labels cover whole objects, so an object may be hidden only as far as a viewer can complete it.
MIN_VISIBLE = 0.6
SHIFT = 4
# Without letters that look like a class: O is a circle, X a cross, Q nearly one.
LETTERS = "ABEFGHJKLMNPRSTUVWYZ2345679"


def outline(name):
    """The shape's contour as a polygon of radius about 1 around the origin."""
    if name == "circle":
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        return np.stack([np.cos(turn), np.sin(turn)], 1)
    if name == "square":
        return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.82
    if name == "triangle":
        return spokes([1.1, 1.1, 1.1])
    if name == "star":
        return spokes([1.1, 0.46] * 5)
    if name == "cross":
        arm = 0.34
        return np.array([
            [-arm, -1], [arm, -1], [arm, -arm], [1, -arm], [1, arm], [arm, arm],
            [arm, 1], [-arm, 1], [-arm, arm], [-1, arm], [-1, -arm], [-arm, -arm],
        ])
    if name == "heart":
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        x = 16 * np.sin(turn) ** 3
        y = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
        return np.stack([x, -y - 2.5], 1) / 15.5
    raise ValueError(f"no shape is called {name}")


def spokes(radii):
    """A polygon with one corner on each of the evenly spread radii, the first pointing up."""
    radii = np.asarray(radii)
    turn = np.arange(len(radii)) * 2 * np.pi / len(radii) - np.pi / 2
    return np.stack([np.cos(turn), np.sin(turn)], 1) * radii[:, None]


def place(name, centre, radius, angle=0.0, squash=1.0):
    """The contour of a shape in pixels, stretched by `squash` and then turned by `angle` radians."""
    points = outline(name) * [radius * squash, radius / squash]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + np.asarray(centre, float)


def bounds(contour):
    """The smallest box around a contour: x1, y1, x2, y2."""
    return np.concatenate([contour.min(0), contour.max(0)])


def coverage(contour, width, height):
    """How much of each pixel a contour covers, with the top-left corner of the window it fills.

    Returns None when the contour lies outside the picture. The window keeps the cost of an
    object proportional to its own size.
    """
    x1, y1, x2, y2 = bounds(contour)
    left, top = max(int(x1) - 2, 0), max(int(y1) - 2, 0)
    right, bottom = min(int(x2) + 3, width), min(int(y2) + 3, height)
    if right <= left or bottom <= top:
        return None
    mask = np.zeros((bottom - top, right - left), np.uint8)
    # OpenCV's pixel centres are at whole numbers, those of this module at .5.
    points = np.round((contour - [left + 0.5, top + 0.5]) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, lineType=cv2.LINE_AA, shift=SHIFT)
    return mask, left, top


def blend(canvas, mask, left, top, colours):
    """Paints `colours` (one colour or a patch of the mask's size) where the mask covers."""
    height, width = mask.shape
    window = canvas[top:top + height, left:left + width]
    alpha = mask[..., None].astype(np.float32) / 255
    window += (colours - window) * alpha


def draw(canvas, contour, colours):
    """Paints a contour in one colour on a float32 RGB canvas, in place."""
    covered = coverage(contour, canvas.shape[1], canvas.shape[0])
    if covered is not None:
        blend(canvas, *covered, np.asarray(colours, np.float32))


def random_colour(rng):
    return rng.uniform(0, 255, 3).astype(np.float32)


def contrasting_colour(rng, other, distance=75):
    """A colour that differs visibly from `other`; the last try if all were too similar."""
    for _ in range(12):
        colour = random_colour(rng)
        if np.linalg.norm(colour - other) > distance:
            break
    return colour


def ramp(rng, height, width):
    """A slope from 0 to 1 across a patch in a random direction, as height x width x 1."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = np.cos(angle) * x / max(width, 1) + np.sin(angle) * y / max(height, 1)
    low, high = float(slope.min()), float(slope.max())
    return ((slope - low) / max(high - low, 1e-6))[..., None]


def texture(rng, height, width, colour):
    """A patch around one colour: flat, graded, striped, checked or speckled."""
    kind = rng.choice(["flat", "flat", "graded", "graded", "stripes", "checks", "speckle"])
    second = np.clip(colour + rng.uniform(-70, 70, 3), 0, 255).astype(np.float32)
    if kind == "flat":
        return colour
    if kind == "speckle":
        grain = rng.standard_normal((height, width, 1), dtype=np.float32)
        return colour + grain * rng.uniform(8, 28)
    slope = ramp(rng, height, width)
    if kind == "stripes":
        slope = (np.sin(slope * rng.uniform(12, 50)) > 0).astype(np.float32)
    if kind == "checks":
        cell = max(3, int(min(height, width) / rng.uniform(3, 8)))
        y, x = np.mgrid[0:height, 0:width]
        slope = ((x // cell + y // cell) % 2).astype(np.float32)[..., None]
    return colour + (second - colour) * slope


def cloud(rng, height, width):
    """Noise with the falling spectrum of photographs, from 0 to 1."""
    total = np.zeros((height, width), np.float32)
    weight, cells = 1.0, int(rng.integers(2, 5))
    for _ in range(5):
        field = rng.standard_normal((cells + 1, cells + 1), dtype=np.float32)
        total += weight * cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
        weight, cells = weight * rng.uniform(0.35, 0.6), cells * 2
    total -= total.min()
    return (total / max(float(total.max()), 1e-6))[..., None]


def background(rng, height, width):
    """A backdrop: flat, graded, cloudy, or a horizon between two of them."""
    kind = rng.choice(["flat", "graded", "cloud", "cloud", "horizon"])
    low, high = random_colour(rng), random_colour(rng)
    canvas = np.empty((height, width, 3), np.float32)
    if kind == "flat":
        canvas[:] = low
    elif kind == "graded":
        canvas[:] = low + (high - low) * ramp(rng, height, width)
    else:
        canvas[:] = low + (high - low) * cloud(rng, height, width)
    if kind == "horizon":
        line = int(height * rng.uniform(0.3, 0.8))
        below, far = random_colour(rng), random_colour(rng)
        canvas[line:] = below + (far - below) * ramp(rng, height - line, width)
    return canvas


def clutter(rng, canvas):
    """Distractors of none of the classes, so that the detector learns to ignore them."""
    height, width = canvas.shape[:2]
    size = max(height, width)
    for _ in range(int(rng.integers(0, 7))):
        centre = rng.uniform(0, 1, 2) * [width, height]
        angle = rng.uniform(0, np.pi)
        colour = random_colour(rng)
        kind = rng.choice(["bar", "bar", "line", "curve", "text", "sliver"])
        reach = size * np.exp(rng.uniform(np.log(0.04), np.log(0.4)))
        if kind == "bar":
            draw(canvas, place("square", centre, reach, angle, rng.uniform(1.8, 3)), colour)
        elif kind == "sliver":
            draw(canvas, place("circle", centre, reach, angle, rng.uniform(1.7, 2.5)), colour)
        elif kind == "line":
            draw(canvas, place("square", centre, reach, angle, rng.uniform(4, 8)), colour)
        elif kind == "curve":
            axes = (int(reach), int(reach * rng.uniform(0.3, 0.9)))
            start = int(rng.integers(0, 360))
            cv2.ellipse(canvas, tuple(int(c) for c in centre), axes, np.degrees(angle), start,
                        start + int(rng.integers(40, 150)), tuple(float(c) for c in colour),
                        max(1, int(size * rng.uniform(0.003, 0.012))), cv2.LINE_AA)
        else:
            letters = "".join(rng.choice(list(LETTERS), int(rng.integers(1, 7))))
            mask = np.zeros((height, width), np.uint8)
            cv2.putText(mask, letters, tuple(int(c) for c in centre), cv2.FONT_HERSHEY_SIMPLEX,
                        size * rng.uniform(0.001, 0.005), 255,
                        max(1, int(size * rng.uniform(0.002, 0.008))), cv2.LINE_AA)
            blend(canvas, mask, 0, 0, colour)


class Owners:
    """The object that each pixel shows, to limit how far objects are hidden.

    Index 0 is the background; object `i` has index `i + 1`. `whole` is an object's area with the
    parts outside the picture counted in.
    """

    def __init__(self, height, width):
        self.pixels = np.zeros((height, width), np.uint8)
        self.whole = [1.0]

    def allows(self, mask, left, top, area):
        """Whether all objects, also this one, stay visible enough after painting the mask."""
        inside = mask > 127
        if inside.sum() < MIN_VISIBLE * area:
            return False
        window = self.window(mask, left, top)
        hidden = np.bincount(window[inside], minlength=len(self.whole))
        shown = np.bincount(self.pixels.ravel(), minlength=len(self.whole))
        left_over = (shown - hidden)[1:]
        return bool(np.all(left_over >= MIN_VISIBLE * np.array(self.whole[1:])))

    def claim(self, mask, left, top, area):
        """Records a new object."""
        self.window(mask, left, top)[mask > 127] = len(self.whole)
        self.whole.append(area)

    def hide(self, mask, left, top):
        """Records something without a class in front of the objects."""
        self.window(mask, left, top)[mask > 127] = 0

    def window(self, mask, left, top):
        return self.pixels[top:top + mask.shape[0], left:left + mask.shape[1]]


def paint_object(rng, canvas, contour, covered):
    """Paints one object with its texture and, at times, a shadow and a rim."""
    mask, left, top = covered
    height, width = mask.shape
    behind = canvas[top:top + height, left:left + width].mean((0, 1))
    colour = contrasting_colour(rng, behind)
    size = float(np.ptp(contour, 0).max())
    if rng.random() < 0.2:
        draw(canvas, contour + size * rng.uniform(0.03, 0.1, 2), behind * rng.uniform(0.3, 0.7))
    if rng.random() < 0.25:
        blend(canvas, mask, left, top, contrasting_colour(rng, behind))
        centre = contour.mean(0)
        inner = coverage(centre + (contour - centre) * rng.uniform(0.72, 0.9),
                         canvas.shape[1], canvas.shape[0])
        if inner is None:
            return
        mask, left, top = inner
        height, width = mask.shape
    blend(canvas, mask, left, top, texture(rng, height, width, colour))


def add_objects(rng, canvas, count):
    """Paints up to `count` objects and returns their labels."""
    height, width = canvas.shape[:2]
    size = max(height, width)
    owners, labels = Owners(height, width), []
    for _ in range(count * 3):
        if len(labels) == count:
            break
        name = int(rng.integers(len(CLASSES)))
        radius = size * np.exp(rng.uniform(np.log(0.028), np.log(0.26)))
        centre = rng.uniform(0, 1, 2) * [width, height]
        squash = np.exp(rng.uniform(-0.12, 0.12))
        contour = place(CLASSES[name], centre, radius, rng.uniform(0, 2 * np.pi), squash)
        area = float(cv2.contourArea(contour.astype(np.float32)))
        covered = coverage(contour, width, height)
        if covered is None or not owners.allows(*covered, area):
            continue
        owners.claim(*covered, area)
        paint_object(rng, canvas, contour, covered)
        box = np.clip(bounds(contour), 0, [width, height, width, height])
        labels.append([name, *box])
    if rng.random() < 0.3:
        add_occluder(rng, canvas, owners)
    return np.array(labels, np.float32).reshape(-1, 5)


def add_occluder(rng, canvas, owners):
    """A pole or branch across the image, unless it would hide too much."""
    height, width = canvas.shape[:2]
    centre = rng.uniform(0, 1, 2) * [width, height]
    contour = place("square", centre, max(height, width) * rng.uniform(0.05, 0.16),
                    rng.uniform(0, np.pi), rng.uniform(3, 6))
    covered = coverage(contour, width, height)
    if covered is not None and owners.allows(*covered, 0.0):
        owners.hide(*covered)
        blend(canvas, *covered, random_colour(rng))


def camera(rng, canvas):
    """The effects of a lens, a sensor and an encoder on an image. Returns uint8."""
    scale = max(canvas.shape[:2]) / INPUT_SIZE
    if rng.random() < 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), scale * rng.uniform(0.3, 1.3))
    if rng.random() < 0.15:
        length = 2 * int(scale * rng.uniform(1, 3)) + 1
        kernel = np.full((1, length), 1 / length, np.float32)
        canvas = cv2.filter2D(canvas, -1, kernel if rng.random() < 0.5 else kernel.T)
    if rng.random() < 0.6:
        gain = rng.uniform(0.55, 1.3) * rng.uniform(0.9, 1.1, 3)
        canvas = (canvas - 128) * gain.astype(np.float32) + 128 + rng.uniform(-45, 45)
    if rng.random() < 0.4:
        grey = canvas.mean(2, keepdims=True)
        canvas = canvas + (grey - canvas) * rng.uniform(0.2, 0.7)
    if rng.random() < 0.5:
        grain = rng.standard_normal(canvas.shape, dtype=np.float32)
        canvas = canvas + grain * rng.uniform(1, 14)
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(22, 95))]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
    return picture


def scene(seed, size=None):
    """The scene of a seed: an RGB image (uint8) and its labels (float32, one row per object).

    `size` is (width, height); without it the seed picks one, with a long side of 320 to 640.
    """
    rng = np.random.default_rng(seed)
    across, down = SIZES[rng.integers(len(SIZES))]
    long_side = int(rng.choice([320, 320, 480, 640]))
    unit = long_side / max(across, down)
    width, height = size or (round(across * unit), round(down * unit))
    canvas = background(rng, height, width)
    clutter(rng, canvas)
    count = 0 if rng.random() < 0.06 else int(rng.integers(1, 11))
    labels = add_objects(rng, canvas, count)
    return camera(rng, canvas), labels


def letterbox(picture, labels, size=INPUT_SIZE):
    """Fits an image into the detector's square input and transforms its labels.

    Returns the picture, the labels, and (scale, left, top), which undo it.
    """
    height, width = picture.shape[:2]
    scale = size / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    square = np.full((size, size, 3), PAD, np.uint8)
    square[top:top + inner[1], left:left + inner[0]] = cv2.resize(picture, inner)
    moved = labels.copy()
    moved[:, 1:] = moved[:, 1:] * scale + [left, top, left, top]
    return square, moved, (scale, left, top)
