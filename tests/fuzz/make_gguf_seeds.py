#!/usr/bin/env python3
"""Writes corpus/gguf: small GGUF files, good ones and one for each public finding in readers of the format.

    make_gguf_seeds.py

A file's name is its reason. Files that the fuzzer found are added beside them by hand, and are left alone here.
"""
import struct

from seeds import Seeds

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
F16, Q4_0, Q8_0, I16_TYPE, UNKNOWN = 1, 2, 8, 25, 200
TOP = 2**64 - 1
KINDS = {"u8": U8, "i16": I16, "f32": F32, "string": STRING, "i64": I64}
BLOCKS = [("q4_1", 3, 32), ("q5_0", 6, 32), ("q8_0", 8, 32), ("q2_k", 10, 256), ("q6_k", 14, 256), ("iq4_nl", 20, 32), ("mxfp4", 39, 32),
          ("nvfp4", 40, 64)]
CONTROLS = {"nul": "\0", "newline": "\n", "escape": "\x1b", "delete": "\x7f"}


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

ALL = file(LLAMA, TENSORS, 608 + 204)

SEEDS = Seeds("gguf")
good, bad = SEEDS.good, SEEDS.bad


def whole():
    """Files that are right, or odd and no error."""
    good("all-types", ALL)
    good("version-2", file(LLAMA[:9], TENSORS[:1], 384, version=2))
    good("empty", file(data=0))
    good("out-of-order", file(tensors=[tensor("b", [8], F16, 64), tensor("a", [8], F16, 0)], data=80))
    good("scalar", one([], 0, data=4))
    good("cve-2024-8063-block-count-0", file([LLAMA[0], meta("llama.block_count", U32, u32(0))] + LLAMA[3:]))
    good("heads-0", file([LLAMA[0], meta("llama.attention.head_count", U32, u32(0)), LLAMA[3]]))
    good("alignment-largest", file([meta("general.alignment", U32, u32(2**20))]))
    good("wrong-types", file([meta("general.architecture", U32, u32(1)), meta("llama.block_count", STRING, string("2"))]))
    good("control-in-architecture", file([meta("general.architecture", STRING, string("a\x1b[31m"))]))
    good("split-alone", file([meta("split.count", U16, b"\3\0"), meta("split.no", U16, b"\1\0")]))


def headers():
    for reason, magic in {
        "ggml": b"ggml", "lower-case": b"gguf", "backwards": b"FUGG", "zip": b"PK\3\4", "pickle": b"\x80\2}q", "elf": b"\x7fELF",
    }.items():
        bad("FORMAT", f"magic-{reason}", magic + bytes(64))
    for version in (0, 1, 4, 255, 2**32 - 1):
        bad("VERSION", f"version-{version}", file(version=version))
    bad("VERSION", "big-endian-version-2", file(version=0x02000000))
    bad("VERSION", "big-endian-version-3", file(version=0x03000000))
    bad("TRUNCATED", "cve-2024-21836-n-tensors", file(n_tensors=2**60))
    bad("TRUNCATED", "cve-2024-23605-n-kv", file(n_metas=TOP))
    for n in (2**63, 2**61 + 1, 2**32):
        bad("TRUNCATED", f"n-tensors-{n}", file(n_tensors=n))
        bad("TRUNCATED", f"n-kv-{n}", file(n_metas=n))
    bad("TRUNCATED", "n-tensors-largest", file(n_tensors=TOP))
    bad("TRUNCATED", "n-tensors-one-too-many", file(tensors=TENSORS[:1], n_tensors=2, data=0, align=1))
    bad("TRUNCATED", "n-kv-one-too-many", file(LLAMA[:1], n_metas=2, data=0, align=1))


def keys():
    bad("LIMIT", "cve-2024-23496-key-length", file([u64(TOP)]))
    for length in (2**63, 2**32 + 1, 65536):
        bad("LIMIT", f"key-length-{length}", file([u64(length) + bytes(64)]))
    bad("TRUNCATED", "key-longest-beyond-file", file([u64(65535) + bytes(64)]))
    bad("TRUNCATED", "key-one-byte-beyond-file", file([string("abcdefghijkl", 13)], data=0, align=1))
    bad("FORMAT", "key-empty", file([meta("", U8, b"\1")]))
    for reason, control in CONTROLS.items():
        bad("FORMAT", f"key-with-{reason}", file([meta(f"a{control}b", U8, b"\1")]))
    bad("FORMAT", "key-twice", file([meta("k", U8, b"\1")] * 2))
    bad("FORMAT", "key-twice-with-other-types", file([meta("k", U8, b"\1"), meta("k", STRING, string("1"))]))
    bad("FORMAT", "key-twice-far-apart", file([meta(f"k{i % 100}", U8, b"\1") for i in range(101)]))


