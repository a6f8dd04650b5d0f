"""Tapes (arenas), and the layout of three lifetimes."""
from __future__ import annotations

import ctypes as C
import math
from typing import Any

import numpy as np

from . import _api
from ._arrays import View, bytes_in, view_at
from ._library import Handle, check, filled, lib, record, struct, text


class Tape(Handle):
    """One range of memory with a cursor, which objects are stored in (`tape=` of caches, matrices, …), and arrays.

    flags: constants.INFERMEM_TAPE_*. lent: a writable array to use instead of a mapping, which the tape keeps alive.

    What was taken is good until the tape is cleared or rewound; an array of it is then of whatever comes next. To write to
    a sealed tape's memory faults, and ends the process: seal what nobody writes to."""

    _kind, _free = _api.infermem_tape, "tape_free"

    def __init__(self, size: int = 0, flags: int = 0, numa_nodes: int = 0, lent: Any = None) -> None:
        options = struct(_api.infermem_tape_options, size=size, flags=flags, numa_nodes=numa_nodes)
        if lent is not None:
            lent = bytes_in(lent)
            if not lent.flags.writeable:
                raise ValueError("what is lent to a tape is written to, and this is read-only")
            options.lent, options.size = lent.ctypes.data, size or lent.size
            if options.size > lent.size:
                raise ValueError(f"{lent.size} bytes are lent, not {size}")
        self._make(lib.tape_new, C.byref(options), keeps=lent)

    @classmethod
    def _borrowed(cls, pointer: Any, owner: Any) -> Tape:
        """A tape of a layout: kept alive by it, and freed with it."""
        tape = cls.__new__(cls)
        pointer.keeps = owner
        tape._owner = pointer
        return tape

    def alloc(self, size: int, align: int = 64) -> View:
        """Memory as a writable View of bytes."""
        return self._take(lib.tape_alloc, size, size, align)

    def alloc_array(self, count: int, size: int, align: int = 64) -> View:
        """Memory for `count` things of `size` bytes, as a View of bytes."""
        return self._take(lib.tape_alloc_array, count * size, count, size, align)

    def empty(self, shape: int | tuple[int, ...], dtype: Any = np.float32, align: int = 64) -> np.ndarray:
        """Memory as an array of NumPy's."""
        kind = np.dtype(dtype)
        count = math.prod(shape) if isinstance(shape, tuple) else shape
        return self.alloc_array(count, kind.itemsize, align).bytes().view(kind).reshape(shape)

    def _take(self, function: Any, n_bytes: int, *arguments: int) -> View:
        owner, out = self._handle, C.c_void_p()
        check(function(owner, *arguments, C.byref(out)))
        return view_at(owner, out.value, n_bytes)

    def mark(self) -> Any:
        """A place to rewind to."""
        made = _api.infermem_tape_mark()
        check(lib.tape_mark(self._handle, C.byref(made)))
        return made

    def rewind(self, mark: Any) -> None:
        """Gives back what was taken since the mark."""
        check(lib.tape_rewind(self._handle, C.byref(mark)))

    def clear(self) -> None:
        """Gives back everything: objects in the tape raise StaleError from here on."""
        check(lib.tape_clear(self._handle))

    def trim(self) -> None:
        """Returns the pages beyond the cursor to the system."""
        check(lib.tape_trim(self._handle))

    def warm(self) -> None:
        """Commits every page."""
        check(lib.tape_warm(self._handle))

    def seal(self) -> None:
        """Makes all of it read-only."""
        check(lib.tape_seal(self._handle))

    def unseal(self) -> None:
        check(lib.tape_unseal(self._handle))

    @property
    def used(self) -> int:
        return lib.tape_used(self._handle)

    @property
    def free_bytes(self) -> int:
        return lib.tape_free_bytes(self._handle)

    @property
    def total(self) -> int:
        return lib.tape_total(self._handle)

    @property
    def peak(self) -> int:
        return lib.tape_peak(self._handle)

    @property
    def failures(self) -> int:
        """How many allocations found no room."""
        return lib.tape_failures(self._handle)

    @property
    def generation(self) -> int:
        """How many times it was cleared."""
        return lib.tape_generation(self._handle)

    def owns(self, address: int) -> bool:
        """Whether the address lies in what is in use."""
        return bool(lib.tape_owns(self._handle, address))

    def info(self) -> dict[str, Any]:
        return record(filled(_api.infermem_tape_facts, lib.tape_info, self._handle))


class Layout(Handle):
    """Three tapes: weights, loaded once; scratch, cleared every token; history, cleared every conversation. A size of 0
    leaves a tape out."""

    _kind, _free = _api.infermem_layout, "layout_free"

    def __init__(self, weights_size: int = 0, scratch_size: int = 0, history_size: int = 0, weights_flags: int = 0,
                 scratch_flags: int = 0, history_flags: int = 0, numa_nodes: int = 0) -> None:
        options = struct(_api.infermem_layout_options, weights_size=weights_size, scratch_size=scratch_size,
                         history_size=history_size, weights_flags=weights_flags, scratch_flags=scratch_flags,
                         history_flags=history_flags, numa_nodes=numa_nodes)
        self._make(lib.layout_new, C.byref(options))

    def _tape(self, function: Any) -> Tape | None:
        owner = self._handle
        pointer = function(owner)
        return Tape._borrowed(pointer, owner) if pointer else None

    @property
    def weights(self) -> Tape | None:
        return self._tape(lib.layout_weights)

    @property
    def scratch(self) -> Tape | None:
        return self._tape(lib.layout_scratch)

    @property
    def history(self) -> Tape | None:
        return self._tape(lib.layout_history)

    @property
    def total(self) -> int:
        return lib.layout_total(self._handle)

    def clear_pass(self) -> None:
        """Clears scratch."""
        check(lib.layout_clear_pass(self._handle))

    def clear_talk(self) -> None:
        """Clears history and scratch."""
        check(lib.layout_clear_talk(self._handle))

    def stat(self) -> dict[str, int]:
        """Bytes used, total and peak of each tape."""
        return record(filled(_api.infermem_layout_usage, lib.layout_stat, self._handle))

    def __str__(self) -> str:
        return text(lib.layout_stat_text, self._handle)
