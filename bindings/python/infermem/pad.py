"""The scratchpad: preallocated rows with a length."""
import ctypes as C

import numpy as np

from . import _api
from ._arrays import NUMPY, dtype_number, floats, view_of
from ._library import Handle, check, handle_of, lib, make, struct, text


class Pad(Handle):
    """Room for max_tokens rows of dim numbers of type f32, f16, bf16 or f64."""

    _free = "pad_free"

    def __init__(self, max_tokens, dim, dtype="f32", tape=None):
        options = struct(_api.infermem_pad_options, max_tokens=max_tokens, dim=dim, type=dtype_number(dtype),
                         tape=handle_of(tape))
        self._own(make(_api.infermem_pad, "pad_new", C.byref(options)), getattr(tape, "_owner", None))
        self._dtype = NUMPY[options.type]

    def append(self, row):
        """One row, in the type that is stored (of bf16 its bits, as uint16)."""
        array = np.ascontiguousarray(row, self._dtype)
        check(lib.pad_append(self._handle, array.ctypes.data, array.size))

    def append_rows(self, rows):
        """Rows [n, dim] in the type that is stored: all or none."""
        array = np.ascontiguousarray(rows, self._dtype)
        n, dim = array.shape
        check(lib.pad_append_rows(self._handle, array.ctypes.data, n, dim))

    def append_f32(self, rows):
        """Rows [n, dim] of floats, converted to the type that is stored."""
        pointer, _, array = floats(rows)
        n, dim = array.shape
        check(lib.pad_append_f32(self._handle, pointer, n, dim))

    def view(self):
        """The rows, [len, dim], without a copy."""
        return view_of(self, lib.pad_view)

    def truncate(self, n):
        check(lib.pad_truncate(self._handle, n))

    def clear(self):
        check(lib.pad_clear(self._handle))

    def __len__(self):
        return lib.pad_len(self._handle)

    capacity = property(lambda self: lib.pad_capacity(self._handle))
    dim = property(lambda self: lib.pad_dim(self._handle))
    is_empty = property(lambda self: bool(lib.pad_is_empty(self._handle)))
    generation = property(lambda self: lib.pad_generation(self._handle))

    def __str__(self):
        return text(lib.pad_text, self._handle)
