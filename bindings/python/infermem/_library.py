"""The shared library, loaded once: its functions, its failures as exceptions, its handles as objects."""
from __future__ import annotations

import atexit
import ctypes as C
import operator
import os
import pathlib
import re
import sys
import threading
from typing import Any, Callable, TypeVar

from . import _api, errors

SONAME = "libinfermem.so.0"


def _load() -> C.CDLL:
    """INFERMEM_LIBRARY names a file; else it is the library in this package, which a wheel brings; else the system's."""
    named = os.environ.get("INFERMEM_LIBRARY")
    inside = pathlib.Path(__file__).parent / SONAME
    path = named or (str(inside) if inside.exists() else SONAME)
    try:
        library = C.CDLL(path)
    except OSError as failure:
        raise ImportError(f"infermem's library cannot be loaded ({failure}): install it, or name it in INFERMEM_LIBRARY",
                          path=path) from failure
    version = library.infermem_version()
    major, minor = version >> 16, version >> 8 & 255
    if major != _api.INFERMEM_VERSION_MAJOR or minor < _api.INFERMEM_VERSION_MINOR:
        raise ImportError(f"{path} is infermem {major}.{minor}, and this package needs "
                          f"{_api.INFERMEM_VERSION_MAJOR}.{_api.INFERMEM_VERSION_MINOR} or a later one of that major version",
                          path=path)
    return library


