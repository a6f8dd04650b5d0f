#!/usr/bin/env python3
"""Writes blocks/: what the field's block types decode to, and what floats are quantized to; see README.md.

The expected values are the gguf package's, Q8_K's floats apart, which are one product each. What is in the files is
described in README.md; the same versions of the packages give the same bytes.
"""
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

OUT = pathlib.Path(__file__).parent / "blocks"
# The F16 parameters of a block: their byte offsets.
HALVES = {
    Type.Q4_0: (0,), Type.Q4_1: (0, 2), Type.Q5_0: (0,), Type.Q5_1: (0, 2), Type.Q8_0: (0,), Type.MXFP4: (),
    Type.Q2_K: (80, 82), Type.Q3_K: (108,), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,), Type.Q8_K: (),
}
# Infinities, zeros, the extremes of normal and denormal F16, one.
SPECIAL = np.array([0x7c00, 0xfc00, 0x0000, 0x8000, 0x7bff, 0xfbff, 0x0400, 0x0001, 0x8001, 0x03ff, 0x3c00], np.uint16)


def random_blocks(random, type, n):
    """Random bytes; every other block has special parameters, and in no block is one NaN."""
    size = gguf.GGML_QUANT_SIZES[type][1]
    blocks = random.integers(0, 256, (n, size), np.uint8)
    for at in HALVES[type]:
        half = blocks[:, at:at + 2].copy().view(np.uint16)
        half[(half & 0x7c00) == 0x7c00] &= 0xbfff
        half[1::2, 0] = random.choice(SPECIAL, len(half[1::2]))
        blocks[:, at:at + 2] = half.view(np.uint8)
    if type == Type.MXFP4:
        blocks[:6, 0] = [0, 1, 2, 253, 254, 255]
    if type == Type.Q8_K:
        scale = np.ldexp(random.uniform(-1, 1, n), random.integers(-150, 121, n)).astype(np.float32)
        blocks[:, :4] = scale.view(np.uint8).reshape(n, 4)
    return blocks


def decoded(type, blocks):
    if type != Type.Q8_K:
        return quants.dequantize(blocks, type)
    return blocks[:, :4].copy().view(np.float32) * blocks[:, 4:260].view(np.int8).astype(np.float32)


def floats(random):
    """Rows of 256 that no type refuses. No zero is negative: NumPy takes either zero for the least of both."""
    rows = [random.normal(0, 2.0 ** e, 256) for e in range(-24, 13, 3)]
    for top, step in ((127, 0.5), (-8, 0.5), (-127, 0.5), (15, 0.5), (1016, 4)):  # halves between levels
        row = np.round(random.uniform(-1, 1, 256) * abs(top) / step) * step
        row[::32] = top
        rows.append(row)
    rows += [np.full(256, x) for x in (0.0, 0.1, -65504.0, 1e-30)]
    row = random.normal(0, 1, 256)
    row[random.integers(0, 32, 8) + 32 * np.arange(8)] *= 1000
    rows.append(row)
    rows += [np.ldexp(random.uniform(-1, 1, 256), random.integers(-40, 15, 256)) for _ in range(4)]
    rows += [random.uniform(0, 1, 256), random.uniform(-65504, 65504, 256)]
    rows.append(np.where(np.arange(256) % 7 == 0, random.normal(0, 1, 256), 0.0))
    rows += [np.ldexp(random.uniform(-1, 1, 256), e) for e in (-110, -123, -127, -140, -148)]  # to the denormals
    return np.array(rows, np.float32) + np.float32(0)


def main():
    OUT.mkdir(exist_ok=True)
    random = np.random.default_rng(20240701)
    np.seterr(all="ignore")
    for type in HALVES:
        blocks = random_blocks(random, type, 40 if gguf.GGML_QUANT_SIZES[type][0] == 32 else 8)
        values = decoded(type, blocks).astype(np.float32)
        (OUT / f"{type.name.lower()}.decode").write_bytes(blocks.tobytes() + values.tobytes())
    rows = floats(random)
    (OUT / "floats.f32").write_bytes(rows.tobytes())
    for type in (Type.Q4_0, Type.Q4_1, Type.Q8_0):
        (OUT / f"floats.{type.name.lower()}").write_bytes(quants.quantize(rows, type).tobytes())


if __name__ == "__main__":
    main()
