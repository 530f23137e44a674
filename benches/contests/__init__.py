"""The contests, in the order in which they run."""

from contests import all_frames, convert, detect, jpeg, keyframes, many, memory, opening, pixels, random_access, short

ALL = [pixels.CONTEST, keyframes.CONTEST, keyframes.LOW, jpeg.CONTEST, short.CONTEST, convert.CONTEST,
       *detect.CONTESTS, *all_frames.CONTESTS, *random_access.CONTESTS, *many.CONTESTS, opening.CONTEST,
       memory.CONTEST, opening.HUGE, memory.HUGE, memory.TEN]
