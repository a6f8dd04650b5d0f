"""Numbers in and out without copies: NumPy arrays as arguments, views of the library's memory as arrays."""
import ctypes as C

import numpy as np

from . import _api
from ._library import check, lib

# Of types that NumPy has; BF16 is told by its bits.
NUMPY = {_api.INFERMEM_DTYPE_F32: np.float32, _api.INFERMEM_DTYPE_F16: np.float16, _api.INFERMEM_DTYPE_F64: np.float64,
         _api.INFERMEM_DTYPE_BF16: np.uint16, _api.INFERMEM_DTYPE_I8: np.int8, _api.INFERMEM_DTYPE_I16: np.int16,
         _api.INFERMEM_DTYPE_I32: np.int32, _api.INFERMEM_DTYPE_I64: np.int64}

_DTYPES = {name[len("INFERMEM_DTYPE_"):].lower(): value for name, value in vars(_api).items()
           if name.startswith("INFERMEM_DTYPE_")}


def dtype_number(dtype):
    """GGUF's number of a type: from "q8_0", a NumPy type, or the number itself."""
    if isinstance(dtype, int):
        return dtype
    if isinstance(dtype, str) and dtype.lower() in _DTYPES:
        return _DTYPES[dtype.lower()]
    wanted = np.dtype(dtype)
    for number, kind in NUMPY.items():
        if wanted == kind and kind is not np.uint16:
            return number
    raise ValueError(f"there is no type {dtype!r}")


def dtype_name(number):
    """"q8_0" of INFERMEM_DTYPE_Q8_0."""
    return lib.infermem_dtype_name(number).decode().lower()


def pointer(array, kind):
    return array.ctypes.data_as(C.POINTER(kind))


def array_in(data, dtype, kind):
    """(pointer, length, array): of the data itself where it is a contiguous array of the type, else of a copy. The array
    has to live until the call is over."""
    array = np.ascontiguousarray(data, dtype)
    return pointer(array, kind), array.size, array


def floats(data):
    return array_in(data, np.float32, C.c_float)


def array_out(out, shape, dtype=np.float32):
    """The caller's array, checked to be of that many elements and contiguous, or a new one."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype or not out.flags.c_contiguous or not out.flags.writeable:
        raise TypeError(f"out is no writable contiguous array of {np.dtype(dtype)}")
    if out.size != int(np.prod(shape)):
        raise ValueError(f"out has {out.size} elements, not {int(np.prod(shape))}")
    return out


_new_capsule = C.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = C.py_object, [C.c_void_p, C.c_char_p, C.c_void_p]
_capsule_is = C.pythonapi.PyCapsule_IsValid
_capsule_is.argtypes = [C.py_object, C.c_char_p]

# What each exported tensor's record lies in, and what it shows the memory of.
_exported = {}


@_api.infermem_allocator_allocate
def _allocate(context, size, align):
    block = C.create_string_buffer(size + align)
    address = (C.addressof(block) + align - 1) // align * align
    _exported[address] = [block]
    return address


@_api.infermem_allocator_release
def _release(context, address, size, align):
    del _exported[address]


_allocator = _api.infermem_allocator(C.sizeof(_api.infermem_allocator), _allocate, _release, None)


class View:
    """A window on a handle's memory: an array for NumPy (`numpy()`, `numpy.asarray`), a tensor for whoever speaks DLPack.
    It keeps the handle's memory, and shows what is in it: what the function that gave it says of its validity holds."""

    def __init__(self, view, owner):
        self._view, self._owner = view, owner
        self._given = []

    @property
    def shape(self):
        return tuple(self._view.shape[:self._view.n_dims])

    @property
    def strides(self):
        """In bytes; of a block type the last is that of a block."""
        return tuple(self._view.strides[:self._view.n_dims])

    @property
    def dtype(self):
        """The type's name: "f16", "q8_0"."""
        return dtype_name(self._view.dtype)

    @property
    def nbytes(self):
        return self._view.bytes

    @property
    def readonly(self):
        return bool(self._view.flags & _api.INFERMEM_VIEW_READONLY)

    @property
    def __array_interface__(self):
        kind = NUMPY.get(self._view.dtype)
        if kind is None:
            raise TypeError(f"NumPy has no type {self.dtype}: bytes() shows its blocks")
        return {"shape": self.shape, "typestr": np.dtype(kind).str, "strides": self.strides, "version": 3,
                "data": (self._view.data or 0, self.readonly)}

    def numpy(self):
        """An array of the memory itself; BF16 as its 16 bits."""
        return np.asarray(self)

    def bytes(self):
        """The bytes from the first element to the last, of any type, as an array of uint8."""
        return np.asarray(_Bytes(self))

    def __buffer__(self, flags):
        return memoryview(self.numpy())

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"View(shape={self.shape}, dtype={self.dtype!r})"

    def __dlpack_device__(self):
        return _api.INFERMEM_DLPACK_CPU, 0

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if copy:
            raise BufferError("a view is passed on as it is, without a copy")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"a view is in the host's memory, not on device {dl_device}")
        versioned = max_version is not None and max_version[0] >= 1
        if not versioned and self.readonly:
            raise BufferError("a read-only view needs DLPack 1.0, which says so: numpy() shows it")
        kind = _api.infermem_dlpack if versioned else _api.infermem_dlpack_unversioned
        export = lib.infermem_view_dlpack if versioned else lib.infermem_view_dlpack_unversioned
        name = b"dltensor_versioned" if versioned else b"dltensor"
        tensor = C.POINTER(kind)()
        check(export(C.byref(self._view), C.byref(_allocator), C.byref(tensor)))
        address = C.cast(tensor, C.c_void_p).value
        _exported[address].append(self._owner)  # until the deleter is called, in whichever thread
        self._sweep()
        # Whoever takes the tensor renames the capsule; those that nobody took are released with the view.
        capsule = _new_capsule(address, name, None)
        self._given.append((capsule, name, tensor))
        return capsule

    def _sweep(self, last=False):
        left = []
        for capsule, name, tensor in self._given:
            if not _capsule_is(capsule, name):
                continue  # it was taken
            if last:
                tensor.contents.deleter(tensor)
            else:
                left.append((capsule, name, tensor))
        self._given = left

    def __del__(self):
        self._sweep(last=True)


class _Bytes:
    def __init__(self, view):
        self._of = view
        self.__array_interface__ = {"shape": (view.nbytes,), "typestr": "|u1", "version": 3,
                                    "data": (view._view.data or 0, view.readonly)}


def view_of(handle, function, *arguments):
    made = _api.infermem_view()
    check(function(handle._handle, *arguments, C.byref(made)))
    return View(made, handle._owner)
