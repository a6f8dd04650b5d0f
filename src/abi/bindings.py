"""What the bindings have from the headers: the declarations of each language, complete, and nothing by hand."""
import re

SOURCE = "src/abi/generate.py from the public headers"


# ---- Python: ctypes ----

PYTHON = {"int8_t": "c_int8", "int16_t": "c_int16", "int32_t": "c_int32", "int64_t": "c_int64", "uint8_t": "c_uint8",
          "uint16_t": "c_uint16", "uint32_t": "c_uint32", "uint64_t": "c_uint64", "size_t": "c_size_t",
          "float": "c_float", "double": "c_double", "char": "c_char"}


def python_type(type_):
    if type_.base == "void":
        name = None
    else:
        name = f"C.{PYTHON[type_.base]}" if type_.base in PYTHON else type_.base
    depth = len(type_.pointers)
    if type_.base == "void" and depth:
        name, depth = "C.c_void_p", depth - 1
    elif type_.base == "char" and depth and type_.pointers[0]:
        name, depth = "C.c_char_p", depth - 1
    for _ in range(depth):
        name = f"C.POINTER({name})"
    return f"{name} * {type_.length}" if type_.length else str(name)


def python(headers):
    out = [f'"""Every constant, struct and function of the library. Written by {SOURCE}."""', "import ctypes as C", ""]
    out += [f"{name} = {value!r}" for name, (value, _) in headers.constants.items()]
    for name in headers.opaque + list(headers.structs):
        out += ["", "", f"class {name}(C.Structure):", "    pass"]
    out += [""]
    for name, function in headers.callbacks.items():
        arguments = ", ".join(["", *(python_type(p.type) for p in function.parameters)])
        out.append(f"{name} = C.CFUNCTYPE({python_type(function.returns)}{arguments})")
    out += [""]
    for name, fields in headers.structs.items():
        out.append(f"{name}._fields_ = [")
        out += [f'    ("{f.name}", {python_type(f.type)}),' for f in fields]
        out.append("]")
    out += ["", "STRUCTS = ("]
    out += [f"    {name}," for name in headers.structs]
    out += [")", "", "# name: (what it returns, what it takes)", "FUNCTIONS = {"]
    for name, f in headers.functions.items():
        arguments = ", ".join(python_type(p.type) for p in f.parameters)
        out.append(f'    "{name}": ({python_type(f.returns)}, [{arguments}]),')
    return "\n".join(out + ["}", ""])


# ---- Rust ----

RUST = {"int8_t": "i8", "int16_t": "i16", "int32_t": "i32", "int64_t": "i64", "uint8_t": "u8", "uint16_t": "u16",
        "uint32_t": "u32", "uint64_t": "u64", "size_t": "usize", "float": "f32", "double": "f64", "char": "c_char",
        "void": "c_void"}
KEYWORDS = ("type", "fn", "match", "in", "ref", "move", "self", "where")


def rust_type(type_, callbacks):
    name = RUST.get(type_.base, type_.base)
    if type_.base in callbacks:
        name = f"Option<{name}>"
    for is_const in type_.pointers:
        name = f"*{'const' if is_const else 'mut'} {name}"
    return f"[{name}; {type_.length}]" if type_.length else name


def rust_name(name):
    return f"{name}_" if name in KEYWORDS else name


def rust_arguments(function, callbacks):
    return ", ".join(f"{rust_name(p.name)}: {rust_type(p.type, callbacks)}" for p in function.parameters)


def rust_returns(function, callbacks):
    if function.returns.base == "void" and not function.returns.pointers:
        return ""
    return f" -> {rust_type(function.returns, callbacks)}"


def rust_constant(name, value):
    if isinstance(value, str):
        return f'pub const {name}: &str = "{value}";'
    is_signed = value < 0 or re.match(r"INFERMEM_(OK|E_|DTYPE_)", name)
    return f"pub const {name}: {'i32' if is_signed else 'u32' if value < 1 << 32 else 'u64'} = {value};"


def rust_comment(comment):
    lines = [re.sub(r"^ ?\* ?", "", line.strip()) for line in comment.strip()[2:-2].strip().splitlines()]
    return ["    /// ```text", *(f"    /// {line}".rstrip() for line in lines), "    /// ```"]


def rust(headers):
    callbacks = headers.callbacks
    out = [f"// Every constant, struct and function of the library. Written by {SOURCE}.", "",
           "use std::os::raw::{c_char, c_void};", ""]
    out += [rust_constant(name, value) for name, (value, _) in headers.constants.items()]
    for name in headers.opaque:
        out += ["", "/// A handle.", "#[repr(C)]", f"pub struct {name} {{", "    _private: [u8; 0],",
                "    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,", "}"]
    out += [""]
    for name, f in callbacks.items():
        out.append(f"pub type {name} = unsafe extern \"C\" fn({rust_arguments(f, callbacks)}){rust_returns(f, callbacks)};")
    for name, fields in headers.structs.items():
        out += ["", "#[repr(C)]", "#[derive(Clone, Copy, Debug)]", f"pub struct {name} {{"]
        out += [f"    pub {rust_name(f.name)}: {rust_type(f.type, callbacks)}," for f in fields]
        out += ["}", "", f"impl Default for {name} {{", "    /// All zeros, which mean the defaults, and its own size."
                if fields[0].name == "struct_size" else "    /// All zeros.", "    fn default() -> Self {"]
        if fields[0].name == "struct_size":
            out += ["        // All fields are numbers and pointers.", "        let mut new: Self = unsafe { core::mem::zeroed() };",
                    "        new.struct_size = core::mem::size_of::<Self>();", "        new"]
        else:
            out += ["        // All fields are numbers and pointers.", "        unsafe { core::mem::zeroed() }"]
        out += ["    }", "}"]
    out += ["", 'extern "C" {']
    for name, f in headers.functions.items():
        out += rust_comment(f.comment)
        if not name.startswith("infermem_"):
            out.append(f'    #[link_name = "infermem_{name}"]')
        out.append(f"    pub fn {name}({rust_arguments(f, callbacks)}){rust_returns(f, callbacks)};")
    return "\n".join(out + ["}", ""])


def rust_fields(headers):
    out = [f"// Every struct and its fields, for the test beside this. Written by {SOURCE}.", "",
           "use crate::size_of_target;", "use infermem_sys::*;", "", "pub fn places() -> Vec<String> {", "    let mut out = Vec::new();"]
    for name, fields in headers.structs.items():
        words = ", ".join([name, *(rust_name(f.name) for f in fields)])
        out.append(f"    place!(out, {words});")
    return "\n".join(out + ["    out", "}", ""])


# ---- C: what the bindings' structs are compared with ----

def layouts(headers):
    out = [f"/* Prints the place of every struct's fields: \"struct size\", \"struct.field offset size\". Written by",
           f" * {SOURCE}. */", "#include <infermem.h>", "#include <stdio.h>", "", "/* clang-format off */",
           "int main(void) {"]
    for name, fields in headers.structs.items():
        out.append(f'  printf("{name} %zu\\n", sizeof({name}));')
        for f in fields:
            out.append(f'  printf("{name}.{f.name} %zu %zu\\n", offsetof({name}, {f.name}), sizeof((({name} *)0)->{f.name}));')
    return "\n".join(out + ["  return 0;", "}", ""])


def files(headers):
    return {
        "bindings/python/infermem/_api.py": python(headers),
        "bindings/rust/infermem-sys/src/bindings.rs": rust(headers),
        "bindings/rust/infermem-sys/tests/layouts/fields.rs": rust_fields(headers),
        "tests/abi/layouts.c": layouts(headers),
    }
