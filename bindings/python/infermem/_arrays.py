"""Numbers in and out without copies: NumPy's arrays as arguments, views of the library's memory as arrays."""
from __future__ import annotations

import collections
import ctypes as C
import math
import sys
from typing import Any, Callable

import numpy as np

from . import _api
from ._library import Handle, check, lib
from .dtype import NUMPY, dtype_name


# ---- In and out ----

def address(array: Any) -> int:
    """Where an array's numbers are: good as long as the caller has the array."""
    if array.size and array.flags.writeable:
        return C.addressof(C.c_char.from_buffer(array))  # a third of what `ctypes.data` takes
    return array.ctypes.data


def array_in(data: Any, dtype: Any = np.float32) -> np.ndarray:
    """The data itself where it is a contiguous array of the type, else a copy that is; NumPy's rule of the same kind says
    what may be converted, so that floats become floats of fewer bits, but not integers."""
    array = np.asarray(data)
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array
    if array.size and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"there are numbers of {array.dtype}, not of {np.dtype(dtype)}")
    return np.require(array, dtype, ("C", "A"))


def matrix_in(data: Any, dtype: Any = np.float32) -> np.ndarray:
    array = array_in(data, dtype)
    if array.ndim != 2:
        raise ValueError(f"there is an array of shape {array.shape}, not a matrix")
    return array


def indices_in(data: Any, dtype: Any) -> np.ndarray:
    """Indices as the library takes them; none is cut to fit."""
    array = np.atleast_1d(np.asarray(data))
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"indices are integers, not {array.dtype}")
    if array.dtype != dtype and array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > np.iinfo(dtype).max:
            raise IndexError(f"{low if low < 0 else high} is no index")
    return np.require(array, dtype, ("C", "A"))


