#!/usr/bin/env python3
"""Proves what a build of the library exports, needs and contains.

    check_library.py SHARED STATIC SYMBOLS_TXT
"""
import re
import subprocess
import sys

shared, static, listing = sys.argv[1:4]
problems = []


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def expect(condition, problem):
    if not condition:
        problems.append(problem)


rows = [line.split("#")[0].split() for line in open(listing)]
names = [row[0] for row in rows if row]
since = {row[0]: row[1] for row in rows if row}
real = {n: n if n.startswith("infermem_") else "infermem_" + n for n in names}

# Exports: the real names and the bare ones, at one address, in the node of their release.
exported, nodes = {}, set()
for line in run("nm", "-D", "--defined-only", "--with-symbol-versions", shared).splitlines():
    address, kind, symbol = line.split()
    name, _, node = symbol.partition("@@")
    if kind == "A":
        nodes.add(name)
    else:
        exported[name] = (int(address, 16), kind, node)
expect(set(exported) == set(names) | set(real.values()), f"exports differ: {set(exported) ^ (set(names) | set(real.values()))}")
expect(nodes == {f"INFERMEM_{s}" for s in since.values()}, f"version nodes are {nodes}")
for name in names:
    if name in exported and real[name] in exported:
        expect(exported[name] == exported[real[name]], f"{name} is not {real[name]}")
        expect(exported[name][2] == f"INFERMEM_{since[name]}", f"{name} is in {exported[name][2]}")
        expect(exported[name][1] == "T", f"{name} is no function")
function_types = re.findall(r"\s(FUNC|NOTYPE|OBJECT|IFUNC)\s+GLOBAL\s+DEFAULT\s+\d+\s+(\S+?)@@", run("readelf", "-sW", "--dyn-syms", shared))
expect(all(kind == "FUNC" for kind, _ in function_types), "an export is not of type FUNC")

# What it needs: libc, libm and the loader, and nothing of a C++ library's.
dynamic = run("readelf", "-dW", shared)
needed = re.findall(r"NEEDED.*\[(.+)\]", dynamic)
allowed = re.compile(r"lib(c|m|dl)\.so\.\d+|ld-linux.*\.so\.\d+|libc\.musl-.*\.so\.\d+")
expect(needed and all(allowed.fullmatch(n) for n in needed), f"needs {needed}")
undefined = run("nm", "-D", "--undefined-only", shared).split()
expect(not [s for s in undefined if s.startswith(("_Z", "__cxa_", "__gxx")) and not s.startswith("__cxa_finalize")], "C++ runtime symbols are undefined")
expect("SONAME" in dynamic and "[libinfermem.so.0]" in dynamic, "the soname is not libinfermem.so.0")
expect("TEXTREL" not in dynamic, "text relocations")
expect("RPATH" not in dynamic and "RUNPATH" not in dynamic, "a run path")
expect("NOW" in dynamic, "lazy binding")

# No static constructors or destructors: the arrays hold the compiler's own one entry, of a pointer's size; on AArch64 one
# more, which asks what atomic instructions there are.
own = {"INIT_ARRAYSZ": 16 if "init_have_lse_atomics" in run("nm", shared) else 8, "FINI_ARRAYSZ": 8}
for array in own:
    size = re.search(array + r"\)\s+(\d+)", dynamic)
    expect(not size or int(size.group(1)) == own[array], f"{array} is {size and size.group(1)}: there are static constructors")

segments = run("readelf", "-lW", shared)
expect("GNU_RELRO" in segments, "no RELRO")
stack = re.search(r"GNU_STACK.*", segments)
expect(stack and "E" not in stack.group(0).split()[-2], "an executable stack")

# Nothing writes to the terminal or ends the process.
forbidden = {"abort", "exit", "_exit", "printf", "puts", "putchar", "fprintf", "perror", "__assert_fail", "stdout", "stderr", "atexit"}
plain = {s.split("@")[0] for s in undefined}
expect(not plain & forbidden, f"uses {plain & forbidden}")

# The static library: no bare names, everything public prefixed, the rest hidden C++. (What is weak, a compiler did not
# inline; it is C++ too, and clashes with nothing.)
defined = set()
for line in run("nm", "--defined-only", "--extern-only", static).splitlines():
    parts = line.split()
    if len(parts) == 3 and (parts[1] not in "WV" or not parts[2].startswith("_Z")):
        defined.add(parts[2])
expect(set(real.values()) <= defined, f"the static library lacks {set(real.values()) - defined}")
foreign = [s for s in defined - set(real.values()) if not s.startswith("_ZN") or "8infermem" not in s]
expect(not foreign, f"the static library defines {sorted(foreign)[:5]}")

for problem in problems:
    print("abi:", problem)
if problems:
    sys.exit(1)
print(f"abi: {len(names)} functions under {len(exported)} names, needing {', '.join(needed)}")
