#!/usr/bin/env python3
"""Writes corpus/safetensors: small safetensors files, good ones and wrong ones.

    make_safetensors_seeds.py

A file's name is its reason. Files that the fuzzer found are added beside them by hand, and are left alone here.
"""
import struct

from seeds import Seeds

SEEDS = Seeds("safetensors")
good, bad = SEEDS.good, SEEDS.bad
BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
    "U64": 64,
}


def file(header, data=b"", length=None):
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(name, dtype, shape, begin, end):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'


def one(dtype="F32", shape="[2,3]", begin=0, end=24, data=24):
    return file("{" + entry("t", dtype, shape, begin, end) + "}", bytes(data))


def fields(text, data=4):
    """A file of one tensor with these fields."""
    return file('{"t":{' + text + "}}", bytes(data))


DTYPE, SHAPE, OFFSETS = '"dtype":"F32"', '"shape":[1]', '"data_offsets":[0,4]'
FIELDS = f"{DTYPE},{SHAPE},{OFFSETS}"


def all_types():
    entries, at = ['"__metadata__":{"format":"pt","empty":"","nul":"a\\u0000b"}'], 0
    for name, bits in BITS.items():
        entries.append(entry(name, name, "[2,4]", at, at + bits))
        at += bits
    entries.append(entry("scalar", "F32", "[]", at, at + 4))
    entries.append(entry("none", "F32", "[0,7]", at + 4, at + 4))
    entries.append(entry("five.dimensions", "I8", "[2,1,3,1,2]", at + 4, at + 16))
    entries.append(entry("unknown", "F3_E1M1", "[8]", at + 16, at + 19))
    return file("{" + ",".join(entries) + "}   ", bytes(i % 251 for i in range(at + 19)))


def whole():
    good("all-types", all_types())
    good("empty", file("{}"))
    good("padded", file("{}      "))
    good("metadata-alone", file('{"__metadata__":{"a":"b"}}'))
    good("out-of-order", file("{" + entry("b", "I8", "[3]", 2, 5) + "," + entry("a", "I8", "[2]", 0, 2) + "}", bytes(5)))
    good("fields-in-other-order", fields(f"{OFFSETS},{SHAPE},{DTYPE}"))
    good("escaped-name", file('{"\\u00e9\\ud83d\\ude00\\"\\\\\\/":{' + FIELDS + "}}", bytes(4)))
    good("nothing-between", file("{" + entry("a", "I8", "[0]", 0, 0) + "," + entry("b", "I8", "[1]", 0, 1) + ","
                                 + entry("c", "I8", "[0]", 1, 1) + "}", bytes(1)))
    good("nothing-first-in-data-last-in-table", file("{" + entry("b", "I8", "[1]", 0, 1) + "," + entry("a", "I8", "[0]", 0, 0) + "}", bytes(1)))
    good("unknown-type", one("INT3", "[8]", 0, 3, 3))


def lengths():
    bad("TRUNCATED", "empty-file", b"")
    bad("TRUNCATED", "length-alone", struct.pack("<Q", 2))
    bad("FORMAT", "length-0", file("", bytes(8)))
    bad("FORMAT", "length-0-and-a-brace", file("", b"{}"))
    for n in (2**64 - 1, 2**63, 2**32, 100_000_001):
        bad("LIMIT", f"length-{n}", file("{}", length=n))
    bad("TRUNCATED", "length-100000000-beyond-file", file("{}", length=100_000_000))
    bad("TRUNCATED", "length-one-beyond-file", file("{}", length=3))
    bad("TRUNCATED", "length-one-too-short", file("{" + entry("t", "F32", "[1]", 0, 4) + "}", bytes(4), 50))
    bad("FORMAT", "length-into-the-data", file("{" + entry("t", "F32", "[1]", 0, 4) + "}", bytes(8), 58))
    bad("FORMAT", "space-before-the-brace", file(" {}"))
    bad("FORMAT", "byte-order-mark", file(b"\xef\xbb\xbf{}"))
    bad("FORMAT", "array", file("[]"))
    bad("FORMAT", "number", file("12"))


