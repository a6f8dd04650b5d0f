"""Every constant, struct and function of the library. Written by src/abi/generate.py from the public headers."""
import ctypes as C

INFERMEM_VERSION_MAJOR = 0
INFERMEM_VERSION_MINOR = 1
INFERMEM_VERSION_PATCH = 0
INFERMEM_VERSION_STRING = '0.1.0'
INFERMEM_OK = 0
INFERMEM_E_NULL = -1
INFERMEM_E_ARG = -2
INFERMEM_E_HANDLE = -3
INFERMEM_E_STRUCT = -4
INFERMEM_E_OVERFLOW = -5
INFERMEM_E_NOMEM = -6
INFERMEM_E_SYSTEM = -7
INFERMEM_E_UNSUPPORTED = -8
INFERMEM_E_FULL = -9
INFERMEM_E_SEALED = -10
INFERMEM_E_STALE = -11
INFERMEM_E_STATE = -12
INFERMEM_E_SHAPE = -13
INFERMEM_E_RANGE = -14
INFERMEM_E_TYPE = -15
INFERMEM_E_NOT_FOUND = -16
INFERMEM_E_NOT_FINITE = -17
INFERMEM_E_INCOMPLETE = -18
INFERMEM_E_BUFFER = -19
INFERMEM_E_IO = -20
INFERMEM_E_FORMAT = -21
INFERMEM_E_TRUNCATED = -22
INFERMEM_E_VERSION = -23
INFERMEM_E_LIMIT = -24
INFERMEM_E_CORRUPT = -25
INFERMEM_E_FINGERPRINT = -26
INFERMEM_LOG_DEBUG = 1
INFERMEM_LOG_INFO = 2
INFERMEM_LOG_WARN = 3
INFERMEM_DEVICE_NO_CUDA = 1
INFERMEM_DEVICE_NO_AMD = 2
INFERMEM_DEVICE_WHY_NONE = 0
INFERMEM_DEVICE_WHY_DISABLED = 1
INFERMEM_DEVICE_WHY_NO_DRIVER = 2
INFERMEM_DEVICE_WHY_STUB = 3
INFERMEM_DEVICE_WHY_NO_SYMBOL = 4
INFERMEM_DEVICE_WHY_TOO_OLD = 5
INFERMEM_DEVICE_WHY_MISMATCH = 6
INFERMEM_DEVICE_WHY_PERMISSION = 7
INFERMEM_DEVICE_WHY_FORKED = 8
INFERMEM_DEVICE_WHY_HIDDEN = 9
INFERMEM_DEVICE_WHY_NO_DEVICE = 10
INFERMEM_DEVICE_WHY_FAILED = 11
INFERMEM_DEVICE_SOURCE_NONE = 0
INFERMEM_DEVICE_SOURCE_NVML = 1
INFERMEM_DEVICE_SOURCE_HOST = 2
INFERMEM_DEVICE_SOURCE_SYSFS = 3
INFERMEM_HOST_TOTAL = 1
INFERMEM_HOST_AVAILABLE = 2
INFERMEM_HOST_CGROUP = 4
INFERMEM_HOST_EFFECTIVE = 8
INFERMEM_HOST_HUGE_PAGES = 16
INFERMEM_HOST_NUMA = 32
INFERMEM_DISPATCH_MAX_BACKENDS = 32
INFERMEM_DISPATCH_MAX_NAME = 63
INFERMEM_DISPATCH_MAX_BOUNDS = 256
INFERMEM_DISPATCH_CPU = 0
INFERMEM_DISPATCH_GPU = 1
INFERMEM_DTYPE_F32 = 0
INFERMEM_DTYPE_F16 = 1
INFERMEM_DTYPE_Q4_0 = 2
INFERMEM_DTYPE_Q4_1 = 3
INFERMEM_DTYPE_Q5_0 = 6
INFERMEM_DTYPE_Q5_1 = 7
INFERMEM_DTYPE_Q8_0 = 8
INFERMEM_DTYPE_Q8_1 = 9
INFERMEM_DTYPE_Q2_K = 10
INFERMEM_DTYPE_Q3_K = 11
INFERMEM_DTYPE_Q4_K = 12
INFERMEM_DTYPE_Q5_K = 13
INFERMEM_DTYPE_Q6_K = 14
INFERMEM_DTYPE_Q8_K = 15
INFERMEM_DTYPE_IQ2_XXS = 16
INFERMEM_DTYPE_IQ2_XS = 17
INFERMEM_DTYPE_IQ3_XXS = 18
INFERMEM_DTYPE_IQ1_S = 19
INFERMEM_DTYPE_IQ4_NL = 20
INFERMEM_DTYPE_IQ3_S = 21
INFERMEM_DTYPE_IQ2_S = 22
INFERMEM_DTYPE_IQ4_XS = 23
INFERMEM_DTYPE_I8 = 24
INFERMEM_DTYPE_I16 = 25
INFERMEM_DTYPE_I32 = 26
INFERMEM_DTYPE_I64 = 27
INFERMEM_DTYPE_F64 = 28
INFERMEM_DTYPE_IQ1_M = 29
INFERMEM_DTYPE_BF16 = 30
INFERMEM_DTYPE_TQ1_0 = 34
INFERMEM_DTYPE_TQ2_0 = 35
INFERMEM_DTYPE_MXFP4 = 39
INFERMEM_DTYPE_NVFP4 = 40
INFERMEM_DTYPE_Q1_0 = 41
INFERMEM_DTYPE_Q2_0 = 42
INFERMEM_DTYPE_BOOL = -101
INFERMEM_DTYPE_U8 = -102
INFERMEM_DTYPE_U16 = -103
INFERMEM_DTYPE_U32 = -104
INFERMEM_DTYPE_U64 = -105
INFERMEM_DTYPE_F8_E4M3 = -106
INFERMEM_DTYPE_F8_E5M2 = -107
INFERMEM_DTYPE_F8_E8M0 = -108
INFERMEM_DTYPE_F8_E4M3FNUZ = -109
INFERMEM_DTYPE_F8_E5M2FNUZ = -110
INFERMEM_DTYPE_C64 = -111
INFERMEM_DTYPE_F4 = -112
INFERMEM_DTYPE_F6_E2M3 = -113
INFERMEM_DTYPE_F6_E3M2 = -114
INFERMEM_DTYPE_UNKNOWN = -1
INFERMEM_MAX_DIMS = 4
INFERMEM_VIEW_READONLY = 1
INFERMEM_DLPACK_CPU = 1
INFERMEM_DLPACK_INT = 0
INFERMEM_DLPACK_FLOAT = 2
INFERMEM_DLPACK_BFLOAT = 4
INFERMEM_DLPACK_READONLY = 1
INFERMEM_DLPACK_MAJOR = 1
INFERMEM_DLPACK_MINOR = 0
INFERMEM_KV_K = 0
INFERMEM_KV_V = 1
INFERMEM_KV_MAX_FINGERPRINT = 64
INFERMEM_KV_ROTATE_K = 1
INFERMEM_KV_ROTATE_V = 2
INFERMEM_KV_STREAM = 4
INFERMEM_TAPE_WARM = 1
INFERMEM_TAPE_LAZY = 2
INFERMEM_TAPE_HUGE = 4
INFERMEM_TAPE_LOCK = 8
INFERMEM_TAPE_ZERO_ON_CLEAR = 16
INFERMEM_TAPE_GUARD = 32
INFERMEM_TAPE_SHARED = 64
INFERMEM_TAPE_EXCLUSIVE = 128
INFERMEM_TAPE_NUMA = 256
INFERMEM_TAPE_REQUIRE = 512
INFERMEM_MODEL_MAX_KEY = 65535
INFERMEM_MODEL_MAX_NAME = 64
INFERMEM_MODEL_MIN_ALIGNMENT = 8
INFERMEM_MODEL_MAX_ALIGNMENT = 1048576
INFERMEM_MODEL_MAX_PARTS = 4096
INFERMEM_MODEL_MAX_HEADER = 100000000
INFERMEM_MODEL_MAX_SHAPE = 8
INFERMEM_MODEL_MAX_CONFIG = 16777216
INFERMEM_MODEL_MAX_NESTING = 64
INFERMEM_MODEL_MAX_VALUES = 524288
INFERMEM_MODEL_MAX_KEPT = 33554432
INFERMEM_MODEL_MAX_METADATA = 1073741824
INFERMEM_MODEL_MAX_LAYERS = 4096
INFERMEM_FORMAT_GGUF = 1
INFERMEM_FORMAT_SAFETENSORS = 2
INFERMEM_FORMAT_CONFIG = 3
INFERMEM_MODEL_NO_DATA = 1
INFERMEM_META_U8 = 0
INFERMEM_META_I8 = 1
INFERMEM_META_U16 = 2
INFERMEM_META_I16 = 3
INFERMEM_META_U32 = 4
INFERMEM_META_I32 = 5
INFERMEM_META_F32 = 6
INFERMEM_META_BOOL = 7
INFERMEM_META_STRING = 8
INFERMEM_META_ARRAY = 9
INFERMEM_META_U64 = 10
INFERMEM_META_I64 = 11
INFERMEM_META_F64 = 12
INFERMEM_CONFIG_ENCODER = 1
INFERMEM_CONFIG_MLA_EXPANDED = 2
INFERMEM_CONFIG_PARALLEL_MIXERS = 4
INFERMEM_CONFIG_QKV_BIAS = 8
INFERMEM_CONFIG_BIAS = 16
INFERMEM_CONFIG_NORM_BIAS = 32
INFERMEM_CONFIG_QK_NORM = 64
INFERMEM_CONFIG_QK_NORM_WIDE = 128
INFERMEM_CONFIG_POST_NORMS = 256
INFERMEM_CONFIG_ONE_NORM = 512
INFERMEM_CONFIG_UNGATED = 1024
INFERMEM_CONFIG_GATED_ATTENTION = 2048
INFERMEM_CONFIG_POSITIONS = 4096
INFERMEM_CONFIDENCE_EXACT = 1
INFERMEM_CONFIDENCE_MODELLED = 2
INFERMEM_CONFIDENCE_ROUGH = 3
INFERMEM_LAYER_ATTENTION = 1
INFERMEM_LAYER_WINDOW = 2
INFERMEM_LAYER_MLA = 3
INFERMEM_LAYER_RECURRENT = 4
INFERMEM_LAYER_BOTH = 5
INFERMEM_LAYER_NONE = 6
INFERMEM_QUANT_SAVED_ALIGN = 64
INFERMEM_QUANT_NATIVE = -1
INFERMEM_QUANT_PLAIN = 0
INFERMEM_QUANT_PACKED = 1
INFERMEM_QUANT_REFUSE = 0
INFERMEM_QUANT_CLAMP = 1
INFERMEM_QUANT_NO_VERIFY = 1
INFERMEM_NEURON_STRICT = 1
INFERMEM_NEURON_LRU = 0
INFERMEM_NEURON_LFU = 1
INFERMEM_NEURON_HOT = 2
INFERMEM_NEURON_PENDING = 1
INFERMEM_SCRATCH_PLAN_MAX = 8192
INFERMEM_SCRATCH_HIDDEN = 0
INFERMEM_SCRATCH_NORMED = 1
INFERMEM_SCRATCH_QKV = 2
INFERMEM_SCRATCH_Q = 3
INFERMEM_SCRATCH_K = 4
INFERMEM_SCRATCH_V = 5
INFERMEM_SCRATCH_ATTN_OUT = 6
INFERMEM_SCRATCH_ATTN_PROJ = 7
INFERMEM_SCRATCH_FFN_UP = 8
INFERMEM_SCRATCH_FFN_GATE = 9
INFERMEM_SCRATCH_FFN_DOWN = 10
INFERMEM_SCRATCH_LOGITS = 11
INFERMEM_SCRATCH_EXPANDED_V = 12
INFERMEM_SCRATCH_Q8_SCALES = 13
INFERMEM_SCRATCH_Q8_QUANTS = 14
INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES = 15
INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS = 16
INFERMEM_SCRATCH_Q8K_INTER_SCALES = 17
INFERMEM_SCRATCH_Q8K_INTER_QUANTS = 18
INFERMEM_SCRATCH_COUNT = 19
INFERMEM_SCRATCH_OVERLAP = 1
INFERMEM_SCRATCH_Q8 = 2
INFERMEM_SCRATCH_EXPAND_V = 4
INFERMEM_SCRATCH_Q8K_HIDDEN = 0
INFERMEM_SCRATCH_Q8K_INTER = 1
INFERMEM_PLAN_MAX_DEVICES = 64
INFERMEM_PLAN_MAX_CONTEXT = 2147483648
INFERMEM_PLAN_MARGIN = 1073741824
INFERMEM_PLAN_HOST_MARGIN = 536870912
INFERMEM_PLAN_DRIVER = 314572800
INFERMEM_PLAN_PCIE3 = 11000000000
INFERMEM_PLAN_PCIE4 = 24000000000
INFERMEM_PLAN_PCIE5 = 52000000000
INFERMEM_PLAN_PLACE_HOST = 4294967294
INFERMEM_PLAN_PLACE_ALL = 4294967295
INFERMEM_PLAN_KINDS = 11
INFERMEM_PLAN_FULL_CACHE = 1
INFERMEM_PLAN_PARTIAL = 2
INFERMEM_PLAN_LAYER_STREAMING = 3
INFERMEM_PLAN_HOST = 4
INFERMEM_PLAN_INSUFFICIENT = 5
INFERMEM_PLAN_PLAIN = 1
INFERMEM_PLAN_CELLS = 2
INFERMEM_PLAN_BLOCKS = 3
INFERMEM_PLAN_STEP_NONE = 1
INFERMEM_PLAN_STEP_QUANTIZE_KV = 2
INFERMEM_PLAN_STEP_HOST_EXPERTS = 4
INFERMEM_PLAN_STEP_SOME_LAYERS = 8
INFERMEM_PLAN_STEP_ALL_LAYERS = 16
INFERMEM_PLAN_STEP_HOST = 32
INFERMEM_PLAN_NO_FLASH_ATTENTION = 1
INFERMEM_PLAN_UNIFIED_KV = 2
INFERMEM_PLAN_SWA_FULL = 4
INFERMEM_PLAN_SWA_QUANTIZED = 8
INFERMEM_PLAN_NEXTN = 16
INFERMEM_PLAN_EXPERT_WISE = 32
INFERMEM_PLAN_DEQUANT_F8 = 64
INFERMEM_PLAN_DEQUANT_F16 = 128
INFERMEM_PLAN_NO_MARGIN = 256
INFERMEM_PLAN_MLA_MODEL = 0
INFERMEM_PLAN_MLA_LATENT = 1
INFERMEM_PLAN_MLA_LATENT_V = 2
INFERMEM_PLAN_MLA_FULL = 3
INFERMEM_PLAN_DEVICE_UNIFIED = 1
INFERMEM_PLAN_DEVICE_HAS_CONTEXT = 2
INFERMEM_PLAN_WEIGHTS = 1
INFERMEM_PLAN_HOST_EMBEDDING = 2
INFERMEM_PLAN_KV_GLOBAL = 3
INFERMEM_PLAN_KV_WINDOW = 4
INFERMEM_PLAN_RECURRENT = 5
INFERMEM_PLAN_COMPUTE = 6
INFERMEM_PLAN_OUTPUT = 7
INFERMEM_PLAN_STAGING = 8
INFERMEM_PLAN_DEQUANT = 9
INFERMEM_PLAN_DRIVER_CONTEXT = 10
INFERMEM_PLAN_MARGIN_LEFT = 11
INFERMEM_PLAN_TOTAL_BYTES = 32
INFERMEM_PLAN_FREE_BYTES = 33
INFERMEM_PLAN_RESIDENT_LAYERS = 34
INFERMEM_PLAN_LAYERS = 35
INFERMEM_PLAN_STREAMED_LAYERS = 36
INFERMEM_PLAN_HOST_EXPERT_LAYERS = 37
INFERMEM_PLAN_CONTEXT = 38
INFERMEM_PLAN_MAX_CONTEXT_FITS = 39
INFERMEM_PLAN_CONTEXT_STEP = 40
INFERMEM_PLAN_K_TYPE = 41
INFERMEM_PLAN_V_TYPE = 42
INFERMEM_PLAN_LARGEST_TERM = 43
INFERMEM_PLAN_LARGEST_LAYER_BYTES = 44
INFERMEM_PLAN_SLOTS = 45
INFERMEM_PLAN_STREAM_SOURCE = 46
INFERMEM_PLAN_STREAM_BYTES = 47
INFERMEM_PLAN_MILLI_TOKENS = 48
INFERMEM_PLAN_FULL_NEEDS_BYTES = 49
INFERMEM_PLAN_NEEDS_BYTES = 50
INFERMEM_PLAN_NOTES = 51
INFERMEM_PLAN_SOURCE_NONE = 0
INFERMEM_PLAN_SOURCE_HOST = 1
INFERMEM_PLAN_SOURCE_FILE = 2
INFERMEM_PLAN_NOTE_CONTEXT_GUESSED = 1
INFERMEM_PLAN_NOTE_CONTEXT_BEYOND = 2
INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED = 4
INFERMEM_PLAN_NOTE_KV_QUANTIZED = 8
INFERMEM_PLAN_NOTE_ROUGH_COMPUTE = 16
INFERMEM_PLAN_NOTE_HOST_UNKNOWN = 32
INFERMEM_PLAN_NOTE_WINDOW_F16 = 64
INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT = 128
INFERMEM_PLAN_NOTE_HOST_LACKS = 256
INFERMEM_PLAN_ADVICE_CONTEXT = 1
INFERMEM_PLAN_ADVICE_KV_TYPE = 2
INFERMEM_PLAN_ADVICE_MEMORY = 3
INFERMEM_PLAN_ADVICE_LAYERS = 4
INFERMEM_PLAN_ADVICE_ALLOW = 5
INFERMEM_PLAN_ADVICE_HOST_MEMORY = 6
INFERMEM_PLAN_ADVICE_WEIGHTS = 7
INFERMEM_PLAN_TEXT_UTF8 = 1


