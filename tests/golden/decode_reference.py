#!/usr/bin/env python3
"""Checks the example's logits against a forward pass in double precision that shares no code with the library.

    decode_reference.py MODEL DECODE…

Reads the GGUF file, decodes F16, Q8_0 and Q4_0, and quantizes the F16 matrices to 8 bits by groups of 32, as the example
does, all by itself; then runs the same tokens in float64 and compares the first 16 positions.
"""
import re
import struct
import subprocess
import sys
import tempfile

import numpy as np

POSITIONS = 16
TOLERANCE = 1e-3


def read_gguf(path):
    """(metadata, tensors): tensors are {name: (type, shape with the slowest dimension first, bytes)}."""
    data = open(path, "rb").read()
    at = 0

    def take(layout):
        nonlocal at
        values = struct.unpack_from("<" + layout, data, at)
        at += struct.calcsize("<" + layout)
        return values[0]

    def string():
        nonlocal at
        n = take("Q")
        at += n
        return data[at - n : at].decode()

    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def value(kind):
        if kind == 8:
            return string()
        if kind == 9:
            element, n = take("I"), take("Q")
            return [value(element) for _ in range(n)]
        return take(scalars[kind])

    assert data[:4] == b"GGUF"
    at = 4
    assert take("I") == 3
    n_tensors, n_values = take("Q"), take("Q")
    metadata = {}
    for _ in range(n_values):
        key = string()
        metadata[key] = value(take("I"))
    infos = []
    for _ in range(n_tensors):
        name = string()
        dims = [take("Q") for _ in range(take("I"))]
        infos.append((name, take("I"), dims[::-1], take("Q")))
    alignment = metadata.get("general.alignment", 32)
    start = (at + alignment - 1) // alignment * alignment
    return metadata, {name: (kind, shape, data[start + offset :]) for name, kind, shape, offset in infos}


def decode(kind, shape, data):
    """A tensor as float32, by the definition of its type."""
    n = int(np.prod(shape))
    if kind == 0:
        out = np.frombuffer(data, "<f4", n)
    elif kind == 1:
        out = np.frombuffer(data, "<f2", n).astype(np.float32)
    elif kind == 8:
        blocks = np.frombuffer(data, np.dtype([("d", "<f2"), ("q", "i1", 32)]), n // 32)
        out = blocks["d"].astype(np.float32)[:, None] * blocks["q"].astype(np.float32)
    elif kind == 2:
        blocks = np.frombuffer(data, np.dtype([("d", "<f2"), ("q", "u1", 16)]), n // 32)
        q = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32) - 8
        out = blocks["d"].astype(np.float32)[:, None] * q
    else:
        raise ValueError(f"type {kind}")
    return out.reshape(shape)


def quantize_8_bits(matrix):
    """What 8-bit groups of 32 with a scale and a minimum make of a matrix, every step rounded to float32."""
    groups = matrix.reshape(-1, 32)
    low, high = groups.min(axis=1, keepdims=True), groups.max(axis=1, keepdims=True)
    scale = (high - low) / np.float32(255)
    scale[scale == 0] = 1
    q = np.clip(np.floor((groups - low) / scale + np.float32(0.5)), 0, 255).astype(np.float32)
    return (q * scale + low).reshape(matrix.shape)


def load(tensors):
    weights = {}
    for name, (kind, shape, data) in tensors.items():
        value = decode(kind, shape, data)
        if kind == 1 and len(shape) == 2:
            value = quantize_8_bits(value)
        weights[name] = value.astype(np.float64)
    return weights


class Llama:
    def __init__(self, path):
        metadata, tensors = read_gguf(path)
        self.w = load(tensors)
        get = lambda key: metadata["llama." + key]
        self.layers, self.heads, self.kv_heads = get("block_count"), get("attention.head_count"), get("attention.head_count_kv")
        self.eps, self.theta, self.dims = get("attention.layer_norm_rms_epsilon"), get("rope.freq_base"), get("rope.dimension_count")
        self.keys = [[] for _ in range(self.layers)]
        self.values = [[] for _ in range(self.layers)]

    def norm(self, x, weight):
        return x / np.sqrt(np.mean(x * x) + self.eps) * weight

    def rotate(self, heads, position):
        out = heads.copy()
        angle = position * self.theta ** (-np.arange(0, self.dims, 2) / self.dims)
        a, b = heads[:, 0 : self.dims : 2], heads[:, 1 : self.dims : 2]
        out[:, 0 : self.dims : 2] = a * np.cos(angle) - b * np.sin(angle)
        out[:, 1 : self.dims : 2] = a * np.sin(angle) + b * np.cos(angle)
        return out

    def forward(self, token):
        w, position = self.w, len(self.keys[0])
        x = w["token_embd.weight"][token]
        for i in range(self.layers):
            layer = lambda name: w[f"blk.{i}.{name}.weight"]
            n = self.norm(x, layer("attn_norm"))
            q = self.rotate((layer("attn_q") @ n).reshape(self.heads, -1), position)
            self.keys[i].append(self.rotate((layer("attn_k") @ n).reshape(self.kv_heads, -1), position))
            self.values[i].append((layer("attn_v") @ n).reshape(self.kv_heads, -1))
            k, v = np.array(self.keys[i]), np.array(self.values[i])
            heads = []
            for h in range(self.heads):
                g = h * self.kv_heads // self.heads
                s = k[:, g] @ q[h] / np.sqrt(q.shape[1])
                p = np.exp(s - s.max())
                heads.append(p @ v[:, g] / p.sum())
            x = x + layer("attn_output") @ np.concatenate(heads)
            n = self.norm(x, layer("ffn_norm"))
            gate = layer("ffn_gate") @ n
            x = x + layer("ffn_down") @ (gate / (1 + np.exp(-gate)) * (layer("ffn_up") @ n))
        return w.get("output.weight", w["token_embd.weight"]) @ self.norm(x, w["output_norm.weight"])


def main():
    path, *decode_program = sys.argv[1:]
    with tempfile.NamedTemporaryFile() as file:
        printed = subprocess.run([*decode_program, "--logits", file.name, path], check=True, capture_output=True, text=True).stdout
        logits = np.fromfile(file.name, "<f4")
    numbers = lambda label: [int(t) for t in re.search(label + r"((?: \d+)+)", printed).group(1).split()]
    prompt, generated = numbers("prompt  "), numbers("tokens  ")
    llama = Llama(path)
    logits = logits.reshape(len(prompt) + len(generated) - 1, -1)

    worst = 0.0
    for position, token in enumerate((prompt + generated)[:POSITIONS]):
        expected = llama.forward(token)
        difference = np.abs(logits[position] - expected)
        worst = max(worst, difference.max() / np.abs(expected).max(), np.linalg.norm(difference) / np.linalg.norm(expected))
        if position >= len(prompt) - 1:
            assert generated[position - len(prompt) + 1] == int(np.argmax(expected)), f"position {position}: another token"
    print(f"decode: {POSITIONS} positions of {logits.shape[1]} logits, largest relative difference {worst:.2e}")
    assert worst <= TOLERANCE
    assert len(set(generated)) > 4, "the tokens hardly vary: little is tested"


main()
