#!/usr/bin/env python3
"""Opening a model takes instructions linear in its keys and tensors: ten times as many of them, about ten times as many.

    model_cost.py MODEL_COST VALGRIND

Callgrind counts them, so that no clock is involved.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

program, valgrind = sys.argv[1:]


def instructions(*arguments):
    run = subprocess.run([valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *map(str, arguments)],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(run.stderr)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(n):
    metas = b"".join(string(f"key.{i}") + struct.pack("<II", 4, i) for i in range(n))
    tensors = b"".join(string(f"blk.{i}.weight") + struct.pack("<IQIQ", 1, 8, 0, 32 * i) for i in range(n))
    head = b"GGUF" + struct.pack("<IQQ", 3, n, n) + metas + tensors
    return head + bytes(-len(head) % 32) + bytes(32 * n)


def safetensors(n):
    entries = {f"model.layers.{i}.weight": {"dtype": "F16", "shape": [4, 1], "data_offsets": [8 * i, 8 * i + 8]} for i in range(n)}
    entries["__metadata__"] = {f"key.{i}": str(i) for i in range(n)}
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8 * n)


def config(n):
    return json.dumps({"list": list(range(n)), "keys": {f"key.{i}": i for i in range(n)},
                       "blocks": [{"width": i, "kind": "x", "mixed": [i, "a"]} for i in range(n)]}).encode()


def index(n):
    return json.dumps({"weight_map": {f"model.layers.{i}.weight": "shard.safetensors" for i in range(n)}}).encode()


start = instructions()
failed = False
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for make, file in ((gguf, "m.gguf"), (safetensors, "shard.safetensors"), (config, "config.json"), (index, "model.safetensors.index.json")):
        cost = []
        for n in (2000, 20000):
            if make is index:
                (folder / "config.json").unlink(missing_ok=True)
                (folder / "shard.safetensors").write_bytes(safetensors(n))
            (folder / file).write_bytes(make(n))
            cost.append(instructions(folder / file) - start)
        ratio = cost[1] / cost[0]
        print(f"{make.__name__}: {cost[0]} instructions for 2,000 keys and tensors, {cost[1]} for 20,000: {ratio:.1f} times as many")
        failed = failed or ratio > 12
sys.exit(failed)
