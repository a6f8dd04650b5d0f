"""The exceptions: one a status code, named as it is, "FullError" of INFERMEM_E_FULL.

Those that Python has a word for are that, too: a ShapeError is a ValueError, an IoError an OSError with its errno.
"""
from __future__ import annotations

import builtins
from typing import Any

from . import _api


class InfermemError(Exception):
    """A call of the library that failed, and that changed nothing.

    code: the status, INFERMEM_E_*.  function: what failed, "kv_append".  expected, got: the numbers of the message, where
    it has some.  os_error: the errno of the system's refusal, or 0."""

    code: int = 0

    def __init__(self, message: str, function: str = "", expected: int = 0, got: int = 0, os_error: int = 0,
                 code: int | None = None) -> None:
        super().__init__(message)
        self.message, self.function = message, function
        self.expected, self.got, self.os_error = expected, got, os_error
        if code is not None:
            self.code = code
        if isinstance(self, builtins.OSError):
            setattr(self, "errno", os_error or None)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.function, self.expected, self.got, self.os_error, self.code)


class NullError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_NULL


class ArgError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_ARG


class HandleError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_HANDLE


class StructError(InfermemError):
    code = _api.INFERMEM_E_STRUCT


class OverflowError(InfermemError, builtins.OverflowError):
    code = _api.INFERMEM_E_OVERFLOW


class NomemError(InfermemError, builtins.MemoryError):
    code = _api.INFERMEM_E_NOMEM


class SystemError(InfermemError, builtins.OSError):
    code = _api.INFERMEM_E_SYSTEM


class UnsupportedError(InfermemError, builtins.NotImplementedError):
    code = _api.INFERMEM_E_UNSUPPORTED


class FullError(InfermemError):
    code = _api.INFERMEM_E_FULL


class SealedError(InfermemError):
    code = _api.INFERMEM_E_SEALED


class StaleError(InfermemError):
    code = _api.INFERMEM_E_STALE


class StateError(InfermemError):
    code = _api.INFERMEM_E_STATE


class ShapeError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_SHAPE


class RangeError(InfermemError, builtins.IndexError):
    code = _api.INFERMEM_E_RANGE


class TypeError(InfermemError, builtins.TypeError):
    code = _api.INFERMEM_E_TYPE


class NotFoundError(InfermemError, builtins.KeyError):
    code = _api.INFERMEM_E_NOT_FOUND


class NotFiniteError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_NOT_FINITE


class IncompleteError(InfermemError):
    code = _api.INFERMEM_E_INCOMPLETE


class BufferError(InfermemError, builtins.BufferError):
    code = _api.INFERMEM_E_BUFFER


class IoError(InfermemError, builtins.OSError):
    code = _api.INFERMEM_E_IO


class FormatError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_FORMAT


class TruncatedError(InfermemError, builtins.EOFError):
    code = _api.INFERMEM_E_TRUNCATED


class VersionError(InfermemError):
    code = _api.INFERMEM_E_VERSION


class LimitError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_LIMIT


class CorruptError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_CORRUPT


class FingerprintError(InfermemError, builtins.ValueError):
    code = _api.INFERMEM_E_FINGERPRINT


BY_CODE = {kind.code: kind for kind in InfermemError.__subclasses__()}
