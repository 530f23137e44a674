"""Reads the columns of a Parquet file without a library, as far as Moviola's tables use the format.

Values are not assembled to rows: two tables have the same rows if their columns have the same levels and values.
"""

import struct

PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY = 0, 2, 8
DATA_PAGE, DICTIONARY_PAGE = 0, 2
UNCOMPRESSED, SNAPPY = 0, 1
BOOLEAN, INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY = 0, 1, 2, 4, 5, 6
FIXED = {INT32: ("<i", 4), INT64: ("<q", 8), FLOAT: ("<f", 4), DOUBLE: ("<d", 8)}


def columns(data):
    """Each column's path, with its (repetition level, definition level, value) triples; and the schema as text."""
    length = struct.unpack("<I", data[-8:-4])[0]
    footer, _ = read_struct(data, len(data) - 8 - length)
    schema = footer[2]
    levels, found = leaf_levels(schema), {path: [] for path in leaf_levels(schema)}
    for group in footer.get(4, []):
        for chunk in group[1]:
            meta = chunk[3]
            path = ".".join(name.decode() for name in meta[3])
            found[path] += chunk_values(data, meta, *levels[path])
    return found, [f"{e[4].decode()} {e.get(1)} {e.get(3)} {e.get(5)} {e.get(6)}" for e in schema]


def leaf_levels(schema):
    """The highest repetition and definition level of each leaf."""
    leaves, position = {}, 1

    def walk(path, repetition, definition):
        nonlocal position
        element = schema[position]
        position += 1
        kind, path = element.get(3, 0), [*path, element[4].decode()]
        repetition, definition = repetition + (kind == 2), definition + (kind != 0)
        for _ in range(element.get(5, 0)):
            walk(path, repetition, definition)
        if not element.get(5):
            leaves[".".join(path)] = (repetition, definition)

    for _ in range(schema[0].get(5, 0)):
        walk([], 0, 0)
    return leaves


def chunk_values(data, meta, max_repetition, max_definition):
    at, dictionary, values = meta.get(11, meta[9]), [], []
    while len(values) < meta[5]:
        header, at = read_struct(data, at)
        page = decompress(data[at:at + header[3]], meta[4])
        at += header[3]
        if header[1] == DICTIONARY_PAGE:
            dictionary = plain(page, meta[1], header[7][1])
        else:
            assert header[1] == DATA_PAGE, f"page type {header[1]}"
            values += page_values(page, meta[1], header[5], dictionary, (max_repetition, max_definition))
    return values


def page_values(page, kind, header, dictionary, highest):
    count, levels = header[1], []
    for limit in highest:
        if limit:
            size = struct.unpack("<I", page[:4])[0]
            levels.append(hybrid(page[4:4 + size], limit.bit_length(), count))
            page = page[4 + size:]
        else:
            levels.append([0] * count)
    repetition, definition = levels
    there = sum(level == highest[1] for level in definition)
    if header[2] in (PLAIN_DICTIONARY, RLE_DICTIONARY):
        found = iter([dictionary[index] for index in hybrid(page[1:], page[0], there)])
    else:
        assert header[2] == PLAIN, f"encoding {header[2]}"
        found = iter(plain(page, kind, there))
    return [(r, d, next(found) if d == highest[1] else None) for r, d in zip(repetition, definition)]


def plain(page, kind, count):
    if kind == BOOLEAN:
        return [page[i // 8] >> (i % 8) & 1 for i in range(count)]
    if kind in FIXED:
        form, size = FIXED[kind]
        return [value for (value,) in struct.iter_unpack(form, page[:size * count])]
    assert kind == BYTE_ARRAY, f"type {kind}"
    values, at = [], 0
    for _ in range(count):
        size = struct.unpack_from("<I", page, at)[0]
        values.append(page[at + 4:at + 4 + size])
        at += 4 + size
    return values


def hybrid(data, width, count):
    """Numbers of `width` bits as runs of one value and packed groups of eight."""
    values, at, width_bytes = [], 0, (width + 7) // 8
    while len(values) < count:
        header, at = varint(data, at)
        if header & 1:
            size = (header >> 1) * width
            bits = int.from_bytes(data[at:at + size], "little")
            values += [bits >> (i * width) & ((1 << width) - 1) for i in range((header >> 1) * 8)]
            at += size
        else:
            values += [int.from_bytes(data[at:at + width_bytes], "little")] * (header >> 1)
            at += width_bytes
    return values[:count]


def decompress(data, codec):
    if codec == UNCOMPRESSED:
        return data
    assert codec == SNAPPY, f"codec {codec}"
    _, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag, at = data[at], at + 1
        if tag & 3 == 0:
            size, extra = tag >> 2, max(0, (tag >> 2) - 59)
            size = int.from_bytes(data[at:at + extra], "little") if extra else size
            at += extra
            out += data[at:at + size + 1]
            at += size + 1
            continue
        if tag & 3 == 1:
            size, back, at = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at], at + 1
        else:
            width = 2 if tag & 3 == 2 else 4
            size, back, at = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little"), at + width
        for _ in range(size):
            out.append(out[-back])
    return bytes(out)


def varint(data, at):
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def read_struct(data, at):
    """A structure of Thrift's compact protocol, as its fields' numbers and values."""
    fields, number = {}, 0
    while True:
        header, at = data[at], at + 1
        if header == 0:
            return fields, at
        if header >> 4:
            number += header >> 4
        else:
            number, at = zigzag(data, at)
        fields[number], at = read_value(data, at, header & 15)


def zigzag(data, at):
    value, at = varint(data, at)
    return value >> 1 ^ -(value & 1), at


def read_value(data, at, kind):
    if kind in (1, 2):
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        return zigzag(data, at)
    if kind == 7:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind == 8:
        size, at = varint(data, at)
        return data[at:at + size], at + size
    if kind in (9, 10):
        header, at = data[at], at + 1
        size = header >> 4
        if size == 15:
            size, at = varint(data, at)
        values = []
        for _ in range(size):
            if header & 15 in (1, 2):
                value, at = data[at] == 1, at + 1
            else:
                value, at = read_value(data, at, header & 15)
            values.append(value)
        return values, at
    assert kind == 12, f"Thrift type {kind}"
    return read_struct(data, at)
