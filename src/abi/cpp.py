"""infermem.hpp: the library for C++17, from the headers. Each function becomes a member of the class of the handle that it
takes first, or that it makes; what it gives through out-parameters becomes its result; a pointer and its length become
one argument."""
import re

from bindings import SOURCE
from headers import SCALARS, Type

HEAD = """/* infermem.hpp: the library for C++17: handles that free themselves, and results that hold a value or an error.
 * Written by {source}; the comments there are the contract.
 *
 *     auto kv = infermem::Kv::make(&options);
 *     if (!kv) return std::puts(kv.error().message), 1;
 *     if (auto done = kv->append(layer, k, v, 1); !done) return done.error().code;
 *
 * Nothing here throws or allocates, but for texts, which are std::string, and for value() of a result without one, which
 * throws infermem::Exception, or aborts where exceptions are switched off.
 */
#ifndef INFERMEM_HPP
#define INFERMEM_HPP

#include <infermem.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace infermem {{

/* What went wrong: a copy of the library's record. */
using Error = infermem_error;

class Exception : public std::exception {{
 public:
  explicit Exception(const Error &error) : error_(error) {{}}
  const char *what() const noexcept override {{ return error_.message; }}
  const Error &error() const noexcept {{ return error_; }}

 private:
  Error error_;
}};

/* A value, or an error. */
template <typename T>
class [[nodiscard]] Result {{
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {{}}
  Result(const Error &error) : held_(std::in_place_index<1>, error) {{}}

  explicit operator bool() const noexcept {{ return held_.index() == 0; }}
  const Error &error() const {{ return *std::get_if<1>(&held_); }}
  T &operator*() & {{ return *std::get_if<0>(&held_); }}
  const T &operator*() const & {{ return *std::get_if<0>(&held_); }}
  T &&operator*() && {{ return std::move(*std::get_if<0>(&held_)); }}
  T *operator->() {{ return std::get_if<0>(&held_); }}
  const T *operator->() const {{ return std::get_if<0>(&held_); }}
  T &value() & {{ return need(), **this; }}
  T &&value() && {{ return need(), std::move(**this); }}

 private:
  void need() const {{
    if (*this) return;
#ifdef __cpp_exceptions
    throw Exception(error());
#else
    std::abort();
#endif
  }}

  std::variant<T, Error> held_;
}};

struct Nothing {{}};
using Status = Result<Nothing>;

/* Consecutive elements that somebody else owns: of an array, a std::vector, or whatever has data() and size(). */
template <typename T>
class Span {{
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T *data, size_t size) noexcept : data_(data), size_(size) {{}}
  template <size_t kSize>
  constexpr Span(T (&array)[kSize]) noexcept : data_(array), size_(kSize) {{}}
  template <typename C, typename = std::enable_if_t<std::is_convertible_v<
                            decltype(std::declval<C &>().data()), T *> && !std::is_same_v<std::decay_t<C>, Span>>>
  constexpr Span(C &&container) noexcept : data_(container.data()), size_(container.size()) {{}}

  constexpr T *data() const noexcept {{ return data_; }}
  constexpr size_t size() const noexcept {{ return size_; }}
  constexpr bool empty() const noexcept {{ return size_ == 0; }}
  constexpr T &operator[](size_t i) const noexcept {{ return data_[i]; }}
  constexpr T *begin() const noexcept {{ return data_; }}
  constexpr T *end() const noexcept {{ return data_ + size_; }}

 private:
  T *data_ = nullptr;
  size_t size_ = 0;
}};

/* An option or result struct, zeroed, with its own size in it. */
template <typename T>
T make_struct() {{
  T made = {{}};
  made.struct_size = sizeof(T);
  return made;
}}

/* A handle that is freed with its object. It can be moved, and not copied. */
template <typename T, void (*kFree)(T *)>
class Handle {{
 public:
  Handle() noexcept = default;
  explicit Handle(T *handle) noexcept : handle_(handle) {{}}
  Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {{}}
  Handle &operator=(Handle &&other) noexcept {{
    if (this != &other) reset(std::exchange(other.handle_, nullptr));
    return *this;
  }}
  ~Handle() {{ kFree(handle_); }}

  T *get() const noexcept {{ return handle_; }}
  T *release() noexcept {{ return std::exchange(handle_, nullptr); }}
  void reset(T *handle = nullptr) noexcept {{ kFree(std::exchange(handle_, handle)); }}
  explicit operator bool() const noexcept {{ return handle_ != nullptr; }}

 protected:
  T *handle_ = nullptr;
}};

inline Status status_of(int32_t status) {{
  if (status == INFERMEM_OK) return Nothing{{}};
  return *infermem_error_detail();
}}
"""