class infermem_tape(C.Structure):
    pass


class infermem_device_list(C.Structure):
    pass


class infermem_dispatch(C.Structure):
    pass


class infermem_kv(C.Structure):
    pass


class infermem_layout(C.Structure):
    pass


class infermem_model(C.Structure):
    pass


class infermem_quant(C.Structure):
    pass


class infermem_neuron(C.Structure):
    pass


class infermem_neuron_store(C.Structure):
    pass


class infermem_pad(C.Structure):
    pass


class infermem_scratch(C.Structure):
    pass


class infermem_scratch_plan(C.Structure):
    pass


class infermem_plan(C.Structure):
    pass


class infermem_allocator(C.Structure):
    pass


class infermem_error(C.Structure):
    pass


class infermem_device_options(C.Structure):
    pass


class infermem_device_facts(C.Structure):
    pass


class infermem_host_facts(C.Structure):
    pass


class infermem_dispatch_options(C.Structure):
    pass


class infermem_dispatch_stats(C.Structure):
    pass


class infermem_view(C.Structure):
    pass


class infermem_dlpack_tensor(C.Structure):
    pass


class infermem_dlpack(C.Structure):
    pass


class infermem_dlpack_unversioned(C.Structure):
    pass


class infermem_kv_options(C.Structure):
    pass