def values():
    for kind in (13, 255, 256, 2**31, 2**32 - 1):
        bad("FORMAT", f"value-type-{kind}", file([meta("k", kind, bytes(8))]))
        bad("FORMAT", f"element-type-{kind}", file([array("k", kind, 1, bytes(8))]))
    bad("TRUNCATED", "cve-2024-23496-string-length", file([meta("k", STRING, u64(TOP))]))
    bad("TRUNCATED", "cve-2025-66960-string-beyond-file", file([meta("k", STRING, u64(2**30))]))
    for length in (2**63, TOP - 8, 2**32 + 1):
        bad("TRUNCATED", f"string-length-{length}", file([meta("k", STRING, u64(length))]))
    bad("TRUNCATED", "string-one-byte-beyond-file", file([meta("k", STRING, string("abc", 100))], data=0))
    bad("TRUNCATED", "cve-2024-21825-array-size", file([array("k", U64, 2**61 + 1, bytes(64))]))
    bad("TRUNCATED", "cve-2024-21825-string-array", file([array("k", STRING, TOP, bytes(64))]))
    bad("TRUNCATED", "cve-2025-49847-token-length", file([array("tokenizer.ggml.tokens", STRING, 1, string("x", 2**32 + 1))]))
    bad("TRUNCATED", "gguf-py-27188-array-2-63", file([array("k", STRING, 2**63)]))
    for name, kind in KINDS.items():
        for count in (TOP - 1, 2**62, 1000):
            bad("TRUNCATED", f"array-of-{name}-{count}", file([array("k", kind, count, bytes(64))]))
    bad("TRUNCATED", "array-of-strings-the-last-beyond-file", file([array("k", STRING, 3, string("a") + string("b") + string("c", 999))]))
    bad("FORMAT", "huggingface-2028-nested-array", file([array("k", ARRAY, 1, (u32(ARRAY) + u64(1)) * 20)]))
    bad("FORMAT", "nested-array-empty", file([array("k", ARRAY, 0)]))
    for value in (2, 128, 255):
        bad("FORMAT", f"bool-{value}", file([meta("k", BOOL, bytes([value]))]))


def alignments():
    for value in (0, 1, 4, 7, 2**20 + 1, 2**21, 2**32 - 1):
        bad("LIMIT", f"alignment-{value}", file([meta("general.alignment", U32, u32(value))]))
    bad("LIMIT", "llama-24997-alignment", file([meta("general.alignment", U32, u32(2**31))]))
    for value in (9, 12, 33, 2**20 - 1):
        bad("FORMAT", f"alignment-{value}", file([meta("general.alignment", U32, u32(value))]))
    for name, kind, raw in (
        ("string", STRING, string("32")), ("u64", U64, u64(32)), ("i32", I32, u32(32)), ("u8", U8, b"\x20"), ("f32", F32, struct.pack("<f", 32)),
    ):
        bad("FORMAT", f"alignment-{name}", file([meta("general.alignment", kind, raw)]))
    bad("FORMAT", "alignment-array", file([array("general.alignment", U32, 1, u32(32))]))
    bad("TRUNCATED", "alignment-largest-without-room", file([meta("general.alignment", U32, u32(2**20))], TENSORS[:1], 384))


def names():
    bad("FORMAT", "name-empty", file(tensors=[tensor("", [1], F16, 0)]))
    bad("LIMIT", "name-65-bytes", file(tensors=[tensor("n" * 65, [1], F16, 0)]))
    bad("LIMIT", "name-length-largest", file(tensors=[u64(TOP) + bytes(64)]))
    bad("TRUNCATED", "name-beyond-file", file(tensors=[string("n" * 20, 40)], data=0, align=1))
    for reason, control in CONTROLS.items():
        bad("FORMAT", f"name-with-{reason}", file(tensors=[tensor(f"a{control}b", [1], F16, 0)]))
    bad("FORMAT", "name-twice", file(tensors=[tensor("t", [1], F16, 0), tensor("t", [1], F16, 32)]))
    bad("FORMAT", "name-twice-far-apart", file(tensors=[tensor(f"t{i % 100}", [1], F16, 32 * i) for i in range(101)], data=101 * 32))


