#!/usr/bin/env python3
"""Writes quant/: saved matrices, byte by byte as src/doc/quant_file.md tells, and the floats that the native ones stand for.

    make_quant_files.py

Nothing of the library is used. The matrices are in tests/unit/quant_file_test.c too.
"""
import pathlib
import struct

import numpy as np
import xxhash

F32, F16, Q4_0, Q6_K, BF16 = 0, 1, 2, 14, 30
LEVELS, SCALES, MINIMA, BLOCKS, RECORDS = 1, 2, 3, 4, 5
PLAIN, PACKED = 0, 1
f32 = np.float32


def weights(rows, cols):
    """Multiples of 1/64, exact as floats."""
    i = np.arange(rows * cols, dtype=np.int64)
    return ((i * 7919 % 1009 - 504).astype(f32) / f32(64)).reshape(rows, cols)


def filler(n):
    return bytes((i * i * 31 + i * 17 + 3) % 256 for i in range(n))


def candidates(params):
    """All finite numbers of the type, ascending."""
    bits = np.arange(65536, dtype=np.uint32)
    if params == F16:
        values = bits.astype(np.uint16).view(np.float16).astype(f32)
    else:
        values = (bits << 16).view(f32)
    return np.unique(values[np.isfinite(values)])


def stored(value, params):
    if params == F32:
        return f32(value).tobytes()
    if params == F16:
        return np.float16(value).tobytes()
    return f32(value).tobytes()[2:]


def native(rows, cols, bits, group, params, symmetric=False):
    """The arrays, and the floats."""
    numbers = None if params == F32 else candidates(params)
    zero = f32(2 ** (bits - 1)) if symmetric else f32(0)
    steps = f32(2 ** (bits - 1) - 1) if symmetric else f32(2**bits - 1)
    levels, scales, minima, floats = b"", b"", b"", []
    for row in weights(rows, cols):
        quantized = []
        for first in range(0, cols, group):
            values = row[first : first + group]
            least, most = values.min(), values.max()
            if symmetric:
                least, most = f32(0), np.abs(values).max()
            elif numbers is not None:
                least = numbers[np.searchsorted(numbers, least, "right") - 1]
            scale = f32((most - least) / steps) if most != least else f32(1)
            if numbers is not None:
                scale = numbers[np.searchsorted(numbers, scale, "left")]
            x = ((values - least) / scale).astype(np.float64)
            q = np.minimum(np.copysign(np.floor(np.abs(x) + 0.5), x) + zero, float(2**bits - 1))
            minimum = f32(-zero * scale) if symmetric else least
            quantized += [int(x) for x in q]
            floats += [f32(f32(f32(x) * scale) + minimum) for x in q]
            scales += stored(scale, params)
            minima += stored(least, params)
        if bits == 4:
            quantized += [0] * (len(quantized) % 2)
            quantized = [low | high << 4 for low, high in zip(quantized[::2], quantized[1::2])]
        levels += bytes(quantized)
    arrays = [(LEVELS, levels), (SCALES, scales), (MINIMA, minima)]
    return arrays[: 2 if symmetric else 3], np.array(floats, f32)


def records(rows, cols, bits, group, params, arrays):
    """The same in 16 rows at a time: of each group the levels, 8 columns at a time, the scales, the minima."""
    levels, *parameters = (array for _, array in arrays)
    row_bytes = (cols * bits + 7) // 8
    groups, size = -(-cols // group), 4 if params == F32 else 2

    def level(row, column):
        if row >= rows or column >= cols:
            return 0
        if bits == 8:
            return levels[row * row_bytes + column]
        return levels[row * row_bytes + column // 2] >> 4 * (column % 2) & 15

    def parameter(array, row, g):
        return array[(row * groups + g) * size :][:size] if row < rows else bytes(size)

    out = b""
    for block in range(0, rows, 16):
        these = range(block, block + 16)
        for g in range(groups):
            for first in range(g * group, min((g + 1) * group, cols), 8):
                low, high = range(first, first + 4), range(first + 4, first + 8)
                if bits == 8:
                    out += bytes(level(r, c) for half in (low, high) for r in these for c in half)
                else:
                    out += bytes(level(r, c) | level(r, c + 4) << 4 for r in these for c in low)
            for array in parameters:
                out += b"".join(parameter(array, r, g) for r in these)
    return [(RECORDS, out)]


def saved(dtype, rows, cols, bits, group, params, arrays, layout=PLAIN, symmetric=False):
    table, data, at = b"", b"", 256
    for kind, array in arrays:
        table += struct.pack("<IIQQQ", kind, 0, at, len(array), xxhash.xxh3_64_intdigest(array))
        padded = array + bytes(-len(array) % 64)
        data += padded
        at += len(padded)
    head = b"infermem quant\n\0" + struct.pack("<Ii", 1, dtype) + struct.pack("<QQQQ", at, rows, cols, group)
    head += struct.pack("<IiIII", bits, params, symmetric, layout, len(arrays))
    head += bytes(20) + table
    head += bytes(248 - len(head))
    return head + struct.pack("<Q", xxhash.xxh3_64_intdigest(head)) + data


def main():
    folder = pathlib.Path(__file__).with_name("quant")
    folder.mkdir(exist_ok=True)
    for name, form in {
        "native-8-f32": (3, 40, 8, 32, F32),
        "native-4-f32": (1, 5, 4, 8, F32),
        "native-4-f16": (5, 67, 4, 16, F16),
        "native-8-bf16": (4, 300, 8, 128, BF16),
        "packed-8-f32": (17, 40, 8, 32, F32),
        "packed-4-f16": (5, 67, 4, 16, F16),
        "symmetric-4-bf16": (5, 67, 4, 16, BF16),
        "symmetric-packed-8-f16": (5, 67, 8, 16, F16),
    }.items():
        rows, cols, bits, group, params = form
        symmetric = "symmetric" in name
        arrays, floats = native(*form, symmetric)
        layout = PACKED if "packed" in name else PLAIN
        if layout == PACKED:
            arrays = records(*form, arrays)
        (folder / f"{name}.quant").write_bytes(saved(-1, rows, cols, bits, group, params, arrays, layout, symmetric))
        (folder / f"{name}.f32").write_bytes(floats.tobytes())
    for name, (dtype, rows, cols, bits, group, n) in {
        "f16": (F16, 3, 5, 16, 1, 30),
        "q4_0": (Q4_0, 3, 64, 4, 32, 108),
        "q6_k": (Q6_K, 2, 256, 6, 256, 420),
    }.items():
        (folder / f"{name}.quant").write_bytes(saved(dtype, rows, cols, bits, group, 0, [(BLOCKS, filler(n))]))


main()
