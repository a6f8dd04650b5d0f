"""infermem: the memory of an LLM inference runtime.

Objects are handles of the shared library, which does all the work: close them, or use them in `with` blocks. Arrays go
in and out without copies. A call that fails raises the exception of its status code, and changes nothing.
"""
from . import _api
from ._arrays import View
from ._library import InfermemError, errors, lib
from .device import DeviceList
from .kv import Kv, attend_merge
from .layout import Layout, Tape
from .pad import Pad
from .quant import Activations, Quant, quantize

__version__ = _api.INFERMEM_VERSION_STRING
globals().update({kind.__name__: kind for kind in errors.values()})


def version():
    """The library's version at run time."""
    return lib.infermem_version_string().decode()