class infermem_kv_attend_options(C.Structure):
    pass


class infermem_kv_saved(C.Structure):
    pass


class infermem_tape_options(C.Structure):
    pass


class infermem_tape_facts(C.Structure):
    pass


class infermem_tape_mark(C.Structure):
    pass


class infermem_layout_options(C.Structure):
    pass


class infermem_layout_usage(C.Structure):
    pass


class infermem_model_options(C.Structure):
    pass


class infermem_model_config(C.Structure):
    pass


class infermem_model_layer(C.Structure):
    pass


class infermem_model_weights(C.Structure):
    pass


class infermem_tensor_info(C.Structure):
    pass


class infermem_meta_info(C.Structure):
    pass


class infermem_quant_options(C.Structure):
    pass


class infermem_quant_errors(C.Structure):
    pass


class infermem_quant_tensors(C.Structure):
    pass


class infermem_neuron_options(C.Structure):
    pass


class infermem_neuron_counts(C.Structure):
    pass


class infermem_neuron_store_options(C.Structure):
    pass


class infermem_neuron_store_facts(C.Structure):
    pass


class infermem_pad_options(C.Structure):
    pass


class infermem_scratch_options(C.Structure):
    pass


class infermem_scratch_lifetime(C.Structure):
    pass


class infermem_scratch_plan_options(C.Structure):
    pass


class infermem_plan_device(C.Structure):
    pass


class infermem_plan_options(C.Structure):
    pass


class infermem_plan_term_facts(C.Structure):
    pass


class infermem_plan_layer_facts(C.Structure):
    pass


class infermem_plan_advice_facts(C.Structure):
    pass


class infermem_plan_measure(C.Structure):
    pass

infermem_allocator_allocate = C.CFUNCTYPE(C.c_void_p, C.c_void_p, C.c_size_t, C.c_size_t)
infermem_allocator_release = C.CFUNCTYPE(None, C.c_void_p, C.c_void_p, C.c_size_t, C.c_size_t)
infermem_log_function = C.CFUNCTYPE(None, C.c_void_p, C.c_int32, C.c_char_p)
infermem_dlpack_deleter = C.CFUNCTYPE(None, C.POINTER(infermem_dlpack))
infermem_dlpack_unversioned_deleter = C.CFUNCTYPE(None, C.POINTER(infermem_dlpack_unversioned))
infermem_write_function = C.CFUNCTYPE(C.c_int64, C.c_void_p, C.c_void_p, C.c_size_t)
infermem_read_function = C.CFUNCTYPE(C.c_int64, C.c_void_p, C.c_void_p, C.c_size_t)
infermem_read_at_function = C.CFUNCTYPE(C.c_int64, C.c_void_p, C.c_uint64, C.c_void_p, C.c_size_t)
infermem_neuron_load_function = C.CFUNCTYPE(C.c_int32, C.c_void_p, C.c_uint64, C.POINTER(C.c_uint32), C.c_size_t, C.POINTER(C.c_void_p))

