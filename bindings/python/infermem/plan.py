"""Whether a model fits into memory, and how."""
from __future__ import annotations

import ctypes as C
import json
from typing import Any, Iterator, Sequence

from . import _api
from ._library import Handle, check, filled, handle_of, lib, record, result, string, struct, text
from .device import DeviceList
from .dtype import DType, dtype_number
from .kv import Kv
from .layout import Layout, Tape
from .model import Model
from .scratch import Scratch

_MODES = {value: name[len("INFERMEM_PLAN_"):].lower() for name, value in vars(_api).items()
          if name in ("INFERMEM_PLAN_FULL_CACHE", "INFERMEM_PLAN_PARTIAL", "INFERMEM_PLAN_LAYER_STREAMING",
                      "INFERMEM_PLAN_HOST", "INFERMEM_PLAN_INSUFFICIENT")}


def device(free_bytes: int, total_bytes: int = 0, name: str = "", link_bytes_per_s: int = 0, flags: int = 0) -> Any:
    """A device to plan with, by its numbers; flags: constants.INFERMEM_PLAN_DEVICE_*."""
    return struct(_api.infermem_plan_device, free_bytes=free_bytes, total_bytes=total_bytes, name=string(name),
                  link_bytes_per_s=link_bytes_per_s, flags=flags)


def probed(devices: DeviceList, index: int) -> Any:
    """The same of a device that was found."""
    return filled(_api.infermem_plan_device, lib.plan_device_from, C.byref(devices.facts(index)))


class Plan(Handle):
    """A plan for a Model, or for a configuration (infermem.model.config).

    devices: device() or probed(), each; without any the host alone is planned with. options: fields of
    infermem_plan_options: context=8192, host_bytes=…, constants.INFERMEM_PLAN_* for profile, flags and steps."""

    _kind, _free = _api.infermem_plan, "plan_free"

    def __init__(self, model: Any, devices: Sequence[Any] = (), k_type: DType = "f16", v_type: DType = "f16",
                 **options: Any) -> None:
        chosen = struct(_api.infermem_plan_options, k_type=dtype_number(k_type), v_type=dtype_number(v_type), **options)
        given = (_api.infermem_plan_device * len(devices))(*devices)
        source, numbers = (model._handle, None) if isinstance(model, Model) else (None, C.byref(model))
        self._make(lib.plan_new, source, numbers, given, len(devices), C.byref(chosen))

    @property
    def mode(self) -> str:
        """"full_cache", "partial", "layer_streaming", "host" or "insufficient"."""
        return _MODES[lib.plan_mode(self._handle)]

    def query(self, key: int, place: int = _api.INFERMEM_PLAN_PLACE_ALL) -> int:
        """A number of the plan's: key is constants.INFERMEM_PLAN_CONTEXT, …"""
        return result(C.c_uint64, lib.plan_query, self._handle, key, place)

    def _records(self, kind: Any, count: Any, function: Any) -> Iterator[dict[str, Any]]:
        handle = self._handle
        return (record(filled(kind, function, handle, index)) for index in range(count(handle)))

    @property
    def terms(self) -> list[dict[str, Any]]:
        """The ledger: a dict a line."""
        return list(self._records(_api.infermem_plan_term_facts, lib.plan_term_count, lib.plan_term))

    @property
    def advice(self) -> list[dict[str, Any]]:
        """Changes, each of which would do by itself; `mode` is what it leads to."""
        found = list(self._records(_api.infermem_plan_advice_facts, lib.plan_advice_count, lib.plan_advice))
        return [{**one, "mode": _MODES[one["mode"]]} for one in found]

    def layer(self, index: int) -> dict[str, Any]:
        return record(filled(_api.infermem_plan_layer_facts, lib.plan_layer, self._handle, index))

    def text(self, utf8: bool = True) -> str:
        """A table for people."""
        return text(lib.plan_text, self._handle, _api.INFERMEM_PLAN_TEXT_UTF8 if utf8 else 0)

    def __str__(self) -> str:
        return self.text()

    def json(self) -> dict[str, Any]:
        """The plan with every number in it."""
        return json.loads(text(lib.plan_json, self._handle))

    def build_layout(self) -> Layout:
        """Tapes for what the plan puts into the host's memory."""
        return Layout._new(lib.plan_build_layout, self._handle)

    def build_kv(self, tape: Tape | None = None) -> Kv:
        """The cache of one sequence."""
        kept = handle_of(tape)
        return Kv._new(lib.plan_build_kv, self._handle, kept, keeps=kept)

    def build_scratch(self, tape: Tape | None = None) -> Scratch:
        """The buffers of one pass, of as many tokens as are computed at once."""
        kept = handle_of(tape)
        return Scratch._new(lib.plan_build_scratch, self._handle, kept, keeps=kept)

    def _measures(self, measured: Sequence[tuple[int, int, int]]) -> Any:
        return (_api.infermem_plan_measure * len(measured))(
            *(struct(_api.infermem_plan_measure, kind=kind, place=place, measured_bytes=n) for kind, place, n in measured))

    def audit(self, measured: Sequence[tuple[int, int, int]]) -> list[dict[str, Any]]:
        """What was planned beside what was measured, of (kind, place, bytes) each."""
        measures = self._measures(measured)
        check(lib.plan_audit(self._handle, measures, len(measures)))
        return [record(one) for one in measures]

    def audit_text(self, measured: Sequence[tuple[int, int, int]]) -> str:
        measures = self._measures(measured)
        return text(lib.plan_audit_text, self._handle, measures, len(measures))


class Estimate:
    """The classic estimates of a dense model in f32, from its configuration alone, in bytes."""

    def __init__(self, numbers: Any) -> None:
        self._config = numbers

    def _number(self, function: Any, *arguments: int, kind: Any = C.c_uint64) -> int:
        return result(kind, function, C.byref(self._config), *arguments)

    def layer(self) -> int:
        return self._number(lib.plan_estimate_layer)

    def kv(self, n_tokens: int) -> int:
        return self._number(lib.plan_estimate_kv, n_tokens)

    def full(self, n_tokens: int) -> int:
        return self._number(lib.plan_estimate_full, n_tokens)

    def streaming(self, n_tokens: int) -> int:
        return self._number(lib.plan_estimate_streaming, n_tokens)

    def prefill_cache(self, fp8: bool = False) -> int:
        return self._number(lib.plan_estimate_prefill_cache, int(fp8))

    def mode(self, n_tokens: int, free_bytes: int) -> str:
        """"full_cache", "layer_streaming" or "insufficient"."""
        return _MODES[self._number(lib.plan_estimate_mode, n_tokens, free_bytes, kind=C.c_int32)]

    def should_stream(self, n_tokens: int, free_bytes: int) -> bool:
        return bool(self._number(lib.plan_should_stream, n_tokens, free_bytes, kind=C.c_int32))

    def text(self, n_tokens: int, free_bytes: int, total_bytes: int) -> str:
        """The mode with the numbers behind it."""
        return text(lib.plan_estimate_text, C.byref(self._config), n_tokens, free_bytes, total_bytes)


def mode_text(mode: str) -> str:
    """A mode's sentence: of "full_cache", …"""
    return lib.plan_mode_text({name: value for value, name in _MODES.items()}[mode]).decode()