def texts():
    for reason, text in {
        "trailing-comma": "{%s,}", "two-commas": "{%s,,%s}", "no-comma": "{%s %s}", "two-documents": "{%s}{}", "text-after": "{%s}x",
        "bracket-after": "{%s}]", "comment": "{/**/%s}", "single-quotes": "{'t':1}", "bare-name": "{t:1}", "no-colon": '{"t" 1}',
        "padded-with-nul": "{%s}\0\0", "nul-within": "{%s\0}", "form-feed": "{%s}\f",
    }.items():
        bad("FORMAT", f"text-{reason}", file(text.replace("%s", entry("t", "F32", "[1]", 0, 4)), bytes(4)))
    for reason, name in {
        "nul-escaped": "a\\u0000b", "newline-escaped": "a\\nb", "escape-escaped": "\\u001b[31m", "delete": "a\x7fb", "tab": "a\tb", "empty": "",
        "half-a-pair": "\\ud800", "second-half-of-a-pair": "\\udc00", "pair-of-two-firsts": "\\ud800\\ud800", "bad-escape": "\\x41",
        "short-escape": "\\u12", "escaped-no-hex": "\\u12g4",
    }.items():
        bad("FORMAT", f"name-{reason}", file("{" + entry(name, "F32", "[1]", 0, 4) + "}", bytes(4)))
    for reason, name in {
        "no-utf-8": b"\xff", "cut-utf-8": b"\xe2\x82", "overlong": b"\xc0\x80", "surrogate": b"\xed\xa0\x80", "beyond-unicode": b"\xf4\x90\x80\x80",
    }.items():
        bad("FORMAT", f"name-{reason}", file(b'{"' + name + b'":{' + FIELDS.encode() + b"}}", bytes(4)))
    bad("LIMIT", "name-65536-bytes", file("{" + entry("n" * 65536, "F32", "[1]", 0, 4) + "}", bytes(4)))
    bad("FORMAT", "name-twice", file("{" + entry("t", "F32", "[1]", 0, 4) + "," + entry("t", "F32", "[1]", 4, 8) + "}", bytes(8)))
    bad("FORMAT", "name-twice-escaped", file("{" + entry("t", "F32", "[1]", 0, 4) + "," + entry("\\u0074", "F32", "[1]", 4, 8) + "}", bytes(8)))
    for reason, cut in (("in-name", 10), ("in-entry", 12), ("in-dtype", 22), ("in-shape", 37), ("in-offsets", 55), ("before-last-brace", None)):
        text = "{" + entry("t", "F32", "[1]", 0, 4) + "}"
        bad("TRUNCATED", f"text-cut-{reason}", file(text[:cut - 8 if cut else -1], bytes(4)))


