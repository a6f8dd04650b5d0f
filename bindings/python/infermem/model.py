"""What a model file says: numbers, layers, tensors, metadata."""
from __future__ import annotations

import collections.abc
import ctypes as C
import errno
import os
from typing import Any, Callable, Iterator

import numpy as np

from . import _api
from ._arrays import View, address, bytes_in, view_of
from ._library import (Failures, Handle, bytes_of, check, filled, lib, path_of, record, result, string, struct,
                       text_of)
from .dtype import dtype_name

_FORMATS = {value: name[len("INFERMEM_FORMAT_"):].lower() for name, value in vars(_api).items()
            if name.startswith("INFERMEM_FORMAT_")}


def config(**numbers: Any) -> Any:
    """infermem_model_config by hand, for a model without a file: n_layers=32, hidden=4096, …"""
    if "architecture" in numbers:
        numbers["architecture"] = string(numbers["architecture"])
    return struct(_api.infermem_model_config, **numbers)


def validate(numbers: Any) -> None:
    """Raises where a configuration is none that can be computed with."""
    check(lib.infermem_config_validate(C.byref(numbers)))


def config_layer(numbers: Any, index: int) -> dict[str, Any]:
    """A layer of a configuration, as Model.layer."""
    return record(filled(_api.infermem_model_layer, lib.infermem_config_layer, C.byref(numbers), index))


def config_weights(numbers: Any) -> dict[str, Any]:
    """The weights of a configuration, as Model.weights."""
    return record(filled(_api.infermem_model_weights, lib.infermem_config_weights, C.byref(numbers)))


class Model(Handle):
    """An open model file: GGUF, safetensors, a config.json, or a folder with these. `metadata` and `tensors` are its
    contents; tensors are views of the mapped file.

    data: whether tensors are mapped."""

    _kind, _free = _api.infermem_model, "model_free"

    def __init__(self, path: Any, data: bool = True) -> None:
        options = struct(_api.infermem_model_options, flags=0 if data else _api.INFERMEM_MODEL_NO_DATA)
        self._make(lib.model_open, path_of(path), C.byref(options))

    @classmethod
    def from_bytes(cls, data: Any, file_size: int = 0) -> Model:
        """Of a file's first bytes, or of all of them; file_size is that of the whole file, where it is longer. Metadata
        are copied, and tensors have no data."""
        array = bytes_in(data)
        return cls._new(lib.model_open_bytes, array.ctypes.data, array.size, file_size, None)

    @classmethod
    def from_function(cls, read_at: Callable[[int, int], Any], file_size: int) -> Model:
        """The same of what read_at(offset, n) gives: the bytes from offset on, up to n of them. It must not use the
        library, and is not called any more when this returns."""
        failures = Failures()

        @_api.infermem_read_at_function
        def read(context: Any, offset: int, out: int, n: int) -> int:
            try:
                data = bytes_of(read_at(offset, n))[:n]
                C.memmove(out, data, len(data))
                return len(data)
            except BaseException as failure:  # passed on below
                failures.add(failure)
                return -errno.EIO

        try:
            return cls._new(lib.model_open_callback, read, None, file_size, None)
        finally:
            failures.check(0)

    @property
    def metadata(self) -> Metadata:
        return Metadata(self)

    @property
    def tensors(self) -> Tensors:
        return Tensors(self)

    @property
    def format(self) -> str:
        """"gguf", "safetensors" or "config"."""
        return _FORMATS[lib.model_format(self._handle)]

    @property
    def parts(self) -> list[str]:
        """The paths of its files."""
        paths = [lib.model_part_path(self._handle, i) for i in range(lib.model_part_count(self._handle))]
        return [os.fsdecode(path) for path in paths if path is not None]

    @property
    def warnings(self) -> list[str]:
        return [lib.model_warning(self._handle, i).decode() for i in range(lib.model_warning_count(self._handle))]

    @property
    def config(self) -> Any:
        """The library's struct, infermem_model_config."""
        return filled(_api.infermem_model_config, lib.model_config, self._handle)

    def layer(self, index: int) -> dict[str, Any]:
        return record(filled(_api.infermem_model_layer, lib.model_layer, self._handle, index))

    @property
    def weights(self) -> dict[str, Any]:
        return record(filled(_api.infermem_model_weights, lib.model_weights, self._handle))

    def tensor(self, name: str) -> View:
        """A read-only View of a tensor's data in the mapped file."""
        return view_of(self, lib.model_tensor_view, self.tensors.index(name))


