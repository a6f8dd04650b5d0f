#!/usr/bin/env python3
"""Compiles each public header alone, in each C and C++ standard, with and without prototypes, and checks that the comment
above each function says what every function's must.

    check_headers.py INCLUDE_DIR CC CXX
"""
import pathlib
import re
import subprocess
import sys

include, cc, cxx = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
headers = [include / "infermem.h"] + sorted((include / "infermem").glob("*.h"))
languages = [(cc, "c", s) for s in ("c99", "c11", "c17")] + [(cxx, "c++", s) for s in ("c++11", "c++14", "c++17", "c++20")]
warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
failures = 0
compiled = 0

for compiler, language, standard in languages:
    for defines in ([], ["-DINFERMEM_NO_PROTOTYPES"]):
        for header in headers:
            source = f'#include "{header.relative_to(include)}"\n#include "{header.relative_to(include)}"\n'
            source += "typedef int not_empty;\n"
            command = [compiler, "-x", language, f"-std={standard}", "-fsyntax-only", f"-I{include}", *warnings, *defines, "-"]
            result = subprocess.run(command, input=source, capture_output=True, text=True)
            compiled += 1
            if result.returncode != 0:
                failures += 1
                print(f"{header.name} alone, {standard} {' '.join(defines)}:\n{result.stderr}")

functions = 0
for header in headers:
    for comment, name in re.findall(r"/\*((?:(?!\*/).)*)\*/\nINFERMEM_FN [^;(]*?(\w+)\(", header.read_text(), re.S):
        functions += 1
        for word in ("Thread:", "Memory:", "Since:"):
            if word not in comment:
                failures += 1
                print(f"{header.name}: the comment of {name} does not say {word}")
        if re.search(r"\S.*(?<! \*) (Errors|Thread): ", comment):
            failures += 1
            print(f"{header.name}: in the comment of {name}, Errors: or Thread: does not begin a line")
    undocumented = len(re.findall(r"^INFERMEM_FN ", header.read_text(), re.M)) - len(
        re.findall(r"\*/\nINFERMEM_FN ", header.read_text())
    )
    if undocumented:
        failures += 1
        print(f"{header.name}: {undocumented} functions without a comment")

if failures or not functions:
    sys.exit(1)
print(f"headers: {compiled} compilations, {functions} functions documented")
