#!/usr/bin/env python3
"""Writes neuron/: saved profiles, byte by byte as src/doc/neuron_file.md tells.

    make_neuron_files.py

Nothing of the library is used. What is counted is in tests/unit/neuron_file_test.c too.
"""
import math
import pathlib
import struct

import xxhash

STRICT = 1


def is_active(layer, event, i):
    return (i * 7 + event * 5 + layer * 3) % (2 + i % 9) == 0


def classified(counts, weight, hot, form):
    """The hot neurons, by the definition in the header."""
    f32 = lambda x: struct.unpack("<f", struct.pack("<f", x))[0]
    bonus = f32(form.get("hysteresis", 0.0))
    scores = [c + math.trunc(c * bonus) if i in hot else c for i, c in enumerate(counts)]
    if "budget_fraction" in form:
        k = max(1, round(len(counts) * f32(form["budget_fraction"])))
        best = sorted(range(len(counts)), key=lambda i: (-scores[i], i))[:k]
        return {i for i in best if counts[i] > 0}
    need = max(1, math.trunc(weight * f32(form["threshold"])))
    return {i for i in range(len(counts)) if scores[i] >= need}


def layer_bytes(layer, n_neurons, events, form):
    half_life, interval = form.get("half_life", 0), form["interval"]
    counts, hot = [0] * n_neurons, set()
    weight = phase = classifications = 0
    for event in range(events):
        w = round(256 * 2 ** (phase / half_life)) if half_life else 1
        for i in range(n_neurons):
            counts[i] += w * is_active(layer, event, i)
        weight += w
        phase += bool(half_life)
        if half_life and phase == half_life:
            counts, weight, phase = [c // 2 for c in counts], weight // 2, 0
        if (event + 1) % interval == 0:
            hot = classified(counts, weight, hot, form)
            classifications += 1
    out_of_range = 0 if form.get("flags") else 2 * events
    next_event = (events // interval + 1) * interval
    state = struct.pack("<8Q", events, next_event, weight, phase, out_of_range, 0, classifications, 0)
    padded = counts + [0] * (-n_neurons % 16)
    words = [sum(1 << i for i in range(64) if 64 * word + i in hot) for word in range((n_neurons + 63) // 64)]
    words += [0] * (-len(words) % 8)
    return state + struct.pack(f"<{len(padded)}I", *padded) + struct.pack(f"<{len(words)}Q", *words)


def profile(n_layers, n_neurons, events, **form):
    data = b"".join(layer_bytes(layer, n_neurons, events + layer, form) for layer in range(n_layers))
    header = b"infermem neuron\n" + struct.pack(
        "<IIQIIfIIIffQQ32xQ",
        1,
        form.get("flags", 0),
        128 + len(data),
        n_layers,
        n_neurons,
        form.get("threshold", 0.0),
        form["interval"],
        form.get("half_life", 0),
        form.get("budget_count", 0),
        form.get("budget_fraction", 0.0),
        form.get("hysteresis", 0.0),
        0,
        0,
        xxhash.xxh3_64_intdigest(data),
    )
    assert len(header) == 120
    return header + struct.pack("<Q", xxhash.xxh3_64_intdigest(header)) + data


def main():
    folder = pathlib.Path(__file__).parent / "neuron"
    folder.mkdir(exist_ok=True)
    files = {
        "threshold": profile(2, 20, 10, threshold=0.25, interval=4, flags=STRICT),
        "budget": profile(1, 70, 25, budget_fraction=0.1, hysteresis=0.25, half_life=6, interval=7),
    }
    for name, data in files.items():
        (folder / f"{name}.neuron").write_bytes(data)


main()
