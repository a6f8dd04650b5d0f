"""Tapes (arenas) and the layout of three lifetimes."""
import ctypes as C

from . import _api
from ._arrays import View
from ._library import Handle, check, lib, make, record, struct, text


class Tape(Handle):
    """One range of memory with a cursor, which objects are stored in (`tape=` of caches, matrices, …).

    flags: _api.INFERMEM_TAPE_*."""

    _free = "tape_free"

    def __init__(self, size, flags=0, numa_nodes=0):
        options = struct(_api.infermem_tape_options, size=size, flags=flags, numa_nodes=numa_nodes)
        self._own(make(_api.infermem_tape, "tape_new", C.byref(options)))

    @classmethod
    def _borrowed(cls, pointer, owner):
        tape = cls.__new__(cls)
        tape._owner = _Borrowed(pointer, owner)
        return tape

    def alloc(self, size, align=64):
        """The memory as a writable View of bytes; it is the tape's until that is cleared or rewound."""
        return self._take(lib.tape_alloc, size, size, align)

    def alloc_array(self, count, size, align=64):
        """Memory for `count` things of `size` bytes, as a View of bytes."""
        return self._take(lib.tape_alloc_array, count * size, count, size, align)

    def _take(self, function, n_bytes, *arguments):
        out = C.c_void_p()
        check(function(self._handle, *arguments, C.byref(out)))
        view = _api.infermem_view(data=out, dtype=_api.INFERMEM_DTYPE_I8, n_dims=1, bytes=n_bytes)
        view.shape[:] = (n_bytes, 1, 1, 1)
        view.strides[0] = 1
        return View(view, self._owner)

    def mark(self):
        made = _api.infermem_tape_mark()
        check(lib.tape_mark(self._handle, C.byref(made)))
        return made

    def rewind(self, mark):
        check(lib.tape_rewind(self._handle, C.byref(mark)))

    def clear(self):
        check(lib.tape_clear(self._handle))

    def trim(self):
        check(lib.tape_trim(self._handle))

    def warm(self):
        check(lib.tape_warm(self._handle))

    def seal(self):
        check(lib.tape_seal(self._handle))

    def unseal(self):
        check(lib.tape_unseal(self._handle))

    used = property(lambda self: lib.tape_used(self._handle))
    free_bytes = property(lambda self: lib.tape_free_bytes(self._handle))
    total = property(lambda self: lib.tape_total(self._handle))
    peak = property(lambda self: lib.tape_peak(self._handle))
    failures = property(lambda self: lib.tape_failures(self._handle))
    generation = property(lambda self: lib.tape_generation(self._handle))

    def owns(self, address):
        """Whether the address was handed out by this tape, and is still."""
        return bool(lib.tape_owns(self._handle, address))

    def info(self):
        made = struct(_api.infermem_tape_facts)
        check(lib.tape_info(self._handle, C.byref(made)))
        return record(made)


class _Borrowed:
    """A tape of a layout: kept alive by it, and freed with it."""

    def __init__(self, pointer, owner):
        self.pointer, self._keeps = pointer, owner


class Layout(Handle):
    """Three tapes: weights, loaded once; scratch, cleared every token; history, cleared every conversation."""

    _free = "layout_free"

    def __init__(self, weights_size=0, scratch_size=0, history_size=0, weights_flags=0, scratch_flags=0,
                 history_flags=0, numa_nodes=0):
        options = struct(_api.infermem_layout_options, weights_size=weights_size, scratch_size=scratch_size,
                         history_size=history_size, weights_flags=weights_flags, scratch_flags=scratch_flags,
                         history_flags=history_flags, numa_nodes=numa_nodes)
        self._own(make(_api.infermem_layout, "layout_new", C.byref(options)))

    def _tape(self, function):
        pointer = function(self._handle)
        return Tape._borrowed(pointer, self._owner) if pointer else None

    weights = property(lambda self: self._tape(lib.layout_weights), doc="The tape, or None where there is none.")
    scratch = property(lambda self: self._tape(lib.layout_scratch))
    history = property(lambda self: self._tape(lib.layout_history))
    total = property(lambda self: lib.layout_total(self._handle))

    def clear_pass(self):
        check(lib.layout_clear_pass(self._handle))

    def clear_talk(self):
        check(lib.layout_clear_talk(self._handle))

    def stat(self):
        made = struct(_api.infermem_layout_usage)
        check(lib.layout_stat(self._handle, C.byref(made)))
        return record(made)

    def __str__(self):
        return text(lib.layout_stat_text, self._handle)