infermem_allocator._fields_ = [
    ("struct_size", C.c_size_t),
    ("allocate", infermem_allocator_allocate),
    ("release", infermem_allocator_release),
    ("context", C.c_void_p),
]
infermem_error._fields_ = [
    ("code", C.c_int32),
    ("os_error", C.c_int32),
    ("expected", C.c_uint64),
    ("got", C.c_uint64),
    ("function", C.c_char_p),
    ("message", C.c_char * 192),
]
infermem_device_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("flags", C.c_uint32),
    ("reserved", C.c_uint32),
    ("cuda_path", C.c_char_p),
    ("nvml_path", C.c_char_p),
    ("root", C.c_char_p),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_device_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("name", C.c_char * 96),
    ("uuid", C.c_char * 48),
    ("bus_id", C.c_char * 32),
    ("vendor", C.c_uint32),
    ("ordinal", C.c_uint32),
    ("driver_version", C.c_uint32),
    ("cc_major", C.c_uint32),
    ("cc_minor", C.c_uint32),
    ("is_unified", C.c_uint32),
    ("is_mig", C.c_uint32),
    ("free_known", C.c_uint32),
    ("free_source", C.c_uint32),
    ("reserved", C.c_uint32),
    ("total_bytes", C.c_uint64),
    ("free_bytes", C.c_uint64),
    ("reserved_bytes", C.c_uint64),
    ("timestamp_ns", C.c_uint64),
]
infermem_host_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("known", C.c_uint32),
    ("n_numa_nodes", C.c_uint32),
    ("total_bytes", C.c_uint64),
    ("available_bytes", C.c_uint64),
    ("cgroup_limit_bytes", C.c_uint64),
    ("cgroup_used_bytes", C.c_uint64),
    ("effective_bytes", C.c_uint64),
    ("page_size", C.c_uint64),
    ("huge_page_size", C.c_uint64),
    ("huge_pages_total", C.c_uint64),
    ("huge_pages_free", C.c_uint64),
    ("timestamp_ns", C.c_uint64),
]
infermem_dispatch_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_backends", C.c_uint32),
    ("resolution", C.c_uint32),
    ("names", C.POINTER(C.c_char_p)),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_dispatch_stats._fields_ = [
    ("struct_size", C.c_size_t),
    ("dispatches", C.c_uint64),
    ("latencies", C.c_uint64),
    ("sum_ns", C.c_uint64),
    ("min_ns", C.c_uint64),
    ("max_ns", C.c_uint64),
    ("p50_ns", C.c_uint64),
    ("p90_ns", C.c_uint64),
    ("p95_ns", C.c_uint64),
    ("p99_ns", C.c_uint64),
    ("p999_ns", C.c_uint64),
    ("mean_ns", C.c_double),
    ("variance_ns2", C.c_double),
    ("deviation_ns", C.c_double),
    ("variation_percent", C.c_double),
]
infermem_view._fields_ = [
    ("data", C.c_void_p),
    ("dtype", C.c_int32),
    ("flags", C.c_uint32),
    ("n_dims", C.c_uint32),
    ("reserved", C.c_uint32),
    ("bytes", C.c_uint64),
    ("shape", C.c_uint64 * 4),
    ("strides", C.c_int64 * 4),
]
infermem_dlpack_tensor._fields_ = [
    ("data", C.c_void_p),
    ("device_type", C.c_int32),
    ("device_id", C.c_int32),
    ("n_dims", C.c_int32),
    ("type_code", C.c_uint8),
    ("type_bits", C.c_uint8),
    ("type_lanes", C.c_uint16),
    ("shape", C.POINTER(C.c_int64)),
    ("strides", C.POINTER(C.c_int64)),
    ("byte_offset", C.c_uint64),
]
infermem_dlpack._fields_ = [
    ("version_major", C.c_uint32),
    ("version_minor", C.c_uint32),
    ("manager", C.c_void_p),
    ("deleter", infermem_dlpack_deleter),
    ("flags", C.c_uint64),
    ("tensor", infermem_dlpack_tensor),
]
infermem_dlpack_unversioned._fields_ = [
    ("tensor", infermem_dlpack_tensor),
    ("manager", C.c_void_p),
    ("deleter", infermem_dlpack_unversioned_deleter),
]
infermem_kv_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_layers", C.c_size_t),
    ("n_kv_heads", C.c_size_t),
    ("head_dim", C.c_size_t),
    ("head_dim_v", C.c_size_t),
    ("max_tokens", C.c_size_t),
    ("k_type", C.c_int32),
    ("v_type", C.c_int32),
    ("tape", C.POINTER(infermem_tape)),
    ("allocator", C.POINTER(infermem_allocator)),
    ("k_types", C.POINTER(C.c_int32)),
    ("v_types", C.POINTER(C.c_int32)),
    ("growable", C.c_size_t),
    ("flags", C.c_uint32),
    ("reserved", C.c_uint32),
]
infermem_kv_attend_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_q_heads", C.c_size_t),
    ("n_q_tokens", C.c_size_t),
    ("n_after", C.c_size_t),
    ("window", C.c_size_t),
    ("scale", C.c_float),
    ("soft_cap", C.c_float),
]
infermem_kv_saved._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_tokens", C.c_uint64),
    ("n_layers", C.c_uint64),
    ("n_kv_heads", C.c_uint64),
    ("head_dim", C.c_uint64),
    ("head_dim_v", C.c_uint64),
    ("file_bytes", C.c_uint64),
    ("k_type", C.c_int32),
    ("v_type", C.c_int32),
    ("is_mixed", C.c_uint32),
    ("flags", C.c_uint32),
    ("n_fingerprint", C.c_uint32),
    ("reserved", C.c_uint32),
    ("fingerprint", C.c_uint8 * 64),
]
infermem_tape_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("size", C.c_size_t),
    ("flags", C.c_uint32),
    ("reserved", C.c_uint32),
    ("numa_nodes", C.c_uint64),
    ("lent", C.c_void_p),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_tape_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("base", C.c_void_p),
    ("total", C.c_size_t),
    ("page_size", C.c_size_t),
    ("requested", C.c_uint32),
    ("granted", C.c_uint32),
    ("fd", C.c_int32),
    ("red_zone", C.c_uint32),
    ("is_sealed", C.c_uint32),
    ("reserved", C.c_uint32),
]
infermem_tape_mark._fields_ = [
    ("tape", C.c_uint64),
    ("offset", C.c_uint64),
    ("generation", C.c_uint64),
]
infermem_layout_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("weights_size", C.c_size_t),
    ("scratch_size", C.c_size_t),
    ("history_size", C.c_size_t),
    ("weights_flags", C.c_uint32),
    ("scratch_flags", C.c_uint32),
    ("history_flags", C.c_uint32),
    ("reserved", C.c_uint32),
    ("numa_nodes", C.c_uint64),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_layout_usage._fields_ = [
    ("struct_size", C.c_size_t),
    ("weights_used", C.c_size_t),
    ("weights_total", C.c_size_t),
    ("weights_peak", C.c_size_t),
    ("scratch_used", C.c_size_t),
    ("scratch_total", C.c_size_t),
    ("scratch_peak", C.c_size_t),
    ("history_used", C.c_size_t),
    ("history_total", C.c_size_t),
    ("history_peak", C.c_size_t),
]
infermem_model_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("flags", C.c_uint32),
    ("reserved", C.c_uint32),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_model_config._fields_ = [
    ("struct_size", C.c_size_t),
    ("architecture", C.c_char * 64),
    ("n_layers", C.c_uint64),
    ("hidden", C.c_uint64),
    ("n_heads", C.c_uint64),
    ("n_kv_heads", C.c_uint64),
    ("head_dim_k", C.c_uint64),
    ("head_dim_v", C.c_uint64),
    ("intermediate", C.c_uint64),
    ("vocab", C.c_uint64),
    ("context", C.c_uint64),
    ("rope_dims", C.c_uint64),
    ("n_experts", C.c_uint64),
    ("n_experts_used", C.c_uint64),
    ("sliding_window", C.c_uint64),
    ("tied_embeddings", C.c_uint32),
    ("flags", C.c_uint32),
    ("rope_theta", C.c_double),
    ("norm_eps", C.c_double),
    ("expert_intermediate", C.c_uint64),
    ("shared_intermediate", C.c_uint64),
    ("n_experts_shared", C.c_uint64),
    ("n_dense_layers", C.c_uint64),
    ("expert_interval", C.c_uint64),
    ("n_nextn", C.c_uint64),
    ("kv_lora_rank", C.c_uint64),
    ("q_lora_rank", C.c_uint64),
    ("head_dim_k_mla", C.c_uint64),
    ("head_dim_v_mla", C.c_uint64),
    ("window_interval", C.c_uint64),
    ("window_first", C.c_uint64),
    ("n_kv_heads_window", C.c_uint64),
    ("head_dim_k_window", C.c_uint64),
    ("head_dim_v_window", C.c_uint64),
    ("n_kv_shared_layers", C.c_uint64),
    ("attention_interval", C.c_uint64),
    ("attention_first", C.c_uint64),
    ("conv_kernel", C.c_uint64),
    ("ssm_inner", C.c_uint64),
    ("ssm_state", C.c_uint64),
    ("ssm_groups", C.c_uint64),
    ("ssm_heads", C.c_uint64),
    ("wkv_head_dim", C.c_uint64),
    ("token_shifts", C.c_uint64),
    ("weight_type", C.c_int32),
    ("weight_bits", C.c_uint32),
    ("weight_group", C.c_uint64),
    ("expert_type", C.c_int32),
    ("reserved", C.c_uint32),
]
infermem_model_layer._fields_ = [
    ("struct_size", C.c_size_t),
    ("kind", C.c_uint32),
    ("confidence", C.c_uint32),
    ("n_heads", C.c_uint64),
    ("n_kv_heads", C.c_uint64),
    ("head_dim_k", C.c_uint64),
    ("head_dim_v", C.c_uint64),
    ("window", C.c_uint64),
    ("kv_source", C.c_uint64),
    ("conv_elements", C.c_uint64),
    ("state_elements", C.c_uint64),
    ("intermediate", C.c_uint64),
    ("n_experts", C.c_uint64),
    ("n_experts_used", C.c_uint64),
    ("is_nextn", C.c_uint32),
    ("weights_confidence", C.c_uint32),
    ("attention_bytes", C.c_uint64),
    ("dense_bytes", C.c_uint64),
    ("shared_expert_bytes", C.c_uint64),
    ("routed_expert_bytes", C.c_uint64),
    ("norm_bytes", C.c_uint64),
    ("other_bytes", C.c_uint64),
]
infermem_model_weights._fields_ = [
    ("struct_size", C.c_size_t),
    ("total_bytes", C.c_uint64),
    ("embedding_bytes", C.c_uint64),
    ("output_bytes", C.c_uint64),
    ("layer_bytes", C.c_uint64),
    ("largest_layer_bytes", C.c_uint64),
    ("other_bytes", C.c_uint64),
    ("elements", C.c_uint64),
    ("confidence", C.c_uint32),
    ("reserved", C.c_uint32),
]
infermem_tensor_info._fields_ = [
    ("struct_size", C.c_size_t),
    ("name", C.c_char_p),
    ("name_length", C.c_size_t),
    ("dtype", C.c_int32),
    ("n_dims", C.c_uint32),
    ("shape", C.c_uint64 * 4),
    ("elements", C.c_uint64),
    ("offset", C.c_uint64),
    ("bytes", C.c_uint64),
    ("is_inferred", C.c_uint32),
    ("part", C.c_uint32),
]
infermem_meta_info._fields_ = [
    ("struct_size", C.c_size_t),
    ("key", C.c_char_p),
    ("key_length", C.c_size_t),
    ("type", C.c_uint32),
    ("element_type", C.c_uint32),
    ("count", C.c_uint64),
]
infermem_quant_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("bits", C.c_uint32),
    ("nan_policy", C.c_uint32),
    ("group", C.c_size_t),
    ("tape", C.POINTER(infermem_tape)),
    ("allocator", C.POINTER(infermem_allocator)),
    ("params", C.c_int32),
    ("symmetric", C.c_uint32),
    ("flags", C.c_uint64),
]
infermem_quant_errors._fields_ = [
    ("struct_size", C.c_size_t),
    ("max", C.c_double),
    ("mean", C.c_double),
    ("rmse", C.c_double),
    ("max_index", C.c_size_t),
    ("worst_group", C.c_size_t),
    ("worst_group_rmse", C.c_double),
]
infermem_quant_tensors._fields_ = [
    ("struct_size", C.c_size_t),
    ("weights", C.c_void_p),
    ("weights_bytes", C.c_size_t),
    ("zeros", C.c_void_p),
    ("zeros_bytes", C.c_size_t),
    ("scales", C.c_void_p),
    ("scales_bytes", C.c_size_t),
    ("group_index", C.c_void_p),
    ("group_index_bytes", C.c_size_t),
    ("scales_type", C.c_int32),
    ("gptq_version", C.c_uint32),
]
infermem_neuron_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_layers", C.c_uint32),
    ("n_neurons", C.c_uint32),
    ("threshold", C.c_float),
    ("interval", C.c_uint32),
    ("flags", C.c_uint32),
    ("half_life", C.c_uint32),
    ("tape", C.POINTER(infermem_tape)),
    ("allocator", C.POINTER(infermem_allocator)),
    ("budget_count", C.c_uint32),
    ("budget_fraction", C.c_float),
    ("budget_bytes", C.c_uint64),
    ("row_bytes", C.c_uint64),
    ("hysteresis", C.c_float),
    ("reserved", C.c_uint32),
]
infermem_neuron_counts._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_hot", C.c_uint64),
    ("n_cold", C.c_uint64),
    ("events", C.c_uint64),
    ("out_of_range", C.c_uint64),
    ("reclassifications", C.c_uint64),
    ("hot_ratio", C.c_double),
    ("nans", C.c_uint64),
]
infermem_neuron_store_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("n_rows", C.c_uint32),
    ("policy", C.c_uint32),
    ("row_bytes", C.c_uint64),
    ("budget_bytes", C.c_uint64),
    ("load", infermem_neuron_load_function),
    ("context", C.c_void_p),
    ("quant", C.POINTER(infermem_quant)),
    ("half_life", C.c_uint32),
    ("window", C.c_uint32),
    ("n_fetches", C.c_uint32),
    ("reserved", C.c_uint32),
    ("tape", C.POINTER(infermem_tape)),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_neuron_store_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("fetches", C.c_uint64),
    ("hits", C.c_uint64),
    ("waits", C.c_uint64),
    ("misses", C.c_uint64),
    ("loads", C.c_uint64),
    ("failures", C.c_uint64),
    ("bytes_loaded", C.c_uint64),
    ("evictions", C.c_uint64),
    ("drops", C.c_uint64),
    ("capacity", C.c_uint64),
    ("resident", C.c_uint64),
    ("in_use", C.c_uint64),
    ("memory_bytes", C.c_uint64),
]
infermem_pad_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("max_tokens", C.c_size_t),
    ("dim", C.c_size_t),
    ("type", C.c_int32),
    ("reserved", C.c_int32),
    ("tape", C.POINTER(infermem_tape)),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_scratch_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("batch", C.c_size_t),
    ("flags", C.c_uint32),
    ("reserved", C.c_uint32),
    ("tape", C.POINTER(infermem_tape)),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_scratch_lifetime._fields_ = [
    ("bytes", C.c_uint64),
    ("first_use", C.c_uint64),
    ("last_use", C.c_uint64),
]
infermem_scratch_plan_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("align", C.c_uint64),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_plan_device._fields_ = [
    ("struct_size", C.c_size_t),
    ("name", C.c_char * 96),
    ("total_bytes", C.c_uint64),
    ("free_bytes", C.c_uint64),
    ("link_bytes_per_s", C.c_uint64),
    ("flags", C.c_uint32),
    ("reserved", C.c_uint32),
]
infermem_plan_options._fields_ = [
    ("struct_size", C.c_size_t),
    ("context", C.c_uint64),
    ("min_context", C.c_uint64),
    ("n_sequences", C.c_uint64),
    ("ubatch", C.c_uint64),
    ("n_outputs_max", C.c_uint64),
    ("n_snapshots", C.c_uint64),
    ("host_bytes", C.c_uint64),
    ("host_margin_bytes", C.c_uint64),
    ("margin_bytes", C.c_uint64),
    ("driver_bytes", C.c_uint64),
    ("link_bytes_per_s", C.c_uint64),
    ("file_bytes_per_s", C.c_uint64),
    ("margin_fraction", C.c_double),
    ("k_type", C.c_int32),
    ("v_type", C.c_int32),
    ("profile", C.c_uint32),
    ("flags", C.c_uint32),
    ("steps", C.c_uint32),
    ("slots", C.c_uint32),
    ("mla", C.c_uint32),
    ("reserved", C.c_uint32),
    ("allocator", C.POINTER(infermem_allocator)),
]
infermem_plan_term_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("kind", C.c_uint32),
    ("place", C.c_uint32),
    ("bytes", C.c_uint64),
    ("confidence", C.c_uint32),
    ("reserved", C.c_uint32),
    ("name", C.c_char_p),
    ("formula", C.c_char_p),
]
infermem_plan_layer_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("place", C.c_uint32),
    ("is_resident", C.c_uint32),
    ("is_loaded", C.c_uint32),
    ("host_experts", C.c_uint32),
    ("weight_bytes", C.c_uint64),
    ("kv_bytes", C.c_uint64),
    ("recurrent_bytes", C.c_uint64),
    ("kv_index", C.c_uint64),
]
infermem_plan_advice_facts._fields_ = [
    ("struct_size", C.c_size_t),
    ("code", C.c_uint32),
    ("mode", C.c_int32),
    ("value", C.c_uint64),
]
infermem_plan_measure._fields_ = [
    ("struct_size", C.c_size_t),
    ("kind", C.c_uint32),
    ("place", C.c_uint32),
    ("measured_bytes", C.c_uint64),
    ("predicted_bytes", C.c_uint64),
    ("per_million", C.c_uint64),
]

