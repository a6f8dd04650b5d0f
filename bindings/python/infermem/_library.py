"""The shared library, loaded once; calls that fail become exceptions."""
import ctypes as C
import os
import pathlib

from . import _api

SONAME = "libinfermem.so.0"


def _load():
    """INFERMEM_LIBRARY names a file; else the library in this package, which a wheel brings; else the system's."""
    named = os.environ.get("INFERMEM_LIBRARY")
    inside = pathlib.Path(__file__).parent / SONAME
    library = C.CDLL(named or (str(inside) if inside.exists() else SONAME))
    version = library.infermem_version()
    if (version >> 16, version >> 8 & 255) != (_api.INFERMEM_VERSION_MAJOR, _api.INFERMEM_VERSION_MINOR):
        raise ImportError(f"{library._name} is infermem {version >> 16}.{version >> 8 & 255}, and this package of "
                          f"{_api.INFERMEM_VERSION_STRING}")
    return library


class _Functions:
    """Every function of the library under its name in the headers, with the types that it takes."""

    def __init__(self, library):
        for name, (returns, takes) in _api.FUNCTIONS.items():
            function = library[name if name.startswith("infermem_") else "infermem_" + name]
            function.restype, function.argtypes = returns, takes
            setattr(self, name, function)


lib = _Functions(_load())


class InfermemError(Exception):
    """A call of the library that failed: its status `code`, the `function`, the message, and the numbers in it."""

    code = None

    def __init__(self, record):
        super().__init__(record.message.decode(errors="replace"))
        self.code = record.code
        self.function = (record.function or b"").decode()
        self.expected, self.got = record.expected, record.got
        self.os_error = record.os_error


def _name_of(constant):
    return "".join(word.capitalize() for word in constant[len("INFERMEM_E_"):].split("_")) + "Error"


# An exception a code, "FullError" of INFERMEM_E_FULL; those that Python has a word for are that, too.
_ALSO = {"E_ARG": ValueError, "E_SHAPE": ValueError, "E_TYPE": TypeError, "E_NULL": ValueError, "E_RANGE": IndexError,
         "E_NOT_FOUND": LookupError, "E_NOMEM": MemoryError, "E_OVERFLOW": OverflowError, "E_IO": OSError,
         "E_SYSTEM": OSError, "E_UNSUPPORTED": NotImplementedError}
errors = {}
for _constant in dir(_api):
    if _constant.startswith("INFERMEM_E_"):
        _also = _ALSO.get(_constant[len("INFERMEM_"):])
        _code = getattr(_api, _constant)
        errors[_code] = type(_name_of(_constant), (InfermemError, _also) if _also else (InfermemError,),
                             {"code": _code, "__doc__": f"{_constant}: {lib.infermem_error_text(_code).decode()}.",
                              "__module__": "infermem"})


def check(status):
    """Raises where a call failed."""
    if status != 0:
        raise errors.get(status, InfermemError)(lib.infermem_error_detail().contents)


def struct(kind, **fields):
    """An option or result struct with its own size in it; fields that are None stay zero, which means the default."""
    made = kind()
    made.struct_size = C.sizeof(kind)
    for name, value in fields.items():
        if value is not None:
            setattr(made, name, value)
    return made


def text(write, *arguments):
    """What a function writes into a buffer, as str."""
    length = C.c_size_t()
    check(write(*arguments, None, 0, C.byref(length)))
    buffer = C.create_string_buffer(length.value + 1)
    check(write(*arguments, buffer, len(buffer), C.byref(length)))
    return buffer.value.decode(errors="replace")


def record(made):
    """A result struct as a dict."""
    def plain(value):
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        return list(value) if isinstance(value, C.Array) else value
    return {name: plain(getattr(made, name)) for name, _ in made._fields_ if name not in ("struct_size", "reserved")}


class _Owner:
    """Frees a handle when nothing refers to it any more: neither its object nor an array that shows its memory."""

    def __init__(self, pointer, free, keeps):
        self.pointer, self._free, self._keeps = pointer, free, keeps

    def __del__(self):
        if self.pointer:
            self._free(self.pointer)
            self.pointer = None


class Handle:
    """An object of the library. `close`, or the end of a `with` block, gives it up; its memory is released once no array
    shows it. What a handle stands on, such as the tape that it is stored in, is kept alive by it."""

    _free = None

    def _own(self, pointer, *keeps):
        self._owner = _Owner(pointer, getattr(lib, self._free), keeps)

    @property
    def _handle(self):
        owner = getattr(self, "_owner", None)
        if owner is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return owner.pointer

    def close(self):
        self._owner = None

    @property
    def closed(self):
        return getattr(self, "_owner", None) is None

    def __enter__(self):
        self._handle
        return self

    def __exit__(self, *what):
        self.close()


def make(kind, function, *arguments):
    """The handle that a function gives as its last argument."""
    out = C.POINTER(kind)()
    check(getattr(lib, function)(*arguments, C.byref(out)))
    return out


def handle_of(optional):
    """The pointer of a handle, or None."""
    return None if optional is None else optional._handle
