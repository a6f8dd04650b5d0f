#!/usr/bin/env python3
"""Writes corpus/quant: the saved matrices of tests/data/quant, and wrong ones, each for its reason.

    make_quant_seeds.py

The fuzz target makes the checksums right by itself. Files that the fuzzer found are added beside them by hand.
"""
from seeds import TOP, changed, golden, write


def main():
    good = golden("quant")
    native = good["good-native-8-f32"]
    blocks = good["good-q4_0"]
    seeds = good | {
        "empty": b"",
        "magic-alone": native[:16],
        "header-alone": native[:256],
        "truncated": native[:-1],
        "appended": native + bytes(64),
        "version-2": changed(native, (16, 2, 4)),
        "rows-0": changed(native, (32, 0, 8)),
        "rows-largest": changed(native, (32, TOP, 8)),
        "rows-times-cols-wraps": changed(native, (32, 2**61, 8), (40, 16, 8)),
        "rows-and-cols-swapped": changed(native, (32, 40, 8), (40, 3, 8)),
        "cols-0": changed(native, (40, 0, 8)),
        "cols-largest": changed(native, (40, TOP, 8)),
        "group-0": changed(native, (48, 0, 8)),
        "group-7": changed(native, (48, 7, 8)),
        "group-largest": changed(native, (48, TOP - 7, 8)),
        "bits-0": changed(native, (56, 0, 4)),
        "bits-5": changed(native, (56, 5, 4)),
        "params-q4": changed(native, (60, 2, 4)),
        "params-other-16": changed(good["good-native-4-f16"], (60, 30, 4)),
        "symmetric": changed(native, (64, 1, 4)),
        "symmetric-blocks": changed(blocks, (64, 1, 4)),
        "flags-2": changed(native, (64, 2, 4)),
        "layout-1": changed(native, (68, 1, 4)),
        "layout-2": changed(native, (68, 2, 4)),
        "packed-plain": changed(good["good-packed-8-f32"], (68, 0, 4)),
        "packed-cols-largest": changed(good["good-packed-8-f32"], (32, 1, 8), (40, TOP, 8), (48, TOP - 7, 8)),
        # 16 rows of so many bytes and their parameters are 2^64 / 8 and 1792, which is what the file has.
        "packed-cols-wrap": changed(good["good-packed-8-f32"], (32, 1, 8), (40, 2**57 + 104, 8), (48, 2**57 + 104, 8)),
        "sections-0": changed(native, (72, 0, 4)),
        "sections-5": changed(native, (72, 5, 4)),
        "section-kind": changed(native, (96, 9, 4)),
        "section-at-0": changed(native, (104, 0, 8)),
        "section-beyond": changed(native, (104, TOP - 63, 8)),
        "section-bytes-largest": changed(native, (112, TOP, 8)),
        "reserved": changed(native, (80, 1, 1)),
        "padding": changed(native, (256 + 121, 1, 1)),
        "scales-nan": changed(native, (384, 0x7FC00000, 4)),
        "minima-infinite": changed(native, (448, 0xFF800000, 4)),
        "type-unknown": changed(blocks, (20, 5, 4)),
        "type-unreadable": changed(blocks, (20, 22, 4)),
        "type-negative": changed(blocks, (20, 2**32 - 2, 4)),
        "type-native": changed(blocks, (20, 2**32 - 1, 4)),
        "cols-not-blocks": changed(blocks, (40, 63, 8)),
    }
    write("quant", seeds)


main()
