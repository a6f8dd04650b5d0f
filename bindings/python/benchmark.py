"""What a call costs through ctypes, beside the same call from C: nanoseconds, the least of several rounds.

    benchmark.py

C is a small program that is compiled here, against the library that INFERMEM_LIBRARY names."""
import os
import pathlib
import subprocess
import tempfile
import timeit

import numpy as np

import infermem

PROGRAM = r"""
#define _POSIX_C_SOURCE 200809L
#include <infermem.h>
#include <stdio.h>
#include <time.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return 1e9 * (double)t.tv_sec + (double)t.tv_nsec; }
#define MEASURE(name, call) do { \
  double least = 1e18; \
  for (int round = 0; round < 9; round++) { \
    const double begin = now(); \
    for (int i = 0; i < 20000; i++) { call; } \
    const double taken = (now() - begin) / 20000; \
    if (taken < least) least = taken; \
  } \
  printf("%s=%.1f\n", name, least); } while (0)
static float w[64 * 64], x[64], y[64];
int main(void) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = 1; options.n_kv_heads = 2; options.head_dim = 32; options.max_tokens = 16;
  infermem_kv *kv = NULL;
  infermem_quant *q = NULL;
  infermem_tape *tape = NULL;
  INFERMEM_STRUCT(infermem_tape_options, room);
  room.size = 1 << 20;
  if (kv_new(&options, &kv) || quant_from_f32(w, 4096, 64, 64, NULL, &q) || tape_new(&room, &tape)) return 1;
  kv_append(kv, 0, x, 64, x, 64, 1); kv_advance(kv, 1);
  infermem_view view; void *out; volatile size_t n;
  MEASURE("len", n = kv_len(kv));
  MEASURE("keys", kv_keys(kv, 0, &view));
  MEASURE("append", kv_append(kv, 0, x, 64, x, 64, 1));
  MEASURE("attend", kv_attend(kv, 0, NULL, 0, 2, x, 64, y, 64));
  MEASURE("gemv", quant_gemv(q, 0, 64, x, 64, y, 64));
  MEASURE("alloc", tape_alloc(tape, 64, 64, &out); if (i % 1000 == 999) tape_clear(tape));
  (void)n; kv_free(kv); quant_free(q); tape_free(tape);
  return 0;
}
"""


def in_c():
    library = pathlib.Path(os.environ["INFERMEM_LIBRARY"]).resolve()
    tree = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, "calls.c"), pathlib.Path(folder, "calls")
        source.write_text(PROGRAM)
        subprocess.run(["cc", "-O2", f"-I{tree}/include", source, library, "-o", program, f"-Wl,-rpath,{library.parent}"],
                       check=True)
        told = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {name: float(number) for name, number in (line.split("=") for line in told.split())}


def in_python():
    kv = infermem.Kv(1, 2, 32, 16, "f32", "f32")
    x, y, out = np.zeros(64, np.float32), np.zeros(64, np.float32), np.zeros((1, 2, 32), np.float32)
    kv.append(0, x, x)
    kv.advance()
    q = infermem.Quant.from_f32(np.zeros((64, 64)))
    tape = infermem.Tape(1 << 20)
    calls = {"len": lambda: len(kv), "keys": lambda: kv.keys(0), "append": lambda: kv.append(0, x, x),
             "attend": lambda: kv.attend(0, x, out=out), "gemv": lambda: q.gemv(x, out=y), "alloc": lambda: tape.alloc(64)}
    taken = {}
    for name, call in calls.items():
        least = float("inf")
        for _ in range(9):
            tape.clear()
            least = min(least, timeit.timeit(call, number=2000) / 2000 * 1e9)
        taken[name] = least
    return taken


def main():
    named = {"len": "len(kv)", "keys": "kv.keys(0)", "append": "kv.append(0, k, v), 64 floats each",
             "attend": "kv.attend(0, q), 1 token, 2 heads of 32", "gemv": "quant.gemv(x), 64 x 64", "alloc": "tape.alloc(64)"}
    python = in_python()
    c = in_c() if os.environ.get("INFERMEM_LIBRARY") else {}
    for name, words in named.items():
        print(f"{words:42} {python[name]:8.0f} ns" + (f"   in C {c[name]:8.1f} ns" if c else ""))


if __name__ == "__main__":
    main()
