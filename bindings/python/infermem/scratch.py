"""The buffers of a forward pass, and plans of any buffers that share memory."""
from __future__ import annotations

import ctypes as C
from typing import Any, Iterable

import numpy as np

from . import _api
from ._arrays import address, array_in, view_of
from ._library import Handle, check, handle_of, lib, struct
from .layout import Tape

BUFFERS = {name[len("INFERMEM_SCRATCH_"):].lower(): value for name, value in vars(_api).items()
           if name.startswith("INFERMEM_SCRATCH_") and name[len("INFERMEM_SCRATCH_"):] not in
           ("COUNT", "OVERLAP", "Q8", "EXPAND_V", "Q8K_HIDDEN", "Q8K_INTER", "PLAN_MAX")}


class Scratch(Handle):
    """The buffers of one forward pass of `batch` tokens, in one piece of memory: scratch["hidden"] is an array [batch, …]
    of the memory itself, good as long as a tape that it is stored in is not cleared.

    overlap: buffers that are not in use at the same time share memory. q8, expand_v: "q8_scales" and "q8_quants", and
    "expanded_v", too."""

    _kind, _free = _api.infermem_scratch, "scratch_free"

    def __init__(self, config: Any, batch: int = 1, overlap: bool = False, q8: bool = False, expand_v: bool = False,
                 tape: Tape | None = None) -> None:
        flags = (_api.INFERMEM_SCRATCH_OVERLAP * overlap | _api.INFERMEM_SCRATCH_Q8 * q8 |
                 _api.INFERMEM_SCRATCH_EXPAND_V * expand_v)
        kept = handle_of(tape)
        options = struct(_api.infermem_scratch_options, batch=batch, flags=flags, tape=kept)
        self._make(lib.scratch_new, C.byref(config), C.byref(options), keeps=kept)

    def __getitem__(self, name: str) -> np.ndarray:
        return view_of(self, lib.scratch_view, BUFFERS[name]).numpy()

    def reset(self) -> None:
        """Makes "hidden" and "normed" zero."""
        check(lib.scratch_reset(self._handle))

    def reset_all(self) -> None:
        check(lib.scratch_reset_all(self._handle))

    @property
    def total_bytes(self) -> int:
        return lib.scratch_total_bytes(self._handle)

    @property
    def separate_bytes(self) -> int:
        """What the buffers would take if none shared memory."""
        return lib.scratch_separate_bytes(self._handle)

    def quantize_q8k(self, which: str, row: int, values: Any) -> None:
        """A token's floats in 8 bits and blocks of 256, to a row of "hidden" or of "inter"."""
        number = {"hidden": _api.INFERMEM_SCRATCH_Q8K_HIDDEN, "inter": _api.INFERMEM_SCRATCH_Q8K_INTER}[which]
        array = array_in(values)
        check(lib.scratch_quantize_q8k(self._handle, number, row, address(array), array.size))

    def quantize_q8(self, row: int, values: Any) -> None:
        """The same in blocks of 32, to a row of "q8_scales" and "q8_quants"."""
        array = array_in(values)
        check(lib.scratch_quantize_q8(self._handle, row, address(array), array.size))


class ScratchPlan(Handle):
    """Where buffers go in one piece of memory, of lifetimes (bytes, first_use, last_use): those in use at the same step do
    not overlap."""

    _kind, _free = _api.infermem_scratch_plan, "scratch_plan_free"

    def __init__(self, lifetimes: Iterable[tuple[int, int, int]], align: int = 0) -> None:
        given = [_lifetime(lifetime) for lifetime in lifetimes]
        array = (_api.infermem_scratch_lifetime * len(given))(*given)
        options = struct(_api.infermem_scratch_plan_options, align=align)
        self._make(lib.scratch_plan_new, array, len(given), C.byref(options))

    @property
    def offsets(self) -> list[int]:
        """In bytes, in the order of the lifetimes."""
        owner, out, n = self._handle, C.POINTER(C.c_uint64)(), C.c_size_t()
        check(lib.scratch_plan_offsets(owner, C.byref(out), C.byref(n)))
        return out[:n.value]

    @property
    def total_bytes(self) -> int:
        return lib.scratch_plan_total_bytes(self._handle)

    @property
    def separate_bytes(self) -> int:
        return lib.scratch_plan_separate_bytes(self._handle)


def _lifetime(lifetime: tuple[int, int, int]) -> Any:
    made = _api.infermem_scratch_lifetime(*lifetime)
    if (made.bytes, made.first_use, made.last_use) != tuple(lifetime):
        raise ValueError(f"{tuple(lifetime)} is no lifetime: numbers of 64 bits")
    return made
