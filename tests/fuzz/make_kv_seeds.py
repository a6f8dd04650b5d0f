#!/usr/bin/env python3
"""Writes corpus/kv: the saved caches of tests/data/kv, and wrong ones, each for its reason.

    make_kv_seeds.py

The fuzz target makes the checksums right by itself. Files that the fuzzer found are added beside them by hand.
"""
from seeds import TOP, changed, golden, write


def main():
    good = golden("kv")
    f32, blocks, mixed, rotated = (good[f"good-{name}"] for name in ("f32", "q8_0", "mixed", "rotated"))
    seeds = good | {
        "none": b"",
        "magic-alone": f32[:16],
        "header-alone": f32[:256],
        "types-alone": f32[:272],
        "truncated": mixed[:-1],
        "truncated-checksum": mixed[:-8],
        "appended": f32 + bytes(64),
        "version-2": changed(f32, (16, 2, 4)),
        "flags-4": changed(f32, (20, 4, 4)),
        "rotated-too": changed(blocks, (20, 1, 4)),
        "rotated-less": changed(rotated, (20, 2, 4)),
        "rotated-odd": changed(f32, (20, 3, 4)),
        "bytes-0": changed(f32, (24, 0, 8)),
        "bytes-largest": changed(f32, (24, TOP, 8)),
        "tokens-0": changed(f32, (32, 0, 8)),
        "tokens-more": changed(f32, (32, 4, 8)),
        "tokens-largest": changed(f32, (32, TOP, 8)),
        "tokens-wrap": changed(blocks, (32, 2**63 + 3, 8)),
        "layers-0": changed(blocks, (40, 0, 8)),
        "layers-1": changed(blocks, (40, 1, 8)),
        "layers-3": changed(blocks, (40, 3, 8)),
        "layers-largest": changed(blocks, (40, TOP, 8)),
        "heads-0": changed(f32, (48, 0, 8)),
        "heads-largest": changed(f32, (48, TOP, 8)),
        "head-dim-0": changed(f32, (56, 0, 8)),
        "head-dim-33": changed(blocks, (56, 33, 8)),
        "head-dim-largest": changed(blocks, (64, TOP, 8)),
        "heads-and-head-dim-swapped": changed(blocks, (48, 32, 8), (56, 1, 8)),
        "fingerprint-65": changed(f32, (72, 65, 4)),
        "fingerprint-largest": changed(f32, (72, 2**32 - 1, 4)),
        "fingerprint-longer": changed(blocks, (72, 33, 4)),
        "after-fingerprint": changed(mixed, (143, 1, 1)),
        "reserved": changed(f32, (76, 1, 4)),
        "reserved-2": changed(f32, (247, 1, 1)),
        "type-unknown": changed(blocks, (256, 5, 4)),
        "type-not-stored": changed(blocks, (260, 12, 4)),
        "type-negative": changed(blocks, (264, 2**32 - 1, 4)),
        "type-other": changed(good["good-q4_0"], (256, 3, 4)),
        "type-same-size": changed(good["good-f16"], (256, 30, 4)),
        "scale-nan": changed(blocks, (280, 0x7E00, 2)),
        "scale-infinite": changed(blocks, (280, 0xFC00, 2)),
        "scale-denormal": changed(good["good-q4_1"], (280, 1, 2)),
        "row-infinite": changed(f32, (272, 0x7F800000, 4)),
    }
    write("kv", seeds)


main()