class Tensors:
    """A model's tensors: dicts, by number, and by name with `in` and [name]."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __len__(self) -> int:
        return lib.model_tensor_count(self._model._handle)

    def index(self, name: str) -> int:
        return result(C.c_size_t, lib.model_tensor_find, self._model._handle, string(name))

    def __contains__(self, name: str) -> bool:
        found = C.c_size_t()
        return lib.model_tensor_find(self._model._handle, string(name), C.byref(found)) == 0

    def __getitem__(self, which: int | str) -> dict[str, Any]:
        index = self.index(which) if isinstance(which, str) else range(len(self))[which]
        made = filled(_api.infermem_tensor_info, lib.model_tensor_info, self._model._handle, index)
        facts = record(made)
        del facts["name_length"], facts["n_dims"]
        facts["name"] = text_of(made.name)
        facts["shape"] = tuple(made.shape[:made.n_dims])
        facts["dtype"] = dtype_name(made.dtype)
        return facts

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))


class Metadata(collections.abc.Mapping):
    """A model's metadata: a read-only mapping from keys to values."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __len__(self) -> int:
        return lib.model_meta_count(self._model._handle)

    def _info(self, index: int) -> Any:
        return filled(_api.infermem_meta_info, lib.model_meta_info, self._model._handle, index)

    def __iter__(self) -> Iterator[str]:
        return (text_of(self._info(i).key) for i in range(len(self)))

    def __contains__(self, key: object) -> bool:
        found = C.c_size_t()
        return isinstance(key, str) and lib.model_meta_find(self._model._handle, string(key), C.byref(found)) == 0

    def __getitem__(self, key: str) -> Any:
        handle, name = self._model._handle, string(key)
        info = self._info(result(C.c_size_t, lib.model_meta_find, handle, name))
        if info.type == _api.INFERMEM_META_ARRAY:
            return self._array(name, info)
        if info.type == _api.INFERMEM_META_STRING:
            start, length = C.c_char_p(), C.c_size_t()
            check(lib.model_meta_string(handle, name, C.byref(start), C.byref(length)))
            return text_of(C.string_at(start, length.value))
        if info.type == _api.INFERMEM_META_BOOL:
            return bool(result(C.c_int32, lib.model_meta_bool, handle, name))
        if info.type in (_api.INFERMEM_META_F32, _api.INFERMEM_META_F64):
            return result(C.c_double, lib.model_meta_f64, handle, name)
        if info.type == _api.INFERMEM_META_U64:
            return result(C.c_uint64, lib.model_meta_u64, handle, name)
        return result(C.c_int64, lib.model_meta_i64, handle, name)

    def _array(self, name: bytes, info: Any) -> list[Any]:
        handle, n, kind = self._model._handle, info.count, info.element_type
        dtype: Any
        if kind == _api.INFERMEM_META_STRING:
            return self._strings(name, n)
        if kind in (_api.INFERMEM_META_F32, _api.INFERMEM_META_F64):
            function, dtype = lib.model_meta_array_f64, np.float64
        elif kind in (_api.INFERMEM_META_U64, _api.INFERMEM_META_BOOL):
            function, dtype = lib.model_meta_array_u64, np.uint64
        else:
            function, dtype = lib.model_meta_array_i64, np.int64
        out = np.empty(n, dtype)
        check(function(handle, name, 0, n, address(out)))
        return (out.astype(bool) if kind == _api.INFERMEM_META_BOOL else out).tolist()

    def _strings(self, name: bytes, n: int) -> list[str]:
        handle, length = self._model._handle, C.c_size_t()
        check(lib.model_meta_array_strings(handle, name, 0, n, None, 0, None, C.byref(length)))
        buffer, offsets = C.create_string_buffer(length.value + 1), np.empty(n + 1, np.uintp)
        check(lib.model_meta_array_strings(handle, name, 0, n, buffer, len(buffer), address(offsets), C.byref(length)))
        raw, begins = buffer.raw, offsets.tolist()
        return [text_of(raw[begins[i]:begins[i + 1] - 1]) for i in range(n)]  # each is followed by a NUL
