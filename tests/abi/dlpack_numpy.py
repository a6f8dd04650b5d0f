#!/usr/bin/env python3
"""NumPy reads a cache's keys and a pad's rows through DLPack, where they are: by ctypes alone, without a compiled binding.

    dlpack_numpy.py LIBRARY

The exporter below answers as the DLPack protocol asks: the versioned form to who says that he knows it (NumPy from 2.1
on), the one from before versions to others.
"""
import ctypes as c
import sys

import numpy as np

library = c.CDLL(sys.argv[1])
F32, F16, Q4_0, F64, BF16 = 0, 1, 2, 28, 30


class View(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("flags", c.c_uint32), ("n_dims", c.c_uint32),
                ("reserved", c.c_uint32), ("bytes", c.c_uint64), ("shape", c.c_uint64 * 4), ("strides", c.c_int64 * 4)]


class KvOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("n_layers", c.c_size_t), ("n_kv_heads", c.c_size_t), ("head_dim", c.c_size_t),
                ("head_dim_v", c.c_size_t), ("max_tokens", c.c_size_t), ("k_type", c.c_int32), ("v_type", c.c_int32),
                ("tape", c.c_void_p), ("allocator", c.c_void_p)]


class PadOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("max_tokens", c.c_size_t), ("dim", c.c_size_t), ("type", c.c_int32),
                ("reserved", c.c_int32), ("tape", c.c_void_p), ("allocator", c.c_void_p)]


Allocate = c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t)
Release = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t)


class Allocator(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("allocate", Allocate), ("release", Release), ("context", c.c_void_p)]


def ok(status):
    assert status == 0, status


# Records of tensors that no deleter has released yet.
live = {}


@Allocate
def allocate(context, size, align):
    block = c.create_string_buffer(size + align)
    address = (c.addressof(block) + align - 1) // align * align
    live[address] = block
    return address


@Release
def release(context, pointer, size, align):
    del live[pointer]


counting = Allocator(c.sizeof(Allocator), allocate, release, None)

# ---- Capsules ----

new_capsule = c.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]
capsule_is = c.pythonapi.PyCapsule_IsValid
capsule_is.argtypes = [c.py_object, c.c_char_p]

# The name of the capsule, and where in the struct the deleter is.
VERSIONED, UNVERSIONED = (b"dltensor_versioned", 16), (b"dltensor", 56)


class Exporter:
    """A view, to those who speak DLPack."""

    def __init__(self, view):
        self.view = view
        self.given = []  # (form, tensor, capsule)

    def __dlpack_device__(self):
        return 1, 0

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        versioned = max_version is not None and max_version[0] >= 1
        export = library.infermem_view_dlpack if versioned else library.infermem_view_dlpack_unversioned
        form = VERSIONED if versioned else UNVERSIONED
        tensor = c.c_void_p()
        ok(export(c.byref(self.view), c.byref(counting), c.byref(tensor)))
        # Without a destructor: one in Python would trip over the error that a refusing NumPy has just set.
        capsule = new_capsule(tensor, form[0], None)
        self.given.append((form, tensor, capsule))
        return capsule

    def take_back(self):
        """Deletes the tensors that nobody took: who takes one renames its capsule."""
        for (name, deleter_at), tensor, capsule in self.given:
            if capsule_is(capsule, name):
                c.CFUNCTYPE(None, c.c_void_p)(c.c_void_p.from_address(tensor.value + deleter_at).value)(tensor)
        self.given = []


def read(view):
    """The view as NumPy has it; checked to be in the view's memory, with its shape and strides."""
    exporter = Exporter(view)
    array = np.from_dlpack(exporter)
    n = view.n_dims
    assert array.shape == tuple(view.shape[:n]), (array.shape, list(view.shape))
    assert len(live) == 1
    if array.size:  # an empty tensor has no address
        assert array.ctypes.data == view.data and array.strides == tuple(view.strides[:n])
        writeable = not view.flags & 1 and exporter.given[0][0] == VERSIONED  # NumPy writes to no unversioned tensor
        assert array.flags.writeable == writeable
    return array


