"""Reads the public headers: constants, structs, opaque types, callbacks and functions, as the bindings need them.

Our headers are written in a small part of C: a declaration a statement, no bit fields, no unions, no nested structs. What
this cannot read, it refuses.
"""
import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "include/infermem"

SCALARS = ("int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t", "float",
           "double", "char")


@dataclasses.dataclass(frozen=True)
class Type:
    """A base name and what its pointers point to: pointers[0] is True where the innermost one points to const."""
    base: str
    pointers: tuple = ()
    length: int = 0  # of an array, else 0


@dataclasses.dataclass
class Field:
    name: str
    type: Type


@dataclasses.dataclass
class Function:
    name: str
    returns: Type
    parameters: list
    header: str = ""
    comment: str = ""


@dataclasses.dataclass
class Headers:
    constants: dict = dataclasses.field(default_factory=dict)  # name: (value, header); strings too
    opaque: list = dataclasses.field(default_factory=list)
    structs: dict = dataclasses.field(default_factory=dict)  # name: [Field]
    callbacks: dict = dataclasses.field(default_factory=dict)  # name: Function
    functions: dict = dataclasses.field(default_factory=dict)  # name: Function


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def evaluate(expression, known):
    """An integer constant expression of ours: numbers, names, + - * << | and casts."""
    words = re.sub(r"\((?:u?int\d+_t|size_t)\)", "", expression)
    words = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]*\b", r"\1", words)
    words = re.sub(r"\bINFERMEM_\w+\b", lambda m: str(known[m.group()][0]), words)
    if not re.fullmatch(r"[0-9a-fA-FxX()+\-*<|\s~&]+", words):
        sys.exit(f"not a constant: {expression}")
    return eval(words)  # nothing but arithmetic is left


class Reader:
    def __init__(self):
        self.found = Headers()

    def type_of(self, words, name_length=""):
        """Of "const char *", with the length of an array "[4]" or ""."""
        depth = words.count("*")
        const = [bool(re.search(r"\bconst\b", part)) for part in words.split("*")]
        base = re.sub(r"\b(const|struct)\b|\*", " ", words).split()
        if len(base) != 1:
            sys.exit(f"not a type: {words!r}")
        length = evaluate(name_length[1:-1], self.found.constants) if name_length else 0
        return Type(base[0], tuple(const[i] for i in range(depth)), length)

    def declaration(self, words):
        match = re.fullmatch(r"(.*?[\s*])(\w+)\s*(\[[^\]]*\])?", words.strip(), re.S)
        if not match:
            sys.exit(f"not a declaration: {words!r}")
        return Field(match.group(2), self.type_of(match.group(1), match.group(3) or ""))

    def parameters(self, words):
        words = words.strip()
        return [] if words in ("void", "") else [self.declaration(w) for w in words.split(",")]

    def callback(self, words):
        """"void (*name)(arguments)" as (name, Function)."""
        match = re.fullmatch(r"(.+?)\(\s*\*\s*(\w+)\s*\)\s*\((.*)\)", words.strip(), re.S)
        if not match:
            return None
        returns = self.type_of(match.group(1))
        return match.group(2), Function(match.group(2), returns, self.parameters(match.group(3)))

    def constants_of(self, text, header):
        for name, value in re.findall(r"^#define (INFERMEM_\w+) +([^\\\n]+)$", without_comments(text), re.M):
            value = value.strip()
            if value.startswith('"'):
                self.found.constants[name] = (value.strip('"'), header)
            elif re.fullmatch(r"[\w()+\-*<|\s]+", value) and re.search(r"\d|INFERMEM_", value):
                try:
                    self.found.constants[name] = (evaluate(value, self.found.constants), header)
                except (KeyError, SyntaxError):
                    pass  # a macro that is no constant
        lists = dict(re.findall(r"^#define (INFERMEM_\w+_LIST)\(X\)((?:.*\\\n)*.*)$", without_comments(text), re.M))
        for words in re.findall(r"\benum\s*\{(.*?)\};", without_comments(text), re.S):
            entry = re.search(r"#define INFERMEM_\w+_ENTRY\(name.*?INFERMEM_(\w*)##name", words)
            if entry:  # made from lists: X(NAME, number, …)
                for used in re.findall(r"^ *(?:INFERMEM_\w+_LIST\(\w+\) *)+$", words, re.M):
                    for rows in re.findall(r"INFERMEM_\w+_LIST", used):
                        for name, number in re.findall(r"X\((\w+), (-?\d+)", lists[rows]):
                            self.found.constants[f"INFERMEM_{entry.group(1)}{name}"] = (int(number), header)
                words = words[words.index("#undef"):].partition("\n")[2]
            last = -1
            for item in words.split(","):
                if not item.strip():
                    continue
                name, _, value = (part.strip() for part in item.partition("="))
                last = evaluate(value, self.found.constants) if value else last + 1
                self.found.constants[name] = (last, header)

    def read(self, header):
        text = header.read_text()
        self.constants_of(text, header.name)
        plain = without_comments(text)
        for name, body in re.findall(r"^typedef struct (\w+) \{(.*?)^\} \w+;", plain, re.S | re.M):
            fields = []
            for item in body.split(";"):
                if not item.strip():
                    continue
                callback = self.callback(item)
                if callback:
                    self.found.callbacks[f"{name}_{callback[0]}"] = callback[1]
                    fields.append(Field(callback[0], Type(f"{name}_{callback[0]}")))
                    continue
                first, *more = item.split(",")
                field = self.declaration(first)
                fields.append(field)
                fields += [Field(f.name, f.type) for f in
                           (self.declaration(f"{field.type.base} {extra.strip()}") for extra in more)]
            self.found.structs[name] = fields
        for words in re.findall(r"^typedef ([^{};]+?\([^{};]+?\)\([^{};]*?\));", plain, re.S | re.M):
            name, function = self.callback(words)
            self.found.callbacks[name] = function
        self.found.opaque += re.findall(r"^typedef struct (\w+) \w+;", plain, re.M)
        for comment, returns, name, arguments in re.findall(
                r"(/\*(?:[^*]|\*(?!/))*\*/)?\s*^INFERMEM_FN\s+([^;()]+?)(\w+)\(([^;]*?)\)\s*(?:INFERMEM_AS\(\w+\))?;", text,
                re.S | re.M):
            self.found.functions[name] = Function(name, self.type_of(returns), self.parameters(arguments), header.name,
                                                  comment)


def read():
    """All public headers, those that others include first."""
    reader = Reader()
    done, order = set(), []

    def visit(header):
        if header.name in done or header.name == "api.h":
            return
        done.add(header.name)
        for name in re.findall(r'#include "(\w+\.h)"', header.read_text()):
            visit(FOLDER / name)
        order.append(header)

    for header in sorted(FOLDER.glob("*.h")):
        visit(header)
    for header in order:
        reader.read(header)
    return reader.found