def class_name(handle):
    return "".join(word.capitalize() for word in handle[len("infermem_"):].split("_"))


def module_of(handle, functions):
    """"kv" of infermem_kv, "device" of infermem_device_list: what the name of the function that frees it begins with."""
    for name, f in functions.items():
        if name.endswith("_free") and len(f.parameters) == 1 and f.parameters[0].type.base == handle:
            return name[: -len("_free")]
    return None


def spelled(type_):
    text = type_.base
    for is_const in type_.pointers:
        text = f"const {text} *" if is_const and "*" not in text else f"{text} {'const ' if is_const else ''}*"
    return text.replace("* *", "**")


def is_length(pointer, following):
    name, length = pointer.name, following.name
    if following.type.base != "size_t" or following.type.pointers:
        return False
    return length in (f"n_{name}", f"{name}_len", "n", "n_bytes", "n_floats") or (
        name.startswith("out_") and length == "n_" + name[4:])


class Method:
    def __init__(self, function, handles, structs):
        self.function, self.structs = function, structs
        self.handles = handles
        self.arguments, self.call, self.before, self.results = [], [], [], []
        self.takes = None  # the handle that it is a member of
        self.makes = None
        self.read()
        says_so = "Errors:" in function.comment or re.search(r"\bAs \w+_", function.comment)
        self.is_status = function.returns == Type("int32_t") and bool(says_so or self.results)

    def read(self):
        parameters = list(self.function.parameters)
        i = 0
        while i < len(parameters):
            p = parameters[i]
            following = parameters[i + 1] if i + 1 < len(parameters) else None
            third = parameters[i + 2] if i + 2 < len(parameters) else None
            depth = len(p.type.pointers)
            scalar = p.type.base in SCALARS or p.type.base == "void" or p.type.base in self.structs
            own = self.function.name.startswith(f"{self.handles.get(p.type.base)}_")
            if i == 0 and depth == 1 and own:
                self.takes = p
                self.call.append("handle_")
            elif p.type.base == "char" and depth == 1 and not p.type.pointers[0] and third and third.name == "out_length":
                self.results.append("std::string")
                self.call.append("TEXT")
                i += 2
            elif depth == 2 and p.name.startswith("out") and p.type.base in self.handles:
                self.makes = p.type.base
                self.before.append(f"{p.type.base} *made = nullptr;")
                self.call.append("&made")
                self.results.append(("made", class_name(p.type.base)))
            elif depth == 2 and p.name.startswith("out"):
                inner = spelled(Type(p.type.base, p.type.pointers[:1]))
                if following and following.name in ("out_n", "out_length"):
                    local = p.name if p.name != "out" else "out_data"
                    self.before += [f"{inner}{local} = nullptr;", f"size_t {following.name} = 0;"]
                    self.call += [f"&{local}", f"&{following.name}"]
                    element = inner.rstrip("*").strip()
                    self.results.append((f"Span<{element}>({local}, {following.name})", f"Span<{element}>"))
                    i += 1
                else:
                    self.before.append(f"{inner}{p.name} = nullptr;")
                    self.call.append(f"&{p.name}")
                    self.results.append((p.name, inner.strip()))
            elif depth == 1 and not p.type.pointers[0] and p.name.startswith("out") and not (
                    following and is_length(p, following)):
                has_size = self.structs.get(p.type.base, [None])[0]
                has_size = has_size is not None and has_size.name == "struct_size"
                value = f"make_struct<{p.type.base}>()" if has_size else "{}"
                self.before.append(f"{p.type.base} {p.name} = {value};")
                self.call.append(f"&{p.name}")
                self.results.append((p.name, p.type.base))
            elif depth == 1 and scalar and p.type.base != "char" and following and is_length(p, following):
                base = p.type.base if p.type.base != "void" else "uint8_t"
                const = "const " if p.type.pointers[0] else ""
                self.arguments.append(f"Span<{const}{base}> {p.name}")
                self.call += [f"{p.name}.data()", f"{p.name}.size()"]
                i += 1
            else:
                self.arguments.append(f"{spelled(p.type)}{'' if spelled(p.type).endswith('*') else ' '}{p.name}")
                self.call.append(p.name)
            i += 1
        for at, argument in enumerate(self.arguments):  # a member function's name
            name = argument.split()[-1].lstrip("*")
            if name in ("read", "write"):
                self.arguments[at] = f"{argument}_with"
                self.call = [f"{c}_with" if c == name else c for c in self.call]
        if self.arguments and re.match(r"const infermem_\w+_options \*options$", self.arguments[-1]):
            self.arguments[-1] += " = nullptr"

    def definition(self, name, prefix, const, outside=False):
        arguments = [a.replace(" = nullptr", "") for a in self.arguments] if outside else self.arguments
        call = f"::{self.function.name}({', '.join(self.call)})"
        head = f"{prefix}%s {name}({', '.join(arguments)}){const}"
        lines = list(self.before)
        if "TEXT" in self.call:
            sized = [f"::{self.function.name}({', '.join('nullptr, 0, &length' if c == 'TEXT' else c for c in self.call)})",
                     f"::{self.function.name}({', '.join('text.data(), length + 1, &length' if c == 'TEXT' else c for c in self.call)})"]
            lines += ["size_t length = 0;", f"if (Status sized = status_of({sized[0]}); !sized) return sized.error();",
                      "std::string text(length, '\\0');",
                      f"if (Status written = status_of({sized[1]}); !written) return written.error();", "return text;"]
            return self.wrapped(head % "Result<std::string>", lines)
        if not self.is_status:
            returns = spelled(self.function.returns)
            head = head.replace("%s ", "%s") if returns.endswith("*") else head
            return self.wrapped(head % returns, [f"{call};" if returns == "void" else f"return {call};"])
        if not self.results:
            return self.wrapped(head % "Status", lines + [f"return status_of({call});"])
        values = [v for v, _ in self.results]
        types = [t for _, t in self.results]
        if self.makes:
            values[0] = f"{types[0]}(made)"
        returned = values[0] if len(values) == 1 else f"std::make_tuple({', '.join(values)})"
        kind = types[0] if len(types) == 1 else f"std::tuple<{', '.join(types)}>"
        lines += [f"if (Status done = status_of({call}); !done) return done.error();", f"return {returned};"]
        return self.wrapped(head % f"Result<{kind}>", lines)

    @staticmethod
    def wrapped(head, lines):
        return [f"{head} {{", *(f"  {line}" for line in lines), "}"]