def array_out(out: np.ndarray | None, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """The caller's array, checked to have room for exactly that, or a new one."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype or not out.flags.carray:
        raise TypeError(f"out is no writable contiguous array of {np.dtype(dtype)}")
    if out.size != math.prod(shape):
        raise ValueError(f"out has {out.size} elements, not {math.prod(shape)}")
    return out


def bytes_in(data: Any) -> np.ndarray:
    """The bytes of anything contiguous, where they are: an array that keeps them alive."""
    if not hasattr(data, "__array_interface__"):
        data = np.frombuffer(data, np.uint8) if memoryview(data).nbytes else np.empty(0, np.uint8)
    array = np.asarray(data)
    if not array.flags.c_contiguous:
        raise ValueError("the bytes do not lie one after the other: numpy.ascontiguousarray makes a copy that does")
    return array.reshape(-1).view(np.uint8)


def aligned_bytes(n: int, align: int = 64) -> np.ndarray:
    """New bytes at a multiple of align."""
    room = np.empty(n + align, np.uint8)
    return room[-room.ctypes.data % align:][:n]


# ---- DLPack ----

_new_capsule = C.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = C.py_object, [C.c_void_p, C.c_char_p, C.c_void_p]
_capsule_is = C.pythonapi.PyCapsule_IsValid
_capsule_is.argtypes = [C.py_object, C.c_char_p]

# By the address of a tensor that was passed on: what its memory belongs to, and the library's deleter.
_passed_on: dict[int, tuple[Any, Any]] = {}
# Capsules that were given away, in whose tensors nobody may have taken: (capsule, name, tensor). They have no destructor
# of their own, as one in Python would trip over the exception that a refusing NumPy has just set.
_given: collections.deque = collections.deque()


def _deleter_of(kind: Any) -> Any:
    def delete(tensor: Any) -> None:
        kept, deleter = _passed_on.pop(C.addressof(tensor.contents))
        deleter(tensor)
        del kept  # may free the handle, so not before
    return kind(delete)


_DELETERS = {_api.infermem_dlpack: _deleter_of(_api.infermem_dlpack_deleter),
             _api.infermem_dlpack_unversioned: _deleter_of(_api.infermem_dlpack_unversioned_deleter)}


def _sweep() -> None:
    """Forgets the capsules that were taken, who takes one renames it, and deletes the tensors of those that nobody can take
    any more, because only this list has them."""
    for _ in range(len(_given)):
        try:
            given = _given.popleft()
        except IndexError:  # another thread is at it, too
            return
        if not _capsule_is(given[0], given[1]):
            continue
        if sys.getrefcount(given[0]) <= 2:  # the tuple's, and the argument's
            given[2].contents.deleter(given[2])
        else:
            _given.append(given)


class View:
    """A window on a handle's memory: an array for NumPy (`numpy()`, `numpy.asarray`), a tensor for whoever speaks DLPack
    (`numpy.from_dlpack`, `torch.from_dlpack`).

    It keeps the memory, also of a handle that is closed, and shows what is in it: how long that is what it was, the method
    that gave the view says."""

    def __init__(self, view: _api.infermem_view, owner: Any) -> None:
        self._view, self._owner = view, owner

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._view.shape[:self._view.n_dims])

    @property
    def strides(self) -> tuple[int, ...]:
        """In bytes; of a block type the last is that of a block."""
        return tuple(self._view.strides[:self._view.n_dims])

    @property
    def dtype(self) -> str:
        """The type's name: "f16", "q8_0"."""
        return dtype_name(self._view.dtype)

    @property
    def nbytes(self) -> int:
        """From the first element to the end of the last."""
        return self._view.bytes

    @property
    def readonly(self) -> bool:
        return bool(self._view.flags & _api.INFERMEM_VIEW_READONLY)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        kind = NUMPY.get(self._view.dtype)
        if kind is None:
            raise TypeError(f"NumPy has no type {self.dtype}: bytes() shows what is stored")
        return {"shape": self.shape, "typestr": kind.str, "strides": self.strides, "version": 3,
                "data": (self._view.data or 0, self.readonly)}

    def numpy(self) -> np.ndarray:
        """An array of the memory itself; of what NumPy has no type of, such as BF16, the bits."""
        return np.asarray(self)

    def bytes(self) -> np.ndarray:
        """The bytes from the first element to the end of the last, of any type, as an array of uint8."""
        return np.asarray(_Bytes(self))

    def __buffer__(self, flags: int) -> memoryview:
        array: Any = self.numpy()
        return memoryview(array)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"View(shape={self.shape}, dtype={self.dtype!r})"

    def __dlpack_device__(self) -> tuple[int, int]:
        return _api.INFERMEM_DLPACK_CPU, 0

    def __dlpack__(self, *, stream: Any = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> Any:
        if copy:
            raise BufferError("a view is passed on as it is, without a copy")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"a view is in the host's memory, not on device {dl_device}")
        _sweep()
        versioned = max_version is not None and max_version[0] >= 1
        if not versioned and self.readonly:
            raise BufferError("a read-only view needs DLPack 1.0, which says so: numpy() shows it")
        kind = _api.infermem_dlpack if versioned else _api.infermem_dlpack_unversioned
        export = lib.infermem_view_dlpack if versioned else lib.infermem_view_dlpack_unversioned
        name = b"dltensor_versioned" if versioned else b"dltensor"
        tensor = C.POINTER(kind)()
        check(export(C.byref(self._view), None, C.byref(tensor)))
        where, own = C.addressof(tensor.contents), _DELETERS[kind]
        _passed_on[where] = self._owner, type(own)(C.cast(tensor.contents.deleter, C.c_void_p).value)
        tensor.contents.deleter = own
        capsule = _new_capsule(where, name, None)
        _given.append((capsule, name, tensor))
        return capsule

    def __del__(self) -> None:
        if _given:
            _sweep()


class _Bytes:
    def __init__(self, view: View) -> None:
        self._of = view
        self.__array_interface__ = {"shape": (view.nbytes,), "typestr": "|u1", "version": 3,
                                    "data": (view._view.data or 0, view.readonly)}


def view_of(handle: Handle, function: Callable[..., int], *arguments: Any) -> View:
    """The View that a function gives by its last argument."""
    owner, made = handle._handle, _api.infermem_view()
    check(function(owner, *arguments, C.byref(made)))
    return View(made, owner)


def view_at(owner: Any, where: int | None, n: int, dtype: int = _api.INFERMEM_DTYPE_I8, flags: int = 0) -> View:
    """A View of n numbers of a plain type at an address in the owner's memory."""
    size = NUMPY[dtype].itemsize
    view = _api.infermem_view(data=where, dtype=dtype, flags=flags, n_dims=1, bytes=n * size)
    view.shape[:] = (n, 1, 1, 1)
    view.strides[0] = size
    return View(view, owner)