def shapes():
    bad("FORMAT", "cve-2024-21802-n-dims", one([1] * 9))
    bad("FORMAT", "n-dims-5", one([1] * 5))
    bad("FORMAT", "cve-2024-21802-n-dims-wraps", one([1], n_dims=0x80000001))
    bad("FORMAT", "n-dims-largest", one([1], n_dims=2**32 - 1))
    for zero in range(4):
        for name, kind in (("q8_0", Q8_0), ("unknown", UNKNOWN)):
            bad("FORMAT", f"dimension-{zero}-of-{name}-is-0", one([0 if i == zero else 32 for i in range(4)], kind))
    bad("FORMAT", "type-above-2-31", one([1], 0x80000000))
    bad("FORMAT", "type-largest", one([1], 2**32 - 1))
    for name, kind, block in BLOCKS:
        bad("FORMAT", f"rows-of-{name}-one-short-of-a-block", one([block - 1], kind, data=300))
        bad("FORMAT", f"rows-of-{name}-end-within-a-block", one([block + block // 2, 2], kind, data=1024))
    bad("OVERFLOW", "cve-2026-33298-product", one([2**32, 2**32, 1, 1]))
    bad("OVERFLOW", "product-wraps-to-less", one([2**32 + 1, 2**32 - 1, 2]))
    bad("OVERFLOW", "product-of-four-wraps", one([2**16] * 4))
    bad("OVERFLOW", "product-of-unknown-wraps", one([2**32, 2**32], UNKNOWN))
    bad("OVERFLOW", "cve-2026-27940-bytes", one([2**62], 0))
    bad("OVERFLOW", "bytes-wrap-at-f64", one([2**61], 28))
    bad("OVERFLOW", "end-wraps", one([TOP], 24))
    bad("TRUNCATED", "cve-2026-7482-dims-beyond-file", one([4096, 4096]))
    bad("TRUNCATED", "largest-dimension-beyond-file", one([2**63 - 1], 24))
    bad("TRUNCATED", "one-element-beyond-file", one([17], 0))
    bad("TRUNCATED", "one-block-beyond-file", one([64], Q8_0))
    bad("TRUNCATED", "unknown-type-too-many-elements", one([2**40], UNKNOWN))
    bad("FORMAT", "unknown-type-too-many-elements-before-another",
        file(tensors=[tensor("a", [2**40], UNKNOWN, 0), tensor("b", [8], F16, 32)]))


def places():
    bad("TRUNCATED", "cve-2025-53630-sizes-sum",
        file(tensors=[tensor(n, [2**62], I16_TYPE, o) for n, o in (("a", 0), ("b", 2**63))]))
    bad("OVERFLOW", "llama-24759-offset-pads-to-0", one([1], offset=TOP - 31))
    bad("OVERFLOW", "offset-wraps-with-the-data-start", one([1], offset=TOP - 63))
    for offset in (1, 16, 31, TOP):
        bad("FORMAT", f"offset-{offset}-unaligned", one([1], offset=offset))
    bad("FORMAT", "offset-32-unaligned-to-64", file([meta("general.alignment", U32, u32(64))], [tensor("t", [1], F16, 32)]))
    for offset in (64, 2**20, 2**63):
        bad("TRUNCATED", f"offset-{offset}-beyond-file", one([1], offset=offset))
    bad("TRUNCATED", "unknown-type-at-the-end", one([1], UNKNOWN, 64))
    bad("FORMAT", "overlap-by-one", file(tensors=[tensor("a", [17], F16, 0), tensor("b", [1], F16, 32)]))
    bad("FORMAT", "overlap-backwards", file(tensors=[tensor("b", [1], F16, 32), tensor("a", [17], F16, 0)]))
    bad("FORMAT", "overlap-whole", file(tensors=[tensor("a", [32], F16, 0), tensor("b", [32], F16, 0)]))
    bad("FORMAT", "overlap-inside", file(tensors=[tensor("a", [64], F16, 0), tensor("b", [1], F16, 32)], data=128))
    bad("FORMAT", "overlap-of-unknown-types", file(tensors=[tensor("a", [1], UNKNOWN, 0), tensor("b", [1], UNKNOWN, 0)]))
    bad("TRUNCATED", "data-missing", one([1], data=0))
    bad("TRUNCATED", "data-one-byte-short", one([32], data=63))


def truncations():
    cuts = {
        "in-magic": 3, "after-magic": 4, "in-version": 7, "in-n-tensors": 12, "after-n-tensors": 16, "in-n-kv": 23, "after-header": 24,
        "in-key-length": 28, "in-key": 40, "in-type": 54, "in-string-length": 60, "in-string": 66, "in-second-value": 100,
        "in-array": 230, "in-strings": 420, "in-tensors": len(ALL) - 950, "in-data": len(ALL) - 400, "at-last-byte": len(ALL) - 1,
    }
    for reason, cut in cuts.items():
        bad("TRUNCATED", f"truncated-{reason}", ALL[:cut])


for part in (whole, headers, keys, values, alignments, names, shapes, places, truncations):
    part()

if __name__ == "__main__":
    SEEDS.write()
