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


GONE = "the commands that were only announced are deleted"
MODES = "`run` has no --mode debug and bulk any more: `debug` and `bulk` are commands"
HELP = "help is reworded, and flags are added; tests say which flags there are"
JOURNAL = "a journal of the old build has no digests of external weights and no streams: it is not continued"
STREAMS = "records name the stream that is read, and `probe` marks the selected streams"
FRAME = "messages say frame for a decoded picture, image for a model's input"
SCHEDULING = "whether a worker ever waits for another depends on the machine"
WORDS = "reworded, with the same meaning"

EXPECTED = [
    Expected(HELP, kind="stdout", about="^help$"),
    Expected(HELP, kind="stdout", about="^completions$"),
    Expected(HELP, kind="stderr", about="^usage: $"),
    Expected(JOURNAL, about="an old run resumed"),
    Expected(GONE, kind="stderr", old="is not in this build", new="unrecognized subcommand"),
    Expected(GONE, kind="stderr", about="usage: (embed|transcribe|record|repair)", old="", new="similar subcommand|Usage: moviola|For more information|^$"),
    Expected(MODES, about="run --mode (bulk|debug)"),
    Expected(STREAMS, old="", new="^(source|probe): (video|audio)\\.stream = [0-9]+$"),
    Expected(STREAMS, kind="table", old="", new="^(video|audio)\\.stream |^stream "),
    Expected(STREAMS, kind="table", old="^(video|audio) None ", new="^(video|audio) None "),
    Expected(STREAMS, kind="report", old="", new="^\\.source\\.(video|audio)\\.stream: int$"),
    Expected(SCHEDULING, kind="trace", old="^X None wait$", new=""),
    Expected(SCHEDULING, kind="trace", old="", new="^X None wait$"),
    Expected(STREAMS, old="^probe: streams = ", new='^probe: streams = .*"selected": true'),
    Expected(STREAMS, old="^  streams ", new="^  streams .*selected"),
    Expected(FRAME, old="the picture can't become an image", new="the frame can't be converted to an image"),
    Expected(FRAME, old="the picture can't be searched", new="detection failed on the frame"),
    Expected(FRAME, old="the picture can't be prepared", new="the image can't be prepared"),
    Expected(FRAME, old="the picture can't be converted", new="the frame can't be converted"),
    Expected(FRAME, old="of a picture", new="of a frame"),
    Expected(FRAME, old="is no picture|(one|colour) picture|pictures at once", new="image"),
    Expected(FRAME, old="it wants [0-9]+ inputs", new="it has [0-9]+ inputs"),
    Expected(WORDS, old="the plan wants boxes drawn", new="the plan draws boxes"),
    Expected(WORDS, old="--annotate: the plan has no model", new="--annotate draws boxes, and the plan finds no objects"),
    Expected(WORDS, old="--on-damage takes --on all", new="keyframes come as they are"),
    Expected(WORDS, old="can't be gone on with", new="--resume continues the records|can't be resumed"),
    Expected(WORDS, old="is complete; what it was made of", new="is already complete"),
    Expected(WORDS, old="nothing is wanted of the frames", new="the plan has no task"),
    Expected(WORDS, old="keyframes come as they are", new="keyframes come as they are"),
    Expected(WORDS, old="can't be handed to another process", new="can't be handed to another process"),
    Expected(WORDS, old="the plan can't be understood", new="the plan is not valid"),
    Expected(WORDS, old="there is no video, only sound", new="there is no video, only audio"),
    Expected(WORDS, old="name one input; of several", new="a report is about one input"),
]


def reason(difference):
    """Why a difference is intended; None if it is not."""
    return next((one.reason for one in EXPECTED if one.fits(difference)), None)
