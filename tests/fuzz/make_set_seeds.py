#!/usr/bin/env python3
"""Writes corpus/index and corpus/split: indices of the two safetensors files that the fuzz target has, and GGUF models of
two parts, good ones and wrong ones.

    make_set_seeds.py

A file's name is its reason. Files that the fuzzer found are added beside them by hand, and are left alone here.
"""
import struct

from make_gguf_seeds import F16, STRING, U8, U16, I32, U32, U64, file, meta, string, tensor, u32, u64
from seeds import Seeds

INDEX, SPLIT = Seeds("index"), Seeds("split")

A, B = '"a.0":"a.safetensors","a.1":"a.safetensors"', '"b.0":"b.safetensors","b.1":"b.safetensors"'


def index(entries, more=""):
    return '{"metadata":{"total_size":8}' + more + ',"weight_map":{' + entries + "}}"


def indices():
    good, bad = INDEX.good, INDEX.bad
    good("both", index(f"{A},{B}"))
    good("mixed-order", index('"b.1":"b.safetensors","a.0":"a.safetensors","b.0":"b.safetensors","a.1":"a.safetensors"'))
    good("one-file", index(A))
    good("tensors-without-entry", index('"a.0":"a.safetensors"'))
    good("other-keys", index(A, ',"x":[{"weight_map":1}],"y":{"z":[]},"n":NaN'))
    good("escaped", index('"\\u0061.0":"a\\u002esafetensors"'))
    for reason, name in {
        "parent": "../a.safetensors", "parent-within": "x/../../a.safetensors", "root": "/etc/passwd", "subdirectory": "x/a.safetensors", "here": "./a.safetensors",
        "dot": ".", "dots": "..", "slash-at-end": "a.safetensors/", "slash-escaped": "..\\u002fa.safetensors", "slash-escaped-otherwise": "..\\/a.safetensors",
        "nul": "a.safetensors\\u0000.x", "newline": "a\\nb", "empty": "",
    }.items():
        bad("FORMAT", f"file-{reason}", index(f'"a.0":"{name}"'))
    bad("LIMIT", "file-256-bytes", index('"a.0":"' + "f" * 256 + '"'))
    bad("LIMIT", "files-4097", index(",".join(f'"t{i}":"f{i}"' for i in range(4097))))
    bad("IO", "file-missing", index('"a.0":"a.safetensors","c.0":"c.safetensors"'))
    bad("LIMIT", "file-is-the-index", index('"a.0":"model.safetensors.index.json"'))
    bad("FORMAT", "tensor-in-the-other-file", index('"a.0":"b.safetensors","b.0":"a.safetensors"'))
    bad("FORMAT", "tensor-in-no-file", index('"a.0":"a.safetensors","a.2":"a.safetensors"'))
    bad("FORMAT", "tensor-twice", index('"a.0":"a.safetensors","a.0":"a.safetensors"'))
    bad("FORMAT", "tensor-twice-in-two-files", index('"a.0":"a.safetensors","a.0":"b.safetensors"'))
    bad("FORMAT", "tensor-empty", index('"":"a.safetensors"'))
    bad("FORMAT", "tensor-with-control", index('"a\\u001b":"a.safetensors"'))
    for reason, value in (("number", "1"), ("null", "null"), ("array", '["a.safetensors"]'), ("object", "{}")):
        bad("FORMAT", f"file-is-{reason}", index(f'"a.0":{value}'))
        bad("FORMAT", f"map-is-{reason}", '{"weight_map":' + value.replace("{}", '"a"') + "}")
    bad("FORMAT", "map-empty", index(""))
    bad("FORMAT", "map-missing", '{"metadata":{}}')
    bad("FORMAT", "map-in-metadata", '{"metadata":{"weight_map":{' + A + "}}}")
    bad("FORMAT", "map-twice", index(A, ',"weight_map":{' + A + "}"))
    bad("FORMAT", "root-is-array", "[]")
    bad("FORMAT", "root-is-number", "1")
    bad("FORMAT", "no-json", index(A + ","))
    bad("FORMAT", "no-utf-8", index(A).encode() + b"\xff")
    bad("TRUNCATED", "empty-file", b"")
    bad("TRUNCATED", "cut", index(A)[:-1])
    bad("TRUNCATED", "cut-in-a-name", index(A)[:60])
    bad("LIMIT", "nested-65-deep", '{"x":' + "[" * 64 + "]" * 64 + "}")


