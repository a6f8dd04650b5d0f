#!/usr/bin/env python3
"""Writes corpus/neuron: the saved profiles of tests/data/neuron, and wrong ones, each for its reason.

    make_neuron_seeds.py

The fuzz target makes the checksums right by itself. Files that the fuzzer found are added beside them by hand.
"""
import pathlib

TOP = 2**64 - 1


def changed(file, *changes):
    """Each change is an offset, a number, and its bytes."""
    out = bytearray(file)
    for at, value, n in changes:
        out[at : at + n] = value.to_bytes(n, "little")
    return bytes(out)


def main():
    here = pathlib.Path(__file__).parent
    good = {f"good-{p.stem}": p.read_bytes() for p in sorted((here.parent / "data/neuron").glob("*.neuron"))}
    plain, fading = good["good-threshold"], good["good-budget"]
    layer = 128
    seeds = good | {
        "empty": b"",
        "magic-alone": plain[:16],
        "header-alone": plain[:128],
        "truncated": plain[:-1],
        "appended": plain + bytes(64),
        "version-2": changed(plain, (16, 2, 4)),
        "flags-2": changed(plain, (20, 2, 4)),
        "layers-0": changed(plain, (32, 0, 4)),
        "layers-largest": changed(plain, (32, 2**32 - 1, 4)),
        "neurons-0": changed(plain, (36, 0, 4)),
        "neurons-largest": changed(plain, (36, 2**32 - 1, 4)),
        "neurons-fewer": changed(plain, (36, 17, 4)),
        "threshold-nan": changed(plain, (40, 0x7FC00000, 4)),
        "threshold-minus-0": changed(fading, (40, 0x80000000, 4)),
        "interval-0": changed(plain, (44, 0, 4)),
        "half-life": changed(plain, (48, 5, 4)),
        "two-criteria": changed(plain, (52, 5, 4)),
        "fraction-2": changed(fading, (56, 0x40000000, 4)),
        "hysteresis-nan": changed(fading, (60, 0x7FC00000, 4)),
        "row-bytes-alone": changed(plain, (72, 64, 8)),
        "budget-less-than-a-row": changed(plain, (40, 0, 4), (64, 63, 8), (72, 64, 8)),
        "reserved": changed(plain, (80, 1, 1)),
        "events-largest": changed(plain, (layer, TOP, 8)),
        "next-passed": changed(plain, (layer + 8, 10, 8)),
        "next-far": changed(plain, (layer + 8, 15, 8)),
        "weight": changed(plain, (layer + 16, 11, 8)),
        "weight-largest": changed(fading, (layer + 16, TOP, 8)),
        "phase": changed(plain, (layer + 24, 1, 8)),
        "phase-half-life": changed(fading, (layer + 24, 6, 8)),
        "out-of-range-largest": changed(plain, (layer + 32, TOP, 8)),
        "nans-largest": changed(plain, (layer + 40, TOP, 8)),
        "classifications-largest": changed(plain, (layer + 48, TOP, 8)),
        "state-reserved": changed(plain, (layer + 56, 1, 8)),
        "counts-largest": changed(plain, (layer + 64, TOP, 8)),
        "count-beyond": changed(plain, (layer + 64 + 80, 1, 4)),
        "bit-beyond": changed(plain, (layer + 64 + 128 + 2, 255, 1)),
        "all-hot": changed(plain, (layer + 64 + 128, 0xFFFFF, 3)),
    }
    folder = here / "corpus" / "neuron"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


main()
