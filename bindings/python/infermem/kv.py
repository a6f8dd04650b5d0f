"""The KV cache of one sequence, and attention over it."""
from __future__ import annotations

import ctypes as C
import operator
from typing import Any, Sequence

import numpy as np

from . import _api
from ._arrays import View, address, array_in, array_out, view_of
from ._library import Failures, Handle, bytes_of, check, filled, handle_of, lib, path_of, record, struct
from .dtype import DType, dtype_name, dtype_number
from .layout import Tape

_WHICH = {"k": _api.INFERMEM_KV_K, "v": _api.INFERMEM_KV_V}


class Kv(Handle):
    """Keys and values [layer][token][n_kv_heads * head_dim]. A step appends to every layer, then advances.

    k_type, v_type: "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", or a list with one a layer. growable: the tokens that
    `grow` may grow to. flags: constants.INFERMEM_KV_*."""

    _kind, _free = _api.infermem_kv, "kv_free"
    _sizes: tuple[int, int, int] | None = None

    def __init__(self, n_layers: int, n_kv_heads: int, head_dim: int, max_tokens: int,
                 k_type: DType | Sequence[DType] = "f16", v_type: DType | Sequence[DType] = "f16", head_dim_v: int = 0,
                 growable: int = 0, flags: int = 0, tape: Tape | None = None) -> None:
        kept = handle_of(tape)
        options = struct(_api.infermem_kv_options, n_layers=n_layers, n_kv_heads=n_kv_heads, head_dim=head_dim,
                         head_dim_v=head_dim_v, max_tokens=max_tokens, growable=growable, flags=flags, tape=kept)
        types: Any
        for name, types in (("k_type", k_type), ("v_type", v_type)):
            if isinstance(types, (list, tuple)):
                if len(types) != n_layers:
                    raise ValueError(f"{name} has {len(types)} types, for {n_layers} layers")
                setattr(options, name + "s", (C.c_int32 * n_layers)(*map(dtype_number, types)))
            else:
                setattr(options, name, dtype_number(types))
        self._make(lib.kv_new, C.byref(options), keeps=kept)

    @property
    def n_layers(self) -> int:
        return lib.kv_layers(self._handle)

    @property
    def _heads(self) -> tuple[int, int, int]:
        """(heads, elements of a key's, elements of a value's), which never change."""
        handle = self._handle
        if self._sizes is None:
            self._sizes = (lib.kv_heads(handle), lib.kv_head_dim(handle, _api.INFERMEM_KV_K),
                           lib.kv_head_dim(handle, _api.INFERMEM_KV_V))
        return self._sizes

    @property
    def n_kv_heads(self) -> int:
        return self._heads[0]

    @property
    def head_dim(self) -> int:
        return self._heads[1]

    @property
    def head_dim_v(self) -> int:
        return self._heads[2]

    # ---- Tokens ----

    def append(self, layer: int, k: Any, v: Any, n_tokens: int = 1) -> None:
        """Rows of floats; or both of numpy.float16, or both of BF16's bits as numpy.uint16."""
        k, v = np.asarray(k), np.asarray(v)
        dtype: Any
        if k.dtype == np.float16 and v.dtype == np.float16:
            function, dtype = lib.kv_append_f16, np.float16
        elif k.dtype == np.uint16 and v.dtype == np.uint16:
            function, dtype = lib.kv_append_bf16, np.uint16
        elif np.uint16 in (k.dtype, v.dtype):
            raise TypeError(f"there are keys of {k.dtype} and values of {v.dtype}")
        else:
            function, dtype = lib.kv_append, np.float32
        k, v = array_in(k, dtype), array_in(v, dtype)
        check(function(self._handle, layer, address(k), k.size, address(v), v.size, n_tokens))

    def advance(self, n: int = 1) -> None:
        """Ends a step: the n tokens pending in every layer become part of the length."""
        check(lib.kv_advance(self._handle, n))

    def abort(self) -> None:
        """Drops what is pending."""
        check(lib.kv_abort(self._handle))

    def truncate(self, n: int) -> None:
        """Shortens the cache to its first n tokens."""
        check(lib.kv_truncate(self._handle, n))

    def clear(self, zero: bool = False) -> None:
        """Empties the cache; with zero, it overwrites what was there."""
        check((lib.kv_clear_zero if zero else lib.kv_clear)(self._handle))

    def keep(self, sinks: int, recent: int) -> int:
        """Keeps the first and the last tokens; returns how many were dropped between them."""
        dropped = C.c_size_t()
        check(lib.kv_keep(self._handle, sinks, recent, C.byref(dropped)))
        return dropped.value

    def copy_prefix(self, source: Kv, n: int) -> None:
        """Makes this cache hold the first n tokens of another, and nothing else."""
        check(lib.kv_copy_prefix(self._handle, source._handle, n))

    def grow(self, max_tokens: int) -> None:
        """Lets the cache hold more tokens, up to what `growable` said."""
        check(lib.kv_grow(self._handle, max_tokens))

    def prefetch(self, layer: int) -> None:
        """Has the processor fetch the beginning of a layer."""
        check(lib.kv_prefetch(self._handle, layer))

    # ---- Rows ----

    def keys(self, layer: int, pending: bool = False) -> View:
        """A read-only View [len, n_kv_heads * head_dim], in the type that is stored; with pending, those tokens, too. Good
        until the rows are truncated, cleared or moved."""
        return view_of(self, lib.kv_keys_pending if pending else lib.kv_keys, layer)

    def values(self, layer: int, pending: bool = False) -> View:
        return view_of(self, lib.kv_values_pending if pending else lib.kv_values, layer)

    def keys_mut(self, layer: int) -> View:
        """As keys with what is pending, to be changed in place."""
        return view_of(self, lib.kv_keys_mut, layer)

    def values_mut(self, layer: int) -> View:
        return view_of(self, lib.kv_values_mut, layer)

    def read(self, layer: int, which: str, first: int = 0, n: int | None = None,
             out: np.ndarray | None = None) -> np.ndarray:
        """Rows of keys (which "k") or values ("v") as floats."""
        n = max(0, len(self) - first) if n is None else n
        width = self.n_kv_heads * (self.head_dim if which == "k" else self.head_dim_v)
        out = array_out(out, (_room(n), width))
        check(lib.kv_read(self._handle, layer, _WHICH[which], first, n, address(out), out.size))
        return out

    # ---- Attention ----

    def _attention(self, function: Any, layer: int, q: Any, out: np.ndarray | None, extra: int, tokens: tuple[int, ...],
                   first_head: int, n_heads: int | None, **options: Any) -> np.ndarray:
        given = {name: value for name, value in options.items() if value}
        chosen = C.byref(struct(_api.infermem_kv_attend_options, **given)) if given else None
        queries, (heads, _, width) = array_in(q), self._heads
        out = array_out(out, (_room(options["n_q_tokens"] or 1), _room(options["n_q_heads"] or heads), width + extra))
        n_heads = heads - first_head if n_heads is None else n_heads
        check(function(self._handle, layer, chosen, first_head, n_heads, *tokens, address(queries), queries.size,
                       address(out), out.size))
        return out

    def attend(self, layer: int, q: Any, n_q_heads: int = 0, n_q_tokens: int = 0, window: int = 0, scale: float = 0.0,
               soft_cap: float = 0.0, first_head: int = 0, n_heads: int | None = None,
               out: np.ndarray | None = None) -> np.ndarray:
        """Attention of the queries [n_q_tokens, n_q_heads, head_dim] to the tokens up to and including their own, those
        pending among them: [n_q_tokens, n_q_heads, head_dim_v]. 0 means 1 token, and as many heads as the cache has.
        Threads share the heads by first_head and n_heads, with one `out`."""
        return self._attention(lib.kv_attend, layer, q, out, 0, (), first_head, n_heads, n_q_heads=n_q_heads,
                               n_q_tokens=n_q_tokens, window=window, scale=scale, soft_cap=soft_cap)

    def attend_partial(self, layer: int, q: Any, first_token: int, n_tokens: int, n_q_heads: int = 0, n_q_tokens: int = 0,
                       n_after: int = 0, window: int = 0, scale: float = 0.0, soft_cap: float = 0.0, first_head: int = 0,
                       n_heads: int | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """Attention to some of the tokens, as a part [n_q_tokens, n_q_heads, head_dim_v + 2] for attend_merge."""
        return self._attention(lib.kv_attend_partial, layer, q, out, 2, (first_token, n_tokens), first_head, n_heads,
                               n_q_heads=n_q_heads, n_q_tokens=n_q_tokens, n_after=n_after, window=window, scale=scale,
                               soft_cap=soft_cap)

    # ---- Saving ----

    def save(self, to: Any, fingerprint: bytes = b"") -> None:
        """Writes the tokens of the length to a path, whole or not at all, or to an object with write(bytes)."""
        fingerprint = bytes_of(fingerprint)
        if not hasattr(to, "write"):
            check(lib.kv_save(self._handle, path_of(to), fingerprint, len(fingerprint)))
            return
        failures = Failures()

        @_api.infermem_write_function
        def write(context: Any, data: int, n: int) -> int:
            try:
                written = to.write(C.string_at(data, n))
                return n if written is None else operator.index(written)
            except BaseException as failure:  # passed on below
                failures.add(failure)
                return -1

        failures.check(lib.kv_save_to(self._handle, write, None, fingerprint, len(fingerprint)))

    def load(self, source: Any, fingerprint: bytes = b"") -> None:
        """Makes the cache hold what was saved, from a path or an object with read(n); a failure leaves it as it was."""
        fingerprint = bytes_of(fingerprint)
        if not hasattr(source, "read"):
            check(lib.kv_load(self._handle, path_of(source), fingerprint, len(fingerprint)))
            return
        failures = Failures()

        @_api.infermem_read_function
        def read(context: Any, out: int, n: int) -> int:
            try:
                data = bytes_of(source.read(n))
                if len(data) > n:
                    raise ValueError(f"read({n}) gave {len(data)} bytes")
                C.memmove(out, data, len(data))
                return len(data)
            except BaseException as failure:  # passed on below
                failures.add(failure)
                return -1

        failures.check(lib.kv_load_from(self._handle, read, None, fingerprint, len(fingerprint)))

    @property
    def saved_bytes(self) -> int:
        return lib.kv_saved_bytes(self._handle)

    # ---- What it is ----

    def __len__(self) -> int:
        """Tokens, those pending not counted."""
        return lib.kv_len(self._handle)

    @property
    def max_tokens(self) -> int:
        return lib.kv_max(self._handle)

    @property
    def generation(self) -> int:
        """How many times rows below the length went or moved, otherwise than by truncation."""
        return lib.kv_generation(self._handle)

    @property
    def memory_bytes(self) -> int:
        return lib.kv_memory_bytes(self._handle)

    @property
    def memory_reserved(self) -> int:
        return lib.kv_memory_reserved(self._handle)

    @property
    def memory_committed(self) -> int:
        return lib.kv_memory_committed(self._handle)

    def layer_stride(self, which: str) -> int:
        """Elements of keys ("k") or values ("v") from layer to layer."""
        return lib.kv_layer_stride(self._handle, _WHICH[which])


def _room(n: int) -> int:
    """A dimension of an array to be made; of what can be none, the library says what is wrong."""
    return n if 0 <= n < 1 << 20 else 0


def verify_saved(path: Any) -> dict[str, Any]:
    """What a saved cache says of itself, once all of it was found undamaged."""
    made = filled(_api.infermem_kv_saved, lib.kv_verify, path_of(path))
    facts = record(made)
    facts["fingerprint"] = bytes(made.fingerprint[:facts.pop("n_fingerprint")])
    facts["k_type"], facts["v_type"] = dtype_name(made.k_type), dtype_name(made.v_type)
    return facts


def attend_merge(parts: Any, out: np.ndarray | None = None) -> np.ndarray:
    """What attend_partial gave, [parts, …, head_dim_v + 2], as the attention to all of their tokens, [rows, head_dim_v]."""
    array = array_in(parts)
    if array.ndim < 2 or array.shape[-1] < 3:
        raise ValueError(f"there is an array of shape {array.shape}, not parts of attention")
    n_parts, width = array.shape[0], array.shape[-1]
    n_rows = array.size // max(1, n_parts * width)
    out = array_out(out, (n_rows, width - 2))
    check(lib.kv_attend_merge(address(array), array.size, n_parts, n_rows, width - 2, address(out), out.size))
    return out