def keys(no=0, count=2, tensors=2, without=None):
    values = {"no": meta("split.no", U16, struct.pack("<H", no)), "count": meta("split.count", U16, struct.pack("<H", count)),
              "tensors": meta("split.tensors.count", I32, struct.pack("<i", tensors))}
    return [value for name, value in values.items() if name != without]


def part(no, metas, name=None, architecture=True):
    own = [meta("general.architecture", STRING, string("llama"))] if no == 0 and architecture else []
    return file(own + metas, [tensor(name or f"t{no}", [8], F16, 0)], 16)


def model(first, second):
    return u32(len(first)) + first + second


def splits():
    good, bad = SPLIT.good, SPLIT.bad
    first, second = part(0, keys(0)), part(1, keys(1))
    good("two-parts", model(first, second))
    good("other-integer-types", model(part(0, keys(tensors=2, count=2, no=0)), part(1, [
        meta("split.no", U8, b"\1"), meta("split.count", U64, u64(2)), meta("split.tensors.count", U32, u32(2))])))
    good("no-tensors-in-the-first", model(file(keys(0, tensors=1), data=0), part(1, keys(1, tensors=1))))
    bad("IO", "second-missing", model(first, b""))
    bad("TRUNCATED", "first-empty", model(b"", second))
    bad("TRUNCATED", "second-cut", model(first, second[:-1]))
    bad("TRUNCATED", "first-cut", model(first[:60], second))
    bad("FORMAT", "second-no-gguf", model(first, b"x" + second[1:]))
    bad("FORMAT", "second-is-json", model(first, b"{}"))
    bad("FORMAT", "second-is-the-first", model(first, first))
    bad("FORMAT", "exchanged", model(second, first))
    bad("FORMAT", "both-the-second", model(second, second))
    for missing in ("no", "count", "tensors"):
        bad("FORMAT", f"first-without-{missing}", model(part(0, keys(0, without=missing)), second))
        bad("FORMAT", f"second-without-{missing}", model(first, part(1, keys(1, without=missing))))
    bad("FORMAT", "without-keys", model(part(0, []), part(1, [])))
    bad("FORMAT", "count-3", model(part(0, keys(0, 3)), part(1, keys(1, 3))))
    bad("FORMAT", "count-1", model(part(0, keys(0, 1)), part(1, keys(1, 1))))
    bad("FORMAT", "count-0", model(part(0, keys(0, 0)), second))
    bad("FORMAT", "count-65535", model(first, part(1, keys(1, 65535))))
    bad("FORMAT", "numbers-from-1", model(part(0, keys(1)), part(1, keys(2))))
    bad("FORMAT", "count-negative",
        model(part(0, [keys()[0], meta("split.count", I32, struct.pack("<i", -2)), keys()[2]]), second))
    bad("FORMAT", "count-string", model(part(0, [keys()[0], meta("split.count", STRING, string("2")), keys()[2]]), second))
    bad("FORMAT", "tensors-1", model(part(0, keys(0, tensors=1)), part(1, keys(1, tensors=1))))
    bad("FORMAT", "tensors-3", model(part(0, keys(0, tensors=3)), part(1, keys(1, tensors=3))))
    bad("FORMAT", "tensors-negative", model(part(0, keys(0, tensors=-1)), part(1, keys(1, tensors=-1))))
    bad("FORMAT", "tensors-differ", model(first, part(1, keys(1, tensors=1))))
    bad("FORMAT", "tensor-in-both", model(first, part(1, keys(1), "t0")))
    bad("VERSION", "second-version-1", model(first, b"GGUF" + u32(1) + second[8:]))


indices()
splits()

if __name__ == "__main__":
    INDEX.write()
    SPLIT.write()
