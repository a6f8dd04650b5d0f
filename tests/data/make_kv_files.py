#!/usr/bin/env python3
"""Writes kv/: saved caches, byte by byte as src/doc/kv_file.md tells, and the floats that their rows stand for.

    make_kv_files.py

Nothing of the library is used. The caches are in tests/support/saved_kv.c too. Of each the floats are layer by layer the
keys of all tokens, then the values, rotated back where the cache rotates.
"""
import pathlib
import struct

import numpy as np
import xxhash

F32, F16, Q4_0, Q4_1, Q8_0, BF16 = 0, 1, 2, 3, 8, 30
f32 = np.float32


def given(layer, which, tokens, row):
    """What is appended: multiples of 1/64, exact in every step of a rotation by 4, 16 or 64."""
    i = np.arange(tokens * row, dtype=np.int64) + 1000 * (2 * layer + which)
    return ((i * 7919 % 1009 - 504).astype(f32) / f32(64)).reshape(tokens, row)


def rotated(rows, head_dim, run):
    """Each run of elements times the Hadamard matrix of its size, H[i][j] = (-1)^bits(i & j) / sqrt(run)."""
    signs = [[(-1.0) ** bin(i & j).count("1") for j in range(run)] for i in range(run)]
    return (rows.reshape(-1, run).astype(np.float64) @ np.array(signs) / np.sqrt(run)).reshape(rows.shape).astype(f32)


def bf16(values):
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def half(value):
    return np.float16(value).tobytes()


def away(x):
    """Rounded to the nearest, ties away from 0."""
    x = x.astype(np.float64)
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def encode(kind, values):
    """The stored bytes, and the floats that they stand for."""
    if kind == F32:
        return values.tobytes(), values
    if kind == F16:
        return values.astype(np.float16).tobytes(), values.astype(np.float16).astype(f32)
    if kind == BF16:
        stored = bf16(values)
        return stored.tobytes(), (stored.astype(np.uint32) << 16).view(f32)
    stored, floats = b"", []
    for block in values.reshape(-1, 32):
        extreme = block[np.argmax(np.abs(block))]
        least = block.min()
        scale = {Q8_0: abs(extreme) / f32(127), Q4_0: extreme / f32(-8), Q4_1: (block.max() - least) / f32(15)}[kind]
        inverse = f32(1) / scale if scale != 0 else f32(0)
        step = f32(np.float16(scale))
        if kind == Q8_0:
            levels = away(block * inverse).astype(np.int8)
            stored += half(scale) + levels.tobytes()
            floats.append(step * levels.astype(f32))
            continue
        base = least if kind == Q4_1 else f32(0)
        moved = (block - base) * inverse + f32(0.5 if kind == Q4_1 else 8.5)
        levels = np.minimum(moved.astype(np.int64), 15)
        stored += half(scale) + (half(least) if kind == Q4_1 else b"")
        stored += bytes(int(low | high << 4) for low, high in zip(levels[:16], levels[16:]))
        if kind == Q4_1:
            floats.append(step * levels.astype(f32) + f32(np.float16(least)))
        else:
            floats.append(step * (levels - 8).astype(f32))
    return stored, np.array(floats, f32).reshape(values.shape)


def saved(tokens, heads, dims, types, rotations, fingerprint):
    layers = len(types)
    sections, floats = [struct.pack(f"<{2 * layers}i", *(t for pair in types for t in pair))], b""
    for layer, pair in enumerate(types):
        for which, kind in enumerate(pair):
            rows = given(layer, which, tokens, heads * dims[which])
            run = dims[which] & -dims[which] if rotations >> which & 1 else 1
            if run > 1:
                rows = rotated(rows, dims[which], run)
            stored, values = encode(kind, rows) if tokens else (b"", rows)
            floats += (rotated(values, dims[which], run) if run > 1 else values).tobytes()
            sections += [stored[at : at + 2**20] for at in range(0, len(stored), 2**20)]
    size = 256 + sum(len(section) + 8 for section in sections)
    head = b"infermem kv\n\0\0\0\0" + struct.pack("<II", 1, rotations)
    head += struct.pack("<QQQQQQ", size, tokens, layers, heads, *dims)
    head += struct.pack("<II", len(fingerprint), 0) + fingerprint + bytes(64 - len(fingerprint)) + bytes(104)
    out, before = b"", b""
    for section in [head] + sections:
        checksum = struct.pack("<Q", xxhash.xxh3_64_intdigest(before + section))
        out += section + checksum
        before = checksum
    return out, floats


def main():
    folder = pathlib.Path(__file__).with_name("kv")
    folder.mkdir(exist_ok=True)
    for name, form in {
        "f32": (3, 1, (5, 5), [(F32, F32)], 0, b""),
        "f16": (4, 2, (6, 5), [(F16, F16)] * 2, 0, b"m"),
        "bf16": (4, 2, (6, 5), [(BF16, BF16)] * 2, 0, bytes(range(1, 65))),
        "q8_0": (3, 1, (32, 32), [(Q8_0, Q8_0)] * 2, 0, b"sha-256 of thirty-two bytes is it"[:32]),
        "q4_0": (3, 1, (32, 32), [(Q4_0, Q4_0)] * 2, 0, b"q4"),
        "q4_1": (3, 1, (32, 32), [(Q4_1, Q4_1)] * 2, 0, b"q4"),
        "mixed": (5, 1, (32, 64), [(F32, Q4_0), (Q8_0, BF16), (F16, Q4_1)], 0, b"mixed"),
        "rotated": (4, 1, (64, 64), [(Q8_0, Q4_0), (F16, F32)], 3, b"rotated"),
        "rotated-k": (3, 2, (48, 20), [(BF16, F16)], 1, b"rotated-k"),
        "empty": (0, 2, (32, 32), [(Q8_0, Q4_1)] * 2, 0, b"empty"),
    }.items():
        data, floats = saved(*form)
        (folder / f"{name}.kv").write_bytes(data)
        (folder / f"{name}.f32").write_bytes(floats)


main()