# ---- The keys of a cache ----

kv = c.c_void_p()
options = KvOptions(c.sizeof(KvOptions), n_layers=2, n_kv_heads=2, head_dim=4, max_tokens=5, v_type=F16)
ok(library.kv_new(c.byref(options), c.byref(kv)))


def step(first):
    rows = np.arange(first, first + 24, dtype=np.float32).reshape(3, 8)
    for layer in range(2):
        k, v = rows + 100 * layer, -rows
        ok(library.kv_append(kv, c.c_size_t(layer), k.ctypes.data_as(c.c_void_p), c.c_size_t(24),
                             v.ctypes.data_as(c.c_void_p), c.c_size_t(24), c.c_size_t(3)))
    ok(library.kv_advance(kv, c.c_size_t(3)))
    return rows


view = View()
ok(library.kv_keys(kv, c.c_size_t(1), c.byref(view)))
assert read(view).shape == (0, 8)
assert not live  # the array is gone, and called the deleter
rows = step(1)
ok(library.kv_keys(kv, c.c_size_t(1), c.byref(view)))
keys = read(view)
assert keys.dtype == np.float32 and np.array_equal(keys, rows + 100)
library.kv_clear(kv)
assert np.array_equal(keys, step(50) + 100)  # what is written there later shows: it is the same memory
del keys
assert not live
ok(library.kv_values(kv, c.c_size_t(0), c.byref(view)))
values = read(view)
assert values.dtype == np.float16 and np.array_equal(values, -np.arange(50, 74).reshape(3, 8))
del values
library.kv_free(kv)

# ---- The rows of pads ----

for number, dtype in ((F64, np.float64), (F32, np.float32), (F16, np.float16), (BF16, None)):
    pad = c.c_void_p()
    options = PadOptions(c.sizeof(PadOptions), max_tokens=4, dim=3, type=number)
    ok(library.pad_new(c.byref(options), c.byref(pad)))
    rows = np.array([[1, -2, 0.5], [65504, 2.0**-24, np.inf]], dtype=np.float32)
    ok(library.pad_append_f32(pad, rows.ctypes.data_as(c.c_void_p), c.c_size_t(2), c.c_size_t(3)))
    ok(library.pad_view(pad, c.byref(view)))
    if dtype is not None:
        array = read(view)
        assert array.dtype == dtype and np.array_equal(array, rows)
        ok(library.pad_clear(pad))
        again = np.array([[7, 8, 9]], dtype=dtype)  # a row of the pad's own type
        ok(library.pad_append(pad, again.ctypes.data_as(c.c_void_p), c.c_size_t(3)))
        assert np.array_equal(array, [[7, 8, 9], rows[1]])
        del array
    else:
        exporter = Exporter(view)
        try:
            np.from_dlpack(exporter)  # NumPy has no BF16
            sys.exit("NumPy took BF16")
        except (RuntimeError, BufferError):
            exporter.take_back()
    assert not live
    library.pad_free(pad)

# ---- A view made by hand, which may be written to, and goes backwards ----

floats = (c.c_float * 12)(*range(12))
view = View(data=c.addressof(floats) + 44, dtype=F32, n_dims=2, bytes=48, shape=(2, 3, 1, 1), strides=(-24, -8, 0, 0))
array = read(view)
assert np.array_equal(array, [[11, 9, 7], [5, 3, 1]])
floats[9] = 42
assert array[0, 1] == 42
if array.flags.writeable:
    array[1, 0] = 43
    assert floats[5] == 43
del array

# ---- A capsule that nobody took, and a view that cannot be one ----

for max_version in (None, (1, 0)):
    exporter = Exporter(view)
    exporter.__dlpack__(max_version=max_version)
    assert len(live) == 1
    exporter.take_back()
    assert not live
view.dtype = Q4_0
tensor = c.c_void_p()
assert library.infermem_view_dlpack(c.byref(view), None, c.byref(tensor)) == -8 and not tensor

print(f"NumPy {np.__version__} reads views of the library without a copy")