STRUCTS = (
    infermem_allocator,
    infermem_error,
    infermem_device_options,
    infermem_device_facts,
    infermem_host_facts,
    infermem_dispatch_options,
    infermem_dispatch_stats,
    infermem_view,
    infermem_dlpack_tensor,
    infermem_dlpack,
    infermem_dlpack_unversioned,
    infermem_kv_options,
    infermem_kv_attend_options,
    infermem_kv_saved,
    infermem_tape_options,
    infermem_tape_facts,
    infermem_tape_mark,
    infermem_layout_options,
    infermem_layout_usage,
    infermem_model_options,
    infermem_model_config,
    infermem_model_layer,
    infermem_model_weights,
    infermem_tensor_info,
    infermem_meta_info,
    infermem_quant_options,
    infermem_quant_errors,
    infermem_quant_tensors,
    infermem_neuron_options,
    infermem_neuron_counts,
    infermem_neuron_store_options,
    infermem_neuron_store_facts,
    infermem_pad_options,
    infermem_scratch_options,
    infermem_scratch_lifetime,
    infermem_scratch_plan_options,
    infermem_plan_device,
    infermem_plan_options,
    infermem_plan_term_facts,
    infermem_plan_layer_facts,
    infermem_plan_advice_facts,
    infermem_plan_measure,
)

