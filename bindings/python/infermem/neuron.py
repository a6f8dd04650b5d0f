"""Which neurons do the work, and a store that keeps the rows of some of them close."""
from __future__ import annotations

import ctypes as C
import threading
import weakref
from typing import Any, Callable, Sequence

import numpy as np

from . import _api
from ._arrays import address, array_in, indices_in, view_at
from ._library import Failures, Handle, check, filled, handle_of, lib, path_of, record, struct
from .layout import Tape
from .quant import Quant

# What a load function returns that has not loaded the rows yet.
PENDING = _api.INFERMEM_NEURON_PENDING


class Neuron(Handle):
    """Activation counts of n_layers layers of n_neurons neurons, which are sorted into hot and cold every `interval` events
    of a layer: by threshold, or by one of the budgets.

    strict: an index out of range is an error, else it is skipped and counted."""

    _kind, _free = _api.infermem_neuron, "neuron_free"

    def __init__(self, n_neurons: int, n_layers: int = 1, threshold: float = 0.0, interval: int = 0, strict: bool = False,
                 half_life: int = 0, budget_count: int = 0, budget_fraction: float = 0.0, budget_bytes: int = 0,
                 row_bytes: int = 0, hysteresis: float = 0.0, tape: Tape | None = None) -> None:
        kept = handle_of(tape)
        options = struct(_api.infermem_neuron_options, n_layers=n_layers, n_neurons=n_neurons, threshold=threshold,
                         interval=interval, flags=_api.INFERMEM_NEURON_STRICT if strict else 0, half_life=half_life,
                         budget_count=budget_count, budget_fraction=budget_fraction, budget_bytes=budget_bytes,
                         row_bytes=row_bytes, hysteresis=hysteresis, tape=kept)
        self._make(lib.neuron_new, C.byref(options), keeps=kept)

    @classmethod
    def load(cls, path: Any, tape: Tape | None = None) -> Neuron:
        """Counts from a file that `save` wrote, in the state that they were saved in."""
        kept = handle_of(tape)
        options = struct(_api.infermem_neuron_options, tape=kept)
        return cls._new(lib.neuron_load, path_of(path), C.byref(options), keeps=kept)

    def save(self, path: Any) -> None:
        check(lib.neuron_save(self._handle, path_of(path)))

    def record(self, layer: int, indices: Any) -> None:
        """One event: the neurons that were active."""
        array = indices_in(indices, np.uint32)
        check(lib.neuron_record(self._handle, layer, address(array), array.size))

    def record_mask(self, layer: int, mask: Any) -> None:
        """The same of an array of bools, or of bytes whose bit i % 8 of byte i // 8 is neuron i's."""
        array = np.asarray(mask)
        packed = np.packbits(array, bitorder="little") if array.dtype == np.bool_ else array_in(array, np.uint8)
        check(lib.neuron_record_mask(self._handle, layer, address(packed), packed.size))

    def record_values(self, layer: int, values: Any, cutoff: float = 0.0) -> None:
        """The same of the activations: active is whose magnitude is above the cutoff."""
        array = array_in(values)
        check(lib.neuron_record_values(self._handle, layer, address(array), array.size, cutoff))

    def reclassify(self, layer: int) -> None:
        check(lib.neuron_reclassify(self._handle, layer))

    def _list(self, function: Any, layer: int) -> np.ndarray:
        owner, out, n = self._handle, C.POINTER(C.c_uint32)(), C.c_size_t()
        check(function(owner, layer, C.byref(out), C.byref(n)))
        return np.ctypeslib.as_array(out, (n.value,)).copy() if n.value else np.empty(0, np.uint32)

    def hot(self, layer: int) -> np.ndarray:
        """The hot neurons by the last classification, ascending: a copy, as the list changes."""
        return self._list(lib.neuron_hot, layer)

    def cold(self, layer: int) -> np.ndarray:
        """All others."""
        return self._list(lib.neuron_cold, layer)

    def is_hot(self, layer: int, index: int) -> bool:
        return bool(lib.neuron_is_hot(self._handle, layer, index))

    def frequency(self, layer: int, index: int) -> float:
        """count / events."""
        return lib.neuron_frequency(self._handle, layer, index)

    def coverage(self, layer: int, fractions: Any) -> np.ndarray:
        """What share of all activations the most active of the neurons have, those fractions of them."""
        given = np.atleast_1d(array_in(fractions, np.float64))
        out = np.empty(given.shape, np.float64)
        check(lib.neuron_coverage(self._handle, layer, address(given), given.size, address(out)))
        return out

    def merge(self, others: Sequence[Neuron]) -> None:
        """Adds what others counted."""
        owners = [other._handle for other in others]
        array = (C.POINTER(_api.infermem_neuron) * len(owners))(*owners)
        check(lib.neuron_merge(self._handle, array, len(owners)))

    def stat(self, layer: int) -> dict[str, Any]:
        return record(filled(_api.infermem_neuron_counts, lib.neuron_stat, self._handle, layer))

    def clear(self) -> None:
        """Forgets everything."""
        check(lib.neuron_clear(self._handle))


_POLICIES = {"lru": _api.INFERMEM_NEURON_LRU, "lfu": _api.INFERMEM_NEURON_LFU, "hot": _api.INFERMEM_NEURON_HOT}


class Done:
    """Tells a store that a load is complete: to be called once, done() or done(failed=True), by any thread. A load whose
    Done is gone without that has failed."""

    def __init__(self, store: Any, load: int) -> None:
        self._store, self._load, self._lock = store, load, threading.Lock()

    def _take(self) -> Any:
        with self._lock:
            store, self._store = self._store, None
        return store

    def __call__(self, failed: bool = False) -> None:
        store = self._take()
        if store is None:
            raise ValueError("this load is complete")
        check(lib.neuron_store_loaded(store, self._load, _api.INFERMEM_E_IO if failed else 0))

    def __del__(self) -> None:
        store = self._take()
        if store is not None:
            lib.neuron_store_loaded(store, self._load, _api.INFERMEM_E_IO)


