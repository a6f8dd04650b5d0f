"""Weight matrices in few bits."""
from __future__ import annotations

import ctypes as C
from typing import Any

import numpy as np

from . import _api, errors
from ._arrays import address, aligned_bytes, array_in, array_out, bytes_in, indices_in, matrix_in
from ._library import Handle, check, filled, handle_of, lib, path_of, record, struct
from .dtype import DType, dtype_bytes, dtype_name, dtype_number
from .layout import Tape


def _options(bits: int = 0, group: int = 0, params: DType = "f32", symmetric: bool = False, clamp: bool = False,
             verify: bool = True, tape: Tape | None = None) -> Any:
    return struct(_api.infermem_quant_options, bits=bits, group=group, params=dtype_number(params),
                  symmetric=int(symmetric), nan_policy=_api.INFERMEM_QUANT_CLAMP if clamp else 0, tape=handle_of(tape),
                  flags=0 if verify else _api.INFERMEM_QUANT_NO_VERIFY)


class Activations:
    """Vectors [n_vectors, n] of 8 bits, quantized once for all the products that they are in."""

    def __init__(self, x: Any) -> None:
        array = np.atleast_1d(array_in(x))
        self.n: int = array.shape[-1]
        self.n_vectors: int = array.size // max(1, self.n)
        self.data = aligned_bytes(lib.quant_activations_bytes(self.n, self.n_vectors))
        check(lib.quant_activations(address(array), array.size, self.n, self.n_vectors, address(self.data),
                                    self.data.size))


