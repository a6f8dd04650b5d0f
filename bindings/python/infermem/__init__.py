"""infermem: the memory of an LLM inference runtime.

Objects are handles of the shared library, which does all the work: close them, or use them in `with` blocks. Arrays of
NumPy's go in and out without copies. A call that fails raises the exception of its status code (`infermem.errors`), and
changes nothing.
"""
from . import _api as constants
from . import errors, model, plan, simd
from ._arrays import View
from ._library import Handle, set_log, version
from .device import DeviceList
from .dispatch import Dispatch
from .dtype import dtype_block, dtype_bytes, dtype_name, dtype_number
from .errors import InfermemError
from .kv import Kv, attend_merge, verify_saved
from .layout import Layout, Tape
from .model import Model
from .neuron import PENDING, Fetch, Neuron, NeuronStore
from .pad import Pad
from .plan import Estimate, Plan
from .quant import Activations, Quant, quantize
from .scratch import Scratch, ScratchPlan

__version__ = constants.INFERMEM_VERSION_STRING

__all__ = [
    "Activations", "DeviceList", "Dispatch", "Estimate", "Fetch", "Handle", "InfermemError", "Kv", "Layout", "Model",
    "Neuron", "NeuronStore", "PENDING", "Pad", "Plan", "Quant", "Scratch", "ScratchPlan", "Tape", "View", "attend_merge",
    "constants", "dtype_block", "dtype_bytes", "dtype_name", "dtype_number", "errors", "model", "plan", "quantize",
    "set_log", "simd", "verify_saved", "version",
]
