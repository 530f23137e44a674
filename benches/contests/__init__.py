"""The contests, in the order in which they run."""

from contests import convert, detect, jpeg, keyframes, memory, pixels, short

ALL = [pixels.CONTEST, keyframes.CONTEST, keyframes.LOW, jpeg.CONTEST, short.CONTEST, convert.CONTEST,
       *detect.CONTESTS, memory.CONTEST, memory.HUGE]