class Quant(Handle):
    """A matrix, which never changes: many threads may read it. Made by one of the class methods; the options of those that
    quantize are bits (4 or 8), group, params ("f32", "f16", "bf16"), symmetric, clamp (NaN and infinities instead of an
    error), and tape."""

    _kind, _free = _api.infermem_quant, "quant_free"
    _shape: tuple[int, int] | None = None

    @classmethod
    def _quantized(cls, function: Any, *arguments: Any, **options: Any) -> Quant:
        chosen = _options(**options)
        return cls._new(function, *arguments, C.byref(chosen), keeps=handle_of(options.get("tape")))

    @classmethod
    def _from(cls, function: Any, data: Any, dtype: Any, options: dict[str, Any]) -> Quant:
        array = matrix_in(data, dtype)
        return cls._quantized(function, address(array), array.size, *array.shape, **options)

    @classmethod
    def from_f32(cls, data: Any, **options: Any) -> Quant:
        """From floats [rows, cols]."""
        return cls._from(lib.quant_from_f32, data, np.float32, options)

    @classmethod
    def from_f16(cls, data: Any, **options: Any) -> Quant:
        """From numpy.float16."""
        return cls._from(lib.quant_from_f16, data, np.float16, options)

    @classmethod
    def from_bf16(cls, bits: Any, **options: Any) -> Quant:
        """From the bits of BF16, as numpy.uint16."""
        return cls._from(lib.quant_from_bf16, bits, np.uint16, options)

    @classmethod
    def borrow(cls, dtype: DType, data: Any, rows: int, cols: int) -> Quant:
        """Reads a matrix of GGML's blocks, or of f32, f16, bf16, where it lies: in an array or anything with a buffer,
        which is kept alive, and must not change meanwhile."""
        array = bytes_in(data)
        return cls._new(lib.quant_borrow, dtype_number(dtype), array.ctypes.data, array.size, rows, cols, None, keeps=array)

    @classmethod
    def from_tensor(cls, model: Any, name: str) -> Quant:
        """Reads a tensor of a Model where it is mapped; dimensions before the last are rows."""
        view = model.tensor(name)
        cols = view.shape[-1]
        rows = int(np.prod(view.shape[:-1], dtype=np.int64))
        return cls._new(lib.quant_borrow, view._view.dtype, view._view.data, view.nbytes, rows, cols, None, keeps=view)

    @classmethod
    def _imported(cls, function: Any, rows: int, cols: int, tensors: dict[str, Any], scales_dtype: DType,
                  gptq_version: int, options: dict[str, Any]) -> Quant:
        given = struct(_api.infermem_quant_tensors, scales_type=dtype_number(scales_dtype), gptq_version=gptq_version)
        arrays = {name: np.ascontiguousarray(data) for name, data in tensors.items() if data is not None}
        for name, array in arrays.items():
            setattr(given, name, array.ctypes.data)
            setattr(given, name + "_bytes", array.nbytes)
        return cls._quantized(function, C.byref(given), rows, cols, **options)

    @classmethod
    def from_gptq(cls, rows: int, cols: int, qweight: Any, qzeros: Any, scales: Any, g_idx: Any = None, version: int = 1,
                  scales_dtype: DType = "f16", **options: Any) -> Quant:
        """From the tensors of a GPTQ layer of `rows` outputs and `cols` inputs, whose bits and group the options tell."""
        return cls._imported(lib.quant_from_gptq, rows, cols,
                             {"weights": qweight, "zeros": qzeros, "scales": scales, "group_index": g_idx}, scales_dtype,
                             version, options)

    @classmethod
    def from_awq(cls, rows: int, cols: int, qweight: Any, qzeros: Any, scales: Any, scales_dtype: DType = "f16",
                 **options: Any) -> Quant:
        return cls._imported(lib.quant_from_awq, rows, cols, {"weights": qweight, "zeros": qzeros, "scales": scales},
                             scales_dtype, 0, options)

    @classmethod
    def from_hqq(cls, rows: int, cols: int, W_q: Any, zero: Any, scale: Any, scales_dtype: DType = "f16",
                 **options: Any) -> Quant:
        return cls._imported(lib.quant_from_hqq, rows, cols, {"weights": W_q, "zeros": zero, "scales": scale},
                             scales_dtype, 0, options)

    # ---- Files ----

    @classmethod
    def load(cls, path: Any, verify: bool = True) -> Quant:
        """Maps a file that `save` wrote."""
        return cls._quantized(lib.quant_load, path_of(path), verify=verify)

    @classmethod
    def load_bytes(cls, data: Any, verify: bool = True) -> Quant:
        """Of saved bytes: where they lie, if that is at a multiple of 64, else of a copy. They are kept alive."""
        array = bytes_in(data)
        if array.ctypes.data % _api.INFERMEM_QUANT_SAVED_ALIGN:
            copy = aligned_bytes(array.size, _api.INFERMEM_QUANT_SAVED_ALIGN)
            copy[:] = array
            array = copy
        options = _options(verify=verify)
        return cls._new(lib.quant_load_bytes, array.ctypes.data, array.size, C.byref(options), keeps=array)

    def save(self, path: Any) -> None:
        """Writes the matrix to a file, whole or not at all."""
        check(lib.quant_save(self._handle, path_of(path)))

    def verify(self) -> None:
        """Verifies the checksums of a matrix that was loaded."""
        check(lib.quant_verify(self._handle))

    # ---- What it is ----

    @property
    def shape(self) -> tuple[int, int]:
        handle = self._handle
        if self._shape is None:
            rows, cols = C.c_size_t(), C.c_size_t()
            check(lib.quant_shape(handle, C.byref(rows), C.byref(cols)))
            self._shape = rows.value, cols.value
        return self._shape

    @property
    def nbytes(self) -> int:
        return lib.quant_bytes(self._handle)

    @property
    def bits(self) -> int:
        return lib.quant_bits(self._handle)

    @property
    def group(self) -> int:
        """Values that share parameters."""
        return lib.quant_group(self._handle)

    @property
    def params(self) -> str:
        """The type of scales and minima."""
        return dtype_name(lib.quant_params(self._handle))

    @property
    def is_symmetric(self) -> bool:
        return bool(lib.quant_is_symmetric(self._handle))

    @property
    def is_packed(self) -> bool:
        return lib.quant_layout(self._handle) == _api.INFERMEM_QUANT_PACKED

    @property
    def dtype(self) -> str:
        """"native" of the library's own form, else the type's name."""
        number = lib.quant_dtype(self._handle)
        return "native" if number == _api.INFERMEM_QUANT_NATIVE else dtype_name(number)

    def __repr__(self) -> str:
        return "Quant(closed)" if self.closed else f"Quant(shape={self.shape}, dtype={self.dtype!r}, bits={self.bits})"

    # ---- As numbers ----

    def to_f32(self, out: np.ndarray | None = None) -> np.ndarray:
        out = array_out(out, self.shape)
        check(lib.quant_to_f32(self._handle, address(out), out.size))
        return out

    def to_f16(self, out: np.ndarray | None = None) -> np.ndarray:
        out = array_out(out, self.shape, np.float16)
        check(lib.quant_to_f16(self._handle, address(out), out.size))
        return out

    def to_bf16(self, out: np.ndarray | None = None) -> np.ndarray:
        """The bits, as numpy.uint16."""
        out = array_out(out, self.shape, np.uint16)
        check(lib.quant_to_bf16(self._handle, address(out), out.size))
        return out

    def _n_rows(self, first_row: int, n_rows: int | None) -> int:
        rows = self.shape[0]
        n = rows - first_row if n_rows is None else n_rows
        if first_row < 0 or not 0 <= n <= rows - first_row:
            raise errors.RangeError(f"there are no {n} rows from row {first_row} on: the matrix has {rows}", got=first_row)
        return n

    def range_to_f32(self, first_row: int, n_rows: int | None = None, out: np.ndarray | None = None) -> np.ndarray:
        n = self._n_rows(first_row, n_rows)
        out = array_out(out, (n, self.shape[1]))
        check(lib.quant_range_to_f32(self._handle, first_row, n, address(out), out.size))
        return out

    def rows_to_f32(self, rows: Any, out: np.ndarray | None = None) -> np.ndarray:
        """The rows of those indices."""
        indices = indices_in(rows, np.uintp)
        out = array_out(out, (indices.size, self.shape[1]))
        check(lib.quant_rows_to_f32(self._handle, address(indices), indices.size, address(out), out.size))
        return out

    def error(self, data: Any) -> dict[str, Any]:
        """How far the matrix is from floats: max, mean, rmse, …"""
        array = array_in(data)
        return record(filled(_api.infermem_quant_errors, lib.quant_error, self._handle, address(array), array.size))

    def export(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(levels, scales, minima) of the library's own form: levels [rows, bytes], two in a byte of 4 bits, the first in
        the low half; the others [rows, groups]."""
        rows, cols = self.shape
        groups = -(-cols // self.group)
        levels = np.empty((rows, -(-cols * self.bits // 8)), np.uint8)
        scales, minima = np.empty((rows, groups), np.float32), np.empty((rows, groups), np.float32)
        check(lib.quant_export(self._handle, address(levels), levels.size, address(scales), scales.size, address(minima),
                               minima.size))
        return levels, scales, minima

    # ---- Products ----

    def gemv(self, x: Any, first_row: int = 0, n_rows: int | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """W x, of floats or of Activations of one vector; threads share the rows."""
        n = self._n_rows(first_row, n_rows)
        out = array_out(out, (n,))
        if isinstance(x, Activations):
            check(lib.quant_gemv_q8(self._handle, first_row, n, address(x.data), x.data.size, address(out), out.size))
        else:
            array = array_in(x)
            check(lib.quant_gemv(self._handle, first_row, n, address(array), array.size, address(out), out.size))
        return out

    def gemv_rows(self, rows: Any, x: Any, out: np.ndarray | None = None) -> np.ndarray:
        """The same for the rows of those indices."""
        indices, array = indices_in(rows, np.uintp), array_in(x)
        out = array_out(out, (indices.size,))
        check(lib.quant_gemv_rows(self._handle, address(indices), indices.size, address(array), array.size, address(out),
                                  out.size))
        return out

    def dot_row(self, row: int, x: Any) -> float:
        array, out = array_in(x), C.c_float()
        check(lib.quant_dot_row(self._handle, row, address(array), array.size, C.byref(out)))
        return out.value

    def gemm(self, x: Any, first_row: int = 0, n_rows: int | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """X W^T: of vectors [n, cols], or of Activations, [n, n_rows]."""
        n = self._n_rows(first_row, n_rows)
        if isinstance(x, Activations):
            out = array_out(out, (x.n_vectors, n))
            check(lib.quant_gemm_q8(self._handle, first_row, n, address(x.data), x.data.size, x.n_vectors, address(out),
                                    n, out.size))
        else:
            array = matrix_in(x)
            out = array_out(out, (array.shape[0], n))
            check(lib.quant_gemm(self._handle, first_row, n, address(array), array.size, array.shape[0], address(out),
                                 n, out.size))
        return out

    def pack(self, tape: Tape | None = None) -> Quant:
        """A copy in the layout that products are fastest with."""
        return self._quantized(lib.quant_pack, self._handle, tape=tape)

    def unpack(self, tape: Tape | None = None) -> Quant:
        return self._quantized(lib.quant_unpack, self._handle, tape=tape)


def quantize(dtype: DType, data: Any) -> np.ndarray:
    """Floats [rows, cols] as GGML's blocks: an array of bytes, [rows, bytes of a row], for Quant.borrow."""
    array = matrix_in(data)
    out = np.empty((array.shape[0], dtype_bytes(dtype, array.shape[1])), np.uint8)
    check(lib.quant_quantize(dtype_number(dtype), address(array), array.size, *array.shape, address(out), out.size))
    return out
