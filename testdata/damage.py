"""Files that are broken, cut, lying or hostile: made from a good clip, or by hand."""

import struct

import numpy as np

from clips import clip, h264
from recipe import EXACT, keyframe_packets, picture

HUGE = 65535
IDR = 5


def good(recipe, *options):
    """A audio H.264 clip to break; returns its path."""
    path = recipe.part("good.mp4")
    h264(recipe, "-g", 10, "-bf", 0, "-pix_fmt", "yuv420p", *options, output=path)
    return path


def slice_of(content, position, size):
    """Where the payload of the first IDR slice of an MP4 sample begins and ends."""
    end = position + size
    while position < end:
        length = struct.unpack_from(">I", content, position)[0]
        if content[position + 4] & 31 == IDR:
            return position + 5, position + 4 + length
        position += 4 + length
    raise ValueError("the sample holds no IDR slice")


@clip("damaged_keyframe.mp4")
def damaged_keyframe(r):
    """The third of five keyframes has noise in the middle of its slice; the rest is audio."""
    path = good(r)
    content = bytearray(path.read_bytes())
    start, end = slice_of(content, *keyframe_packets(path)[2])
    first, last = start + (end - start) * 2 // 5, start + (end - start) * 3 // 5
    content[first:last] = np.random.default_rng(3).integers(4, 256, last - first, np.uint8).tobytes()
    r.write(bytes(content), f"bytes {first} to {last} of $TMP/good.mp4, in an IDR slice, replaced by noise")


@clip("truncated.mp4")
def truncated(r):
    """The index lists five keyframes; the file ends after 60 % of its bytes."""
    content = good(r, "-movflags", "+faststart").read_bytes()
    r.write(content[:len(content) * 6 // 10], "the first 60 % of $TMP/good.mp4")


@clip("moov_missing.mp4")
def moov_missing(r):
    """A recording that was not finished: media data without an index."""
    content = good(r).read_bytes()
    r.write(content[:content.rindex(b"moov") - 4], "$TMP/good.mp4 without its moov, which stands last")


@clip("empty.mp4")
def empty(r):
    """An empty file."""
    r.write(b"", "no bytes")


@clip("not_media.mp4")
def not_media(r):
    """Text with the name of a video."""
    r.write(b"This is a sentence, and no video.\n" * 40, "one sentence, forty times")


def playlist(recipe, *places):
    """An HLS playlist of two-second segments."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2"]
    for place in places:
        lines += ["#EXTINF:2.0,", place]
    recipe.write("\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode(), f"an HLS playlist of {' and '.join(places)}")


@clip("playlist_elsewhere.m3u8")
def playlist_elsewhere(r):
    """A playlist of network URLs (at an address reserved for examples), which must not be opened."""
    playlist(r, "http://192.0.2.1/segment0.ts", "http://192.0.2.1/segment1.ts")


@clip("playlist_parent.m3u8")
def playlist_parent(r):
    """A playlist of files outside its folder, which must not be opened."""
    playlist(r, "../../../../../../etc/segment0.ts", "../../../../../../etc/passwd")


def replace_all(content, old, new):
    """Replaces every occurrence, and insists that there is one."""
    if old not in content:
        raise ValueError(f"{old!r} is not there")
    return content.replace(old, new)


@clip("huge_header.avi")
def huge_header(r):
    """Motion JPEG in AVI that declares 65535x65535 pixels, in the container and in each frame."""
    small = r.part("small.avi")
    r.ffmpeg(*picture("144x112", 5, 1), "-c:v", "mjpeg", "-threads", 1, "-pix_fmt", "yuvj420p", *EXACT, small)
    content = replace_all(small.read_bytes(), struct.pack("<II", 144, 112), struct.pack("<II", HUGE, HUGE))
    content = replace_all(content, struct.pack(">HH", 112, 144), struct.pack(">HH", HUGE, HUGE))
    r.write(content, "144x112 replaced by 65535x65535 in avih, strf and every SOF0 of $TMP/small.avi")


@clip("huge_header.ivf")
def huge_header_vp9(r):
    """A VP9 keyframe that declares 65535x65535 pixels, in IVF."""
    bits = "10" + "00" + "0" + "0" + "1" + "0"  # marker, profile 0, not repeated, key, shown, not resilient
    bits += format(0x498342, "024b") + "0010"  # sync code, BT.709, limited
    bits += format(HUGE - 1, "016b") * 2 + "0"  # width and height less one, shown as coded
    packet = int(bits.ljust(160, "0"), 2).to_bytes(20, "big") + bytes(44)
    header = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP90", HUGE, HUGE, 25, 1, 1, 0)
    r.write(header + struct.pack("<IQ", len(packet), 0) + packet, "the header fields of VP9, bit by bit, then zeros")
