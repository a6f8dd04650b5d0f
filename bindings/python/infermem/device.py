"""Devices and the host's memory."""
from __future__ import annotations

import ctypes as C
from typing import Any, Iterator

from . import _api
from ._library import Handle, filled, lib, path_of, record, result, struct


class DeviceList(Handle):
    """What a probe finds at this moment: a sequence of dicts.

    cuda, amd: whether these are looked for. cuda_path, nvml_path: the drivers' libraries, where the system's are not meant.
    root: a path that is put before /proc, /sys and /dev."""

    _kind, _free = _api.infermem_device_list, "device_free"

    def __init__(self, cuda: bool = True, amd: bool = True, cuda_path: str | None = None, nvml_path: str | None = None,
                 root: str | None = None) -> None:
        flags = (0 if cuda else _api.INFERMEM_DEVICE_NO_CUDA) | (0 if amd else _api.INFERMEM_DEVICE_NO_AMD)
        paths = {name: path_of(path) for name, path in
                 (("cuda_path", cuda_path), ("nvml_path", nvml_path), ("root", root)) if path is not None}
        self._make(lib.device_probe, C.byref(struct(_api.infermem_device_options, flags=flags, **paths)))

    def __len__(self) -> int:
        return lib.device_count(self._handle)

    def facts(self, index: int) -> Any:
        """The library's struct, infermem_device_facts."""
        return filled(_api.infermem_device_facts, lib.device_info, self._handle, index)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return record(self.facts(range(len(self))[index]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))

    def host(self) -> dict[str, Any]:
        """The host's memory; `known` tells which of it is."""
        return record(filled(_api.infermem_host_facts, lib.device_host, self._handle))

    @property
    def why_not(self) -> tuple[int, str]:
        """(INFERMEM_DEVICE_WHY_*, a sentence): why there is no device; (0, "") where there are some."""
        code = result(C.c_int32, lib.device_why_not, self._handle)
        return code, lib.device_why_not_text(self._handle).decode(errors="replace")
