#!/usr/bin/env python3
"""Writes everything that follows from the list of public functions, symbols.txt, and the headers' prototypes.

    generate.py           writes the files
    generate.py --check   exits with 1 when one of them is not what would be written

The results are part of the tree, so that building the library needs no Python.
"""
import pathlib
import re
import sys

import bindings
import cpp
import golang
import headers

ROOT = pathlib.Path(__file__).resolve().parents[2]
SONAME = "libinfermem.so.0"
PACKAGE = "libinfermem0"
SOURCE = "src/abi/generate.py from src/abi/symbols.txt"

PROTOTYPE = re.compile(r"^INFERMEM_FN\s+([^;()]+?)(\w+)\(([^;]*?)\)\s*(?:INFERMEM_AS\((\w+)\))?;", re.S | re.M)


def read_list():
    """[(function, first release)] in the order of the table, which is the order of appearance for ever."""
    rows = []
    for line in (ROOT / "src/abi/symbols.txt").read_text().splitlines():
        line = line.split("#")[0].split()
        if line:
            name, since = line
            rows.append((name, since))
    names = [name for name, _ in rows]
    if len(set(names)) != len(names):
        sys.exit("symbols.txt names a function twice")
    return rows


def read_prototypes():
    """{function: (return type, arguments)} of all public headers."""
    found = {}
    for header in sorted((ROOT / "include/infermem").glob("*.h")):
        if header.name != "api.h":
            found.update(prototypes_of(header))
    return found


def prototypes_of(header):
    found = {}
    for returns, name, arguments, label in PROTOTYPE.findall(header.read_text()):
        if name.startswith("infermem_"):
            if label:
                sys.exit(f"{header.name}: {name} has the library's name already, and a label")
        elif label != name:
            sys.exit(f"{header.name}: {name} is labelled {label or 'nothing'}")
        found[name] = (" ".join(returns.split()), " ".join(arguments.split()))
    return found


def exported(name):
    """The names a function is exported under: the real one, then the bare alias."""
    return [name] if name.startswith("infermem_") else ["infermem_" + name, name]


def version_script(rows):
    releases = sorted({since for _, since in rows}, key=lambda v: [int(x) for x in v.split(".")])
    out = [f"# Written by {SOURCE}."]
    parent = ""
    for release in releases:
        out += [f"INFERMEM_{release} {{", "  global:"]
        out += [f"    {symbol};" for name, since in rows if since == release for symbol in exported(name)]
        if not parent:
            out += ["  local:", "    *;"]
        out += [f"}}{parent};", ""]
        parent = f" INFERMEM_{release}"
    return "\n".join(out[:-1]) + "\n"


def aliases(rows):
    lines = [f"/* Written by {SOURCE}: each bare name, at the address of the real one. */"]
    lines += [f"{name} = infermem_{name};" for name, _ in rows if not name.startswith("infermem_")]
    return "\n".join(lines) + "\n"


def table_header(rows, prototypes):
    head = f"""/* api.h: every function as a table, for programs that load the library with dlopen.
 * Written by {SOURCE}.
 *
 *     #define INFERMEM_NO_PROTOTYPES
 *     #include <infermem.h>
 *
 *     void *library = dlopen("{SONAME}", RTLD_NOW | RTLD_LOCAL);
 *     infermem_api_function get = (infermem_api_function)dlsym(library, "infermem_api");
 *     const infermem_api_table *api = get(INFERMEM_VERSION_MAJOR);
 *     if (api && api->struct_size >= sizeof *api) api->tape_new(&options, &tape);
 *
 * Entries are only ever added at the end. A library older than this header has a smaller struct_size: an entry is there
 * when it lies below that.
 */
#ifndef INFERMEM_API_H
#define INFERMEM_API_H

"""
    includes = "".join(
        f'#include "{h.name}"\n' for h in sorted((ROOT / "include/infermem").glob("*.h")) if h.name != "api.h"
    )
    body = "\nINFERMEM_BEGIN_DECLS\n\n/* clang-format off */\n"
    body += "typedef struct infermem_api_table {\n  size_t struct_size;\n"
    for name, _ in rows:
        if name == "infermem_api":
            continue
        returns, arguments = prototypes[name]
        space = "" if returns.endswith("*") else " "
        body += f"  {returns}{space}(*{name})({arguments});\n"
    body += """} infermem_api_table;
/* clang-format on */

typedef const infermem_api_table *(*infermem_api_function)(uint32_t major);

#ifndef INFERMEM_NO_PROTOTYPES

/* The table for programs compiled against headers of this major version (INFERMEM_VERSION_MAJOR), or NULL when the
 * library is of another one. Static, never freed.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const infermem_api_table *infermem_api(uint32_t major);

#endif

INFERMEM_END_DECLS

#endif
"""
    return head + includes + body


def table_entries(rows):
    lines = [f"// Written by {SOURCE}: the entries of infermem_api_table, in its order."]
    lines += [f"{name}," for name, _ in rows if name != "infermem_api"]
    return "\n".join(lines) + "\n"


def debian_symbols(rows):
    lines = [f"{SONAME} {PACKAGE} #MINVER#"]
    entries = {(f"INFERMEM_{since}", since) for _, since in rows}
    entries |= {(symbol, since) for name, since in rows for symbol in exported(name)}
    lines += [
        f" {symbol}@INFERMEM_{since} {since}.0" for symbol, since in sorted(entries)
    ]
    return "\n".join(lines) + "\n"


def main():
    rows = read_list()
    prototypes = read_prototypes()
    prototypes["infermem_api"] = ("const infermem_api_table *", "uint32_t major")
    names = {name for name, _ in rows}
    for name in sorted(names ^ set(prototypes)):
        sys.exit(f"{name} is in {'symbols.txt' if name in names else 'a header'} only")
    described = headers.read()
    results = {
        "src/abi/exports.map": version_script(rows),
        "src/abi/aliases.ld": aliases(rows),
        "src/abi/table.inc": table_entries(rows),
        "include/infermem/api.h": table_header(rows, prototypes),
        f"src/packaging/debian/{PACKAGE}.symbols": debian_symbols(rows),
        "include/infermem.hpp": cpp.cpp(described),
        **bindings.files(described),
        **golang.files(described),
    }
    stale = [p for p, text in results.items() if not (ROOT / p).exists() or (ROOT / p).read_text() != text]
    if sys.argv[1:] == ["--check"]:
        if stale:
            sys.exit("not up to date, run src/abi/generate.py: " + " ".join(stale))
        return
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(results[path])
        print("wrote", path)


main()
