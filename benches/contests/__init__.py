"""The contests, in the order in which they run."""

from contests import (
    all_frames,
    bulk,
    convert,
    detect,
    fast,
    jpeg,
    keyframes,
    many,
    memory,
    opening,
    pixels,
    random_access,
    short,
    startup,
)

ALL = [pixels.CONTEST, keyframes.CONTEST, keyframes.LOW, jpeg.CONTEST, short.CONTEST, startup.CONTEST, convert.CONTEST,
       *detect.CONTESTS, *fast.CONTESTS, *bulk.CONTESTS, *all_frames.CONTESTS, *random_access.CONTESTS, *many.CONTESTS,
       opening.CONTEST, memory.CONTEST, memory.BULK, opening.HUGE, memory.HUGE, memory.TEN]