class NeuronStore(Handle):
    """Rows kept close, within budget_bytes. Either quant is given, whose rows are loaded as floats, or load, n_rows and
    row_bytes.

    load(ids, rows, done): fills rows[i], an array of row_bytes bytes, with the row of ids[i]. It returns None when all are
    there; or PENDING, and then done() is called once they are. It must not use the store.
    policy: which row makes room for another: "lru", "lfu" or "hot"."""

    _kind, _free = _api.infermem_neuron_store, "neuron_store_free"

    def __init__(self, budget_bytes: int, load: Callable[..., Any] | None = None, n_rows: int = 0, row_bytes: int = 0,
                 quant: Quant | None = None, policy: str = "lru", half_life: int = 0, window: int = 0, n_fetches: int = 0,
                 tape: Tape | None = None) -> None:
        self._failures = Failures()
        self._row_bytes = row_bytes if quant is None else 4 * quant.shape[1]
        self._dtype = np.dtype(np.uint8 if quant is None else np.float32)
        store: list[Any] = []  # a weak reference to it: the store keeps the function
        function = _api.infermem_neuron_load_function() if load is None else self._function(load, store)
        kept, matrix = handle_of(tape), handle_of(quant)
        options = struct(_api.infermem_neuron_store_options, n_rows=n_rows, policy=_POLICIES[policy], row_bytes=row_bytes,
                         budget_bytes=budget_bytes, load=function, quant=matrix, half_life=half_life, window=window,
                         n_fetches=n_fetches, tape=kept)
        self._make(lib.neuron_store_new, C.byref(options), keeps=(kept, matrix, function))
        store.append(weakref.ref(self._owner))

    def _function(self, load: Callable[..., Any], store: list[Any]) -> Any:
        failures, row_bytes = self._failures, self._row_bytes

        @_api.infermem_neuron_load_function
        def function(context: Any, number: int, ids: Any, n: int, rows: Any) -> int:
            done = None
            try:
                owner = store[0]()
                arrays = [view_at(owner, rows[i], row_bytes).bytes() for i in range(n)]
                done = Done(owner, number)
                told = load(np.ctypeslib.as_array(ids, (n,)).copy(), arrays, done)
                if told is None:
                    done._take()
                elif told != PENDING:
                    raise TypeError(f"a load function returned {told!r}, neither None nor PENDING")
                return 0 if told is None else PENDING
            except BaseException as failure:  # passed on where the call ends
                if done is not None:
                    done._take()
                failures.add(failure)
                return _api.INFERMEM_E_IO

        return function

    def _rows(self, owner: Any, pointers: Any) -> list[np.ndarray]:
        return [view_at(owner, where, self._row_bytes, flags=_api.INFERMEM_VIEW_READONLY).bytes().view(self._dtype)
                for where in pointers]

    def fetch(self, ids: Any) -> list[np.ndarray]:
        """The rows of those ids, read-only: those of the store itself, which stay until the next `fetch` or `release`.
        One thread at a time."""
        array, owner = indices_in(ids, np.uint32), self._handle
        out = (C.c_void_p * array.size)()
        self._failures.check(lib.neuron_fetch(owner, address(array), array.size, out))
        return self._rows(owner, out)

    def release(self) -> None:
        """Ends the use of the rows of the last `fetch`."""
        check(lib.neuron_store_release(self._handle))

    def fetch_begin(self, ids: Any) -> Fetch:
        """The same without waiting, and with an end of its own."""
        array, owner, number = indices_in(ids, np.uint32), self._handle, C.c_uint64()
        out = (C.c_void_p * array.size)()
        self._failures.check(lib.neuron_fetch_begin(owner, address(array), array.size, out, C.byref(number)))
        return Fetch(owner, number.value, self._rows(owner, out))

    def keep(self, ids: Any) -> None:
        """Keeps these rows for good, instead of those kept before."""
        array = indices_in(ids, np.uint32)
        self._failures.check(lib.neuron_store_keep(self._handle, address(array), array.size))

    def rank(self, neuron: Neuron) -> None:
        """Takes over how frequently each row's neuron was active, for "hot"."""
        check(lib.neuron_store_rank(self._handle, neuron._handle))

    def has(self, id: int) -> bool:
        return bool(lib.neuron_store_has(self._handle, id))

    def stat(self) -> dict[str, Any]:
        return record(filled(_api.infermem_neuron_store_facts, lib.neuron_store_stat, self._handle))


class Fetch:
    """Rows that were asked for: there once `wait` has returned them, and until `end`, or the end of a `with` block."""

    def __init__(self, owner: Any, number: int, rows: list[np.ndarray]) -> None:
        self._owner, self._number, self._rows = owner, number, rows

    @property
    def is_ready(self) -> bool:
        return self._owner is not None and bool(lib.neuron_fetch_is_ready(self._owner, self._number))

    def wait(self) -> list[np.ndarray]:
        if self._owner is None:
            raise ValueError("this fetch was ended")
        check(lib.neuron_fetch_wait(self._owner, self._number))
        return self._rows

    def end(self) -> None:
        owner, self._owner, self._rows = self._owner, None, []
        if owner is not None:
            check(lib.neuron_fetch_end(owner, self._number))

    def __enter__(self) -> Fetch:
        return self

    def __exit__(self, *what: Any) -> None:
        self.end()

    def __del__(self) -> None:
        if self._owner is not None:
            lib.neuron_fetch_end(self._owner, self._number)
