#!/usr/bin/env python3
"""Writes import/: small layers as GPTQ, AWQ and HQQ store them, and the floats that they stand for; see README.md.

Needs NumPy alone; any version gives the same bytes. The packing is written from the formats' descriptions, number by
number.
"""
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "import"
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]  # of the outputs in a word, from the lowest bits up


def words(numbers, bits, order=None):
    """The last axis packed into words of 32 bits."""
    n = 32 // bits
    out = np.zeros(numbers.shape[:-1] + (numbers.shape[-1] // n,), np.uint64)
    for i in range(n):
        place = order[i] if order else i
        out |= numbers[..., place::n].astype(np.uint64) << np.uint64(bits * i)
    return out.astype(np.uint32)


def values(q, zeros, scales, group):
    """q * scale - zero * scale, each step rounded to a float. All are outputs x inputs, or x groups."""
    scale = np.repeat(scales.astype(np.float32), group, axis=1)[:, :q.shape[1]]
    zero = np.repeat(zeros.astype(np.float32), group, axis=1)[:, :q.shape[1]]
    out = q.astype(np.float32) * scale + -zero * scale
    assert np.allclose(out, (q.astype(float) - zero) * scale, rtol=1e-5, atol=1e-6)
    return out


def layer(random, rows, cols, group, bits, dtype):
    groups = -(-cols // group)
    q = random.integers(0, 1 << bits, (rows, cols))
    zeros = random.integers(0, 1 << bits, (rows, groups))
    scales = random.uniform(0.001, 0.1, (rows, groups)).astype(dtype)
    return q, zeros, scales


def write(name, *arrays):
    (OUT / name).write_bytes(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays))


def gptq(random, name, rows, cols, group, bits, version, symmetric=False):
    q, zeros, scales = layer(random, rows, cols, group, bits, np.float16)
    if symmetric:
        zeros[:] = 1 << (bits - 1)
    qweight = words(q, bits).T  # words of inputs, by input and output
    qzeros = words(zeros.T, bits).astype(np.int64)
    if version == 1:
        qzeros -= {4: 0x11111111, 8: 0x01010101}[bits]
    qzeros = (qzeros & 0xffffffff).astype(np.uint32)
    write(name, qweight, qzeros, scales.T, values(q, zeros, scales, group))


def awq(random, name, rows, cols, group):
    q, zeros, scales = layer(random, rows, cols, group, 4, np.float16)
    write(name, words(q.T, 4, AWQ_ORDER), words(zeros.T, 4, AWQ_ORDER), scales.T, values(q, zeros, scales, group))


def hqq(random, name, rows, cols, group, bits, dtype):
    q, _, scales = layer(random, rows, cols, group, bits, dtype)
    zeros = random.uniform(0, (1 << bits) - 1, scales.shape).astype(dtype)
    flat = q.astype(np.uint8).reshape(-1, group)
    half = len(flat) // 2
    packed = flat if bits == 8 else flat[:half] << 4 | flat[half:]
    write(name, packed, zeros, scales, values(q, zeros, scales, group))


def main():
    OUT.mkdir(exist_ok=True)
    random = np.random.default_rng(20240702)
    gptq(random, "gptq4", 16, 96, 64, 4, 1)
    gptq(random, "gptq4_v2", 24, 64, 32, 4, 2)
    gptq(random, "gptq4_sym", 40, 64, 32, 4, 1, symmetric=True)
    gptq(random, "gptq8", 12, 40, 16, 8, 1)
    awq(random, "awq4", 24, 64, 32)
    hqq(random, "hqq4", 3, 64, 32, 4, np.float16)
    hqq(random, "hqq8", 5, 48, 16, 8, np.float32)


if __name__ == "__main__":
    main()