def cpp(headers):
    handles = {h: module_of(h, headers.functions) for h in headers.opaque}
    methods = {h: [] for h in handles}
    free = []
    for name, function in headers.functions.items():
        method = Method(function, handles, headers.structs)
        if name.endswith("_free") and method.takes:
            continue
        if method.takes:
            methods[method.takes.type.base].append((name, method))
        elif method.makes:
            methods[method.makes].append((name, method))
        else:
            free.append((name, method))
    out = [HEAD.format(source=SOURCE), "/* clang-format off */"]
    out += [f"class {class_name(h)};" for h in handles] + [""]
    later = []
    for handle, module in handles.items():
        kind = class_name(handle)
        out += [f"class {kind} : public Handle<{handle}, ::{module}_free> {{", " public:",
                f"  using Handle::Handle;", ""]
        for name, method in methods[handle]:
            short = name[len(module) + 1:]
            short = {"new": "make", "export": "export_"}.get(short, short)  # what is no keyword
            member = bool(method.takes)
            const = " const" if member and method.takes.type.pointers[0] else ""
            prefix = "" if member else "static "
            if any(t in map(class_name, handles) and t != kind for t in
                   (r[1] for r in method.results if isinstance(r, tuple))):
                body = method.definition(short, prefix, const)
                out.append("  " + body[0][:-2].strip() + ";")
                later += [*method.definition(f"{kind}::{short}", "inline ", const, outside=True), ""]
            else:
                out += ["  " + line for line in method.definition(short, prefix, const)]
        out += ["};", ""]
    out += later
    for name, method in free:
        short = name[len("infermem_"):] if name.startswith("infermem_") else name
        out += method.definition(short, "inline ", "") + [""]
    out += ["/* clang-format on */", "", "}  // namespace infermem", "", "#endif", ""]
    return "\n".join(out)
