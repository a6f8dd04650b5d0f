#!/usr/bin/env python3
"""Writes corpus/gguf: small GGUF files, good ones and one for each public finding in readers of the format.

    make_gguf_seeds.py

A file's name is its reason. Files that the fuzzer found are added beside them by hand, and are left alone here.
"""
import pathlib
import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
F16, Q4_0, Q8_0, UNKNOWN = 1, 2, 8, 200
TOP = 2**64 - 1


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def string(text, length=None):
    raw = text if isinstance(text, bytes) else text.encode()
    return u64(len(raw) if length is None else length) + raw


def meta(key, kind, raw):
    return string(key) + u32(kind) + raw


def array(key, kind, count, raw=b""):
    return meta(key, ARRAY, u32(kind) + u64(count) + raw)


def tensor(name, ne, kind, offset, n_dims=None):
    dims = len(ne) if n_dims is None else n_dims
    return string(name) + u32(dims) + b"".join(map(u64, ne)) + u32(kind) + u64(offset)


def file(metas=(), tensors=(), data=64, version=3, n_metas=None, n_tensors=None, align=32):
    head = b"GGUF" + u32(version) + u64(len(tensors) if n_tensors is None else n_tensors)
    head += u64(len(metas) if n_metas is None else n_metas) + b"".join(metas) + b"".join(tensors)
    return head + bytes(-len(head) % align) + bytes(range(256)) * (data // 256) + bytes(data % 256)


def one(ne, kind=F16, offset=0, data=64, n_dims=None):
    return file(tensors=[tensor("t", ne, kind, offset, n_dims)], data=data)


LLAMA = [
    meta("general.architecture", STRING, string("llama")),
    meta("general.alignment", U32, u32(32)),
    meta("llama.block_count", U32, u32(2)),
    meta("llama.embedding_length", U16, struct.pack("<H", 64)),
    meta("llama.context_length", U64, u64(512)),
    array("llama.feed_forward_length", I32, 2, u32(96) + u32(96)),
    array("llama.attention.head_count_kv", U8, 2, b"\2\4"),
    meta("llama.attention.head_count", I8, b"\x08"),
    meta("llama.rope.freq_base", F32, struct.pack("<f", 10000)),
    meta("llama.attention.layer_norm_rms_epsilon", F64, struct.pack("<d", 1e-5)),
    array("tokenizer.ggml.tokens", STRING, 3, string("<s>") + string("") + string("\u2581the")),
    array("tokenizer.ggml.scores", F32, 3, bytes(12)),
    array("flags", BOOL, 3, b"\1\0\1"),
    meta("yes", BOOL, b"\1"),
    meta("back", I64, struct.pack("<q", -5)),
]
TENSORS = [
    tensor("token_embd.weight", [64, 3], F16, 0),
    tensor("blk.0.ffn_gate.weight", [64, 2, 2], Q4_0, 384),
    tensor("unknown", [64], UNKNOWN, 544),
    tensor("output.weight", [64, 3], Q8_0, 608),
]

SEEDS = {
    "good-all-types": file(LLAMA, TENSORS, 608 + 204),
    "good-version-2": file(LLAMA[:9], TENSORS[:1], 384, version=2),
    "good-empty": file(data=0),
    "good-out-of-order": file(tensors=[tensor("b", [8], F16, 64), tensor("a", [8], F16, 0)], data=80),
    "good-scalar": one([], 0, data=4),
    "bad-magic": b"ggml" + bytes(64),
    "bad-version-1": file(version=1),
    "bad-version-0": file(version=0),
    "bad-big-endian": file(version=0x03000000),
    "cve-2024-21802-n-dims": one([1] * 9),
    "cve-2024-21802-n-dims-wraps": one([1], n_dims=0x80000001),
    "cve-2024-21825-array-size": file([array("k", U64, 2**61 + 1, bytes(64))]),
    "cve-2024-21825-string-array": file([array("k", STRING, TOP, bytes(64))]),
    "cve-2024-21836-n-tensors": file(n_tensors=2**60),
    "cve-2024-23496-key-length": file(n_metas=1) + u64(TOP),
    "cve-2024-23496-string-length": file([meta("k", STRING, u64(TOP))]),
    "cve-2024-23605-n-kv": file(n_metas=TOP),
    "cve-2025-49847-token-length": file([array("tokenizer.ggml.tokens", STRING, 1, string("x", 2**32 + 1))]),
    "cve-2025-53630-sizes-sum": file(tensors=[tensor(n, [2**62], I16, o) for n, o in (("a", 0), ("b", 2**63))]),
    "cve-2026-27940-bytes": one([2**62], 0),
    "cve-2026-33298-product": one([2**32, 2**32, 1, 1]),
    "cve-2026-7482-dims-beyond-file": one([4096, 4096]),
    "cve-2024-8063-block-count-0": file([LLAMA[0], meta("llama.block_count", U32, u32(0))] + LLAMA[3:]),
    "heads-0": file([LLAMA[0], meta("llama.attention.head_count", U32, u32(0)), LLAMA[3]]),
    "cve-2025-66960-string-beyond-file": file([meta("k", STRING, u64(2**30))]),
    "llama-24759-offset-pads-to-0": one([1], offset=TOP - 31),
    "dimension-0": one([32, 0], Q8_0),
    "llama-24997-alignment": file([meta("general.alignment", U32, u32(2**31))]),
    "alignment-0": file([meta("general.alignment", U32, u32(0))]),
    "alignment-string": file([meta("general.alignment", STRING, string("32"))]),
    "alignment-largest": file([meta("general.alignment", U32, u32(2**20))]),
    "gguf-py-27188-array-2-63": file([array("k", STRING, 2**63)]),
    "huggingface-2028-nested-array": file([array("k", ARRAY, 1, (u32(ARRAY) + u64(1)) * 20)]),
    "wrong-types": file([meta("general.architecture", U32, u32(1)), meta("llama.block_count", STRING, string("2"))]),
    "control-in-architecture": file([meta("general.architecture", STRING, string("a\x1b[31m"))]),
    "unknown-value-type": file([meta("k", 13, bytes(8))]),
    "bool-2": file([meta("k", BOOL, b"\2")]),
    "empty-key": file([meta("", U8, b"\1")]),
    "control-in-key": file([meta("a\x1bb", U8, b"\1")]),
    "nul-in-name": file(tensors=[tensor("a\0b", [1], F16, 0)]),
    "name-too-long": file(tensors=[tensor("n" * 65, [1], F16, 0)]),
    "key-twice": file([meta("k", U8, b"\1")] * 2),
    "name-twice": file(tensors=[tensor("t", [1], F16, 0), tensor("t", [1], F16, 32)]),
    "overlap": file(tensors=[tensor("a", [17], F16, 0), tensor("b", [1], F16, 32)]),
    "unaligned": one([1], offset=1),
    "rows-not-blocks": one([33], Q8_0),
    "unknown-type-too-many-elements": one([2**40], UNKNOWN),
    "type-above-2-31": one([1], 0x80000000),
    "truncated": file(LLAMA, TENSORS, 608 + 204)[:400],
}


def main():
    folder = pathlib.Path(__file__).with_name("corpus") / "gguf"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in SEEDS.items():
        (folder / name).write_bytes(data)


main()
