"""The KV cache of one sequence, and attention over it."""
import ctypes as C
import os

import numpy as np

from . import _api
from ._arrays import array_out, dtype_name, dtype_number, floats, pointer, view_of
from ._library import Handle, check, handle_of, lib, make, record, struct


class Kv(Handle):
    """Keys and values [layer][token][n_kv_heads * head_dim]. A step appends to every layer, then advances.

    k_type, v_type: "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", or a list with one a layer."""

    _free = "kv_free"

    def __init__(self, n_layers, n_kv_heads, head_dim, max_tokens, k_type="f16", v_type="f16", head_dim_v=0, growable=0,
                 flags=0, tape=None):
        options = struct(_api.infermem_kv_options, n_layers=n_layers, n_kv_heads=n_kv_heads, head_dim=head_dim,
                         head_dim_v=head_dim_v, max_tokens=max_tokens, growable=growable, flags=flags,
                         tape=handle_of(tape))
        for name, types in (("k_type", k_type), ("v_type", v_type)):
            if isinstance(types, (list, tuple)):
                if len(types) != n_layers:
                    raise ValueError(f"{name} has {len(types)} types, for {n_layers} layers")
                setattr(options, name + "s", (C.c_int32 * n_layers)(*map(dtype_number, types)))
            else:
                setattr(options, name, dtype_number(types))
        self._own(make(_api.infermem_kv, "kv_new", C.byref(options)), getattr(tape, "_owner", None))

    n_layers = property(lambda self: lib.kv_layers(self._handle))
    n_kv_heads = property(lambda self: lib.kv_heads(self._handle))
    head_dim = property(lambda self: lib.kv_head_dim(self._handle, _api.INFERMEM_KV_K))
    head_dim_v = property(lambda self: lib.kv_head_dim(self._handle, _api.INFERMEM_KV_V))

    @classmethod
    def _made(cls, made, tape):
        kv = cls.__new__(cls)
        kv._own(made, getattr(tape, "_owner", None))
        return kv

    def append(self, layer, k, v, n_tokens=1):
        """Rows of floats, of numpy.float16, or of BF16's bits as numpy.uint16; k and v of the same kind."""
        dtype = np.asarray(k).dtype
        if dtype in (np.float16, np.uint16):
            function = lib.kv_append_f16 if dtype == np.float16 else lib.kv_append_bf16
            k, v = (np.ascontiguousarray(rows, dtype).view(np.uint16) for rows in (k, v))
            kind = C.c_uint16
        else:
            function, kind = lib.kv_append, C.c_float
            k, v = (np.ascontiguousarray(rows, np.float32) for rows in (k, v))
        check(function(self._handle, layer, pointer(k, kind), k.size, pointer(v, kind), v.size, n_tokens))

    def advance(self, n=1):
        check(lib.kv_advance(self._handle, n))

    def abort(self):
        check(lib.kv_abort(self._handle))

    def truncate(self, n):
        check(lib.kv_truncate(self._handle, n))

    def clear(self, zero=False):
        check((lib.kv_clear_zero if zero else lib.kv_clear)(self._handle))

    def keep(self, sinks, recent):
        """Keeps the first and the last tokens; returns how many were dropped between them."""
        dropped = C.c_size_t()
        check(lib.kv_keep(self._handle, sinks, recent, C.byref(dropped)))
        return dropped.value

    def copy_prefix(self, source, n):
        """Makes this cache hold the first n tokens of another, and nothing else."""
        check(lib.kv_copy_prefix(self._handle, source._handle, n))

    def grow(self, max_tokens):
        check(lib.kv_grow(self._handle, max_tokens))

    def prefetch(self, layer):
        check(lib.kv_prefetch(self._handle, layer))

    def keys(self, layer, pending=False):
        """A read-only View [len, n_kv_heads * head_dim], in the type that is stored."""
        return view_of(self, lib.kv_keys_pending if pending else lib.kv_keys, layer)

    def values(self, layer, pending=False):
        return view_of(self, lib.kv_values_pending if pending else lib.kv_values, layer)

    def keys_mut(self, layer):
        """As keys with what is pending, writable."""
        return view_of(self, lib.kv_keys_mut, layer)

    def values_mut(self, layer):
        return view_of(self, lib.kv_values_mut, layer)

    def read(self, layer, which, first=0, n=None, out=None):
        """Rows of keys (which "k") or values ("v") as floats."""
        number = {"k": _api.INFERMEM_KV_K, "v": _api.INFERMEM_KV_V}[which]
        n = len(self) - first if n is None else n
        out = array_out(out, (n, self.n_kv_heads * (self.head_dim if which == "k" else self.head_dim_v)))
        check(lib.kv_read(self._handle, layer, number, first, n, pointer(out, C.c_float), out.size))
        return out

    def _attention(self, n_q_heads, n_q_tokens, n_after, window, scale, soft_cap):
        return struct(_api.infermem_kv_attend_options, n_q_heads=n_q_heads, n_q_tokens=n_q_tokens, n_after=n_after,
                      window=window, scale=scale, soft_cap=soft_cap)

    def attend(self, layer, q, n_q_heads=0, n_q_tokens=1, window=0, scale=0.0, soft_cap=0.0, first_head=0, n_heads=None,
               out=None):
        """Attention of the queries [n_q_tokens, n_q_heads * head_dim] to the tokens up to and including their own."""
        options = self._attention(n_q_heads, n_q_tokens, 0, window, scale, soft_cap)
        start, n, _kept = floats(q)
        n_heads = self.n_kv_heads - first_head if n_heads is None else n_heads
        out = array_out(out, (n_q_tokens, n // max(1, n_q_tokens * self.head_dim) * self.head_dim_v))
        check(lib.kv_attend(self._handle, layer, C.byref(options), first_head, n_heads, start, n,
                            pointer(out, C.c_float), out.size))
        return out

    def attend_partial(self, layer, q, part, first_token, n_tokens, n_q_heads=0, n_q_tokens=1, n_after=0, window=0,
                       scale=0.0, soft_cap=0.0, first_head=0, n_heads=None):
        """Attention to some of the tokens, into the array `part`, for attend_merge."""
        options = self._attention(n_q_heads, n_q_tokens, n_after, window, scale, soft_cap)
        start, n, _kept = floats(q)
        n_heads = self.n_kv_heads - first_head if n_heads is None else n_heads
        check(lib.kv_attend_partial(self._handle, layer, C.byref(options), first_head, n_heads, first_token, n_tokens,
                                    start, n, pointer(part, C.c_float), part.size))
        return part

    def save(self, to, fingerprint=b""):
        """Writes the tokens of the length to a path, or to an object with write(bytes)."""
        if not hasattr(to, "write"):
            check(lib.kv_save(self._handle, os.fsencode(to), fingerprint, len(fingerprint)))
            return
        failures = []

        @_api.infermem_write_function
        def write(context, data, n):
            try:
                written = to.write(C.string_at(data, n))
            except BaseException as failure:  # passed on below
                failures.append(failure)
                return -1
            return n if written is None else written

        _call(failures, lib.kv_save_to, self._handle, write, None, fingerprint, len(fingerprint))

    def load(self, source, fingerprint=b""):
        """Makes the cache hold what was saved, from a path or an object with read(n); a failure leaves it as it was."""
        if not hasattr(source, "read"):
            check(lib.kv_load(self._handle, os.fsencode(source), fingerprint, len(fingerprint)))
            return
        failures = []

        @_api.infermem_read_function
        def read(context, out, n):
            try:
                data = source.read(n)
            except BaseException as failure:  # passed on below
                failures.append(failure)
                return -1
            if len(data) > n:
                failures.append(ValueError(f"read({n}) gave {len(data)} bytes"))
                return -1
            C.memmove(out, data, len(data))
            return len(data)

        _call(failures, lib.kv_load_from, self._handle, read, None, fingerprint, len(fingerprint))

    saved_bytes = property(lambda self: lib.kv_saved_bytes(self._handle))

    def __len__(self):
        return lib.kv_len(self._handle)

    max_tokens = property(lambda self: lib.kv_max(self._handle))
    generation = property(lambda self: lib.kv_generation(self._handle))
    memory_bytes = property(lambda self: lib.kv_memory_bytes(self._handle))
    memory_reserved = property(lambda self: lib.kv_memory_reserved(self._handle))
    memory_committed = property(lambda self: lib.kv_memory_committed(self._handle))

    def layer_stride(self, which):
        """Of keys ("k") or values ("v"), from layer to layer."""
        return lib.kv_layer_stride(self._handle, {"k": _api.INFERMEM_KV_K, "v": _api.INFERMEM_KV_V}[which])


def _call(failures, function, *arguments):
    status = function(*arguments)
    if failures:
        raise failures[0]
    check(status)


def verify_saved(path):
    """What a saved cache says of itself, once all of it was found undamaged."""
    made = struct(_api.infermem_kv_saved)
    check(lib.kv_verify(os.fsencode(path), C.byref(made)))
    facts = record(made)
    facts["fingerprint"] = bytes(made.fingerprint[:made.n_fingerprint])
    facts["k_type"], facts["v_type"] = dtype_name(made.k_type), dtype_name(made.v_type)
    return facts


def attend_merge(parts, n_rows, head_dim_v, out=None):
    """What attend_partial wrote, [parts, …], as the attention to all of their tokens."""
    start, n, array = floats(parts)
    out = array_out(out, (n_rows, head_dim_v))
    check(lib.kv_attend_merge(start, n, array.shape[0], n_rows, head_dim_v, pointer(out, C.c_float), out.size))
    return out
