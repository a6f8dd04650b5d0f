"""What a model file says: numbers, layers, tensors, metadata."""
import ctypes as C
import os

import numpy as np

from . import _api
from ._arrays import dtype_name, pointer, view_of
from ._library import Handle, check, lib, make, record, struct

_FORMATS = {value: name[len("INFERMEM_FORMAT_"):].lower() for name, value in vars(_api).items()
            if name.startswith("INFERMEM_FORMAT_")}


def config(**numbers):
    """infermem_model_config by hand, for a model without a file: n_layers=32, hidden=4096, …"""
    if "architecture" in numbers:
        numbers["architecture"] = numbers["architecture"].encode()
    return struct(_api.infermem_model_config, **numbers)


def validate(numbers):
    """Raises where a configuration is none that can be computed with."""
    check(lib.infermem_config_validate(C.byref(numbers)))


def config_layer(numbers, index):
    """A layer of a configuration, as Model.layer."""
    made = struct(_api.infermem_model_layer)
    check(lib.infermem_config_layer(C.byref(numbers), index, C.byref(made)))
    return record(made)


def config_weights(numbers):
    """The weights of a configuration, as Model.weights."""
    made = struct(_api.infermem_model_weights)
    check(lib.infermem_config_weights(C.byref(numbers), C.byref(made)))
    return record(made)


class Model(Handle):
    """An open model file: GGUF, safetensors, a config.json, or a folder with these. `metadata` and `tensors` are its
    contents; tensors are views of the mapped file.

    data: whether tensors are mapped."""

    _free = "model_free"

    def __init__(self, path, data=True):
        self._start(make(_api.infermem_model, "model_open", os.fsencode(path), C.byref(self._options(data))))

    @classmethod
    def from_bytes(cls, data, file_size=None):
        """Of a file's first bytes, or of all of them; file_size is that of the whole file."""
        array = np.frombuffer(data, np.uint8)
        model = cls.__new__(cls)
        model._start(make(_api.infermem_model, "model_open_bytes", array.ctypes.data, array.size,
                          array.size if file_size is None else file_size, None), array)
        return model

    @classmethod
    def from_function(cls, read_at, file_size):
        """read_at(offset, n) gives the bytes from offset on, up to n of them."""
        failures = []

        @_api.infermem_read_at_function
        def read(context, offset, out, n):
            try:
                data = bytes(read_at(offset, n))[:n]
            except BaseException as failure:  # passed on below
                failures.append(failure)
                return -5
            C.memmove(out, data, len(data))
            return len(data)

        model = cls.__new__(cls)
        try:
            model._start(make(_api.infermem_model, "model_open_callback", read, None, file_size, None), read)
        except Exception:
            if failures:
                raise failures[0] from None
            raise
        return model

    @staticmethod
    def _options(data):
        return struct(_api.infermem_model_options, flags=0 if data else _api.INFERMEM_MODEL_NO_DATA)

    def _start(self, made, *keeps):
        self._own(made, *keeps)
        self.metadata = Metadata(self)
        self.tensors = Tensors(self)

    @property
    def format(self):
        """"gguf", "safetensors" or "config"."""
        return _FORMATS[lib.model_format(self._handle)]

    @property
    def parts(self):
        """The paths of its files."""
        paths = [lib.model_part_path(self._handle, i) for i in range(lib.model_part_count(self._handle))]
        return [os.fsdecode(path) for path in paths if path is not None]

    @property
    def warnings(self):
        return [lib.model_warning(self._handle, i).decode() for i in range(lib.model_warning_count(self._handle))]

    @property
    def config(self):
        """The library's struct, infermem_model_config."""
        made = struct(_api.infermem_model_config)
        check(lib.model_config(self._handle, C.byref(made)))
        return made

    def layer(self, index):
        made = struct(_api.infermem_model_layer)
        check(lib.model_layer(self._handle, index, C.byref(made)))
        return record(made)

    @property
    def weights(self):
        made = struct(_api.infermem_model_weights)
        check(lib.model_weights(self._handle, C.byref(made)))
        return record(made)

    def tensor(self, name):
        """A View of a tensor's data in the mapped file."""
        return view_of(self, lib.model_tensor_view, self.tensors.index(name))


