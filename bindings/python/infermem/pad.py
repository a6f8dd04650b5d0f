"""The scratchpad: preallocated rows with a length."""
from __future__ import annotations

import ctypes as C
from typing import Any

from . import _api
from ._arrays import View, address, array_in, matrix_in, view_of
from ._library import Handle, check, handle_of, lib, struct, text
from .dtype import NUMPY, DType, dtype_number
from .layout import Tape


class Pad(Handle):
    """Room for max_tokens rows of dim numbers of type f32, f16, bf16 or f64."""

    _kind, _free = _api.infermem_pad, "pad_free"

    def __init__(self, max_tokens: int, dim: int, dtype: DType = "f32", tape: Tape | None = None) -> None:
        kept = handle_of(tape)
        options = struct(_api.infermem_pad_options, max_tokens=max_tokens, dim=dim, type=dtype_number(dtype), tape=kept)
        self._make(lib.pad_new, C.byref(options), keeps=kept)
        self._dtype = NUMPY[options.type]

    def append(self, row: Any) -> None:
        """One row, in the type that is stored: of bf16 its bits, as numpy.uint16."""
        array = array_in(row, self._dtype)
        check(lib.pad_append(self._handle, address(array), array.size))

    def append_rows(self, rows: Any) -> None:
        """Rows [n, dim] in the type that is stored: all of them, or none."""
        array = matrix_in(rows, self._dtype)
        check(lib.pad_append_rows(self._handle, address(array), *array.shape))

    def append_f32(self, rows: Any) -> None:
        """Rows [n, dim] of floats, converted to the type that is stored."""
        array = matrix_in(rows)
        check(lib.pad_append_f32(self._handle, address(array), *array.shape))

    def view(self) -> View:
        """The rows, [len, dim], without a copy and read-only: good until they are truncated or cleared."""
        return view_of(self, lib.pad_view)

    def truncate(self, n: int) -> None:
        check(lib.pad_truncate(self._handle, n))

    def clear(self) -> None:
        check(lib.pad_clear(self._handle))

    def __len__(self) -> int:
        return lib.pad_len(self._handle)

    @property
    def capacity(self) -> int:
        return lib.pad_capacity(self._handle)

    @property
    def dim(self) -> int:
        return lib.pad_dim(self._handle)

    @property
    def is_empty(self) -> bool:
        return bool(lib.pad_is_empty(self._handle))

    @property
    def generation(self) -> int:
        """How many times it was cleared."""
        return lib.pad_generation(self._handle)

    def __str__(self) -> str:
        return text(lib.pad_text, self._handle)
