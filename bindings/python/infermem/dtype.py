"""Element types: by their names in the headers, as NumPy has them, and by GGUF's numbers."""
from __future__ import annotations

import ctypes as C
import operator
from typing import Union

import numpy as np

from . import _api
from ._library import check, lib, result

# A type's name, "q8_0"; a type of NumPy's; or the number.
DType = Union[str, int, type, np.dtype]

_NUMBERS = {name[len("INFERMEM_DTYPE_"):].lower(): value for name, value in vars(_api).items()
            if name.startswith("INFERMEM_DTYPE_")}

_SAME = {"f32": np.float32, "f16": np.float16, "f64": np.float64, "i8": np.int8, "i16": np.int16, "i32": np.int32,
         "i64": np.int64, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "bool": np.bool_,
         "c64": np.complex64}
# What NumPy has no type of is told by its bits.
_BITS = {"bf16": np.uint16, "f8_e4m3": np.uint8, "f8_e5m2": np.uint8, "f8_e8m0": np.uint8, "f8_e4m3fnuz": np.uint8,
         "f8_e5m2fnuz": np.uint8}

NUMPY: dict[int, np.dtype] = {_NUMBERS[name]: np.dtype(kind) for name, kind in {**_SAME, **_BITS}.items()}
_OF_NUMPY = {np.dtype(kind): _NUMBERS[name] for name, kind in _SAME.items()}


def dtype_number(dtype: DType) -> int:
    """GGUF's number of a type: from "q8_0", a type of NumPy's, or the number itself."""
    if isinstance(dtype, str) and dtype.lower() in _NUMBERS:
        return _NUMBERS[dtype.lower()]
    if hasattr(dtype, "__index__") and not isinstance(dtype, type):
        return operator.index(dtype)  # type: ignore[arg-type]
    try:
        return _OF_NUMPY[np.dtype(dtype)]  # type: ignore[arg-type]
    except (KeyError, TypeError):
        raise ValueError(f"there is no type {dtype!r}") from None


def dtype_name(number: int) -> str:
    """"q8_0" of INFERMEM_DTYPE_Q8_0; "unknown" of what is no type's number."""
    return lib.infermem_dtype_name(number).decode().lower()


def dtype_block(dtype: DType) -> tuple[int, int]:
    """(elements, bytes) of one block of a type; of a plain one a block is an element."""
    elements, n_bytes = C.c_size_t(), C.c_size_t()
    check(lib.infermem_dtype_block(dtype_number(dtype), C.byref(elements), C.byref(n_bytes)))
    return elements.value, n_bytes.value


def dtype_bytes(dtype: DType, n: int) -> int:
    """The bytes that n elements take, which are whole blocks."""
    return result(C.c_uint64, lib.infermem_dtype_bytes, dtype_number(dtype), n)
