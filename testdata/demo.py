"""The demo clip: three shots of moving shapes, and where they truly are at each keyframe."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
import scenes  # noqa: E402  (found through the line above)

WIDTH, HEIGHT, RATE = 640, 360, 30
KEYFRAME_EVERY = 30
# Frames per shot, objects in it, and the range of their radii. Cuts fall on keyframes.
SHOTS = ((90, 5, (36, 62)), (90, 3, (60, 88)), (120, 8, (22, 44)))
MARGIN = 8


class Actor:
    """One shape that sways around its place and spins."""

    def __init__(self, rng, name, radii):
        self.name = name
        self.radius = rng.uniform(*radii)
        reach = self.radius * 1.15 + MARGIN
        self.sway = rng.uniform(10, 40, 2)
        low = self.sway + reach
        self.home = rng.uniform(low, np.maximum([WIDTH, HEIGHT] - low, low + 1))
        self.pace, self.phase = rng.uniform(0.1, 0.25, 2), rng.uniform(0, 2 * np.pi, 2)
        self.angle, self.spin = rng.uniform(0, 2 * np.pi), rng.uniform(-0.9, 0.9)
        self.colour, self.rim = scenes.random_colour(rng), rng.random() < 0.4

    def centre(self, time):
        return self.home + self.sway * np.sin(2 * np.pi * self.pace * time + self.phase)

    def contour(self, time):
        return scenes.place(self.name, self.centre(time), self.radius, self.angle + self.spin * time)

    def keeps_clear_of(self, other, seconds):
        """Whether the two never touch during a shot."""
        near = (self.radius + other.radius) * 1.1 + MARGIN
        return all(np.linalg.norm(self.centre(t) - other.centre(t)) > near
                   for t in np.arange(0, seconds, 0.1))


def cast(rng, count, radii, seconds):
    """Shapes that stay apart, as varied in class as their count allows."""
    actors, names = [], list(rng.permutation(scenes.CLASSES))
    while len(actors) < count:
        actor = Actor(rng, names[len(actors) % len(names)], radii)
        if all(actor.keeps_clear_of(other, seconds) for other in actors):
            actors.append(actor)
    return actors


def paint(canvas, actor, time):
    """Draws shadow, rim and body; the body keeps its distance in colour from what is behind."""
    contour, centre = actor.contour(time), actor.centre(time)
    scenes.draw(canvas, contour + actor.radius * 0.12, np.float32([30, 30, 36]))
    if actor.rim:
        scenes.draw(canvas, contour, np.float32([245, 245, 240]))
        contour = centre + (contour - centre) * 0.82
    scenes.draw(canvas, contour, actor.colour)


def shots(seed):
    """Yields (background, actors, frames) for each shot."""
    rng = np.random.default_rng(seed)
    for frames, count, radii in SHOTS:
        low, high = (scenes.random_colour(rng) * 0.5 + 60 for _ in range(2))
        # Smooth, because detail in the background would cost most of the clip's bytes.
        backdrop = low + (high - low) * cv2.GaussianBlur(scenes.cloud(rng, HEIGHT, WIDTH), (0, 0), 20)[..., None]
        actors = cast(rng, count, radii, frames / RATE)
        middle = backdrop.mean((0, 1))
        for actor in actors:
            actor.colour = scenes.contrasting_colour(rng, middle, 130)
        yield backdrop, actors, frames


def film(seed=7):
    """All frames as bytes of packed RGB, and the true objects of every keyframe."""
    pictures, keyframes = [], []
    for backdrop, actors, frames in shots(seed):
        for step in range(frames):
            if len(pictures) % KEYFRAME_EVERY == 0:
                keyframes.append(truth(len(keyframes), len(pictures), actors, step / RATE))
            canvas = backdrop.copy()
            for actor in actors:
                paint(canvas, actor, step / RATE)
            pictures.append(np.clip(np.round(canvas), 0, 255).astype(np.uint8).tobytes())
    return pictures, keyframes


def truth(index, frame, actors, time):
    """The record of one keyframe."""
    objects = []
    for actor in actors:
        box = [round(float(side), 1) for side in scenes.bounds(actor.contour(time))]
        objects.append({"class_id": scenes.CLASSES.index(actor.name), "class": str(actor.name), "box": box})
    return {"index": index, "frame": frame, "time": frame / RATE, "objects": objects}


def write_boxes(path, keyframes):
    """One keyframe a line: short diffs, and readable."""
    head = {"width": WIDTH, "height": HEIGHT, "frame_rate": RATE, "classes": list(scenes.CLASSES)}
    lines = ",\n  ".join(json.dumps(keyframe) for keyframe in keyframes)
    path.write_text(json.dumps(head)[:-1] + ', "keyframes": [\n  ' + lines + "\n]}\n")
