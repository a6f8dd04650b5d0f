"""Devices and the host's memory."""
import ctypes as C

from . import _api
from ._library import Handle, check, lib, make, record, struct


class DeviceList(Handle):
    """What a probe finds at this moment; a sequence of dicts.

    flags: _api.INFERMEM_DEVICE_NO_CUDA, _NO_AMD."""

    _free = "device_free"

    def __init__(self, flags=0, cuda_path=None, nvml_path=None, root=None):
        paths = {name: value.encode() for name, value in
                 (("cuda_path", cuda_path), ("nvml_path", nvml_path), ("root", root)) if value is not None}
        options = struct(_api.infermem_device_options, flags=flags, **paths)
        self._own(make(_api.infermem_device_list, "device_probe", C.byref(options)))

    def __len__(self):
        return lib.device_count(self._handle)

    def facts(self, index):
        """The library's struct, infermem_device_facts."""
        made = struct(_api.infermem_device_facts)
        check(lib.device_info(self._handle, index, C.byref(made)))
        return made

    def __getitem__(self, index):
        return record(self.facts(range(len(self))[index]))

    def host(self):
        made = struct(_api.infermem_host_facts)
        check(lib.device_host(self._handle, C.byref(made)))
        return record(made)

    @property
    def why_not(self):
        """(code, sentence): why there is no device; (0, "") where there are some."""
        code = C.c_int32()
        check(lib.device_why_not(self._handle, C.byref(code)))
        return code.value, lib.device_why_not_text(self._handle).decode(errors="replace")