def entries():
    for reason, value in (("number", "1"), ("string", '"x"'), ("array", "[]"), ("null", "null"), ("bool", "true")):
        bad("FORMAT", f"entry-is-{reason}", file('{"t":' + value + "}"))
    bad("FORMAT", "entry-empty", file('{"t":{}}'))
    bad("FORMAT", "entry-without-dtype", fields(f"{SHAPE},{OFFSETS}"))
    bad("FORMAT", "entry-without-shape", fields(f"{DTYPE},{OFFSETS}"))
    bad("FORMAT", "entry-without-offsets", fields(f"{DTYPE},{SHAPE}"))
    for reason, again in (("dtype", DTYPE), ("shape", SHAPE), ("data_offsets", OFFSETS)):
        bad("FORMAT", f"entry-with-{reason}-twice", fields(f"{FIELDS},{again}"))
    bad("FORMAT", "entry-with-an-unknown-field", fields(f'{FIELDS},"stride":[1]'))
    bad("FORMAT", "entry-with-a-field-in-capitals", fields(f'"Dtype":"F32",{SHAPE},{OFFSETS}'))
    for reason, value in (("number", "1"), ("null", "null"), ("array", '["F32"]'), ("object", "{}")):
        bad("FORMAT", f"dtype-is-{reason}", fields(f'"dtype":{value},{SHAPE},{OFFSETS}'))
    for reason, value in (("number", "1"), ("null", "null"), ("string", '"1"'), ("object", "{}")):
        bad("FORMAT", f"shape-is-{reason}", fields(f'{DTYPE},"shape":{value},{OFFSETS}'))
        bad("FORMAT", f"offsets-are-{reason}", fields(f'{DTYPE},{SHAPE},"data_offsets":{value}'))
    for reason, value in NUMBERS.items():
        bad("FORMAT", f"shape-of-{reason}", fields(f'{DTYPE},"shape":[{value}],{OFFSETS}'))
        bad("FORMAT", f"offset-of-{reason}", fields(f'{DTYPE},{SHAPE},"data_offsets":[0,{value}]'))
    bad("FORMAT", "offsets-none", fields(f'{DTYPE},{SHAPE},"data_offsets":[]'))
    bad("FORMAT", "offsets-one", fields(f'{DTYPE},{SHAPE},"data_offsets":[0]'))
    bad("FORMAT", "offsets-three", fields(f'{DTYPE},{SHAPE},"data_offsets":[0,4,8]'))
    bad("LIMIT", "shape-of-9-dimensions", one("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4, 4))
    bad("FORMAT", "shape-nested-65-deep", fields(f'{DTYPE},"shape":{"[" * 63}{"]" * 63},{OFFSETS}'))


NUMBERS = {
    "negative": "-1", "minus-zero": "-0", "fraction": "1.0", "exponent": "1e0", "2-63": str(2**63), "2-64": str(2**64), "hundred-digits": "9" * 100,
    "string": '"1"', "null": "null", "bool": "true", "array": "[1]", "object": "{}", "nan": "NaN", "infinity": "Infinity", "leading-zero": "01",
    "plus": "+1", "hexadecimal": "0x1",
}


def metadata():
    for reason, value in (("number", "1"), ("null", "null"), ("string", '"x"'), ("array", "[]")):
        bad("FORMAT", f"metadata-is-{reason}", file('{"__metadata__":' + value + "}"))
        bad("FORMAT", f"metadata-of-{reason}", file('{"__metadata__":{"k":' + ("{}" if reason == "string" else value) + "}}"))
    bad("FORMAT", "metadata-twice", file('{"__metadata__":{},"__metadata__":{}}'))
    bad("FORMAT", "metadata-key-twice", file('{"__metadata__":{"k":"1","k":"2"}}'))
    bad("FORMAT", "metadata-key-empty", file('{"__metadata__":{"":"1"}}'))
    bad("FORMAT", "metadata-key-with-control", file('{"__metadata__":{"a\\u001bb":"1"}}'))
    bad("LIMIT", "metadata-key-too-long", file('{"__metadata__":{"' + "k" * 65523 + '":"1"}}'))
    bad("FORMAT", "metadata-value-no-utf-8", file(b'{"__metadata__":{"k":"\xff"}}'))


def sizes():
    for name, bits in BITS.items():
        bad("FORMAT", f"size-of-{name}-one-short", one(name, "[2,4]", 0, bits - 1, bits - 1))
    for name in ("F4", "F6_E2M3", "F6_E3M2"):
        bad("FORMAT", f"size-of-{name}-ends-within-a-byte", one(name, "[1,3]", 0, 2, 2))
    bad("FORMAT", "size-too-large", one(end=25, data=25))
    bad("FORMAT", "size-of-scalar-0", one(shape="[]", end=0, data=0))
    bad("FORMAT", "size-of-nothing-4", one(shape="[0]", end=4, data=4))
    bad("OVERFLOW", "elements-wrap", one(shape=f"[{2**32},{2**32}]"))
    bad("OVERFLOW", "elements-wrap-to-less", one(shape=f"[{2**32 + 1},{2**32 - 1},2]"))
    bad("OVERFLOW", "elements-wrap-before-0", one(shape=f"[{2**62},4,0]", end=0, data=0))
    bad("OVERFLOW", "bytes-wrap", one(shape=f"[{2**62}]", end=0, data=0))
    bad("OVERFLOW", "bytes-wrap-c64", one("C64", f"[{2**61}]", end=0, data=0))
    bad("FORMAT", "unknown-type-too-many-elements", one("INT3", "[1000]", 0, 3, 3))


def places():
    bad("FORMAT", "begin-after-end", one(begin=24, end=0))
    bad("TRUNCATED", "end-beyond-file", one(data=23))
    bad("TRUNCATED", "data-missing", one(data=0))
    bad("TRUNCATED", "end-far-beyond-file", one("I8", f"[{2**62}]", 0, 2**62))
    bad("FORMAT", "data-after-the-last", one(data=25))
    bad("FORMAT", "data-without-tensors", file("{}", b"x"))
    bad("FORMAT", "hole-at-the-start", one(begin=1, end=25, data=25))
    bad("FORMAT", "hole-between", file("{" + entry("a", "I8", "[1]", 0, 1) + "," + entry("b", "I8", "[1]", 2, 3) + "}", bytes(3)))
    bad("FORMAT", "hole-before-nothing", file("{" + entry("a", "I8", "[1]", 0, 1) + "," + entry("b", "I8", "[0]", 2, 2) + "}", bytes(2)))
    bad("FORMAT", "overlap-by-one", file("{" + entry("a", "I8", "[2]", 0, 2) + "," + entry("b", "I8", "[2]", 1, 3) + "}", bytes(3)))
    bad("FORMAT", "overlap-whole", file("{" + entry("a", "I8", "[2]", 0, 2) + "," + entry("b", "I8", "[2]", 0, 2) + "}", bytes(2)))
    bad("FORMAT", "overlap-by-nothing-inside", file("{" + entry("a", "I8", "[2]", 0, 2) + "," + entry("b", "I8", "[0]", 1, 1) + "}", bytes(2)))


for part in (whole, lengths, texts, entries, metadata, sizes, places):
    part()

if __name__ == "__main__":
    SEEDS.write()