# name: (what it returns, what it takes)
FUNCTIONS = {
    "infermem_version": (C.c_uint32, []),
    "infermem_version_string": (C.c_char_p, []),
    "infermem_error_detail": (C.POINTER(infermem_error), []),
    "infermem_error_clear": (None, []),
    "infermem_error_name": (C.c_char_p, [C.c_int32]),
    "infermem_error_text": (C.c_char_p, [C.c_int32]),
    "infermem_log_set": (C.c_int32, [infermem_log_function, C.c_void_p, C.c_int32]),
    "device_probe": (C.c_int32, [C.POINTER(infermem_device_options), C.POINTER(C.POINTER(infermem_device_list))]),
    "device_free": (None, [C.POINTER(infermem_device_list)]),
    "device_count": (C.c_size_t, [C.POINTER(infermem_device_list)]),
    "device_info": (C.c_int32, [C.POINTER(infermem_device_list), C.c_size_t, C.POINTER(infermem_device_facts)]),
    "device_host": (C.c_int32, [C.POINTER(infermem_device_list), C.POINTER(infermem_host_facts)]),
    "device_why_not": (C.c_int32, [C.POINTER(infermem_device_list), C.POINTER(C.c_int32)]),
    "device_why_not_text": (C.c_char_p, [C.POINTER(infermem_device_list)]),
    "dispatch_new": (C.c_int32, [C.POINTER(infermem_dispatch_options), C.POINTER(C.POINTER(infermem_dispatch))]),
    "dispatch_free": (None, [C.POINTER(infermem_dispatch)]),
    "dispatch_record": (C.c_int32, [C.POINTER(infermem_dispatch), C.c_uint32, C.c_int64]),
    "dispatch_count_only": (C.c_int32, [C.POINTER(infermem_dispatch), C.c_uint32]),
    "dispatch_timer_start": (C.c_uint64, []),
    "dispatch_timer_stop": (C.c_int32, [C.POINTER(infermem_dispatch), C.c_uint32, C.c_uint64]),
    "dispatch_reset": (C.c_int32, [C.POINTER(infermem_dispatch)]),
    "dispatch_snapshot": (C.c_int32, [C.POINTER(infermem_dispatch), C.c_uint32, C.POINTER(infermem_dispatch_stats)]),
    "dispatch_histogram": (C.c_int32, [C.POINTER(infermem_dispatch), C.c_uint32, C.POINTER(C.c_uint64), C.c_size_t, C.POINTER(C.c_uint64)]),
    "dispatch_ratio": (C.c_double, [C.POINTER(infermem_dispatch), C.c_uint32]),
    "dispatch_speedup": (C.c_double, [C.POINTER(infermem_dispatch), C.c_uint32, C.c_uint32]),
    "dispatch_elapsed_ns": (C.c_uint64, [C.POINTER(infermem_dispatch)]),
    "dispatch_throughput": (C.c_double, [C.POINTER(infermem_dispatch)]),
    "dispatch_prometheus": (C.c_int32, [C.POINTER(infermem_dispatch), C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "dispatch_json": (C.c_int32, [C.POINTER(infermem_dispatch), C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "infermem_dtype_name": (C.c_char_p, [C.c_int32]),
    "infermem_dtype_block": (C.c_int32, [C.c_int32, C.POINTER(C.c_size_t), C.POINTER(C.c_size_t)]),
    "infermem_dtype_bytes": (C.c_int32, [C.c_int32, C.c_uint64, C.POINTER(C.c_uint64)]),
    "infermem_view_dlpack": (C.c_int32, [C.POINTER(infermem_view), C.POINTER(infermem_allocator), C.POINTER(C.POINTER(infermem_dlpack))]),
    "infermem_view_dlpack_unversioned": (C.c_int32, [C.POINTER(infermem_view), C.POINTER(infermem_allocator), C.POINTER(C.POINTER(infermem_dlpack_unversioned))]),
    "kv_new": (C.c_int32, [C.POINTER(infermem_kv_options), C.POINTER(C.POINTER(infermem_kv))]),
    "kv_free": (None, [C.POINTER(infermem_kv)]),
    "kv_append": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.c_size_t]),
    "kv_append_f16": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(C.c_uint16), C.c_size_t, C.POINTER(C.c_uint16), C.c_size_t, C.c_size_t]),
    "kv_append_bf16": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(C.c_uint16), C.c_size_t, C.POINTER(C.c_uint16), C.c_size_t, C.c_size_t]),
    "kv_advance": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t]),
    "kv_abort": (C.c_int32, [C.POINTER(infermem_kv)]),
    "kv_truncate": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t]),
    "kv_clear": (C.c_int32, [C.POINTER(infermem_kv)]),
    "kv_clear_zero": (C.c_int32, [C.POINTER(infermem_kv)]),
    "kv_keep": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.c_size_t, C.POINTER(C.c_size_t)]),
    "kv_copy_prefix": (C.c_int32, [C.POINTER(infermem_kv), C.POINTER(infermem_kv), C.c_size_t]),
    "kv_grow": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t]),
    "kv_prefetch": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t]),
    "kv_keys": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_view)]),
    "kv_values": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_view)]),
    "kv_keys_pending": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_view)]),
    "kv_values_pending": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_view)]),
    "kv_keys_mut": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_view)]),
    "kv_values_mut": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_view)]),
    "kv_read": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.c_int32, C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "kv_len": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_max": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_generation": (C.c_uint64, [C.POINTER(infermem_kv)]),
    "kv_layers": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_heads": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_head_dim": (C.c_size_t, [C.POINTER(infermem_kv), C.c_int32]),
    "kv_layer_stride": (C.c_size_t, [C.POINTER(infermem_kv), C.c_int32]),
    "kv_memory_bytes": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_memory_reserved": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_memory_committed": (C.c_size_t, [C.POINTER(infermem_kv)]),
    "kv_attend": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_kv_attend_options), C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "kv_attend_partial": (C.c_int32, [C.POINTER(infermem_kv), C.c_size_t, C.POINTER(infermem_kv_attend_options), C.c_size_t, C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "kv_attend_merge": (C.c_int32, [C.POINTER(C.c_float), C.c_size_t, C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "kv_save": (C.c_int32, [C.POINTER(infermem_kv), C.c_char_p, C.c_void_p, C.c_size_t]),
    "kv_save_to": (C.c_int32, [C.POINTER(infermem_kv), infermem_write_function, C.c_void_p, C.c_void_p, C.c_size_t]),
    "kv_load": (C.c_int32, [C.POINTER(infermem_kv), C.c_char_p, C.c_void_p, C.c_size_t]),
    "kv_load_from": (C.c_int32, [C.POINTER(infermem_kv), infermem_read_function, C.c_void_p, C.c_void_p, C.c_size_t]),
    "kv_verify": (C.c_int32, [C.c_char_p, C.POINTER(infermem_kv_saved)]),
    "kv_saved_bytes": (C.c_uint64, [C.POINTER(infermem_kv)]),
    "tape_new": (C.c_int32, [C.POINTER(infermem_tape_options), C.POINTER(C.POINTER(infermem_tape))]),
    "tape_free": (None, [C.POINTER(infermem_tape)]),
    "tape_alloc": (C.c_int32, [C.POINTER(infermem_tape), C.c_size_t, C.c_size_t, C.POINTER(C.c_void_p)]),
    "tape_alloc_array": (C.c_int32, [C.POINTER(infermem_tape), C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(C.c_void_p)]),
    "tape_mark": (C.c_int32, [C.POINTER(infermem_tape), C.POINTER(infermem_tape_mark)]),
    "tape_rewind": (C.c_int32, [C.POINTER(infermem_tape), C.POINTER(infermem_tape_mark)]),
    "tape_clear": (C.c_int32, [C.POINTER(infermem_tape)]),
    "tape_trim": (C.c_int32, [C.POINTER(infermem_tape)]),
    "tape_warm": (C.c_int32, [C.POINTER(infermem_tape)]),
    "tape_seal": (C.c_int32, [C.POINTER(infermem_tape)]),
    "tape_unseal": (C.c_int32, [C.POINTER(infermem_tape)]),
    "tape_used": (C.c_size_t, [C.POINTER(infermem_tape)]),
    "tape_free_bytes": (C.c_size_t, [C.POINTER(infermem_tape)]),
    "tape_total": (C.c_size_t, [C.POINTER(infermem_tape)]),
    "tape_peak": (C.c_size_t, [C.POINTER(infermem_tape)]),
    "tape_failures": (C.c_uint64, [C.POINTER(infermem_tape)]),
    "tape_generation": (C.c_uint64, [C.POINTER(infermem_tape)]),
    "tape_owns": (C.c_int32, [C.POINTER(infermem_tape), C.c_void_p]),
    "tape_info": (C.c_int32, [C.POINTER(infermem_tape), C.POINTER(infermem_tape_facts)]),
    "layout_new": (C.c_int32, [C.POINTER(infermem_layout_options), C.POINTER(C.POINTER(infermem_layout))]),
    "layout_free": (None, [C.POINTER(infermem_layout)]),
    "layout_weights": (C.POINTER(infermem_tape), [C.POINTER(infermem_layout)]),
    "layout_scratch": (C.POINTER(infermem_tape), [C.POINTER(infermem_layout)]),
    "layout_history": (C.POINTER(infermem_tape), [C.POINTER(infermem_layout)]),
    "layout_clear_pass": (C.c_int32, [C.POINTER(infermem_layout)]),
    "layout_clear_talk": (C.c_int32, [C.POINTER(infermem_layout)]),
    "layout_total": (C.c_size_t, [C.POINTER(infermem_layout)]),
    "layout_stat": (C.c_int32, [C.POINTER(infermem_layout), C.POINTER(infermem_layout_usage)]),
    "layout_stat_text": (C.c_int32, [C.POINTER(infermem_layout), C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "model_open": (C.c_int32, [C.c_char_p, C.POINTER(infermem_model_options), C.POINTER(C.POINTER(infermem_model))]),
    "model_open_bytes": (C.c_int32, [C.c_void_p, C.c_size_t, C.c_uint64, C.POINTER(infermem_model_options), C.POINTER(C.POINTER(infermem_model))]),
    "model_open_callback": (C.c_int32, [infermem_read_at_function, C.c_void_p, C.c_uint64, C.POINTER(infermem_model_options), C.POINTER(C.POINTER(infermem_model))]),
    "model_format": (C.c_int32, [C.POINTER(infermem_model)]),
    "model_part_count": (C.c_size_t, [C.POINTER(infermem_model)]),
    "model_part_path": (C.c_char_p, [C.POINTER(infermem_model), C.c_size_t]),
    "model_free": (None, [C.POINTER(infermem_model)]),
    "model_warning_count": (C.c_size_t, [C.POINTER(infermem_model)]),
    "model_warning": (C.c_char_p, [C.POINTER(infermem_model), C.c_size_t]),
    "model_config": (C.c_int32, [C.POINTER(infermem_model), C.POINTER(infermem_model_config)]),
    "model_layer": (C.c_int32, [C.POINTER(infermem_model), C.c_uint64, C.POINTER(infermem_model_layer)]),
    "model_weights": (C.c_int32, [C.POINTER(infermem_model), C.POINTER(infermem_model_weights)]),
    "infermem_config_validate": (C.c_int32, [C.POINTER(infermem_model_config)]),
    "infermem_config_layer": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.POINTER(infermem_model_layer)]),
    "infermem_config_weights": (C.c_int32, [C.POINTER(infermem_model_config), C.POINTER(infermem_model_weights)]),
    "model_tensor_count": (C.c_size_t, [C.POINTER(infermem_model)]),
    "model_tensor_info": (C.c_int32, [C.POINTER(infermem_model), C.c_size_t, C.POINTER(infermem_tensor_info)]),
    "model_tensor_find": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_size_t)]),
    "model_tensor_view": (C.c_int32, [C.POINTER(infermem_model), C.c_size_t, C.POINTER(infermem_view)]),
    "model_meta_count": (C.c_size_t, [C.POINTER(infermem_model)]),
    "model_meta_info": (C.c_int32, [C.POINTER(infermem_model), C.c_size_t, C.POINTER(infermem_meta_info)]),
    "model_meta_find": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_size_t)]),
    "model_meta_u64": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_uint64)]),
    "model_meta_i64": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_int64)]),
    "model_meta_f64": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_double)]),
    "model_meta_bool": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_int32)]),
    "model_meta_string": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.POINTER(C.c_char_p), C.POINTER(C.c_size_t)]),
    "model_meta_array_u64": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.c_uint64, C.c_size_t, C.POINTER(C.c_uint64)]),
    "model_meta_array_i64": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.c_uint64, C.c_size_t, C.POINTER(C.c_int64)]),
    "model_meta_array_f64": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.c_uint64, C.c_size_t, C.POINTER(C.c_double)]),
    "model_meta_array_strings": (C.c_int32, [C.POINTER(infermem_model), C.c_char_p, C.c_uint64, C.c_size_t, C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t), C.POINTER(C.c_size_t)]),
    "quant_from_f32": (C.c_int32, [C.POINTER(C.c_float), C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_from_f16": (C.c_int32, [C.POINTER(C.c_uint16), C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_from_bf16": (C.c_int32, [C.POINTER(C.c_uint16), C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_borrow": (C.c_int32, [C.c_int32, C.c_void_p, C.c_size_t, C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_from_gptq": (C.c_int32, [C.POINTER(infermem_quant_tensors), C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_from_awq": (C.c_int32, [C.POINTER(infermem_quant_tensors), C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_from_hqq": (C.c_int32, [C.POINTER(infermem_quant_tensors), C.c_size_t, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_free": (None, [C.POINTER(infermem_quant)]),
    "quant_to_f32": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_float), C.c_size_t]),
    "quant_to_f16": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_uint16), C.c_size_t]),
    "quant_to_bf16": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_uint16), C.c_size_t]),
    "quant_range_to_f32": (C.c_int32, [C.POINTER(infermem_quant), C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "quant_rows_to_f32": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_size_t), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "quant_error": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_float), C.c_size_t, C.POINTER(infermem_quant_errors)]),
    "quant_export": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_uint8), C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "quant_quantize": (C.c_int32, [C.c_int32, C.POINTER(C.c_float), C.c_size_t, C.c_size_t, C.c_size_t, C.c_void_p, C.c_size_t]),
    "quant_save": (C.c_int32, [C.POINTER(infermem_quant), C.c_char_p]),
    "quant_load": (C.c_int32, [C.c_char_p, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_load_bytes": (C.c_int32, [C.c_void_p, C.c_size_t, C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_verify": (C.c_int32, [C.POINTER(infermem_quant)]),
    "quant_gemv": (C.c_int32, [C.POINTER(infermem_quant), C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "quant_gemv_rows": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_size_t), C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "quant_dot_row": (C.c_int32, [C.POINTER(infermem_quant), C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.POINTER(C.c_float)]),
    "quant_gemm": (C.c_int32, [C.POINTER(infermem_quant), C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.c_size_t]),
    "quant_activations_bytes": (C.c_size_t, [C.c_size_t, C.c_size_t]),
    "quant_activations": (C.c_int32, [C.POINTER(C.c_float), C.c_size_t, C.c_size_t, C.c_size_t, C.c_void_p, C.c_size_t]),
    "quant_gemv_q8": (C.c_int32, [C.POINTER(infermem_quant), C.c_size_t, C.c_size_t, C.c_void_p, C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "quant_gemm_q8": (C.c_int32, [C.POINTER(infermem_quant), C.c_size_t, C.c_size_t, C.c_void_p, C.c_size_t, C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.c_size_t]),
    "quant_pack": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_unpack": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(infermem_quant_options), C.POINTER(C.POINTER(infermem_quant))]),
    "quant_shape": (C.c_int32, [C.POINTER(infermem_quant), C.POINTER(C.c_size_t), C.POINTER(C.c_size_t)]),
    "quant_bytes": (C.c_size_t, [C.POINTER(infermem_quant)]),
    "quant_bits": (C.c_int32, [C.POINTER(infermem_quant)]),
    "quant_group": (C.c_size_t, [C.POINTER(infermem_quant)]),
    "quant_params": (C.c_int32, [C.POINTER(infermem_quant)]),
    "quant_is_symmetric": (C.c_int32, [C.POINTER(infermem_quant)]),
    "quant_layout": (C.c_int32, [C.POINTER(infermem_quant)]),
    "quant_dtype": (C.c_int32, [C.POINTER(infermem_quant)]),
    "neuron_new": (C.c_int32, [C.POINTER(infermem_neuron_options), C.POINTER(C.POINTER(infermem_neuron))]),
    "neuron_free": (None, [C.POINTER(infermem_neuron)]),
    "neuron_record": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(C.c_uint32), C.c_size_t]),
    "neuron_record_mask": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(C.c_uint8), C.c_size_t]),
    "neuron_record_values": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(C.c_float), C.c_size_t, C.c_float]),
    "neuron_reclassify": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t]),
    "neuron_hot": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(C.POINTER(C.c_uint32)), C.POINTER(C.c_size_t)]),
    "neuron_cold": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(C.POINTER(C.c_uint32)), C.POINTER(C.c_size_t)]),
    "neuron_is_hot": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.c_uint32]),
    "neuron_frequency": (C.c_double, [C.POINTER(infermem_neuron), C.c_size_t, C.c_uint32]),
    "neuron_stat": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(infermem_neuron_counts)]),
    "neuron_clear": (C.c_int32, [C.POINTER(infermem_neuron)]),
    "neuron_coverage": (C.c_int32, [C.POINTER(infermem_neuron), C.c_size_t, C.POINTER(C.c_double), C.c_size_t, C.POINTER(C.c_double)]),
    "neuron_merge": (C.c_int32, [C.POINTER(infermem_neuron), C.POINTER(C.POINTER(infermem_neuron)), C.c_size_t]),
    "neuron_save": (C.c_int32, [C.POINTER(infermem_neuron), C.c_char_p]),
    "neuron_load": (C.c_int32, [C.c_char_p, C.POINTER(infermem_neuron_options), C.POINTER(C.POINTER(infermem_neuron))]),
    "neuron_store_new": (C.c_int32, [C.POINTER(infermem_neuron_store_options), C.POINTER(C.POINTER(infermem_neuron_store))]),
    "neuron_store_free": (None, [C.POINTER(infermem_neuron_store)]),
    "neuron_fetch": (C.c_int32, [C.POINTER(infermem_neuron_store), C.POINTER(C.c_uint32), C.c_size_t, C.POINTER(C.c_void_p)]),
    "neuron_store_release": (C.c_int32, [C.POINTER(infermem_neuron_store)]),
    "neuron_fetch_begin": (C.c_int32, [C.POINTER(infermem_neuron_store), C.POINTER(C.c_uint32), C.c_size_t, C.POINTER(C.c_void_p), C.POINTER(C.c_uint64)]),
    "neuron_fetch_is_ready": (C.c_int32, [C.POINTER(infermem_neuron_store), C.c_uint64]),
    "neuron_fetch_wait": (C.c_int32, [C.POINTER(infermem_neuron_store), C.c_uint64]),
    "neuron_fetch_end": (C.c_int32, [C.POINTER(infermem_neuron_store), C.c_uint64]),
    "neuron_store_loaded": (C.c_int32, [C.POINTER(infermem_neuron_store), C.c_uint64, C.c_int32]),
    "neuron_store_keep": (C.c_int32, [C.POINTER(infermem_neuron_store), C.POINTER(C.c_uint32), C.c_size_t]),
    "neuron_store_rank": (C.c_int32, [C.POINTER(infermem_neuron_store), C.POINTER(infermem_neuron)]),
    "neuron_store_has": (C.c_int32, [C.POINTER(infermem_neuron_store), C.c_uint32]),
    "neuron_store_stat": (C.c_int32, [C.POINTER(infermem_neuron_store), C.POINTER(infermem_neuron_store_facts)]),
    "pad_new": (C.c_int32, [C.POINTER(infermem_pad_options), C.POINTER(C.POINTER(infermem_pad))]),
    "pad_free": (None, [C.POINTER(infermem_pad)]),
    "pad_append": (C.c_int32, [C.POINTER(infermem_pad), C.c_void_p, C.c_size_t]),
    "pad_append_rows": (C.c_int32, [C.POINTER(infermem_pad), C.c_void_p, C.c_size_t, C.c_size_t]),
    "pad_append_f32": (C.c_int32, [C.POINTER(infermem_pad), C.POINTER(C.c_float), C.c_size_t, C.c_size_t]),
    "pad_view": (C.c_int32, [C.POINTER(infermem_pad), C.POINTER(infermem_view)]),
    "pad_truncate": (C.c_int32, [C.POINTER(infermem_pad), C.c_size_t]),
    "pad_clear": (C.c_int32, [C.POINTER(infermem_pad)]),
    "pad_len": (C.c_size_t, [C.POINTER(infermem_pad)]),
    "pad_capacity": (C.c_size_t, [C.POINTER(infermem_pad)]),
    "pad_dim": (C.c_size_t, [C.POINTER(infermem_pad)]),
    "pad_is_empty": (C.c_int32, [C.POINTER(infermem_pad)]),
    "pad_generation": (C.c_uint64, [C.POINTER(infermem_pad)]),
    "pad_text": (C.c_int32, [C.POINTER(infermem_pad), C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "scratch_new": (C.c_int32, [C.POINTER(infermem_model_config), C.POINTER(infermem_scratch_options), C.POINTER(C.POINTER(infermem_scratch))]),
    "scratch_free": (None, [C.POINTER(infermem_scratch)]),
    "scratch_f32": (C.c_int32, [C.POINTER(infermem_scratch), C.c_int32, C.POINTER(C.POINTER(C.c_float)), C.POINTER(C.c_size_t)]),
    "scratch_i8": (C.c_int32, [C.POINTER(infermem_scratch), C.c_int32, C.POINTER(C.POINTER(C.c_int8)), C.POINTER(C.c_size_t)]),
    "scratch_view": (C.c_int32, [C.POINTER(infermem_scratch), C.c_int32, C.POINTER(infermem_view)]),
    "scratch_reset": (C.c_int32, [C.POINTER(infermem_scratch)]),
    "scratch_reset_all": (C.c_int32, [C.POINTER(infermem_scratch)]),
    "scratch_total_bytes": (C.c_size_t, [C.POINTER(infermem_scratch)]),
    "scratch_separate_bytes": (C.c_size_t, [C.POINTER(infermem_scratch)]),
    "scratch_quantize_q8k": (C.c_int32, [C.POINTER(infermem_scratch), C.c_int32, C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "scratch_quantize_q8": (C.c_int32, [C.POINTER(infermem_scratch), C.c_size_t, C.POINTER(C.c_float), C.c_size_t]),
    "scratch_plan_new": (C.c_int32, [C.POINTER(infermem_scratch_lifetime), C.c_size_t, C.POINTER(infermem_scratch_plan_options), C.POINTER(C.POINTER(infermem_scratch_plan))]),
    "scratch_plan_free": (None, [C.POINTER(infermem_scratch_plan)]),
    "scratch_plan_offsets": (C.c_int32, [C.POINTER(infermem_scratch_plan), C.POINTER(C.POINTER(C.c_uint64)), C.POINTER(C.c_size_t)]),
    "scratch_plan_total_bytes": (C.c_uint64, [C.POINTER(infermem_scratch_plan)]),
    "scratch_plan_separate_bytes": (C.c_uint64, [C.POINTER(infermem_scratch_plan)]),
    "plan_device_from": (C.c_int32, [C.POINTER(infermem_device_facts), C.POINTER(infermem_plan_device)]),
    "plan_new": (C.c_int32, [C.POINTER(infermem_model), C.POINTER(infermem_model_config), C.POINTER(infermem_plan_device), C.c_size_t, C.POINTER(infermem_plan_options), C.POINTER(C.POINTER(infermem_plan))]),
    "plan_free": (None, [C.POINTER(infermem_plan)]),
    "plan_mode": (C.c_int32, [C.POINTER(infermem_plan)]),
    "plan_query": (C.c_int32, [C.POINTER(infermem_plan), C.c_uint32, C.c_uint32, C.POINTER(C.c_uint64)]),
    "plan_term_count": (C.c_size_t, [C.POINTER(infermem_plan)]),
    "plan_term": (C.c_int32, [C.POINTER(infermem_plan), C.c_size_t, C.POINTER(infermem_plan_term_facts)]),
    "plan_layer": (C.c_int32, [C.POINTER(infermem_plan), C.c_uint64, C.POINTER(infermem_plan_layer_facts)]),
    "plan_advice_count": (C.c_size_t, [C.POINTER(infermem_plan)]),
    "plan_advice": (C.c_int32, [C.POINTER(infermem_plan), C.c_size_t, C.POINTER(infermem_plan_advice_facts)]),
    "plan_text": (C.c_int32, [C.POINTER(infermem_plan), C.c_uint32, C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "plan_json": (C.c_int32, [C.POINTER(infermem_plan), C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "plan_build_layout": (C.c_int32, [C.POINTER(infermem_plan), C.POINTER(C.POINTER(infermem_layout))]),
    "plan_build_scratch": (C.c_int32, [C.POINTER(infermem_plan), C.POINTER(infermem_tape), C.POINTER(C.POINTER(infermem_scratch))]),
    "plan_build_kv": (C.c_int32, [C.POINTER(infermem_plan), C.POINTER(infermem_tape), C.POINTER(C.POINTER(infermem_kv))]),
    "plan_audit": (C.c_int32, [C.POINTER(infermem_plan), C.POINTER(infermem_plan_measure), C.c_size_t]),
    "plan_audit_text": (C.c_int32, [C.POINTER(infermem_plan), C.POINTER(infermem_plan_measure), C.c_size_t, C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "plan_estimate_layer": (C.c_int32, [C.POINTER(infermem_model_config), C.POINTER(C.c_uint64)]),
    "plan_estimate_kv": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.POINTER(C.c_uint64)]),
    "plan_estimate_full": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.POINTER(C.c_uint64)]),
    "plan_estimate_streaming": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.POINTER(C.c_uint64)]),
    "plan_estimate_prefill_cache": (C.c_int32, [C.POINTER(infermem_model_config), C.c_int32, C.POINTER(C.c_uint64)]),
    "plan_estimate_mode": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.c_uint64, C.POINTER(C.c_int32)]),
    "plan_should_stream": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.c_uint64, C.POINTER(C.c_int32)]),
    "plan_mode_text": (C.c_char_p, [C.c_int32]),
    "plan_estimate_text": (C.c_int32, [C.POINTER(infermem_model_config), C.c_uint64, C.c_uint64, C.c_uint64, C.POINTER(C.c_char), C.c_size_t, C.POINTER(C.c_size_t)]),
    "infermem_simd_name": (C.c_char_p, []),
    "infermem_simd_available": (C.c_char_p, [C.c_size_t]),
    "infermem_simd_select": (C.c_int32, [C.c_char_p]),
}
