"""Writes field-coded H.264 (PAFF), which no free encoder makes, bit by bit from the standard.

Keyframes are stored samples (I_PCM); everything between moves by one motion vector per field.
That is all it takes to have field pictures, and keyframes of two kinds: an I field with a P
field that leans on it, as broadcasters send, and two I fields. Whole frames may stand among them.
"""

import numpy as np

WIDTH, HEIGHT, RATE = 128, 96, 25
GOPS, FRAMES_PER_GOP = 4, 8
SPS, PPS, IDR, OTHER = 7, 8, 5, 1
I_SLICE, P_SLICE = 7, 5
FRAME = None  # in place of a field's parity
POC_BITS, FRAME_NUM_BITS = 6, 4


class Bits:
    """A string of bits with the standard's variable-length codes."""

    def __init__(self):
        self.text = []

    def u(self, value, count):
        self.text.append(format(value, f"0{count}b") if count else "")
        return self

    def ue(self, *values):
        for value in values:
            code = format(value + 1, "b")
            self.text.append("0" * (len(code) - 1) + code)
        return self

    def se(self, *values):
        return self.ue(*(2 * v - 1 if v > 0 else -2 * v for v in values))

    def align(self):
        return self.u(0, -sum(map(len, self.text)) % 8)

    def bytes(self, data):
        return self.u(int.from_bytes(data, "big"), 8 * len(data))

    def unit(self, kind, importance):
        """The bits as a NAL unit with its start code."""
        text = "".join(self.text) + "1"
        text += "0" * (-len(text) % 8)
        payload = int(text, 2).to_bytes(len(text) // 8, "big")
        return b"\0\0\0\1" + bytes([importance << 5 | kind]) + escape(payload)


def escape(payload):
    """Breaks up every run of zeros that could be taken for a start code."""
    out, zeros = bytearray(), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def sequence_parameters():
    """Main profile, level 3, field coding allowed, 25 frames a second."""
    bits = Bits().u(77, 8).u(0, 8).u(30, 8)
    bits.ue(0, FRAME_NUM_BITS - 4, 0, POC_BITS - 4, 2).u(0, 1)
    bits.ue(WIDTH // 16 - 1, HEIGHT // 32 - 1)
    bits.u(0b001, 3)  # not frames only, no MBAFF, 8x8 inference
    bits.u(0, 1).u(1, 1)  # no cropping; VUI follows
    bits.u(0, 4).u(1, 1).u(1, 32).u(2 * RATE, 32).u(1, 1)  # timing alone
    bits.u(0, 3).u(1, 1).u(1, 1).ue(0, 0, 10, 10, 0, 2)  # nothing is reordered
    return bits.unit(SPS, 3)


def picture_parameters():
    """CAVLC, one reference, deblocking switched per slice."""
    bits = Bits().ue(0, 0).u(0, 2).ue(0, 0, 0).u(0, 3).se(0, 0, 0).u(0b100, 3)
    return bits.unit(PPS, 3)


def slice_header(kind, idr, number, bottom, gop):
    """One slice that is a whole picture. `number` counts frames since the IDR picture."""
    bits = Bits().ue(0, kind, 0).u(number, FRAME_NUM_BITS)
    if bottom is FRAME:
        bits.u(0, 1)
    else:
        bits.u(1, 1).u(bottom, 1)
    if idr:
        bits.ue(gop % 2)
    bits.u(2 * number + (bottom or 0), POC_BITS)
    if kind == P_SLICE:
        bits.u(0, 2)  # the default number and order of references
    bits.u(0, 2 if idr else 1)  # a sliding window of references
    return bits.se(0).ue(1)  # no deblocking


def stored(samples, idr, number, bottom, gop):
    """A picture of stored samples; `samples` are its planes."""
    bits = slice_header(I_SLICE, idr, number, bottom, gop)
    luma, *chroma = samples
    for row in range(luma.shape[0] // 16):
        for column in range(luma.shape[1] // 16):
            block = [luma[row * 16:][:16, column * 16:][:, :16]]
            block += [plane[row * 8:][:8, column * 8:][:, :8] for plane in chroma]
            bits.ue(25).align().bytes(b"".join(part.tobytes() for part in block))
    return bits.unit(IDR if idr else OTHER, 3)


def moved(vector, number, bottom, gop):
    """A picture that is the last one of its parity, or the last frame, moved by `vector` quarter pixels."""
    bits = slice_header(P_SLICE, False, number, bottom, gop)
    for block in range(WIDTH // 16 * (HEIGHT // (16 if bottom is FRAME else 32))):
        # No skipped blocks, 16x16 from one reference, vector as predicted (but for the first), no residual.
        bits.ue(0, 0).se(*(vector if block == 0 else (0, 0))).ue(0)
    return bits.unit(OTHER, 2)


def planes(gop):
    """A picture for a keyframe: a grid over a slope, its colours different in each GOP."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    luma = 40 + x + 40 * ((x // 16 + y // 16 + gop) % 2)
    blue = np.full((HEIGHT // 2, WIDTH // 2), 70 + 35 * gop)
    red = 60 + 2 * np.mgrid[0:HEIGHT // 2, 0:WIDTH // 2][0] + 8 * gop
    return [plane.astype(np.uint8) for plane in (luma, blue, red)]


def stream():
    """The whole stream: odd GOPs start with two I fields, even ones with an I and a P field."""
    units = []
    for gop in range(GOPS):
        top, bottom = ([plane[parity::2] for plane in planes(gop)] for parity in (0, 1))
        units += [sequence_parameters(), picture_parameters(), stored(top, True, 0, 0, gop)]
        if gop % 2:
            units.append(stored(bottom, False, 0, 1, gop))
        else:
            units.append(moved((0, 0), 0, 1, gop))
        for number in range(1, FRAMES_PER_GOP):
            units += [moved((-8, 4), number, parity, gop) for parity in (0, 1)]
    return b"".join(units)


def mixed_stream():
    """Frames and pairs of fields in turn; in odd GOPs the keyframe is a frame, in even ones two fields."""
    units = []
    for gop in range(GOPS):
        units += [sequence_parameters(), picture_parameters()]
        if gop % 2:
            units.append(stored(planes(gop), True, 0, FRAME, gop))
        else:
            top, bottom = ([plane[parity::2] for plane in planes(gop)] for parity in (0, 1))
            units += [stored(top, True, 0, 0, gop), moved((0, 0), 0, 1, gop)]
        for number in range(1, FRAMES_PER_GOP):
            parities = (0, 1) if number % 3 else (FRAME,)
            units += [moved((-8, 4), number, parity, gop) for parity in parities]
    return b"".join(units)
