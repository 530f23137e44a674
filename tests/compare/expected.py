"""The intended differences, each with its reason. All others fail the comparison."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """Patterns that must all match; None matches anything, "" only something missing on that side."""

    reason: str
    kind: str | None = None
    about: str | None = None
    old: str | None = None
    new: str | None = None

    def fits(self, difference):
        pairs = [(self.kind, difference.kind), (self.about, difference.about), (self.old, difference.old), (self.new, difference.new)]
        return all(fits(pattern, text) for pattern, text in pairs)


def fits(pattern, text):
    if pattern is None:
        return True
    return text is None if pattern == "" else text is not None and re.search(pattern, text) is not None


GONE = "the commands that were not in the build are deleted"
MODES = "`run --mode` has no `debug` and `bulk` any more: they are commands"
FRAME = "messages say frame for a decoded picture, image for a model's input"
WORDS = "help is reworded; tests say which flags there are"

EXPECTED = [
    Expected(WORDS, kind="stdout", about="^help$"),
    Expected(WORDS, kind="stdout", about="^completions$"),
    Expected(FRAME, old="of a picture", new="of a frame"),
    Expected(FRAME, old="is no picture|(one|colour) picture|pictures at once", new="image"),
    Expected(FRAME, old="it wants [0-9]+ inputs", new="it has [0-9]+ inputs"),
]


def reason(difference):
    """Why a difference is intended; None if it is not."""
    return next((one.reason for one in EXPECTED if one.fits(difference)), None)
