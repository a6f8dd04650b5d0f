"""Which backend did the work, and how long it took."""
from __future__ import annotations

import contextlib
import ctypes as C
import json
from typing import Any, Iterable, Iterator

import numpy as np

from . import _api
from ._arrays import address, indices_in
from ._library import Handle, check, filled, lib, record, string, struct, text


class Dispatch(Handle):
    """Counts and latencies by backend, recorded by many threads. A backend is named, or told by its index.

    names: of the backends; "CPU" and "GPU" where they are left out. resolution: a bucket is at most a resolution-th of its
    latencies wide; 0 means 100."""

    _kind, _free = _api.infermem_dispatch, "dispatch_free"

    def __init__(self, names: Iterable[str] | None = None, resolution: int = 0) -> None:
        self.names = ("CPU", "GPU") if names is None else tuple(names)
        options = struct(_api.infermem_dispatch_options, n_backends=len(self.names), resolution=resolution)
        if self.names:
            options.names = (C.c_char_p * len(self.names))(*map(string, self.names))
        self._make(lib.dispatch_new, C.byref(options))

    def _index(self, backend: str | int) -> int:
        if not isinstance(backend, str):
            return range(len(self.names))[backend]
        if backend not in self.names:
            raise LookupError(f"there is no backend {backend!r}")
        return self.names.index(backend)

    def record(self, backend: str | int, latency_ns: int) -> None:
        check(lib.dispatch_record(self._handle, self._index(backend), latency_ns))

    def count_only(self, backend: str | int) -> None:
        """Records a dispatch of which the latency is not known."""
        check(lib.dispatch_count_only(self._handle, self._index(backend)))

    @contextlib.contextmanager
    def timed(self, backend: str | int) -> Iterator[None]:
        """Records how long the `with` block takes; nothing where it raises."""
        index, started_ns = self._index(backend), lib.dispatch_timer_start()
        yield
        check(lib.dispatch_timer_stop(self._handle, index, started_ns))

    def reset(self) -> None:
        check(lib.dispatch_reset(self._handle))

    def snapshot(self, backend: str | int) -> dict[str, Any]:
        """Dispatches, latencies, sum, extremes, percentiles, mean and deviation."""
        return record(filled(_api.infermem_dispatch_stats, lib.dispatch_snapshot, self._handle, self._index(backend)))

    def histogram(self, backend: str | int, bounds_ns: Any) -> np.ndarray:
        """How many latencies are below the first bound, from each on and below the next, and from the last on."""
        bounds = indices_in(bounds_ns, np.uint64)
        counts = np.empty(bounds.size + 1, np.uint64)
        check(lib.dispatch_histogram(self._handle, self._index(backend), address(bounds), bounds.size, address(counts)))
        return counts

    def ratio(self, backend: str | int) -> float:
        """The share of all dispatches that a backend did."""
        return lib.dispatch_ratio(self._handle, self._index(backend))

    def speedup(self, slow: str | int, fast: str | int) -> float:
        """How many times the mean latency of one backend is that of another."""
        return lib.dispatch_speedup(self._handle, self._index(slow), self._index(fast))

    @property
    def elapsed_ns(self) -> int:
        return lib.dispatch_elapsed_ns(self._handle)

    @property
    def throughput(self) -> float:
        """Dispatches a second."""
        return lib.dispatch_throughput(self._handle)

    def prometheus(self) -> str:
        """All figures in Prometheus' text format."""
        return text(lib.dispatch_prometheus, self._handle)

    def json(self) -> dict[str, Any]:
        return json.loads(text(lib.dispatch_json, self._handle))
