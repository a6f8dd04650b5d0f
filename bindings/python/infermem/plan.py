"""Whether a model fits into memory, and how."""
import ctypes as C
import json

from . import _api
from ._arrays import dtype_number
from ._library import Handle, check, handle_of, lib, make, record, struct, text
from .kv import Kv
from .layout import Layout
from .model import Model

_MODES = {value: name[len("INFERMEM_PLAN_"):].lower() for name, value in vars(_api).items()
          if name in ("INFERMEM_PLAN_FULL_CACHE", "INFERMEM_PLAN_PARTIAL", "INFERMEM_PLAN_LAYER_STREAMING",
                      "INFERMEM_PLAN_HOST", "INFERMEM_PLAN_INSUFFICIENT")}


def device(free_bytes, total_bytes=0, name="", link_bytes_per_s=0, flags=0):
    """A device to plan with, by its numbers."""
    return struct(_api.infermem_plan_device, free_bytes=free_bytes, total_bytes=total_bytes, name=name.encode(),
                  link_bytes_per_s=link_bytes_per_s, flags=flags)


def probed(devices, index):
    """The same of a device that a DeviceList found."""
    facts, made = devices.facts(index), struct(_api.infermem_plan_device)
    check(lib.plan_device_from(C.byref(facts), C.byref(made)))
    return made


class Plan(Handle):
    """A plan for a Model, or for a configuration (infermem.model.config). options: the fields of infermem_plan_options;
    k_type and v_type may be names.

    devices: a list of device() or probed()."""

    _free = "plan_free"

    def __init__(self, model, devices=(), k_type="f16", v_type="f16", **options):
        chosen = struct(_api.infermem_plan_options, k_type=dtype_number(k_type), v_type=dtype_number(v_type), **options)
        given = (_api.infermem_plan_device * len(devices))(*devices) if devices else None
        source, numbers = (model._handle, None) if isinstance(model, Model) else (None, C.byref(model))
        self._own(make(_api.infermem_plan, "plan_new", source, numbers, given, len(devices), C.byref(chosen)))

    @property
    def mode(self):
        """"full_cache", "partial", "layer_streaming", "host" or "insufficient"."""
        return _MODES[lib.plan_mode(self._handle)]

    def query(self, key, place=_api.INFERMEM_PLAN_PLACE_ALL):
        """A number of the plan's: key is _api.INFERMEM_PLAN_CONTEXT, …"""
        out = C.c_uint64()
        check(lib.plan_query(self._handle, key, place, C.byref(out)))
        return out.value

    def _records(self, kind, count, function):
        for index in range(count(self._handle)):
            made = struct(kind)
            check(function(self._handle, index, C.byref(made)))
            yield record(made)

    @property
    def terms(self):
        """The ledger: a dict a line."""
        return list(self._records(_api.infermem_plan_term_facts, lib.plan_term_count, lib.plan_term))

    @property
    def advice(self):
        return list(self._records(_api.infermem_plan_advice_facts, lib.plan_advice_count, lib.plan_advice))

    def layer(self, index):
        made = struct(_api.infermem_plan_layer_facts)
        check(lib.plan_layer(self._handle, index, C.byref(made)))
        return record(made)

    def text(self, utf8=True):
        """A table for people."""
        return text(lib.plan_text, self._handle, _api.INFERMEM_PLAN_TEXT_UTF8 if utf8 else 0)

    __str__ = text

    def json(self):
        """The plan as a dict, with every number in it."""
        return json.loads(text(lib.plan_json, self._handle))

    def build_layout(self):
        layout = Layout.__new__(Layout)
        layout._own(make(_api.infermem_layout, "plan_build_layout", self._handle))
        return layout

    def build_kv(self, tape=None):
        """The cache of one sequence, as planned."""
        return Kv._made(make(_api.infermem_kv, "plan_build_kv", self._handle, handle_of(tape)), tape)

    def _measures(self, measured):
        return (_api.infermem_plan_measure * len(measured))(
            *(struct(_api.infermem_plan_measure, kind=kind, place=place, measured_bytes=n) for kind, place, n in measured))

    def audit(self, measured):
        """What was planned beside what was measured: of a list of (kind, place, bytes), a list of dicts."""
        measures = self._measures(measured)
        check(lib.plan_audit(self._handle, measures, len(measures)))
        return [record(m) for m in measures]

    def audit_text(self, measured):
        measures = self._measures(measured)
        return text(lib.plan_audit_text, self._handle, measures, len(measures))


class Estimate:
    """The classic estimates of a dense model in f32, from its configuration alone."""

    def __init__(self, numbers):
        self._config = numbers

    def _number(self, function, *arguments):
        out = C.c_uint64()
        check(function(C.byref(self._config), *arguments, C.byref(out)))
        return out.value

    def layer(self):
        return self._number(lib.plan_estimate_layer)

    def kv(self, n_tokens):
        return self._number(lib.plan_estimate_kv, n_tokens)

    def full(self, n_tokens):
        return self._number(lib.plan_estimate_full, n_tokens)

    def streaming(self, n_tokens):
        return self._number(lib.plan_estimate_streaming, n_tokens)

    def prefill_cache(self, fp8=False):
        return self._number(lib.plan_estimate_prefill_cache, int(fp8))

    def mode(self, n_tokens, free_bytes):
        out = C.c_int32()
        check(lib.plan_estimate_mode(C.byref(self._config), n_tokens, free_bytes, C.byref(out)))
        return _MODES[out.value]

    def should_stream(self, n_tokens, free_bytes):
        out = C.c_int32()
        check(lib.plan_should_stream(C.byref(self._config), n_tokens, free_bytes, C.byref(out)))
        return bool(out.value)

    def text(self, n_tokens, free_bytes, total_bytes):
        return text(lib.plan_estimate_text, C.byref(self._config), n_tokens, free_bytes, total_bytes)


def mode_text(mode):
    """A mode's sentence: of "full_cache", …"""
    return lib.plan_mode_text({name: value for value, name in _MODES.items()}[mode]).decode()