class Tensors:
    """A model's tensors: dicts, by number, and by name with `in` and [name]."""

    def __init__(self, model):
        self._model = model

    def __len__(self):
        return lib.model_tensor_count(self._model._handle)

    def index(self, name):
        found = C.c_size_t()
        check(lib.model_tensor_find(self._model._handle, name.encode(), C.byref(found)))
        return found.value

    def __contains__(self, name):
        found = C.c_size_t()
        return lib.model_tensor_find(self._model._handle, name.encode(), C.byref(found)) == 0

    def __getitem__(self, which):
        made = struct(_api.infermem_tensor_info)
        index = self.index(which) if isinstance(which, str) else range(len(self))[which]
        check(lib.model_tensor_info(self._model._handle, index, C.byref(made)))
        facts = record(made)
        facts["name"] = made.name.decode(errors="surrogateescape")
        facts["shape"] = tuple(made.shape[:made.n_dims])
        facts["dtype"] = dtype_name(made.dtype)
        return facts

    def __iter__(self):
        return (self[i] for i in range(len(self)))


class Metadata:
    """A model's metadata: a read-only mapping from keys to values."""

    def __init__(self, model):
        self._model = model

    def __len__(self):
        return lib.model_meta_count(self._model._handle)

    def _info(self, index):
        made = struct(_api.infermem_meta_info)
        check(lib.model_meta_info(self._model._handle, index, C.byref(made)))
        return made

    def __iter__(self):
        return (self._info(i).key.decode(errors="surrogateescape") for i in range(len(self)))

    keys = __iter__

    def items(self):
        return ((key, self[key]) for key in self)

    def _find(self, key):
        found = C.c_size_t()
        check(lib.model_meta_find(self._model._handle, key.encode(errors="surrogateescape"), C.byref(found)))
        return found.value

    def __contains__(self, key):
        found = C.c_size_t()
        return lib.model_meta_find(self._model._handle, key.encode(errors="surrogateescape"), C.byref(found)) == 0

    def get(self, key, otherwise=None):
        return self[key] if key in self else otherwise

    def __getitem__(self, key):
        info = self._info(self._find(key))
        name = key.encode(errors="surrogateescape")
        handle = self._model._handle
        if info.type == _api.INFERMEM_META_ARRAY:
            return self._array(name, info)
        if info.type == _api.INFERMEM_META_STRING:
            start, length = C.c_char_p(), C.c_size_t()
            check(lib.model_meta_string(handle, name, C.byref(start), C.byref(length)))
            return C.string_at(start, length.value).decode(errors="surrogateescape")
        function, kind = {_api.INFERMEM_META_F32: (lib.model_meta_f64, C.c_double),
                          _api.INFERMEM_META_F64: (lib.model_meta_f64, C.c_double),
                          _api.INFERMEM_META_BOOL: (lib.model_meta_bool, C.c_int32),
                          _api.INFERMEM_META_U64: (lib.model_meta_u64, C.c_uint64)
                          }.get(info.type, (lib.model_meta_i64, C.c_int64))
        out = kind()
        check(function(handle, name, C.byref(out)))
        return bool(out.value) if info.type == _api.INFERMEM_META_BOOL else out.value

    def _array(self, name, info):
        handle, n = self._model._handle, info.count
        if info.element_type == _api.INFERMEM_META_STRING:
            offsets, length = np.empty(n + 1, np.uintp), C.c_size_t()
            to = pointer(offsets, C.c_size_t)
            status = lib.model_meta_array_strings(handle, name, 0, n, None, 0, to, C.byref(length))
            if status not in (0, _api.INFERMEM_E_BUFFER):
                check(status)
            buffer = C.create_string_buffer(length.value + 1)
            check(lib.model_meta_array_strings(handle, name, 0, n, buffer, len(buffer), to, C.byref(length)))
            text = buffer.raw
            return [text[offsets[i]:offsets[i + 1]].decode(errors="surrogateescape") for i in range(n)]
        function, dtype, kind = {_api.INFERMEM_META_F32: (lib.model_meta_array_f64, np.float64, C.c_double),
                                 _api.INFERMEM_META_F64: (lib.model_meta_array_f64, np.float64, C.c_double),
                                 _api.INFERMEM_META_U64: (lib.model_meta_array_u64, np.uint64, C.c_uint64)
                                 }.get(info.element_type, (lib.model_meta_array_i64, np.int64, C.c_int64))
        out = np.empty(n, dtype)
        check(function(handle, name, 0, n, pointer(out, kind)))
        return out.tolist()