def _number(kind: Any) -> type:
    """An integer argument that is refused, not cut, where it does not fit; NumPy's integers are integers."""
    size, signed = C.sizeof(kind) * 8, kind(-1).value < 0
    low, high = (-(1 << size - 1), (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)

    class Number:
        @staticmethod
        def from_param(value: Any) -> Any:
            value = operator.index(value)
            if not low <= value <= high:
                raise ValueError(f"{value} is not from {low} to {high}")
            return kind(value)

    return Number


_NUMBERS = {kind: _number(kind) for kind in (C.c_uint8, C.c_int32, C.c_uint32, C.c_int64, C.c_uint64, C.c_size_t)}
_BULK = tuple(C.POINTER(kind) for kind in (C.c_int8, C.c_uint8, C.c_uint16, C.c_int32, C.c_uint32, C.c_int64, C.c_uint64,
                                           C.c_size_t, C.c_float, C.c_double))


def _argument(kind: Any) -> Any:
    """Numbers are checked; pointers to them are addresses, which cost less than ctypes' pointers."""
    return C.c_void_p if kind in _BULK else _NUMBERS.get(kind, kind)


def _translated(function: Any) -> Callable[..., Any]:
    """ctypes hides what a refused argument was refused with."""
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except C.ArgumentError as failure:
            words = str(failure)
        told = re.fullmatch(r"argument \d+: (?:<class ')?(\w+)(?:'>)?: (.*)", words, re.S)
        kind = ValueError if told is not None and told[1] == "ValueError" else TypeError
        raise kind(f"{function.__name__}: {told[2] if told is not None else words}")

    return call


class _Functions:
    """Every function of the library under its name in the headers, with the types that it takes. Calls let other threads
    of Python run."""

    def __init__(self, library: C.CDLL) -> None:
        returns: Any
        takes: Any
        for name, (returns, takes) in _api.FUNCTIONS.items():
            try:
                function = library[name if name.startswith("infermem_") else "infermem_" + name]
            except AttributeError as failure:
                raise ImportError(f"{library._name} lacks {name}") from failure
            function.restype, function.argtypes = returns, [_argument(kind) for kind in takes]
            setattr(self, name, _translated(function) if any(kind in _NUMBERS for kind in takes) else function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


lib = _Functions(_load())


def check(status: int) -> None:
    """Raises where a call failed."""
    if status != 0:
        raise _failure(status)


def _failure(status: int) -> errors.InfermemError:
    told = lib.infermem_error_detail().contents
    kind = errors.BY_CODE.get(status, errors.InfermemError)
    if told.code != status:  # a code of the caller's own, passed through
        return kind(lib.infermem_error_text(status).decode(), code=status)
    return kind(told.message.decode(errors="replace"), (told.function or b"").decode(), told.expected, told.got,
                told.os_error, status)


class Failures:
    """What functions of the caller's raised while the library called them: raised where its call ends, in its thread."""

    def __init__(self) -> None:
        self._raised: dict[int, BaseException] = {}

    def add(self, failure: BaseException) -> None:
        self._raised.setdefault(threading.get_ident(), failure)

    def check(self, status: int) -> None:
        if self._raised and threading.get_ident() in self._raised:
            raise self._raised.pop(threading.get_ident())
        check(status)


# ---- Structs and strings ----

def struct(kind: Any, /, **fields: Any) -> Any:
    """An option or result struct with its own size in it; fields that are None stay zero, which means the default."""
    made = kind()
    made.struct_size = C.sizeof(kind)
    for name, value in fields.items():
        if not isinstance(vars(kind).get(name), type(kind.struct_size)):
            raise TypeError(f"{kind.__name__} has no {name}")
        if value is None:
            continue
        if hasattr(value, "__index__"):
            value = operator.index(value)
        setattr(made, name, value)
        stored = getattr(made, name)
        if isinstance(stored, int) and isinstance(value, int) and stored != value:
            raise ValueError(f"{name}: {value} is out of range")
    return made


def record(made: Any) -> dict[str, Any]:
    """A result struct as a dict."""
    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        return list(value) if isinstance(value, C.Array) else value
    return {name: plain(getattr(made, name)) for name, _ in made._fields_ if name not in ("struct_size", "reserved")}


def filled(kind: Any, function: Callable[..., int], *arguments: Any) -> Any:
    """The result struct that a function fills, its last argument."""
    made = struct(kind)
    check(function(*arguments, C.byref(made)))
    return made


def result(kind: Any, function: Callable[..., int], *arguments: Any) -> Any:
    """The number that a function gives by its last argument."""
    out = kind()
    check(function(*arguments, C.byref(out)))
    return out.value


def text(write: Callable[..., int], *arguments: Any) -> str:
    """What a function writes into a buffer."""
    length = C.c_size_t()
    check(write(*arguments, None, 0, C.byref(length)))
    while True:
        buffer = C.create_string_buffer(length.value + 64)
        status = write(*arguments, buffer, len(buffer), C.byref(length))
        if status != _api.INFERMEM_E_BUFFER:  # of what other threads change, it may have grown
            check(status)
            return buffer.value.decode(errors="replace")
        check(write(*arguments, None, 0, C.byref(length)))


def string(name: str) -> bytes:
    """A name for C. What is not UTF-8 came from the library with escapes, and goes back as it was."""
    return _without_nul(name.encode(errors="surrogateescape"), name)


def path_of(path: Any) -> bytes:
    return _without_nul(os.fsencode(path), path)


def _without_nul(encoded: bytes, given: Any) -> bytes:
    if 0 in encoded:
        raise ValueError(f"there is a NUL in {given!r}")
    return encoded


def bytes_of(data: Any) -> bytes:
    """What an object of the caller's gave as bytes; text and numbers are none."""
    return data if isinstance(data, bytes) else memoryview(data).tobytes()


def text_of(value: bytes | None) -> str:
    return (value or b"").decode(errors="surrogateescape")


# ---- Handles ----

_Handle = TypeVar("_Handle", bound="Handle")

class _Owner:
    """The pointer of a handle, which frees it when nothing refers to it any more: neither its object, nor an array that
    shows its memory, nor a call that another thread is in. `keeps` is what the handle stands on."""

    keeps: Any = ()

    def __del__(self) -> None:
        if self:
            self._free(self)  # type: ignore[attr-defined]


class Handle:
    """An object of the library. `close`, or the end of a `with` block, gives it up; its memory is released once no array
    shows it and no other object stands on it, such as a cache on the tape that it is stored in.

    Threads: what the headers call exclusive, here all that changes the object, is for one thread at a time; the rest may be
    called by many at once."""

    _kind: Any = None
    _free = ""
    _owner_type: Any = None
    _owner: Any = None

    def __init_subclass__(cls) -> None:
        free = getattr(lib, cls._free)
        cls._owner_type = type("Owner", (_Owner, C.POINTER(cls._kind)), {"_type_": cls._kind, "_free": staticmethod(free)})

    def _make(self, function: Callable[..., int], *arguments: Any, keeps: Any = ()) -> None:
        """Becomes the handle that a function gives by its last argument."""
        owner = self._owner_type()
        check(function(*arguments, C.byref(owner)))
        owner.keeps = keeps
        self._owner = owner

    @classmethod
    def _new(cls: type[_Handle], function: Callable[..., int], *arguments: Any, keeps: Any = ()) -> _Handle:
        made = cls.__new__(cls)
        made._make(function, *arguments, keeps=keeps)
        return made

    @property
    def _handle(self) -> Any:
        owner = self._owner
        if owner is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return owner

    def close(self) -> None:
        """Gives the object up; whatever is called afterwards raises ValueError. May be called again."""
        self._owner = None

    @property
    def closed(self) -> bool:
        return self._owner is None

    def __enter__(self: _Handle) -> _Handle:
        self._handle
        return self

    def __exit__(self, *what: Any) -> None:
        self.close()


def handle_of(optional: Handle | None) -> Any:
    """The pointer of a handle, or None: for a field of options, and for what the made object keeps."""
    return None if optional is None else optional._handle


# ---- The process ----

def version() -> str:
    """The library's version at run time, "0.1.0"."""
    return lib.infermem_version_string().decode()


_LEVELS = {"debug": _api.INFERMEM_LOG_DEBUG, "info": _api.INFERMEM_LOG_INFO, "warn": _api.INFERMEM_LOG_WARN}
_log: Callable[[str, str], Any] | None = None


@_api.infermem_log_function
def _log_line(context: Any, level: int, message: bytes) -> None:
    function = _log
    if function is not None and not sys.is_finalizing():
        function({value: name for name, value in _LEVELS.items()}.get(level, str(level)), message.decode(errors="replace"))


def set_log(function: Callable[[str, str], Any] | None, level: str = "info") -> None:
    """Has function(level, line) called with each line that the library logs, of at least the level "debug", "info" or
    "warn"; None turns logging off, which is how it starts. It is called in whichever thread calls the library, and must
    not call the library; what it raises goes to sys.unraisablehook."""
    global _log
    number = _LEVELS[level]
    if function is not None:
        _log = function
    check(lib.infermem_log_set(_log_line if function is not None else _api.infermem_log_function(), None, number))
    _log = function


atexit.register(set_log, None)  # whatever logs afterwards, Python is not there for it
