"""Weight matrices in few bits."""
import ctypes as C
import os

import numpy as np

from . import _api
from ._arrays import array_in, array_out, dtype_name, dtype_number, floats, pointer
from ._library import Handle, check, handle_of, lib, make, record, struct


def _options(bits=0, group=0, params="f32", symmetric=False, clamp=False, verify=True, tape=None):
    return struct(_api.infermem_quant_options, bits=bits, group=group, params=dtype_number(params),
                  symmetric=int(symmetric), nan_policy=_api.INFERMEM_QUANT_CLAMP if clamp else 0, tape=handle_of(tape),
                  flags=0 if verify else _api.INFERMEM_QUANT_NO_VERIFY)


def _sizes(indices):
    return array_in(indices, np.uintp, C.c_size_t)


class Activations:
    """Vectors of 8 bits, quantized once for all the products that they are in."""

    def __init__(self, x):
        data, n, array = floats(x)
        self.n = array.shape[-1]
        self.n_vectors = n // self.n
        self.data = np.empty(lib.quant_activations_bytes(self.n, self.n_vectors) // 4, np.float32)  # aligned to 4
        check(lib.quant_activations(data, n, self.n, self.n_vectors, self.data.ctypes.data, self.data.nbytes))


class Quant(Handle):
    """A matrix; made by one of the class methods. The options of those that quantize are bits (4 or 8), group, params
    ("f32", "f16", "bf16"), symmetric, clamp (NaN and infinities instead of an error), and tape."""

    _free = "quant_free"

    @classmethod
    def _made(cls, made, *keeps):
        matrix = cls.__new__(cls)
        matrix._own(made, *keeps)
        return matrix

    @classmethod
    def from_f32(cls, data, **options):
        return cls._from(lib.quant_from_f32, data, np.float32, C.c_float, options)

    @classmethod
    def from_f16(cls, data, **options):
        """From numpy.float16."""
        return cls._from(lib.quant_from_f16, np.ascontiguousarray(data, np.float16).view(np.uint16), np.uint16,
                         C.c_uint16, options)

    @classmethod
    def from_bf16(cls, bits, **options):
        """From the bits of BF16, as numpy.uint16."""
        return cls._from(lib.quant_from_bf16, bits, np.uint16, C.c_uint16, options)

    @classmethod
    def _from(cls, function, data, dtype, kind, options):
        start, n, array = array_in(data, dtype, kind)
        rows, cols = array.shape
        tape = options.get("tape")
        out = C.POINTER(_api.infermem_quant)()
        check(function(start, n, rows, cols, C.byref(_options(**options)), C.byref(out)))
        return cls._made(out, getattr(tape, "_owner", None))

    @classmethod
    def borrow(cls, dtype, data, rows, cols, keeps=None):
        """Reads a matrix of GGML's blocks, or of f32, f16, bf16, where it lies. data: an array, which is kept alive."""
        array = np.asarray(data)
        made = make(_api.infermem_quant, "quant_borrow", dtype_number(dtype), array.ctypes.data, array.nbytes, rows,
                    cols, None)
        return cls._made(made, array, keeps)

    @classmethod
    def from_tensor(cls, model, name):
        """Reads a tensor of a model where it is mapped; dimensions beyond the last are rows."""
        view = model.tensor(name)
        cols = view.shape[-1]
        rows = int(np.prod(view.shape[:-1]))
        made = make(_api.infermem_quant, "quant_borrow", view._view.dtype, view._view.data, view.nbytes, rows, cols, None)
        return cls._made(made, view)

    @classmethod
    def _imported(cls, function, rows, cols, tensors, scales_dtype, gptq_version, options):
        given = struct(_api.infermem_quant_tensors, scales_type=dtype_number(scales_dtype), gptq_version=gptq_version)
        kept = []
        for name, data in tensors.items():
            if data is None:
                continue
            array = np.ascontiguousarray(data)
            kept.append(array)
            setattr(given, name, array.ctypes.data)
            setattr(given, name + "_bytes", array.nbytes)
        tape = options.get("tape")
        made = make(_api.infermem_quant, function, C.byref(given), rows, cols, C.byref(_options(**options)))
        return cls._made(made, getattr(tape, "_owner", None))

    @classmethod
    def from_gptq(cls, rows, cols, qweight, qzeros, scales, g_idx=None, version=1, scales_dtype="f16", **options):
        return cls._imported("quant_from_gptq", rows, cols,
                             {"weights": qweight, "zeros": qzeros, "scales": scales, "group_index": g_idx}, scales_dtype,
                             version, options)

    @classmethod
    def from_awq(cls, rows, cols, qweight, qzeros, scales, scales_dtype="f16", **options):
        return cls._imported("quant_from_awq", rows, cols, {"weights": qweight, "zeros": qzeros, "scales": scales},
                             scales_dtype, 0, options)

    @classmethod
    def from_hqq(cls, rows, cols, W_q, zero, scale, scales_dtype="f16", **options):
        return cls._imported("quant_from_hqq", rows, cols, {"weights": W_q, "zeros": zero, "scales": scale},
                             scales_dtype, 0, options)

    @classmethod
    def load(cls, path, verify=True):
        """Maps a file that `save` wrote."""
        return cls._made(make(_api.infermem_quant, "quant_load", os.fsencode(path), C.byref(_options(verify=verify))))

    @classmethod
    def load_bytes(cls, data, verify=True):
        """Of bytes at a multiple of 64, which are kept alive."""
        array = np.frombuffer(data, np.uint8)
        made = make(_api.infermem_quant, "quant_load_bytes", array.ctypes.data, array.size,
                    C.byref(_options(verify=verify)))
        return cls._made(made, array)

    def save(self, path):
        check(lib.quant_save(self._handle, os.fsencode(path)))

    def verify(self):
        check(lib.quant_verify(self._handle))

    @property
    def shape(self):
        rows, cols = C.c_size_t(), C.c_size_t()
        check(lib.quant_shape(self._handle, C.byref(rows), C.byref(cols)))
        return rows.value, cols.value

    nbytes = property(lambda self: lib.quant_bytes(self._handle))
    bits = property(lambda self: lib.quant_bits(self._handle))
    group = property(lambda self: lib.quant_group(self._handle))
    params = property(lambda self: dtype_name(lib.quant_params(self._handle)))
    is_symmetric = property(lambda self: bool(lib.quant_is_symmetric(self._handle)))
    is_packed = property(lambda self: lib.quant_layout(self._handle) == _api.INFERMEM_QUANT_PACKED)

    @property
    def dtype(self):
        """"native" of the library's own form, else the type's name."""
        number = lib.quant_dtype(self._handle)
        return "native" if number == _api.INFERMEM_QUANT_NATIVE else dtype_name(number)

    def to_f32(self, out=None):
        out = array_out(out, self.shape)
        check(lib.quant_to_f32(self._handle, pointer(out, C.c_float), out.size))
        return out

    def to_f16(self):
        out = np.empty(self.shape, np.float16)
        check(lib.quant_to_f16(self._handle, pointer(out, C.c_uint16), out.size))
        return out

    def to_bf16(self):
        """The bits, as numpy.uint16."""
        out = np.empty(self.shape, np.uint16)
        check(lib.quant_to_bf16(self._handle, pointer(out, C.c_uint16), out.size))
        return out

    def range_to_f32(self, first_row, n_rows, out=None):
        out = array_out(out, (n_rows, self.shape[1]))
        check(lib.quant_range_to_f32(self._handle, first_row, n_rows, pointer(out, C.c_float), out.size))
        return out

    def rows_to_f32(self, rows, out=None):
        start, n, _kept = _sizes(rows)
        out = array_out(out, (n, self.shape[1]))
        check(lib.quant_rows_to_f32(self._handle, start, n, pointer(out, C.c_float), out.size))
        return out

    def error(self, data):
        """How far the matrix is from floats: max, mean, rmse, …"""
        start, n, _kept = floats(data)
        made = struct(_api.infermem_quant_errors)
        check(lib.quant_error(self._handle, start, n, C.byref(made)))
        return record(made)

    def export(self):
        """(levels [rows, cols], scales, minima [rows, groups]) of the library's own form."""
        rows, cols = self.shape
        groups = -(-cols // self.group)
        levels, scales, mins = np.empty((rows, cols), np.uint8), *(np.empty((rows, groups), np.float32) for _ in range(2))
        check(lib.quant_export(self._handle, pointer(levels, C.c_uint8), levels.size, pointer(scales, C.c_float),
                               scales.size, pointer(mins, C.c_float), mins.size))
        return levels, scales, mins

    def _rows(self, first_row, n_rows):
        return self.shape[0] - first_row if n_rows is None else n_rows

    def gemv(self, x, first_row=0, n_rows=None, out=None):
        """W x, of floats or of Activations of one vector."""
        n_rows = self._rows(first_row, n_rows)
        out = array_out(out, (n_rows,))
        to = pointer(out, C.c_float)
        if isinstance(x, Activations):
            check(lib.quant_gemv_q8(self._handle, first_row, n_rows, x.data.ctypes.data, x.data.nbytes, to, out.size))
        else:
            start, n, _kept = floats(x)
            check(lib.quant_gemv(self._handle, first_row, n_rows, start, n, to, out.size))
        return out

    def gemv_rows(self, rows, x, out=None):
        start, n, _kept = _sizes(rows)
        values, n_x, _kept2 = floats(x)
        out = array_out(out, (n,))
        check(lib.quant_gemv_rows(self._handle, start, n, values, n_x, pointer(out, C.c_float), out.size))
        return out

    def dot_row(self, row, x):
        values, n_x, _kept = floats(x)
        out = C.c_float()
        check(lib.quant_dot_row(self._handle, row, values, n_x, C.byref(out)))
        return out.value

    def gemm(self, x, first_row=0, n_rows=None, out=None):
        """X W^T: of vectors [n, cols], or of Activations, [n, n_rows]."""
        n_rows = self._rows(first_row, n_rows)
        if isinstance(x, Activations):
            out = array_out(out, (x.n_vectors, n_rows))
            check(lib.quant_gemm_q8(self._handle, first_row, n_rows, x.data.ctypes.data, x.data.nbytes, x.n_vectors,
                                    pointer(out, C.c_float), n_rows, out.size))
        else:
            start, n, array = floats(x)
            n_vectors = array.shape[0] if array.ndim == 2 else 1
            out = array_out(out, (n_vectors, n_rows))
            check(lib.quant_gemm(self._handle, first_row, n_rows, start, n, n_vectors, pointer(out, C.c_float), n_rows,
                                 out.size))
        return out

    def pack(self, tape=None):
        """The layout that products are fastest with."""
        return self._made(make(_api.infermem_quant, "quant_pack", self._handle, C.byref(_options(tape=tape))),
                          getattr(tape, "_owner", None))

    def unpack(self, tape=None):
        return self._made(make(_api.infermem_quant, "quant_unpack", self._handle, C.byref(_options(tape=tape))),
                          getattr(tape, "_owner", None))

    def __repr__(self):
        return "Quant(closed)" if self.closed else f"Quant(shape={self.shape}, dtype={self.dtype!r}, bits={self.bits})"


def quantize(dtype, data):
    """Floats [rows, cols] as GGML's blocks: an array of bytes, [rows, bytes of a row]."""
    start, n, array = floats(data)
    rows, cols = array.shape
    number = dtype_number(dtype)
    n_bytes = C.c_uint64()
    check(lib.infermem_dtype_bytes(number, cols, C.byref(n_bytes)))
    out = np.empty((rows, n_bytes.value), np.uint8)
    check(lib.quant_quantize(number, start, n, rows, cols, out.ctypes.data, out.size))
    return out
