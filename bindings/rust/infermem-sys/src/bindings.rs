// Every constant, struct and function of the library. Written by src/abi/generate.py from the public headers.

use std::os::raw::{c_char, c_void};

pub const INFERMEM_VERSION_MAJOR: u32 = 0;
pub const INFERMEM_VERSION_MINOR: u32 = 1;
pub const INFERMEM_VERSION_PATCH: u32 = 0;
pub const INFERMEM_VERSION_STRING: &str = "0.1.0";
pub const INFERMEM_OK: i32 = 0;
pub const INFERMEM_E_NULL: i32 = -1;
pub const INFERMEM_E_ARG: i32 = -2;
pub const INFERMEM_E_HANDLE: i32 = -3;
pub const INFERMEM_E_STRUCT: i32 = -4;
pub const INFERMEM_E_OVERFLOW: i32 = -5;
pub const INFERMEM_E_NOMEM: i32 = -6;
pub const INFERMEM_E_SYSTEM: i32 = -7;
pub const INFERMEM_E_UNSUPPORTED: i32 = -8;
pub const INFERMEM_E_FULL: i32 = -9;
pub const INFERMEM_E_SEALED: i32 = -10;
pub const INFERMEM_E_STALE: i32 = -11;
pub const INFERMEM_E_STATE: i32 = -12;
pub const INFERMEM_E_SHAPE: i32 = -13;
pub const INFERMEM_E_RANGE: i32 = -14;
pub const INFERMEM_E_TYPE: i32 = -15;
pub const INFERMEM_E_NOT_FOUND: i32 = -16;
pub const INFERMEM_E_NOT_FINITE: i32 = -17;
pub const INFERMEM_E_INCOMPLETE: i32 = -18;
pub const INFERMEM_E_BUFFER: i32 = -19;
pub const INFERMEM_E_IO: i32 = -20;
pub const INFERMEM_E_FORMAT: i32 = -21;
pub const INFERMEM_E_TRUNCATED: i32 = -22;
pub const INFERMEM_E_VERSION: i32 = -23;
pub const INFERMEM_E_LIMIT: i32 = -24;
pub const INFERMEM_E_CORRUPT: i32 = -25;
pub const INFERMEM_E_FINGERPRINT: i32 = -26;
pub const INFERMEM_LOG_DEBUG: u32 = 1;
pub const INFERMEM_LOG_INFO: u32 = 2;
pub const INFERMEM_LOG_WARN: u32 = 3;
pub const INFERMEM_DEVICE_NO_CUDA: u32 = 1;
pub const INFERMEM_DEVICE_NO_AMD: u32 = 2;
pub const INFERMEM_DEVICE_WHY_NONE: u32 = 0;
pub const INFERMEM_DEVICE_WHY_DISABLED: u32 = 1;
pub const INFERMEM_DEVICE_WHY_NO_DRIVER: u32 = 2;
pub const INFERMEM_DEVICE_WHY_STUB: u32 = 3;
pub const INFERMEM_DEVICE_WHY_NO_SYMBOL: u32 = 4;
pub const INFERMEM_DEVICE_WHY_TOO_OLD: u32 = 5;
pub const INFERMEM_DEVICE_WHY_MISMATCH: u32 = 6;
pub const INFERMEM_DEVICE_WHY_PERMISSION: u32 = 7;
pub const INFERMEM_DEVICE_WHY_FORKED: u32 = 8;
pub const INFERMEM_DEVICE_WHY_HIDDEN: u32 = 9;
pub const INFERMEM_DEVICE_WHY_NO_DEVICE: u32 = 10;
pub const INFERMEM_DEVICE_WHY_FAILED: u32 = 11;
pub const INFERMEM_DEVICE_SOURCE_NONE: u32 = 0;
pub const INFERMEM_DEVICE_SOURCE_NVML: u32 = 1;
pub const INFERMEM_DEVICE_SOURCE_HOST: u32 = 2;
pub const INFERMEM_DEVICE_SOURCE_SYSFS: u32 = 3;
pub const INFERMEM_HOST_TOTAL: u32 = 1;
pub const INFERMEM_HOST_AVAILABLE: u32 = 2;
pub const INFERMEM_HOST_CGROUP: u32 = 4;
pub const INFERMEM_HOST_EFFECTIVE: u32 = 8;
pub const INFERMEM_HOST_HUGE_PAGES: u32 = 16;
pub const INFERMEM_HOST_NUMA: u32 = 32;
pub const INFERMEM_DISPATCH_MAX_BACKENDS: u32 = 32;
pub const INFERMEM_DISPATCH_MAX_NAME: u32 = 63;
pub const INFERMEM_DISPATCH_MAX_BOUNDS: u32 = 256;
pub const INFERMEM_DISPATCH_CPU: u32 = 0;
pub const INFERMEM_DISPATCH_GPU: u32 = 1;
pub const INFERMEM_DTYPE_F32: i32 = 0;
pub const INFERMEM_DTYPE_F16: i32 = 1;
pub const INFERMEM_DTYPE_Q4_0: i32 = 2;
pub const INFERMEM_DTYPE_Q4_1: i32 = 3;
pub const INFERMEM_DTYPE_Q5_0: i32 = 6;
pub const INFERMEM_DTYPE_Q5_1: i32 = 7;
pub const INFERMEM_DTYPE_Q8_0: i32 = 8;
pub const INFERMEM_DTYPE_Q8_1: i32 = 9;
pub const INFERMEM_DTYPE_Q2_K: i32 = 10;
pub const INFERMEM_DTYPE_Q3_K: i32 = 11;
pub const INFERMEM_DTYPE_Q4_K: i32 = 12;
pub const INFERMEM_DTYPE_Q5_K: i32 = 13;
pub const INFERMEM_DTYPE_Q6_K: i32 = 14;
pub const INFERMEM_DTYPE_Q8_K: i32 = 15;
pub const INFERMEM_DTYPE_IQ2_XXS: i32 = 16;
pub const INFERMEM_DTYPE_IQ2_XS: i32 = 17;
pub const INFERMEM_DTYPE_IQ3_XXS: i32 = 18;
pub const INFERMEM_DTYPE_IQ1_S: i32 = 19;
pub const INFERMEM_DTYPE_IQ4_NL: i32 = 20;
pub const INFERMEM_DTYPE_IQ3_S: i32 = 21;
pub const INFERMEM_DTYPE_IQ2_S: i32 = 22;
pub const INFERMEM_DTYPE_IQ4_XS: i32 = 23;
pub const INFERMEM_DTYPE_I8: i32 = 24;
pub const INFERMEM_DTYPE_I16: i32 = 25;
pub const INFERMEM_DTYPE_I32: i32 = 26;
pub const INFERMEM_DTYPE_I64: i32 = 27;
pub const INFERMEM_DTYPE_F64: i32 = 28;
pub const INFERMEM_DTYPE_IQ1_M: i32 = 29;
pub const INFERMEM_DTYPE_BF16: i32 = 30;
pub const INFERMEM_DTYPE_TQ1_0: i32 = 34;
pub const INFERMEM_DTYPE_TQ2_0: i32 = 35;
pub const INFERMEM_DTYPE_MXFP4: i32 = 39;
pub const INFERMEM_DTYPE_NVFP4: i32 = 40;
pub const INFERMEM_DTYPE_Q1_0: i32 = 41;
pub const INFERMEM_DTYPE_Q2_0: i32 = 42;
pub const INFERMEM_DTYPE_BOOL: i32 = -101;
pub const INFERMEM_DTYPE_U8: i32 = -102;
pub const INFERMEM_DTYPE_U16: i32 = -103;
pub const INFERMEM_DTYPE_U32: i32 = -104;
pub const INFERMEM_DTYPE_U64: i32 = -105;
pub const INFERMEM_DTYPE_F8_E4M3: i32 = -106;
pub const INFERMEM_DTYPE_F8_E5M2: i32 = -107;
pub const INFERMEM_DTYPE_F8_E8M0: i32 = -108;
pub const INFERMEM_DTYPE_F8_E4M3FNUZ: i32 = -109;
pub const INFERMEM_DTYPE_F8_E5M2FNUZ: i32 = -110;
pub const INFERMEM_DTYPE_C64: i32 = -111;
pub const INFERMEM_DTYPE_F4: i32 = -112;
pub const INFERMEM_DTYPE_F6_E2M3: i32 = -113;
pub const INFERMEM_DTYPE_F6_E3M2: i32 = -114;
pub const INFERMEM_DTYPE_UNKNOWN: i32 = -1;
pub const INFERMEM_MAX_DIMS: u32 = 4;
pub const INFERMEM_VIEW_READONLY: u32 = 1;
pub const INFERMEM_DLPACK_CPU: u32 = 1;
pub const INFERMEM_DLPACK_INT: u32 = 0;
pub const INFERMEM_DLPACK_FLOAT: u32 = 2;
pub const INFERMEM_DLPACK_BFLOAT: u32 = 4;
pub const INFERMEM_DLPACK_READONLY: u32 = 1;
pub const INFERMEM_DLPACK_MAJOR: u32 = 1;
pub const INFERMEM_DLPACK_MINOR: u32 = 0;
pub const INFERMEM_KV_K: u32 = 0;
pub const INFERMEM_KV_V: u32 = 1;
pub const INFERMEM_KV_MAX_FINGERPRINT: u32 = 64;
pub const INFERMEM_KV_ROTATE_K: u32 = 1;
pub const INFERMEM_KV_ROTATE_V: u32 = 2;
pub const INFERMEM_KV_STREAM: u32 = 4;
pub const INFERMEM_TAPE_WARM: u32 = 1;
pub const INFERMEM_TAPE_LAZY: u32 = 2;
pub const INFERMEM_TAPE_HUGE: u32 = 4;
pub const INFERMEM_TAPE_LOCK: u32 = 8;
pub const INFERMEM_TAPE_ZERO_ON_CLEAR: u32 = 16;
pub const INFERMEM_TAPE_GUARD: u32 = 32;
pub const INFERMEM_TAPE_SHARED: u32 = 64;
pub const INFERMEM_TAPE_EXCLUSIVE: u32 = 128;
pub const INFERMEM_TAPE_NUMA: u32 = 256;
pub const INFERMEM_TAPE_REQUIRE: u32 = 512;
pub const INFERMEM_MODEL_MAX_KEY: u32 = 65535;
pub const INFERMEM_MODEL_MAX_NAME: u32 = 64;
pub const INFERMEM_MODEL_MIN_ALIGNMENT: u32 = 8;
pub const INFERMEM_MODEL_MAX_ALIGNMENT: u32 = 1048576;
pub const INFERMEM_MODEL_MAX_PARTS: u32 = 4096;
pub const INFERMEM_MODEL_MAX_HEADER: u32 = 100000000;
pub const INFERMEM_MODEL_MAX_SHAPE: u32 = 8;
pub const INFERMEM_MODEL_MAX_CONFIG: u32 = 16777216;
pub const INFERMEM_MODEL_MAX_NESTING: u32 = 64;
pub const INFERMEM_MODEL_MAX_VALUES: u32 = 524288;
pub const INFERMEM_MODEL_MAX_KEPT: u32 = 33554432;
pub const INFERMEM_MODEL_MAX_METADATA: u32 = 1073741824;
pub const INFERMEM_MODEL_MAX_LAYERS: u32 = 4096;
pub const INFERMEM_FORMAT_GGUF: u32 = 1;
pub const INFERMEM_FORMAT_SAFETENSORS: u32 = 2;
pub const INFERMEM_FORMAT_CONFIG: u32 = 3;
pub const INFERMEM_MODEL_NO_DATA: u32 = 1;
pub const INFERMEM_META_U8: u32 = 0;
pub const INFERMEM_META_I8: u32 = 1;
pub const INFERMEM_META_U16: u32 = 2;
pub const INFERMEM_META_I16: u32 = 3;
pub const INFERMEM_META_U32: u32 = 4;
pub const INFERMEM_META_I32: u32 = 5;
pub const INFERMEM_META_F32: u32 = 6;
pub const INFERMEM_META_BOOL: u32 = 7;
pub const INFERMEM_META_STRING: u32 = 8;
pub const INFERMEM_META_ARRAY: u32 = 9;
pub const INFERMEM_META_U64: u32 = 10;
pub const INFERMEM_META_I64: u32 = 11;
pub const INFERMEM_META_F64: u32 = 12;
pub const INFERMEM_CONFIG_ENCODER: u32 = 1;
pub const INFERMEM_CONFIG_MLA_EXPANDED: u32 = 2;
pub const INFERMEM_CONFIG_PARALLEL_MIXERS: u32 = 4;
pub const INFERMEM_CONFIG_QKV_BIAS: u32 = 8;
pub const INFERMEM_CONFIG_BIAS: u32 = 16;
pub const INFERMEM_CONFIG_NORM_BIAS: u32 = 32;
pub const INFERMEM_CONFIG_QK_NORM: u32 = 64;
pub const INFERMEM_CONFIG_QK_NORM_WIDE: u32 = 128;
pub const INFERMEM_CONFIG_POST_NORMS: u32 = 256;
pub const INFERMEM_CONFIG_ONE_NORM: u32 = 512;
pub const INFERMEM_CONFIG_UNGATED: u32 = 1024;
pub const INFERMEM_CONFIG_GATED_ATTENTION: u32 = 2048;
pub const INFERMEM_CONFIG_POSITIONS: u32 = 4096;
pub const INFERMEM_CONFIDENCE_EXACT: u32 = 1;
pub const INFERMEM_CONFIDENCE_MODELLED: u32 = 2;
pub const INFERMEM_CONFIDENCE_ROUGH: u32 = 3;
pub const INFERMEM_LAYER_ATTENTION: u32 = 1;
pub const INFERMEM_LAYER_WINDOW: u32 = 2;
pub const INFERMEM_LAYER_MLA: u32 = 3;
pub const INFERMEM_LAYER_RECURRENT: u32 = 4;
pub const INFERMEM_LAYER_BOTH: u32 = 5;
pub const INFERMEM_LAYER_NONE: u32 = 6;
pub const INFERMEM_QUANT_SAVED_ALIGN: u32 = 64;
pub const INFERMEM_QUANT_NATIVE: i32 = -1;
pub const INFERMEM_QUANT_PLAIN: u32 = 0;
pub const INFERMEM_QUANT_PACKED: u32 = 1;
pub const INFERMEM_QUANT_REFUSE: u32 = 0;
pub const INFERMEM_QUANT_CLAMP: u32 = 1;
pub const INFERMEM_QUANT_NO_VERIFY: u32 = 1;
pub const INFERMEM_NEURON_STRICT: u32 = 1;
pub const INFERMEM_NEURON_LRU: u32 = 0;
pub const INFERMEM_NEURON_LFU: u32 = 1;
pub const INFERMEM_NEURON_HOT: u32 = 2;
pub const INFERMEM_NEURON_PENDING: u32 = 1;
pub const INFERMEM_SCRATCH_PLAN_MAX: u32 = 8192;
pub const INFERMEM_SCRATCH_HIDDEN: u32 = 0;
pub const INFERMEM_SCRATCH_NORMED: u32 = 1;
pub const INFERMEM_SCRATCH_QKV: u32 = 2;
pub const INFERMEM_SCRATCH_Q: u32 = 3;
pub const INFERMEM_SCRATCH_K: u32 = 4;
pub const INFERMEM_SCRATCH_V: u32 = 5;
pub const INFERMEM_SCRATCH_ATTN_OUT: u32 = 6;
pub const INFERMEM_SCRATCH_ATTN_PROJ: u32 = 7;
pub const INFERMEM_SCRATCH_FFN_UP: u32 = 8;
pub const INFERMEM_SCRATCH_FFN_GATE: u32 = 9;
pub const INFERMEM_SCRATCH_FFN_DOWN: u32 = 10;
pub const INFERMEM_SCRATCH_LOGITS: u32 = 11;
pub const INFERMEM_SCRATCH_EXPANDED_V: u32 = 12;
pub const INFERMEM_SCRATCH_Q8_SCALES: u32 = 13;
pub const INFERMEM_SCRATCH_Q8_QUANTS: u32 = 14;
pub const INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES: u32 = 15;
pub const INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS: u32 = 16;
pub const INFERMEM_SCRATCH_Q8K_INTER_SCALES: u32 = 17;
pub const INFERMEM_SCRATCH_Q8K_INTER_QUANTS: u32 = 18;
pub const INFERMEM_SCRATCH_COUNT: u32 = 19;
pub const INFERMEM_SCRATCH_OVERLAP: u32 = 1;
pub const INFERMEM_SCRATCH_Q8: u32 = 2;
pub const INFERMEM_SCRATCH_EXPAND_V: u32 = 4;
pub const INFERMEM_SCRATCH_Q8K_HIDDEN: u32 = 0;
pub const INFERMEM_SCRATCH_Q8K_INTER: u32 = 1;
pub const INFERMEM_PLAN_MAX_DEVICES: u32 = 64;
pub const INFERMEM_PLAN_MAX_CONTEXT: u32 = 2147483648;
pub const INFERMEM_PLAN_MARGIN: u32 = 1073741824;
pub const INFERMEM_PLAN_HOST_MARGIN: u32 = 536870912;
pub const INFERMEM_PLAN_DRIVER: u32 = 314572800;
pub const INFERMEM_PLAN_PCIE3: u64 = 11000000000;
pub const INFERMEM_PLAN_PCIE4: u64 = 24000000000;
pub const INFERMEM_PLAN_PCIE5: u64 = 52000000000;
pub const INFERMEM_PLAN_PLACE_HOST: u32 = 4294967294;
pub const INFERMEM_PLAN_PLACE_ALL: u32 = 4294967295;
pub const INFERMEM_PLAN_KINDS: u32 = 11;
pub const INFERMEM_PLAN_FULL_CACHE: u32 = 1;
pub const INFERMEM_PLAN_PARTIAL: u32 = 2;
pub const INFERMEM_PLAN_LAYER_STREAMING: u32 = 3;
pub const INFERMEM_PLAN_HOST: u32 = 4;
pub const INFERMEM_PLAN_INSUFFICIENT: u32 = 5;
pub const INFERMEM_PLAN_PLAIN: u32 = 1;
pub const INFERMEM_PLAN_CELLS: u32 = 2;
pub const INFERMEM_PLAN_BLOCKS: u32 = 3;
pub const INFERMEM_PLAN_STEP_NONE: u32 = 1;
pub const INFERMEM_PLAN_STEP_QUANTIZE_KV: u32 = 2;
pub const INFERMEM_PLAN_STEP_HOST_EXPERTS: u32 = 4;
pub const INFERMEM_PLAN_STEP_SOME_LAYERS: u32 = 8;
pub const INFERMEM_PLAN_STEP_ALL_LAYERS: u32 = 16;
pub const INFERMEM_PLAN_STEP_HOST: u32 = 32;
pub const INFERMEM_PLAN_NO_FLASH_ATTENTION: u32 = 1;
pub const INFERMEM_PLAN_UNIFIED_KV: u32 = 2;
pub const INFERMEM_PLAN_SWA_FULL: u32 = 4;
pub const INFERMEM_PLAN_SWA_QUANTIZED: u32 = 8;
pub const INFERMEM_PLAN_NEXTN: u32 = 16;
pub const INFERMEM_PLAN_EXPERT_WISE: u32 = 32;
pub const INFERMEM_PLAN_DEQUANT_F8: u32 = 64;
pub const INFERMEM_PLAN_DEQUANT_F16: u32 = 128;
pub const INFERMEM_PLAN_NO_MARGIN: u32 = 256;
pub const INFERMEM_PLAN_MLA_MODEL: u32 = 0;
pub const INFERMEM_PLAN_MLA_LATENT: u32 = 1;
pub const INFERMEM_PLAN_MLA_LATENT_V: u32 = 2;
pub const INFERMEM_PLAN_MLA_FULL: u32 = 3;
pub const INFERMEM_PLAN_DEVICE_UNIFIED: u32 = 1;
pub const INFERMEM_PLAN_DEVICE_HAS_CONTEXT: u32 = 2;
pub const INFERMEM_PLAN_WEIGHTS: u32 = 1;
pub const INFERMEM_PLAN_HOST_EMBEDDING: u32 = 2;
pub const INFERMEM_PLAN_KV_GLOBAL: u32 = 3;
pub const INFERMEM_PLAN_KV_WINDOW: u32 = 4;
pub const INFERMEM_PLAN_RECURRENT: u32 = 5;
pub const INFERMEM_PLAN_COMPUTE: u32 = 6;
pub const INFERMEM_PLAN_OUTPUT: u32 = 7;
pub const INFERMEM_PLAN_STAGING: u32 = 8;
pub const INFERMEM_PLAN_DEQUANT: u32 = 9;
pub const INFERMEM_PLAN_DRIVER_CONTEXT: u32 = 10;
pub const INFERMEM_PLAN_MARGIN_LEFT: u32 = 11;
pub const INFERMEM_PLAN_TOTAL_BYTES: u32 = 32;
pub const INFERMEM_PLAN_FREE_BYTES: u32 = 33;
pub const INFERMEM_PLAN_RESIDENT_LAYERS: u32 = 34;
pub const INFERMEM_PLAN_LAYERS: u32 = 35;
pub const INFERMEM_PLAN_STREAMED_LAYERS: u32 = 36;
pub const INFERMEM_PLAN_HOST_EXPERT_LAYERS: u32 = 37;
pub const INFERMEM_PLAN_CONTEXT: u32 = 38;
pub const INFERMEM_PLAN_MAX_CONTEXT_FITS: u32 = 39;
pub const INFERMEM_PLAN_CONTEXT_STEP: u32 = 40;
pub const INFERMEM_PLAN_K_TYPE: u32 = 41;
pub const INFERMEM_PLAN_V_TYPE: u32 = 42;
pub const INFERMEM_PLAN_LARGEST_TERM: u32 = 43;
pub const INFERMEM_PLAN_LARGEST_LAYER_BYTES: u32 = 44;
pub const INFERMEM_PLAN_SLOTS: u32 = 45;
pub const INFERMEM_PLAN_STREAM_SOURCE: u32 = 46;
pub const INFERMEM_PLAN_STREAM_BYTES: u32 = 47;
pub const INFERMEM_PLAN_MILLI_TOKENS: u32 = 48;
pub const INFERMEM_PLAN_FULL_NEEDS_BYTES: u32 = 49;
pub const INFERMEM_PLAN_NEEDS_BYTES: u32 = 50;
pub const INFERMEM_PLAN_NOTES: u32 = 51;
pub const INFERMEM_PLAN_SOURCE_NONE: u32 = 0;
pub const INFERMEM_PLAN_SOURCE_HOST: u32 = 1;
pub const INFERMEM_PLAN_SOURCE_FILE: u32 = 2;
pub const INFERMEM_PLAN_NOTE_CONTEXT_GUESSED: u32 = 1;
pub const INFERMEM_PLAN_NOTE_CONTEXT_BEYOND: u32 = 2;
pub const INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED: u32 = 4;
pub const INFERMEM_PLAN_NOTE_KV_QUANTIZED: u32 = 8;
pub const INFERMEM_PLAN_NOTE_ROUGH_COMPUTE: u32 = 16;
pub const INFERMEM_PLAN_NOTE_HOST_UNKNOWN: u32 = 32;
pub const INFERMEM_PLAN_NOTE_WINDOW_F16: u32 = 64;
pub const INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT: u32 = 128;
pub const INFERMEM_PLAN_NOTE_HOST_LACKS: u32 = 256;
pub const INFERMEM_PLAN_ADVICE_CONTEXT: u32 = 1;
pub const INFERMEM_PLAN_ADVICE_KV_TYPE: u32 = 2;
pub const INFERMEM_PLAN_ADVICE_MEMORY: u32 = 3;
pub const INFERMEM_PLAN_ADVICE_LAYERS: u32 = 4;
pub const INFERMEM_PLAN_ADVICE_ALLOW: u32 = 5;
pub const INFERMEM_PLAN_ADVICE_HOST_MEMORY: u32 = 6;
pub const INFERMEM_PLAN_ADVICE_WEIGHTS: u32 = 7;
pub const INFERMEM_PLAN_TEXT_UTF8: u32 = 1;

/// A handle.
#[repr(C)]
pub struct infermem_tape {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_device_list {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_dispatch {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_kv {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_layout {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_model {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_quant {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_neuron {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_neuron_store {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_pad {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_scratch {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_scratch_plan {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

/// A handle.
#[repr(C)]
pub struct infermem_plan {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
}

pub type infermem_allocator_allocate = unsafe extern "C" fn(context: *mut c_void, size: usize, align: usize) -> *mut c_void;
pub type infermem_allocator_release = unsafe extern "C" fn(context: *mut c_void, pointer: *mut c_void, size: usize, align: usize);
pub type infermem_log_function = unsafe extern "C" fn(context: *mut c_void, level: i32, message: *const c_char);
pub type infermem_dlpack_deleter = unsafe extern "C" fn(self_: *mut infermem_dlpack);
pub type infermem_dlpack_unversioned_deleter = unsafe extern "C" fn(self_: *mut infermem_dlpack_unversioned);
pub type infermem_write_function = unsafe extern "C" fn(context: *mut c_void, bytes: *const c_void, n: usize) -> i64;
pub type infermem_read_function = unsafe extern "C" fn(context: *mut c_void, out: *mut c_void, n: usize) -> i64;
pub type infermem_read_at_function = unsafe extern "C" fn(context: *mut c_void, offset: u64, out: *mut c_void, n: usize) -> i64;
pub type infermem_neuron_load_function = unsafe extern "C" fn(context: *mut c_void, load: u64, ids: *const u32, n: usize, rows: *const *mut c_void) -> i32;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_allocator {
    pub struct_size: usize,
    pub allocate: Option<infermem_allocator_allocate>,
    pub release: Option<infermem_allocator_release>,
    pub context: *mut c_void,
}

impl Default for infermem_allocator {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_error {
    pub code: i32,
    pub os_error: i32,
    pub expected: u64,
    pub got: u64,
    pub function: *const c_char,
    pub message: [c_char; 192],
}

impl Default for infermem_error {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_device_options {
    pub struct_size: usize,
    pub flags: u32,
    pub reserved: u32,
    pub cuda_path: *const c_char,
    pub nvml_path: *const c_char,
    pub root: *const c_char,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_device_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_device_facts {
    pub struct_size: usize,
    pub name: [c_char; 96],
    pub uuid: [c_char; 48],
    pub bus_id: [c_char; 32],
    pub vendor: u32,
    pub ordinal: u32,
    pub driver_version: u32,
    pub cc_major: u32,
    pub cc_minor: u32,
    pub is_unified: u32,
    pub is_mig: u32,
    pub free_known: u32,
    pub free_source: u32,
    pub reserved: u32,
    pub total_bytes: u64,
    pub free_bytes: u64,
    pub reserved_bytes: u64,
    pub timestamp_ns: u64,
}

impl Default for infermem_device_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_host_facts {
    pub struct_size: usize,
    pub known: u32,
    pub n_numa_nodes: u32,
    pub total_bytes: u64,
    pub available_bytes: u64,
    pub cgroup_limit_bytes: u64,
    pub cgroup_used_bytes: u64,
    pub effective_bytes: u64,
    pub page_size: u64,
    pub huge_page_size: u64,
    pub huge_pages_total: u64,
    pub huge_pages_free: u64,
    pub timestamp_ns: u64,
}

impl Default for infermem_host_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_dispatch_options {
    pub struct_size: usize,
    pub n_backends: u32,
    pub resolution: u32,
    pub names: *const *const c_char,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_dispatch_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_dispatch_stats {
    pub struct_size: usize,
    pub dispatches: u64,
    pub latencies: u64,
    pub sum_ns: u64,
    pub min_ns: u64,
    pub max_ns: u64,
    pub p50_ns: u64,
    pub p90_ns: u64,
    pub p95_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub mean_ns: f64,
    pub variance_ns2: f64,
    pub deviation_ns: f64,
    pub variation_percent: f64,
}

impl Default for infermem_dispatch_stats {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_view {
    pub data: *mut c_void,
    pub dtype: i32,
    pub flags: u32,
    pub n_dims: u32,
    pub reserved: u32,
    pub bytes: u64,
    pub shape: [u64; 4],
    pub strides: [i64; 4],
}

impl Default for infermem_view {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_dlpack_tensor {
    pub data: *mut c_void,
    pub device_type: i32,
    pub device_id: i32,
    pub n_dims: i32,
    pub type_code: u8,
    pub type_bits: u8,
    pub type_lanes: u16,
    pub shape: *mut i64,
    pub strides: *mut i64,
    pub byte_offset: u64,
}

impl Default for infermem_dlpack_tensor {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_dlpack {
    pub version_major: u32,
    pub version_minor: u32,
    pub manager: *mut c_void,
    pub deleter: Option<infermem_dlpack_deleter>,
    pub flags: u64,
    pub tensor: infermem_dlpack_tensor,
}

impl Default for infermem_dlpack {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_dlpack_unversioned {
    pub tensor: infermem_dlpack_tensor,
    pub manager: *mut c_void,
    pub deleter: Option<infermem_dlpack_unversioned_deleter>,
}

impl Default for infermem_dlpack_unversioned {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_kv_options {
    pub struct_size: usize,
    pub n_layers: usize,
    pub n_kv_heads: usize,
    pub head_dim: usize,
    pub head_dim_v: usize,
    pub max_tokens: usize,
    pub k_type: i32,
    pub v_type: i32,
    pub tape: *const infermem_tape,
    pub allocator: *const infermem_allocator,
    pub k_types: *const i32,
    pub v_types: *const i32,
    pub growable: usize,
    pub flags: u32,
    pub reserved: u32,
}

impl Default for infermem_kv_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_kv_attend_options {
    pub struct_size: usize,
    pub n_q_heads: usize,
    pub n_q_tokens: usize,
    pub n_after: usize,
    pub window: usize,
    pub scale: f32,
    pub soft_cap: f32,
}

impl Default for infermem_kv_attend_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_kv_saved {
    pub struct_size: usize,
    pub n_tokens: u64,
    pub n_layers: u64,
    pub n_kv_heads: u64,
    pub head_dim: u64,
    pub head_dim_v: u64,
    pub file_bytes: u64,
    pub k_type: i32,
    pub v_type: i32,
    pub is_mixed: u32,
    pub flags: u32,
    pub n_fingerprint: u32,
    pub reserved: u32,
    pub fingerprint: [u8; 64],
}

impl Default for infermem_kv_saved {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_tape_options {
    pub struct_size: usize,
    pub size: usize,
    pub flags: u32,
    pub reserved: u32,
    pub numa_nodes: u64,
    pub lent: *mut c_void,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_tape_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_tape_facts {
    pub struct_size: usize,
    pub base: *mut c_void,
    pub total: usize,
    pub page_size: usize,
    pub requested: u32,
    pub granted: u32,
    pub fd: i32,
    pub red_zone: u32,
    pub is_sealed: u32,
    pub reserved: u32,
}

impl Default for infermem_tape_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_tape_mark {
    pub tape: u64,
    pub offset: u64,
    pub generation: u64,
}

impl Default for infermem_tape_mark {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_layout_options {
    pub struct_size: usize,
    pub weights_size: usize,
    pub scratch_size: usize,
    pub history_size: usize,
    pub weights_flags: u32,
    pub scratch_flags: u32,
    pub history_flags: u32,
    pub reserved: u32,
    pub numa_nodes: u64,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_layout_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_layout_usage {
    pub struct_size: usize,
    pub weights_used: usize,
    pub weights_total: usize,
    pub weights_peak: usize,
    pub scratch_used: usize,
    pub scratch_total: usize,
    pub scratch_peak: usize,
    pub history_used: usize,
    pub history_total: usize,
    pub history_peak: usize,
}

impl Default for infermem_layout_usage {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_model_options {
    pub struct_size: usize,
    pub flags: u32,
    pub reserved: u32,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_model_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_model_config {
    pub struct_size: usize,
    pub architecture: [c_char; 64],
    pub n_layers: u64,
    pub hidden: u64,
    pub n_heads: u64,
    pub n_kv_heads: u64,
    pub head_dim_k: u64,
    pub head_dim_v: u64,
    pub intermediate: u64,
    pub vocab: u64,
    pub context: u64,
    pub rope_dims: u64,
    pub n_experts: u64,
    pub n_experts_used: u64,
    pub sliding_window: u64,
    pub tied_embeddings: u32,
    pub flags: u32,
    pub rope_theta: f64,
    pub norm_eps: f64,
    pub expert_intermediate: u64,
    pub shared_intermediate: u64,
    pub n_experts_shared: u64,
    pub n_dense_layers: u64,
    pub expert_interval: u64,
    pub n_nextn: u64,
    pub kv_lora_rank: u64,
    pub q_lora_rank: u64,
    pub head_dim_k_mla: u64,
    pub head_dim_v_mla: u64,
    pub window_interval: u64,
    pub window_first: u64,
    pub n_kv_heads_window: u64,
    pub head_dim_k_window: u64,
    pub head_dim_v_window: u64,
    pub n_kv_shared_layers: u64,
    pub attention_interval: u64,
    pub attention_first: u64,
    pub conv_kernel: u64,
    pub ssm_inner: u64,
    pub ssm_state: u64,
    pub ssm_groups: u64,
    pub ssm_heads: u64,
    pub wkv_head_dim: u64,
    pub token_shifts: u64,
    pub weight_type: i32,
    pub weight_bits: u32,
    pub weight_group: u64,
    pub expert_type: i32,
    pub reserved: u32,
}

impl Default for infermem_model_config {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_model_layer {
    pub struct_size: usize,
    pub kind: u32,
    pub confidence: u32,
    pub n_heads: u64,
    pub n_kv_heads: u64,
    pub head_dim_k: u64,
    pub head_dim_v: u64,
    pub window: u64,
    pub kv_source: u64,
    pub conv_elements: u64,
    pub state_elements: u64,
    pub intermediate: u64,
    pub n_experts: u64,
    pub n_experts_used: u64,
    pub is_nextn: u32,
    pub weights_confidence: u32,
    pub attention_bytes: u64,
    pub dense_bytes: u64,
    pub shared_expert_bytes: u64,
    pub routed_expert_bytes: u64,
    pub norm_bytes: u64,
    pub other_bytes: u64,
}

impl Default for infermem_model_layer {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_model_weights {
    pub struct_size: usize,
    pub total_bytes: u64,
    pub embedding_bytes: u64,
    pub output_bytes: u64,
    pub layer_bytes: u64,
    pub largest_layer_bytes: u64,
    pub other_bytes: u64,
    pub elements: u64,
    pub confidence: u32,
    pub reserved: u32,
}

impl Default for infermem_model_weights {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_tensor_info {
    pub struct_size: usize,
    pub name: *const c_char,
    pub name_length: usize,
    pub dtype: i32,
    pub n_dims: u32,
    pub shape: [u64; 4],
    pub elements: u64,
    pub offset: u64,
    pub bytes: u64,
    pub is_inferred: u32,
    pub part: u32,
}

impl Default for infermem_tensor_info {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_meta_info {
    pub struct_size: usize,
    pub key: *const c_char,
    pub key_length: usize,
    pub type_: u32,
    pub element_type: u32,
    pub count: u64,
}

impl Default for infermem_meta_info {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_quant_options {
    pub struct_size: usize,
    pub bits: u32,
    pub nan_policy: u32,
    pub group: usize,
    pub tape: *const infermem_tape,
    pub allocator: *const infermem_allocator,
    pub params: i32,
    pub symmetric: u32,
    pub flags: u64,
}

impl Default for infermem_quant_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_quant_errors {
    pub struct_size: usize,
    pub max: f64,
    pub mean: f64,
    pub rmse: f64,
    pub max_index: usize,
    pub worst_group: usize,
    pub worst_group_rmse: f64,
}

impl Default for infermem_quant_errors {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_quant_tensors {
    pub struct_size: usize,
    pub weights: *const c_void,
    pub weights_bytes: usize,
    pub zeros: *const c_void,
    pub zeros_bytes: usize,
    pub scales: *const c_void,
    pub scales_bytes: usize,
    pub group_index: *const c_void,
    pub group_index_bytes: usize,
    pub scales_type: i32,
    pub gptq_version: u32,
}

impl Default for infermem_quant_tensors {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_neuron_options {
    pub struct_size: usize,
    pub n_layers: u32,
    pub n_neurons: u32,
    pub threshold: f32,
    pub interval: u32,
    pub flags: u32,
    pub half_life: u32,
    pub tape: *const infermem_tape,
    pub allocator: *const infermem_allocator,
    pub budget_count: u32,
    pub budget_fraction: f32,
    pub budget_bytes: u64,
    pub row_bytes: u64,
    pub hysteresis: f32,
    pub reserved: u32,
}

impl Default for infermem_neuron_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_neuron_counts {
    pub struct_size: usize,
    pub n_hot: u64,
    pub n_cold: u64,
    pub events: u64,
    pub out_of_range: u64,
    pub reclassifications: u64,
    pub hot_ratio: f64,
    pub nans: u64,
}

impl Default for infermem_neuron_counts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_neuron_store_options {
    pub struct_size: usize,
    pub n_rows: u32,
    pub policy: u32,
    pub row_bytes: u64,
    pub budget_bytes: u64,
    pub load: Option<infermem_neuron_load_function>,
    pub context: *mut c_void,
    pub quant: *const infermem_quant,
    pub half_life: u32,
    pub window: u32,
    pub n_fetches: u32,
    pub reserved: u32,
    pub tape: *const infermem_tape,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_neuron_store_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_neuron_store_facts {
    pub struct_size: usize,
    pub fetches: u64,
    pub hits: u64,
    pub waits: u64,
    pub misses: u64,
    pub loads: u64,
    pub failures: u64,
    pub bytes_loaded: u64,
    pub evictions: u64,
    pub drops: u64,
    pub capacity: u64,
    pub resident: u64,
    pub in_use: u64,
    pub memory_bytes: u64,
}

impl Default for infermem_neuron_store_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_pad_options {
    pub struct_size: usize,
    pub max_tokens: usize,
    pub dim: usize,
    pub type_: i32,
    pub reserved: i32,
    pub tape: *const infermem_tape,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_pad_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_scratch_options {
    pub struct_size: usize,
    pub batch: usize,
    pub flags: u32,
    pub reserved: u32,
    pub tape: *const infermem_tape,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_scratch_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_scratch_lifetime {
    pub bytes: u64,
    pub first_use: u64,
    pub last_use: u64,
}

impl Default for infermem_scratch_lifetime {
    /// All zeros.
    fn default() -> Self {
        // All fields are numbers and pointers.
        unsafe { core::mem::zeroed() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_scratch_plan_options {
    pub struct_size: usize,
    pub align: u64,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_scratch_plan_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_plan_device {
    pub struct_size: usize,
    pub name: [c_char; 96],
    pub total_bytes: u64,
    pub free_bytes: u64,
    pub link_bytes_per_s: u64,
    pub flags: u32,
    pub reserved: u32,
}

impl Default for infermem_plan_device {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_plan_options {
    pub struct_size: usize,
    pub context: u64,
    pub min_context: u64,
    pub n_sequences: u64,
    pub ubatch: u64,
    pub n_outputs_max: u64,
    pub n_snapshots: u64,
    pub host_bytes: u64,
    pub host_margin_bytes: u64,
    pub margin_bytes: u64,
    pub driver_bytes: u64,
    pub link_bytes_per_s: u64,
    pub file_bytes_per_s: u64,
    pub margin_fraction: f64,
    pub k_type: i32,
    pub v_type: i32,
    pub profile: u32,
    pub flags: u32,
    pub steps: u32,
    pub slots: u32,
    pub mla: u32,
    pub reserved: u32,
    pub allocator: *const infermem_allocator,
}

impl Default for infermem_plan_options {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_plan_term_facts {
    pub struct_size: usize,
    pub kind: u32,
    pub place: u32,
    pub bytes: u64,
    pub confidence: u32,
    pub reserved: u32,
    pub name: *const c_char,
    pub formula: *const c_char,
}

impl Default for infermem_plan_term_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_plan_layer_facts {
    pub struct_size: usize,
    pub place: u32,
    pub is_resident: u32,
    pub is_loaded: u32,
    pub host_experts: u32,
    pub weight_bytes: u64,
    pub kv_bytes: u64,
    pub recurrent_bytes: u64,
    pub kv_index: u64,
}

impl Default for infermem_plan_layer_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_plan_advice_facts {
    pub struct_size: usize,
    pub code: u32,
    pub mode: i32,
    pub value: u64,
}

impl Default for infermem_plan_advice_facts {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct infermem_plan_measure {
    pub struct_size: usize,
    pub kind: u32,
    pub place: u32,
    pub measured_bytes: u64,
    pub predicted_bytes: u64,
    pub per_million: u64,
}

impl Default for infermem_plan_measure {
    /// All zeros, which mean the defaults, and its own size.
    fn default() -> Self {
        // All fields are numbers and pointers.
        let mut new: Self = unsafe { core::mem::zeroed() };
        new.struct_size = core::mem::size_of::<Self>();
        new
    }
}

extern "C" {
    /// ```text
    /// The version of the library at run time, as INFERMEM_VERSION_NUMBER encodes it.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_version() -> u32;
    /// ```text
    /// The same as text, "0.1.0": static, never freed.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_version_string() -> *const c_char;
    /// ```text
    /// The record of this thread's last failed call; never NULL, and valid until the thread ends.
    /// Thread: any; each thread has its own.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_error_detail() -> *const infermem_error;
    /// ```text
    /// Forgets this thread's last failure: the record's code becomes INFERMEM_OK and its message empty.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_error_clear();
    /// ```text
    /// The name of a code, "INFERMEM_E_FULL", or "unknown"; static storage.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_error_name(code: i32) -> *const c_char;
    /// ```text
    /// The sentence of a code, "no room is left", or "unknown status code"; static storage.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_error_text(code: i32) -> *const c_char;
    /// ```text
    /// Sets the process-wide log hook for lines of at least min_level; a NULL function turns logging off, which is how the
    /// library starts. The library itself never writes to stdout or stderr. A line that another thread is logging at this
    /// moment may still reach the former hook, or none.
    /// Errors: INFERMEM_E_ARG: min_level is not one of INFERMEM_LOG_*.
    /// Thread: any.  Memory: none; the context is the caller's and must outlive its hook.  Since: 0.1
    /// ```
    pub fn infermem_log_set(function: Option<infermem_log_function>, context: *mut c_void, min_level: i32) -> i32;
    /// ```text
    /// Looks for devices, now; free the list with device_free. Of NVIDIA's devices, identity and total come from the CUDA
    /// driver, free memory from NVML, joined by UUID or else by the place on the bus; a MIG slice has the slice's memory.
    /// Libraries are loaded by their name, /usr/lib/wsl/lib first, never from a folder named stubs, and stay loaded. A call
    /// takes as long as the drivers do. AMD's devices are those of the kernel's amdgpu driver, in the order of the bus, after
    /// NVIDIA's; an integrated one, whose processor and GPU the kernel shows as one node, shares the host's memory. Host
    /// memory comes from /proc/meminfo and from the control groups, v2 or v1. A device that fails to tell its total is left
    /// out.
    ///   options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a flag is unknown, a path does not begin
    /// with a slash, or the allocator lacks a function.  INFERMEM_E_NOMEM.
    /// Thread: any.  Memory: one handle and one array from the allocator, and what the driver takes.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_probe"]
    pub fn device_probe(options: *const infermem_device_options, out: *mut *mut infermem_device_list) -> i32;
    /// ```text
    /// Frees a list. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_free"]
    pub fn device_free(list: *mut infermem_device_list);
    /// ```text
    /// How many devices the list has; 0 also of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_count"]
    pub fn device_count(list: *const infermem_device_list) -> usize;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with a device: NVIDIA's in the order of the CUDA driver, then AMD's
    /// in that of HIP.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is no such device.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_info"]
    pub fn device_info(list: *const infermem_device_list, index: usize, out: *mut infermem_device_facts) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with the host's memory.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_host"]
    pub fn device_host(list: *const infermem_device_list, out: *mut infermem_host_facts) -> i32;
    /// ```text
    /// Why the list is empty: INFERMEM_DEVICE_WHY_*, which is 0 when it is not.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_why_not"]
    pub fn device_why_not(list: *const infermem_device_list, out_code: *mut i32) -> i32;
    /// ```text
    /// The same as a sentence, which lives as long as the list; "" when there are devices, NULL of NULL or a handle of
    /// another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_device_why_not_text"]
    pub fn device_why_not_text(list: *const infermem_device_list) -> *const c_char;
    /// ```text
    /// Makes an object that has recorded nothing; free it with dispatch_free.
    ///   options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: out, or one of the names, is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_LIMIT: n_backends exceeds
    /// INFERMEM_DISPATCH_MAX_BACKENDS, or a name INFERMEM_DISPATCH_MAX_NAME.  INFERMEM_E_ARG: resolution is not within 10 to
    /// 1000; a name is empty, no UTF-8, or there twice; or the allocator lacks a function.  INFERMEM_E_NOMEM.
    /// Thread: any.  Memory: one handle from the allocator; one mapping, by default of 17 MiB of address range a backend,
    /// of which pages are committed as latencies need them: a few a thread, backend and decade of latencies.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_new"]
    pub fn dispatch_new(options: *const infermem_dispatch_options, out: *mut *mut infermem_dispatch) -> i32;
    /// ```text
    /// Frees the object. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_free"]
    pub fn dispatch_free(dispatch: *mut infermem_dispatch);
    /// ```text
    /// Records one dispatch and its latency.
    ///   backend: below n_backends.  latency_ns: 0 or more.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such backend.  INFERMEM_E_ARG: the latency
    /// is negative, as that of a clock that was set back.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_record"]
    pub fn dispatch_record(dispatch: *const infermem_dispatch, backend: u32, latency_ns: i64) -> i32;
    /// ```text
    /// Records one dispatch of which the latency is not known.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such backend.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_count_only"]
    pub fn dispatch_count_only(dispatch: *const infermem_dispatch, backend: u32) -> i32;
    /// ```text
    /// Nanoseconds of the system's monotonic clock, for dispatch_timer_stop.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_timer_start"]
    pub fn dispatch_timer_start() -> u64;
    /// ```text
    /// Records one dispatch whose latency is from started_ns, which dispatch_timer_start returned, until now.
    /// Errors: those of dispatch_record; INFERMEM_E_ARG: started_ns is later than now.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_timer_stop"]
    pub fn dispatch_timer_stop(dispatch: *const infermem_dispatch, backend: u32, started_ns: u64) -> i32;
    /// ```text
    /// Forgets everything that was recorded, and starts the time anew. A record that another thread is making meanwhile is
    /// forgotten, too, or counts as new.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_reset"]
    pub fn dispatch_reset(dispatch: *const infermem_dispatch) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with what a backend did.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is no such backend.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_snapshot"]
    pub fn dispatch_snapshot(dispatch: *const infermem_dispatch, backend: u32, out: *mut infermem_dispatch_stats) -> i32;
    /// ```text
    /// Counts a backend's latencies between bounds: those below the first, from each on and below the next, and from the last
    /// on. A latency that equals a bound is in the bucket above it. The classic bounds are 100, 500, 1000 and 5000 us.
    ///   bounds_ns: n of them, ascending, none twice; may be NULL when n is 0. A bound of more than two significant digits
    ///   is rounded down to its bucket's edge.  out_counts: room for n + 1; their sum is stats.latencies.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such backend.  INFERMEM_E_ARG: the bounds
    /// do not ascend.  INFERMEM_E_LIMIT: n exceeds INFERMEM_DISPATCH_MAX_BOUNDS.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_histogram"]
    pub fn dispatch_histogram(dispatch: *const infermem_dispatch, backend: u32, bounds_ns: *const u64, n: usize, out_counts: *mut u64) -> i32;
    /// ```text
    /// The share of all dispatches that a backend did, 0 to 1; 0 when there were none. 0 also where there is no such backend,
    /// of NULL, and of a handle of another kind (the error record then says so).
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_ratio"]
    pub fn dispatch_ratio(dispatch: *const infermem_dispatch, backend: u32) -> f64;
    /// ```text
    /// How many times faster one backend is than another: the mean latency of slow, divided by that of fast. 0 when the latter
    /// is below 1 ns, and in the cases of dispatch_ratio.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_speedup"]
    pub fn dispatch_speedup(dispatch: *const infermem_dispatch, slow: u32, fast: u32) -> f64;
    /// ```text
    /// Nanoseconds since the object was made or reset, by the system's monotonic clock. 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_elapsed_ns"]
    pub fn dispatch_elapsed_ns(dispatch: *const infermem_dispatch) -> u64;
    /// ```text
    /// Dispatches a second, of all backends, since the object was made or reset; 0 while that is less than 1 ms ago. 0 of NULL
    /// or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_throughput"]
    pub fn dispatch_throughput(dispatch: *const infermem_dispatch) -> f64;
    /// ```text
    /// Writes all backends' figures in the text format of Prometheus, version 0.0.4, and a NUL, to a buffer of capacity bytes:
    /// the counter infermem_dispatches_total, and the histogram infermem_dispatch_latency_seconds with the classic bounds,
    /// both labelled with the backend's name. *out_length is the length without the NUL. A NULL buffer of capacity 0 asks
    /// for the length alone, which may have grown by the next call.
    /// Errors: INFERMEM_E_NULL: dispatch or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_BUFFER: capacity is too small; the error's `expected` is the capacity needed.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_prometheus"]
    pub fn dispatch_prometheus(dispatch: *const infermem_dispatch, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// Writes the same as JSON: {"elapsed_ns": n, "backends": [{"name": "CPU", ...}, ...]}, where a backend has the fields of
    /// infermem_dispatch_stats, but for variance_ns2, and "buckets": [{"below_ns": 100000, "count": n}, ...], the last with
    /// "below_ns": null. As dispatch_prometheus.
    /// Errors: those of dispatch_prometheus.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_dispatch_json"]
    pub fn dispatch_json(dispatch: *const infermem_dispatch, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// The name of a type, "Q4_0", or "unknown"; static storage.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_dtype_name(dtype: i32) -> *const c_char;
    /// ```text
    /// How many elements one block of the type holds, and in how many bytes.
    /// Errors: INFERMEM_E_NULL: an out-pointer is NULL.  INFERMEM_E_TYPE: the number is no known type's.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_dtype_block(dtype: i32, out_elements: *mut usize, out_bytes: *mut usize) -> i32;
    /// ```text
    /// The bytes that n elements of the type take.
    /// Errors: INFERMEM_E_NULL: out_bytes is NULL.  INFERMEM_E_TYPE: the number is no known type's.  INFERMEM_E_SHAPE: n is
    /// not a multiple of the block.  INFERMEM_E_OVERFLOW: the result does not fit.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_dtype_bytes(dtype: i32, n: u64, out_bytes: *mut u64) -> i32;
    /// ```text
    /// Makes a DLPack tensor of a view, without copying what it shows; release it with its deleter. A read-only view makes a
    /// read-only tensor. The tensor is valid as long as the view is.
    ///   view: one of the library's, or made by hand in the same way, of type F64, F32, F16, BF16, I8, I16, I32 or I64.
    ///   allocator: for the record; the deleter calls it, in whichever thread that is called. NULL means malloc.
    /// Errors: INFERMEM_E_NULL: view or out is NULL, or view->data is where the view has elements.  INFERMEM_E_STRUCT: the
    /// allocator's struct_size.  INFERMEM_E_ARG: the allocator lacks a function.  INFERMEM_E_TYPE: the view's type is no known
    /// type's number.  INFERMEM_E_UNSUPPORTED: DLPack cannot say it, being a block type.  INFERMEM_E_SHAPE: the view's n_dims
    /// is not 1 to INFERMEM_MAX_DIMS, or a stride is not whole elements.  INFERMEM_E_OVERFLOW: a dimension exceeds 2^63 - 1.
    /// INFERMEM_E_NOMEM.
    /// Thread: any.  Memory: one allocation from the allocator, until the deleter is called.  Since: 0.1
    /// ```
    pub fn infermem_view_dlpack(view: *const infermem_view, allocator: *const infermem_allocator, out: *mut *mut infermem_dlpack) -> i32;
    /// ```text
    /// The same in the form from before versions, for those who know no other: NumPy before 2.1, for one. It cannot say that
    /// a tensor is read-only: of a read-only view, whoever passes it on sees to it that nobody writes.
    /// Errors: those of infermem_view_dlpack.
    /// Thread: any.  Memory: one allocation from the allocator, until the deleter is called.  Since: 0.1
    /// ```
    pub fn infermem_view_dlpack_unversioned(view: *const infermem_view, allocator: *const infermem_allocator, out: *mut *mut infermem_dlpack_unversioned) -> i32;
    /// ```text
    /// Makes an empty cache; free it with kv_free.
    /// Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field that must be more than
    /// 0 is 0, growable is below max_tokens, a flag is unknown, reserved is not 0, or the allocator lacks a function.
    /// INFERMEM_E_LIMIT: a field is 2^20 or more where it must be below.  INFERMEM_E_TYPE: a type is no known type's number.
    /// INFERMEM_E_UNSUPPORTED: it is a type that a cache cannot store.  INFERMEM_E_SHAPE: a head is not whole blocks of its
    /// type.  INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_NOMEM: the handle or the address range could not be had.
    /// INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc.
    /// Thread: any.  Memory: two allocations from the allocator; one mapping, or one allocation from the tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_new"]
    pub fn kv_new(options: *const infermem_kv_options, out: *mut *mut infermem_kv) -> i32;
    /// ```text
    /// Frees a cache; a tape's memory stays as it is. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_free"]
    pub fn kv_free(kv: *mut infermem_kv);
    /// ```text
    /// Stores the keys and values of the step's tokens in one layer, after the kv_len tokens that are there, converted to
    /// the stored type. They are pending until kv_advance. Appending to the same layer again replaces what is pending in it.
    /// To F16 and BF16 values are rounded to the nearest, ties to even, and what is too large becomes infinite; block types
    /// refuse what they cannot hold.
    ///   layer: below n_layers.  k: k_len floats, n_tokens rows of n_kv_heads * head_dim.  v: v_len floats, n_tokens rows of
    /// n_kv_heads * head_dim_v.  n_tokens: more than 0.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape of the cache is sealed.
    /// INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_ARG: n_tokens is 0.  INFERMEM_E_SHAPE: k_len or v_len is not
    /// n_tokens rows.  INFERMEM_E_FULL: n_tokens exceeds kv_max - kv_len.  Of block types, INFERMEM_E_NOT_FINITE: a value is
    /// NaN or infinite; the error's `got` is its index.  INFERMEM_E_LIMIT: values, rotated where the cache does that, are too
    /// large for the parameters of their block, which are F16; `got` is the index of its first.
    /// Thread: exclusive.  Memory: none; commits the pages that the rows lie in, also where values are refused.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_append"]
    pub fn kv_append(kv: *mut infermem_kv, layer: usize, k: *const f32, k_len: usize, v: *const f32, v_len: usize, n_tokens: usize) -> i32;
    /// ```text
    /// As kv_append, from rows of F16.
    /// Thread: exclusive.  Memory: as kv_append.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_append_f16"]
    pub fn kv_append_f16(kv: *mut infermem_kv, layer: usize, k: *const u16, k_len: usize, v: *const u16, v_len: usize, n_tokens: usize) -> i32;
    /// ```text
    /// As kv_append, from rows of BF16.
    /// Thread: exclusive.  Memory: as kv_append.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_append_bf16"]
    pub fn kv_append_bf16(kv: *mut infermem_kv, layer: usize, k: *const u16, k_len: usize, v: *const u16, v_len: usize, n_tokens: usize) -> i32;
    /// ```text
    /// Ends a step: the n tokens pending in every layer become part of the length.
    ///   n: exactly the tokens pending in each layer; 0 does nothing when none are pending.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_INCOMPLETE: a layer has another number of
    /// tokens pending; the message names the first such layer, and the error's `got` is how many it has.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_advance"]
    pub fn kv_advance(kv: *mut infermem_kv, n: usize) -> i32;
    /// ```text
    /// Drops what is pending in every layer.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_abort"]
    pub fn kv_abort(kv: *mut infermem_kv) -> i32;
    /// ```text
    /// Shortens the cache to its first n tokens, and drops what is pending: how speculative decoding takes back what was
    /// rejected.
    ///   n: kv_len at most.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: n exceeds kv_len.
    /// Thread: exclusive.  Memory: none; pages stay committed.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_truncate"]
    pub fn kv_truncate(kv: *mut infermem_kv, n: usize) -> i32;
    /// ```text
    /// Empties the cache, and drops what is pending; the generation grows by one.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
    /// Thread: exclusive.  Memory: none; pages stay committed.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_clear"]
    pub fn kv_clear(kv: *mut infermem_kv) -> i32;
    /// ```text
    /// As kv_clear, and overwrites with zeros every byte that was ever written, so that nothing of the talk is left.
    /// Errors: as kv_clear, and INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none; pages stay committed.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_clear_zero"]
    pub fn kv_clear_zero(kv: *mut infermem_kv) -> i32;
    /// ```text
    /// Keeps the first `sinks` and the last `recent` tokens, and drops those between, and what is pending: attention with
    /// sinks, StreamingLLM (Xiao et al. 2023). The recent rows move up behind the sinks; their contents stay as they are, so
    /// keys keep the positions that were encoded in them. Where anything was dropped the generation grows by one.
    ///   sinks, recent: any numbers; together kv_len or more keep everything.
    ///   out_dropped: how many tokens were dropped. What is token i now was token i before, where i is below sinks, and else
    /// token i + dropped.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_keep"]
    pub fn kv_keep(kv: *mut infermem_kv, sinks: usize, recent: usize, out_dropped: *mut usize) -> i32;
    /// ```text
    /// Makes dst hold copies of the first n tokens of src, and nothing else: what was in it is cleared, as by kv_clear. The
    /// caches agree in layers, heads, head sizes, types and rotation; their max_tokens may differ.
    ///   n: at most the kv_len of src.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape of dst is.
    /// INFERMEM_E_ARG: dst is src.  INFERMEM_E_SHAPE: layers, heads or head sizes differ.  INFERMEM_E_TYPE: a type or the
    /// rotation does. INFERMEM_E_RANGE: n exceeds the tokens of src.  INFERMEM_E_FULL: it exceeds the kv_max of dst.
    /// Thread: exclusive for dst; src many at once.  Memory: none; commits the pages that the rows lie in.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_copy_prefix"]
    pub fn kv_copy_prefix(dst: *mut infermem_kv, src: *const infermem_kv, n: usize) -> i32;
    /// ```text
    /// Lets the cache hold more tokens, within what was reserved for it; nothing moves, and every view stays valid.
    ///   max_tokens: from kv_max to the growable of the options.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: max_tokens is not within these.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_grow"]
    pub fn kv_grow(kv: *mut infermem_kv, max_tokens: usize) -> i32;
    /// ```text
    /// Asks the processor to bring the beginning of a layer's keys and of its values, up to 64 KiB each, into its caches, and
    /// the place of the next row in both: to be called while the layer before is computed. Returns at once, or as soon as the
    /// processor has taken the requests.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: there is no such layer.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_prefetch"]
    pub fn kv_prefetch(kv: *const infermem_kv, layer: usize) -> i32;
    /// ```text
    /// The keys of one layer, [kv_len, n_kv_heads * head_dim] of the stored type, without a copy and read-only; rotated where
    /// the cache rotates keys. Of an empty cache shape[0] is 0. Valid until the rows are truncated, cleared or moved.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: there is no such layer.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_keys"]
    pub fn kv_keys(kv: *const infermem_kv, layer: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// The values of one layer, [kv_len, n_kv_heads * head_dim_v] of the stored type; as kv_keys.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_values"]
    pub fn kv_values(kv: *const infermem_kv, layer: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// As kv_keys, with the tokens that are pending in this layer after those of the length: what attention reads during a
    /// step. The pending rows are valid until the layer is appended to again, or the step aborted.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_keys_pending"]
    pub fn kv_keys_pending(kv: *const infermem_kv, layer: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// As kv_values, with the tokens that are pending in this layer; see kv_keys_pending.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_values_pending"]
    pub fn kv_values_pending(kv: *const infermem_kv, layer: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// As kv_keys_pending, to be changed in place: to rotate keys to new positions after kv_keep, for one.
    /// Errors: as kv_keys, and INFERMEM_E_SEALED: the tape of the cache is sealed.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_keys_mut"]
    pub fn kv_keys_mut(kv: *mut infermem_kv, layer: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// As kv_values_pending, to be changed in place; see kv_keys_mut.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_values_mut"]
    pub fn kv_values_mut(kv: *mut infermem_kv, layer: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// Copies the rows of tokens first … first + n - 1 of one layer to floats, rotated back where the cache rotates. Tokens
    /// pending in this layer come after those of the length.
    ///   which: INFERMEM_KV_K or INFERMEM_KV_V.  out: n_out floats.  n_out: n rows' elements.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_ARG: which is neither.  INFERMEM_E_RANGE:
    /// there is no such layer, or the tokens are not all there.  INFERMEM_E_SHAPE: n_out is not n rows.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_read"]
    pub fn kv_read(kv: *const infermem_kv, layer: usize, which: i32, first: usize, n: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// Tokens in the cache, those pending not counted. Constant time, but for kv_memory_committed, as are all the queries
    /// below; of NULL or a handle of another kind each is 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_len"]
    pub fn kv_len(kv: *const infermem_kv) -> usize;
    /// ```text
    /// The most tokens that the cache can hold, until it grows.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_max"]
    pub fn kv_max(kv: *const infermem_kv) -> usize;
    /// ```text
    /// How many times rows below the length went or moved otherwise than by truncation: by kv_clear, kv_clear_zero,
    /// kv_copy_prefix and kv_load into it, and kv_keep.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_generation"]
    pub fn kv_generation(kv: *const infermem_kv) -> u64;
    /// ```text
    /// The layers of the cache; 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_layers"]
    pub fn kv_layers(kv: *const infermem_kv) -> usize;
    /// ```text
    /// The heads that keys and values have; 0 as kv_layers.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_heads"]
    pub fn kv_heads(kv: *const infermem_kv) -> usize;
    /// ```text
    /// Elements of a head.
    ///   which: INFERMEM_KV_K or INFERMEM_KV_V; of any other the answer is 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_head_dim"]
    pub fn kv_head_dim(kv: *const infermem_kv, which: i32) -> usize;
    /// ```text
    /// Elements from the beginning of one layer to that of the next: max_tokens rows, or what growable says, rounded up to a
    /// multiple of 64 bytes that is whole blocks.
    ///   which: INFERMEM_KV_K or INFERMEM_KV_V; of any other the answer is 0, as where the layers' types differ.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_layer_stride"]
    pub fn kv_layer_stride(kv: *const infermem_kv, which: i32) -> usize;
    /// ```text
    /// Bytes of K and V together, for max_tokens in every layer, or what growable says.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_memory_bytes"]
    pub fn kv_memory_bytes(kv: *const infermem_kv) -> usize;
    /// ```text
    /// Bytes of address range that the cache holds: kv_memory_bytes in whole pages; in a tape, exactly kv_memory_bytes.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_memory_reserved"]
    pub fn kv_memory_reserved(kv: *const infermem_kv) -> usize;
    /// ```text
    /// Bytes of the pages that tokens were ever written to, in base pages; in a tape, whose pages are its own affair,
    /// kv_memory_bytes. Where the system makes huge pages without being asked, there may be up to one more for each layer's
    /// keys and values. Time linear in the layers.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_memory_committed"]
    pub fn kv_memory_committed(kv: *const infermem_kv) -> usize;
    /// ```text
    /// Attention over one layer, causal, for the last tokens of the cache: of query token t and query head h, the sum over the
    /// tokens j that t sees of softmax over j of scale * (q[t][h] . key[j]) times value[j], where query heads
    /// i * n_q_heads / n_kv_heads and on share head i of the keys and values. Stored rows are read as they are, once for 64 or
    /// fewer rows of the query, in one pass.
    ///   The tokens that are pending in this layer count: call it after kv_append of the layer, before or after kv_advance.
    /// The n_q_tokens tokens of the query are the last of them. Each sees itself and those before it, back to its window's
    /// begin.
    ///   options: NULL means all defaults: one token, as many heads as the cache has.  first_head, n_heads: the heads of
    /// keys and values to attend to, and with them their query heads: callers split the heads over their own threads. With
    /// n_heads 0 nothing is written.  q: n_q floats, [n_q_tokens][n_q_heads][head_dim], of all heads.  out: n_out floats,
    /// [n_q_tokens][n_q_heads][head_dim_v], of all heads, of which those attended to are written; may not overlap q.
    /// head_dim and head_dim_v are multiples of 8, and 1024 at most. Where the cache rotates, the query is rotated too, and
    /// the output back, so that of rotation nothing is seen but its rounding.
    ///   Error: let e = (head_dim + 16) * 2^-23 * |scale| * (the largest sum over i of |q[i] * key[i]|), plus, of keys in
    /// blocks, 2^-15 * |scale| * max |q[i]| * (the largest sum of |key[i]|): the query is then multiplied as integers of 16
    /// bits, and one below 2^-100 throughout is taken as zeros.
    ///   With n tokens seen, each element is within (2.1 * e + (n + 32) * 2^-23) * max |value| of exact, as long as e is
    /// below 1/16; with a soft cap, e is 2^-20 * soft_cap more. Of values in blocks as kv_append makes them it is 2^-10 *
    /// max |value| more, and of Q4_1 2^-9: weights are then multiplied by the blocks' scales, and the products are integers of
    /// 16 bits, relative to the largest of 64 tokens.
    /// With rotation this holds of the rotated vectors, and of the output before it is rotated back. Scores beyond the largest
    /// float count as the largest; the sums of |q[i] * key[i]| have to be below it. Where a query, or a row that any of the
    /// query's tokens sees, is not finite, what is written for that head is unspecified. How heads are split changes no bit.
    /// Errors: INFERMEM_E_NULL: kv, q or out is NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_STALE.
    /// INFERMEM_E_RANGE: there is no such layer, or the heads are not all of the cache, or the tokens there are, n_after
    /// among them, are fewer than n_q_tokens.  INFERMEM_E_LIMIT: n_q_tokens is above 64.  INFERMEM_E_ARG: n_q_heads is no
    /// multiple of n_kv_heads, scale or soft_cap is not finite, or soft_cap is below 0.  INFERMEM_E_UNSUPPORTED: head_dim or
    /// head_dim_v is none of the above.  INFERMEM_E_SHAPE: n_q or n_out is another number.  INFERMEM_E_OVERFLOW: n_after, or
    /// a length, does not fit.
    /// Thread: many at once.  Memory: none; some 100 KiB of stack.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_attend"]
    pub fn kv_attend(kv: *const infermem_kv, layer: usize, options: *const infermem_kv_attend_options, first_head: usize, n_heads: usize, q: *const f32, n_q: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// The same over a range of the tokens, as a part for kv_attend_merge: callers split a long cache over their threads, or
    /// attend to several caches, such as a prefix that sequences share and what follows in each.
    ///   Of each query token and head the part has head_dim_v sums of values weighted with exp(score - largest), then that
    /// largest score, then the sum of the weights; where nothing is seen, zeros, -infinity and 0.
    ///   first_token, n_tokens: the tokens to attend to, of those that there are with the pending ones; none is allowed.
    /// options: n_after is how many tokens lie in other caches behind those of this one. The query's tokens are then the last
    /// of all: with a prefix of its own cache, n_after is the length of the suffix, the query's tokens included; with the
    /// suffix it is 0. Windows count across caches.  part: n_part floats, [n_q_tokens][n_q_heads][head_dim_v + 2], of which
    /// the heads attended to are written; may not overlap q.
    /// Errors: as kv_attend, of which INFERMEM_E_SHAPE: n_part is another number; INFERMEM_E_RANGE: the tokens are not all
    /// there, too.
    /// Thread: many at once.  Memory: none; some 100 KiB of stack.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_attend_partial"]
    pub fn kv_attend_partial(kv: *const infermem_kv, layer: usize, options: *const infermem_kv_attend_options, first_head: usize, n_heads: usize, first_token: usize, n_tokens: usize, q: *const f32, n_q: usize, part: *mut f32, n_part: usize) -> i32;
    /// ```text
    /// Combines parts over different tokens into the attention over all of them: each row is the sum of the parts' sums, each
    /// times exp(its largest score - the largest of all), over the sum of their weights times the same; a row of which no part
    /// saw anything becomes 0.
    ///   parts: n_floats floats, n_parts parts after each other, each n_rows rows of head_dim_v + 2.  n_rows: the query's
    /// tokens times its heads; or a share of them.  out: n_out floats, n_rows rows of head_dim_v; may not overlap the parts.
    /// The error is that of kv_attend, and (n_parts + 8) * 2^-23 * max |value|.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_ARG: n_parts or head_dim_v is 0.  INFERMEM_E_SHAPE: n_floats or n_out is another
    /// number.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_attend_merge"]
    pub fn kv_attend_merge(parts: *const f32, n_floats: usize, n_parts: usize, n_rows: usize, head_dim_v: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// Writes the tokens of the length, not those pending, to a file for kv_load: rows as they are stored, bit for bit, with
    /// what tells whether another cache can take them over. The format is told in src/doc/kv_file.md; a file written by any
    /// release is read by all later ones of the same major version. The same tokens in caches of the same layers, heads,
    /// types and rotation give the same bytes, whatever the caches' room.
    ///   The bytes go to a temporary file beside it, are written to the disk, and then take the name: whenever the process
    /// or the machine stops, the path has the former file or the new one. A regular file of that name keeps its permissions,
    /// a symbolic link is replaced. A process that is killed meanwhile may leave the temporary, `.infermem-PID-….tmp`.
    ///   path: NUL-terminated.  fingerprint: n_fingerprint bytes that tell the model, such as a hash of its file, and
    /// whatever else the rows depend on; kv_load refuses any other. NULL with n_fingerprint 0 means that the caller sees to
    /// that.  n_fingerprint: at most INFERMEM_KV_MAX_FINGERPRINT.
    /// Errors: INFERMEM_E_NULL: kv or path is, or fingerprint with n_fingerprint more than 0.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_STALE.  INFERMEM_E_LIMIT: n_fingerprint is too large.  INFERMEM_E_ARG: path ends without a name, or names
    /// a directory or a device.  INFERMEM_E_IO: the file cannot be written, os_error tells why; the path has the former
    /// file, or is free as before, unless the message says that it is the directory that could not be written back.
    /// Thread: many at once.  Memory: some KiB of stack; two file descriptors during the call.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_save"]
    pub fn kv_save(kv: *const infermem_kv, path: *const c_char, fingerprint: *const c_void, n_fingerprint: usize) -> i32;
    /// ```text
    /// The same bytes, kv_saved_bytes of them, to a function of the caller's.
    ///   write, context: see io.h. What was written before a failure is of no use.
    /// Errors: as kv_save, of which INFERMEM_E_NULL: write is NULL, and INFERMEM_E_IO: write returned no number from 1 to n;
    /// the error's `got` is what it returned.
    /// Thread: many at once.  Memory: some KiB of stack.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_save_to"]
    pub fn kv_save_to(kv: *const infermem_kv, write: Option<infermem_write_function>, context: *mut c_void, fingerprint: *const c_void, n_fingerprint: usize) -> i32;
    /// ```text
    /// Makes a cache hold what was saved, and nothing else: what was in it is cleared, as by kv_clear. The cache agrees with
    /// the one that was saved in layers, heads, head sizes, types and rotation; it may be larger or smaller, as long as the
    /// tokens fit.
    ///   Until everything was read and verified, nothing in the cache changes. Into an empty cache, of length 0 and with
    /// nothing pending, rows are read to their places. Otherwise they are read to a mapping of the size of the saved rows,
    /// and copied from there: where there is not the memory for both, clear the cache first, and a failed call leaves it
    /// empty.
    ///   The checksums find accidents. Bytes that somebody made to deceive, with checksums to match, are a cache like any
    /// other, of tokens that were never computed; rows are taken as they are, also those that are not finite.
    ///   path: a regular file, NUL-terminated, which may change meanwhile: what is restored is what was verified.
    /// fingerprint, n_fingerprint: those that it was saved with.
    /// Errors: INFERMEM_E_NULL: kv or path is, or fingerprint with n_fingerprint more than 0.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_STALE.  INFERMEM_E_SEALED.  INFERMEM_E_LIMIT: n_fingerprint is too large.  INFERMEM_E_IO: the file cannot
    /// be opened or read; os_error tells why.  INFERMEM_E_FORMAT: it is no regular file, none of this format, or its header
    /// contradicts itself.  INFERMEM_E_VERSION: it is of a version that cannot be read here.  INFERMEM_E_TRUNCATED: it ends
    /// before what it declares, or is empty.  INFERMEM_E_CORRUPT: a checksum is not that of the bytes, or the file goes on
    /// after its end; `expected` and `got` are the checksums, or the sizes.  INFERMEM_E_UNSUPPORTED: it has a flag that is
    /// not known here.  INFERMEM_E_FINGERPRINT: it was saved with another.  INFERMEM_E_SHAPE: layers, heads or head sizes
    /// differ.  INFERMEM_E_TYPE: the rotation, or a layer's type does.  INFERMEM_E_FULL: its tokens exceed kv_max.
    /// INFERMEM_E_NOMEM: of a cache that is not empty, the mapping could not be had.
    /// Thread: exclusive.  Memory: see above; commits the pages that the rows lie in, of an empty cache also where the call
    /// fails; some KiB of stack; one file descriptor during the call.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_load"]
    pub fn kv_load(kv: *mut infermem_kv, path: *const c_char, fingerprint: *const c_void, n_fingerprint: usize) -> i32;
    /// ```text
    /// The same from a function of the caller's, which is asked for exactly the bytes that were saved, and for none after
    /// them.
    ///   read, context: see io.h.
    /// Errors: as kv_load, of which INFERMEM_E_NULL: read is NULL; INFERMEM_E_IO: read returned a number below 0 or above n,
    /// and the error's `got` is that; INFERMEM_E_TRUNCATED: it returned 0 too early. Nothing tells whether bytes follow.
    /// Thread: exclusive.  Memory: as kv_load, without the file descriptor.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_load_from"]
    pub fn kv_load_from(kv: *mut infermem_kv, read: Option<infermem_read_function>, context: *mut c_void, fingerprint: *const c_void, n_fingerprint: usize) -> i32;
    /// ```text
    /// Reads a saved cache from front to back without one to load it into: whether it is whole and undamaged, and what it is
    /// of. *out, whose struct_size the caller has set, is filled only then.
    ///   path: a regular file, NUL-terminated.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_IO, INFERMEM_E_FORMAT, INFERMEM_E_VERSION,
    /// INFERMEM_E_TRUNCATED, INFERMEM_E_CORRUPT, INFERMEM_E_UNSUPPORTED: as kv_load, and INFERMEM_E_UNSUPPORTED: a type is
    /// none that a cache of this release can store.
    /// Thread: any.  Memory: some KiB of stack; one file descriptor during the call.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_verify"]
    pub fn kv_verify(path: *const c_char, out: *mut infermem_kv_saved) -> i32;
    /// ```text
    /// Bytes that kv_save and kv_save_to write of the cache as it is. Time linear in the layers; 0 of NULL or a handle of
    /// another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_kv_saved_bytes"]
    pub fn kv_saved_bytes(kv: *const infermem_kv) -> u64;
    /// ```text
    /// Makes a tape of options->size bytes; free it with tape_free. The address range is reserved at once; pages are
    /// committed as they are first touched, or here with WARM. Every allocation of a ZERO_ON_CLEAR tape reads as zero (of
    /// lent memory, from the first clear on). Lent memory keeps the properties its owner gave it: HUGE, LOCK, GUARD and
    /// NUMA are not granted on it.
    /// Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: size is 0, a flag is unknown,
    /// WARM comes with LAZY, SHARED comes with lent, reserved is not 0, or the allocator lacks a function.
    /// INFERMEM_E_OVERFLOW: size rounded up does not fit.  INFERMEM_E_NOMEM: the handle or the address range could not be
    /// had.  INFERMEM_E_SYSTEM: REQUIRE was given and a wish refused, or a memfd could not be made.
    /// Thread: any.  Memory: one handle from the allocator; one mapping.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_new"]
    pub fn tape_new(options: *const infermem_tape_options, out: *mut *mut infermem_tape) -> i32;
    /// ```text
    /// Frees a tape and its mapping; lent memory stays the caller's. NULL is allowed. A layout's tape is left alone: it
    /// ends with layout_free. Objects built in the tape may still be freed, and else answer INFERMEM_E_STALE.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_free"]
    pub fn tape_free(tape: *mut infermem_tape);
    /// ```text
    /// Takes size bytes at an address that is a multiple of align, and stores the address in *out. The contents are
    /// whatever was there; see ZERO_ON_CLEAR. Costs a few nanoseconds whatever the size.
    ///   size: bytes, more than 0.  align: a power of two, 1 or more.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: size is 0, or align is not a power of two.
    /// INFERMEM_E_SEALED.  INFERMEM_E_FULL: size and padding exceed what is left; the cursor has not moved, and
    /// tape_failures counts one more.
    /// Thread: many at once, but one at a time on an EXCLUSIVE tape.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_alloc"]
    pub fn tape_alloc(tape: *const infermem_tape, size: usize, align: usize, out: *mut *mut c_void) -> i32;
    /// ```text
    /// Takes count * size bytes, as tape_alloc does.
    /// Errors: those of tape_alloc.  INFERMEM_E_ARG: also when count is 0.  INFERMEM_E_OVERFLOW: count * size does not fit.
    /// Thread: as tape_alloc.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_alloc_array"]
    pub fn tape_alloc_array(tape: *const infermem_tape, count: usize, size: usize, align: usize, out: *mut *mut c_void) -> i32;
    /// ```text
    /// Notes the present cursor in *out, for tape_rewind.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_mark"]
    pub fn tape_mark(tape: *const infermem_tape, out: *mut infermem_tape_mark) -> i32;
    /// ```text
    /// Gives back everything taken since the mark, in constant time (with ZERO_ON_CLEAR, in the time to zero it). A mark
    /// stays good after a rewind to it.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: the mark is another tape's.  INFERMEM_E_STALE: the mark
    /// lies ahead of the cursor, or is from before the last clear.  INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_rewind"]
    pub fn tape_rewind(tape: *mut infermem_tape, mark: *const infermem_tape_mark) -> i32;
    /// ```text
    /// Gives back everything, in constant time (with ZERO_ON_CLEAR, in the time to zero it). The generation grows by one;
    /// the pages stay committed. What lived in the tape is gone: objects built in it answer INFERMEM_E_STALE from here on.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED.  INFERMEM_E_STATE: this is a layout's weights tape,
    /// which only layout_free clears.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_clear"]
    pub fn tape_clear(tape: *mut infermem_tape) -> i32;
    /// ```text
    /// Returns the pages beyond the cursor to the system; they read as zero when next touched.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED.  INFERMEM_E_UNSUPPORTED: the memory is lent.
    /// INFERMEM_E_SYSTEM: the system refused.
    /// Thread: exclusive.  Memory: releases pages.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_trim"]
    pub fn tape_trim(tape: *mut infermem_tape) -> i32;
    /// ```text
    /// Commits every page of the tape, used or not, without changing a byte of it: later first touches cost nothing.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED.  INFERMEM_E_NOMEM: the system has not the pages.
    /// INFERMEM_E_SYSTEM.
    /// Thread: many at once, also while others allocate and write.  Memory: commits pages.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_warm"]
    pub fn tape_warm(tape: *const infermem_tape) -> i32;
    /// ```text
    /// Makes the whole tape read-only: a write to it faults, and every call that would change it answers
    /// INFERMEM_E_SEALED. Sealing a sealed tape does nothing.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_UNSUPPORTED: the memory is lent, and is not whole pages.
    /// INFERMEM_E_SYSTEM.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_seal"]
    pub fn tape_seal(tape: *mut infermem_tape) -> i32;
    /// ```text
    /// Makes a sealed tape writable again; does nothing to one that is not sealed.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SYSTEM.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_unseal"]
    pub fn tape_unseal(tape: *mut infermem_tape) -> i32;
    /// ```text
    /// Bytes in use, the padding of alignments included. Constant time, as are all the queries below; of NULL or a handle
    /// of another kind each is 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_used"]
    pub fn tape_used(tape: *const infermem_tape) -> usize;
    /// ```text
    /// Bytes that an allocation of alignment 1 can still have.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_free_bytes"]
    pub fn tape_free_bytes(tape: *const infermem_tape) -> usize;
    /// ```text
    /// Bytes in all: the size asked for, rounded up to the page.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_total"]
    pub fn tape_total(tape: *const infermem_tape) -> usize;
    /// ```text
    /// The most bytes that were ever in use at once.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_peak"]
    pub fn tape_peak(tape: *const infermem_tape) -> usize;
    /// ```text
    /// How many allocations were refused with INFERMEM_E_FULL.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_failures"]
    pub fn tape_failures(tape: *const infermem_tape) -> u64;
    /// ```text
    /// How many times the tape was cleared.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_generation"]
    pub fn tape_generation(tape: *const infermem_tape) -> u64;
    /// ```text
    /// 1 when the pointer lies in the part of the tape that is in use, padding included, else 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_owns"]
    pub fn tape_owns(tape: *const infermem_tape, pointer: *const c_void) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_tape_info"]
    pub fn tape_info(tape: *const infermem_tape, out: *mut infermem_tape_facts) -> i32;
    /// ```text
    /// Makes the three tapes of an inference process: weights are loaded once and kept, scratch is cleared every token,
    /// history is cleared every conversation. Free it with layout_free. All three are made, or none.
    /// Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: all three sizes are 0, a tape
    /// left out has flags, or as in tape_new.  INFERMEM_E_OVERFLOW: a size, or the sum of the three, does not fit.
    /// INFERMEM_E_NOMEM.  INFERMEM_E_SYSTEM.
    /// Thread: any.  Memory: one handle from the allocator; one mapping a tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_new"]
    pub fn layout_new(options: *const infermem_layout_options, out: *mut *mut infermem_layout) -> i32;
    /// ```text
    /// Frees the layout and its tapes. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_free"]
    pub fn layout_free(layout: *mut infermem_layout);
    /// ```text
    /// The weights tape, or NULL when there is none (as of a NULL layout). It belongs to the layout and lives as long.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_weights"]
    pub fn layout_weights(layout: *const infermem_layout) -> *mut infermem_tape;
    /// ```text
    /// The scratch tape; as layout_weights.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_scratch"]
    pub fn layout_scratch(layout: *const infermem_layout) -> *mut infermem_tape;
    /// ```text
    /// The history tape; as layout_weights.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_history"]
    pub fn layout_history(layout: *const infermem_layout) -> *mut infermem_tape;
    /// ```text
    /// Ends a forward pass: clears scratch. Weights and history stay.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED: scratch is sealed.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_clear_pass"]
    pub fn layout_clear_pass(layout: *mut infermem_layout) -> i32;
    /// ```text
    /// Ends a conversation: clears history, then scratch. Weights stay.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED: history or scratch is sealed; neither was cleared.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_clear_talk"]
    pub fn layout_clear_talk(layout: *mut infermem_layout) -> i32;
    /// ```text
    /// The sum of the three tapes' totals in bytes; 0 of NULL.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_total"]
    pub fn layout_total(layout: *const infermem_layout) -> usize;
    /// ```text
    /// Fills *out, whose struct_size the caller has set: used, total and peak bytes of each tape. In each tape
    /// used <= peak <= total, also while other threads allocate.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_stat"]
    pub fn layout_stat(layout: *const infermem_layout, out: *mut infermem_layout_usage) -> i32;
    /// ```text
    /// The same as one line, "weights: U/T MB | scratch: U/T MB | history: U/T MB" with used and total in whole MiB
    /// (bytes >> 20), NUL-terminated. *out_length is its length without the NUL. With buffer NULL and capacity 0 the length
    /// alone is given.
    ///   capacity: bytes of buffer, the NUL included.
    /// Errors: INFERMEM_E_NULL: layout or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and the error's `expected` is the capacity needed.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_layout_stat_text"]
    pub fn layout_stat_text(layout: *const infermem_layout, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// Opens a model; free it with model_free. The metadata is read; arrays in a GGUF file are skipped, and read when asked
    /// for. Tensor data is mapped read-only, not read. Files must not be changed meanwhile: bytes of the map that another
    /// process cuts off a file fault with SIGBUS when they are touched, which INFERMEM_MODEL_NO_DATA rules out.
    ///
    /// path, NUL-terminated, is one of these. Only the first bytes tell GGUF, safetensors and JSON apart.
    ///   - A GGUF file. Of one whose name ends in -00002-of-00003.gguf, or with other numbers, all parts are opened, whichever
    ///     is given; each must be there. The metadata are those of the first, the tensors those of all.
    ///   - A safetensors file, which is read alone.
    ///   - An index, whose name ends in .index.json: the safetensors files that its weight_map names, which are in its
    ///     directory, and the config.json there, if there is one.
    ///   - A JSON file: a config.json of any name. The model has no tensors.
    ///   - A directory: model.safetensors.index.json in it as above, else model.safetensors and config.json, or one of both.
    ///
    /// Values of a config.json stand under their paths, "text_config.rope_scaling.factor". Whole numbers are I64, those above
    /// its range U64, all others F64, and NaN and the infinities may be written as Python does. An array of numbers, of bools or
    /// of strings is an array; of any other, each element has a path of its own, "blocks.3.width". What is null is left out.
    /// Entries of a safetensors file's __metadata__ are strings under "__metadata__.", those of the first file of several.
    ///
    /// What is odd in a file but no error is a warning, see model_warning. That includes keys that model_config needs and
    /// that are missing, of a wrong type or out of range.
    ///   options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a flag is unknown, a reserved
    /// field is not 0, or the allocator lacks a function.  INFERMEM_E_IO: a file cannot be opened or read; os_error tells why,
    /// and the message which one: also where a part is missing.  INFERMEM_E_FORMAT: it is no regular file, of no known
    /// format, or breaks a rule of its format.  In all: an empty or repeated name or key, a control character in one.  In GGUF:
    /// an unknown value type, an array of arrays, a bool that is neither 0 nor 1, an alignment that is no u32 or no power of
    /// two, more than 4 dimensions, a dimension of 0, rows that are not whole blocks, data that is not aligned, tensors that
    /// overlap, parts that are not of one model.  In safetensors: a header that is no such JSON or has a field more, less
    /// or twice, a number that is not whole or negative, offsets that are not those of the shape, data that overlaps, has holes
    /// or goes on after the last tensor, an index that names a file elsewhere or a tensor that is not there.  In JSON: what is
    /// not RFC 8259 in UTF-8, or no object.  INFERMEM_E_VERSION: GGUF of version 0, 1 or above 3, or big-endian.
    /// INFERMEM_E_TRUNCATED: a file ends before what it declares, or is empty, or a JSON text ends within its value.
    /// INFERMEM_E_LIMIT: see
    /// INFERMEM_MODEL_MAX_*.  INFERMEM_E_OVERFLOW: a tensor's size or place does not fit 64 bits.  INFERMEM_E_NOMEM.
    /// INFERMEM_E_SYSTEM: the data could not be mapped.
    /// Thread: any.  Memory: one handle and the metadata from the allocator; a mapping a file; one file descriptor.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_open"]
    pub fn model_open(path: *const c_char, options: *const infermem_model_options, out: *mut *mut infermem_model) -> i32;
    /// ```text
    /// Opens a model whose file is not on disk, from its first bytes: a GGUF file, a safetensors file or a config.json, as
    /// model_open does. All its metadata must be among them; elements of arrays are kept. There are no views of its tensors.
    ///   bytes: n_bytes of them, not kept.  file_size: bytes of the whole file, which places are checked against; 0 means
    ///   n_bytes.
    /// Errors: those of model_open but _IO and _SYSTEM.  INFERMEM_E_NULL: bytes or out is NULL.  INFERMEM_E_ARG: file_size is
    /// less than n_bytes, too.  INFERMEM_E_TRUNCATED: metadata reach beyond the bytes, too.
    /// Thread: any.  Memory: one handle and the metadata from the allocator.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_open_bytes"]
    pub fn model_open_bytes(bytes: *const c_void, n_bytes: usize, file_size: u64, options: *const infermem_model_options, out: *mut *mut infermem_model) -> i32;
    /// ```text
    /// The same through a function that reads the file, which is not called any more when this returns.
    ///   file_size: bytes of the whole file.
    /// Errors: those of model_open_bytes.  INFERMEM_E_NULL: read or out is NULL.  INFERMEM_E_IO: the function failed, with
    /// os_error what it returned, or says that it read more than was asked for.  INFERMEM_E_TRUNCATED: it found the end before
    /// file_size, too, which may be 0.
    /// Thread: any.  Memory: as model_open_bytes.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_open_callback"]
    pub fn model_open_callback(read: Option<infermem_read_at_function>, context: *mut c_void, file_size: u64, options: *const infermem_model_options, out: *mut *mut infermem_model) -> i32;
    /// ```text
    /// INFERMEM_FORMAT_*; 0 of NULL.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_format"]
    pub fn model_format(model: *const infermem_model) -> i32;
    /// ```text
    /// How many files the tensors are in, or the metadata where there are none; 0 of NULL, and of a directory that has a
    /// config.json alone.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_part_count"]
    pub fn model_part_count(model: *const infermem_model) -> usize;
    /// ```text
    /// The path of such a file, as it was opened, which lives as long as the model; "" of one that is not on disk, and NULL
    /// where there is none of that index.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_part_path"]
    pub fn model_part_path(model: *const infermem_model, index: usize) -> *const c_char;
    /// ```text
    /// Closes the files and frees the model; views of its tensors, names and strings end with it. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_free"]
    pub fn model_free(model: *mut infermem_model);
    /// ```text
    /// How many warnings there are; 0 of NULL.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_warning_count"]
    pub fn model_warning_count(model: *const infermem_model) -> usize;
    /// ```text
    /// A warning: a sentence, printable ASCII, that lives as long as the model. NULL where there is none of that index.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_warning"]
    pub fn model_warning(model: *const infermem_model, index: usize) -> *const c_char;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, from the metadata and the tensors. What the file does not say, or
    /// says with a wrong type or out of range, is 0, and a warning says so where it matters: the result is to go through
    /// infermem_config_validate before anything is computed from it.
    ///
    /// Of GGUF: the keys of its specification and those that llama.cpp's converters write, with {general.architecture} before
    /// them. Where absent, n_kv_heads is n_heads, head_dim_k and head_dim_v are hidden / n_heads, and rope_dims is
    /// head_dim_k. vocab is the rows of token_embd.weight, else vocab_size, else the length of tokenizer.ggml.tokens.
    /// Of a config.json: the names that transformers' configurations have, those of the text part first; null is as if it
    /// were absent. architecture is model_type. Latent attention and recurrent mixers are told as GGUF does, layers that only
    /// predict further tokens are counted, and where no type of the weights is said it is BF16.
    /// Of both: what is known of the architecture fills in windows, intervals and flags that are left open.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_config"]
    pub fn model_config(model: *const infermem_model, out: *mut infermem_model_config) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with the layer of that index.
    ///
    /// What the metadata says comes first, then which tensors the layer has, then what is known of the architecture. Where
    /// metadata and tensors contradict each other there is a warning, and the confidence is ROUGH. The bytes are the sums of
    /// the layer's tensors where there are any, else those of infermem_config_layer.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below n_layers.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_layer"]
    pub fn model_layer(model: *const infermem_model, index: u64, out: *mut infermem_model_layer) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with the weights: the sums of the tensors where there are any, to
    /// the byte and EXACT (MODELLED where the bytes of one are inferred), else what infermem_config_weights gives: ROUGH where
    /// the configuration lacks a number, and 0 where they do not fit.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_weights"]
    pub fn model_weights(model: *const infermem_model, out: *mut infermem_model_weights) -> i32;
    /// ```text
    /// Whether a configuration is one that can be computed with. The sizes of its weights, of its KV cache at full context
    /// and of a sequence's state are then known to fit 64 bits together, at 8 bytes an element.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: n_layers, hidden or vocab is 0; n_heads or n_kv_heads
    /// is 0 and there is no recurrent mixer; intermediate is 0 and there are neither that nor experts; architecture has no
    /// NUL; tied_embeddings is neither 0 nor 1; a flag is unknown; reserved is not 0; more experts are used than there are; rope_theta or
    /// norm_eps is negative.  INFERMEM_E_NOT_FINITE: rope_theta or norm_eps is.  INFERMEM_E_TYPE: weight_type or
    /// expert_type is no known type.  INFERMEM_E_SHAPE: n_heads is no multiple of n_kv_heads, or hidden none of n_heads while head_dim_k or
    /// head_dim_v is 0, or rope_dims exceeds head_dim_k.  INFERMEM_E_LIMIT: n_layers exceeds INFERMEM_MODEL_MAX_LAYERS; more
    /// layers are dense, use others' keys or predict further tokens than there are; window_first or attention_first exceeds
    /// its interval; weight_bits exceeds 16; hidden, intermediate, vocab, context, sliding_window, expert_intermediate,
    /// shared_intermediate, ssm_inner or weight_group exceeds 2^31, or another number is 2^20 or more.  INFERMEM_E_OVERFLOW:
    /// the model's size does not fit.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_config_validate(config: *const infermem_model_config) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with what the layer of that index is by the configuration alone.
    /// The formulas of a transformer with a gated feed-forward part, in elements, with E = hidden, F = intermediate, V =
    /// vocab, L = n_layers, H and KV = n_heads and n_kv_heads, k and v = head_dim_k and head_dim_v:
    ///
    ///     attention = E * (H k + KV k + KV v) + H v E     feed-forward = 3 E F     norms = 2 E
    ///     model     = L * (attention + feed-forward + norms) + V E + E, and V E where the embeddings are not tied
    ///
    /// to which flags, experts, latents and recurrent mixers add theirs. A recurrent layer keeps, of R and S elements:
    ///
    ///     with an inner dimension   R = (conv_kernel - 1) * (ssm_inner + 2 ssm_groups ssm_state)   S = ssm_state ssm_inner
    ///     a convolution of hidden   R = (conv_kernel - 1) * hidden                                 S = 0
    ///     RWKV                      R = token_shifts * hidden                                      S = hidden wkv_head_dim
    ///
    /// What the configuration leaves open is taken from what is known of the architecture, by the name that GGUF files or
    /// Hugging Face's configurations give it. Confidences are MODELLED, or ROUGH where the architecture is not known and the
    /// layout would have to be.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_RANGE: index is not below n_layers.  Those of infermem_config_validate.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_config_layer(config: *const infermem_model_config, index: u64, out: *mut infermem_model_layer) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with the weights by the configuration alone: matrices in
    /// weight_type or by weight_bits and weight_group, embeddings in weight_type, norms, biases and routers in weight_type
    /// where it is a plain one, else in f32.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.  Those of infermem_config_validate.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_config_weights(config: *const infermem_model_config, out: *mut infermem_model_weights) -> i32;
    /// ```text
    /// How many tensors the model has; 0 of NULL. They are numbered as in the file, those of several files one file after the
    /// other.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_tensor_count"]
    pub fn model_tensor_count(model: *const infermem_model) -> usize;
    /// ```text
    /// Fills *out, whose struct_size the caller has set.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below model_tensor_count.
    /// INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_tensor_info"]
    pub fn model_tensor_info(model: *const infermem_model, index: usize, out: *mut infermem_tensor_info) -> i32;
    /// ```text
    /// The index of the tensor of that name, in constant time.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_tensor_find"]
    pub fn model_tensor_find(model: *const infermem_model, name: *const c_char, out_index: *mut usize) -> i32;
    /// ```text
    /// A view of the tensor's data in the mapped file: READONLY, in rows one after the other, valid until model_free. bytes is
    /// what model_tensor_info says. The strides are 0 where dtype is not known or a byte holds elements of two rows. Of a tensor
    /// without elements, data is NULL and the strides are 0.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below model_tensor_count.
    /// INFERMEM_E_STATE: the model was opened with INFERMEM_MODEL_NO_DATA, or its file is not on disk.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_tensor_view"]
    pub fn model_tensor_view(model: *const infermem_model, index: usize, out: *mut infermem_view) -> i32;
    /// ```text
    /// How many metadata values the model has; 0 of NULL. They are numbered as in the file, those of a config.json before those
    /// of a safetensors file.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_count"]
    pub fn model_meta_count(model: *const infermem_model) -> usize;
    /// ```text
    /// Fills *out, whose struct_size the caller has set.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below model_meta_count.
    /// INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_info"]
    pub fn model_meta_info(model: *const infermem_model, index: usize, out: *mut infermem_meta_info) -> i32;
    /// ```text
    /// The index of the value of that key, in constant time.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_find"]
    pub fn model_meta_find(model: *const infermem_model, key: *const c_char, out_index: *mut usize) -> i32;
    /// ```text
    /// The value of an integer of any type.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no integer.
    /// INFERMEM_E_RANGE: it is negative.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_u64"]
    pub fn model_meta_u64(model: *const infermem_model, key: *const c_char, out: *mut u64) -> i32;
    /// ```text
    /// The value of an integer of any type, signed.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no integer.
    /// INFERMEM_E_RANGE: it is above the largest int64_t.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_i64"]
    pub fn model_meta_i64(model: *const infermem_model, key: *const c_char, out: *mut i64) -> i32;
    /// ```text
    /// The value of an f32 or f64, which may be infinite or NaN.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is neither.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_f64"]
    pub fn model_meta_f64(model: *const infermem_model, key: *const c_char, out: *mut f64) -> i32;
    /// ```text
    /// The value of a bool: 0 or 1.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no bool.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_bool"]
    pub fn model_meta_bool(model: *const infermem_model, key: *const c_char, out: *mut i32) -> i32;
    /// ```text
    /// The value of a string: *out_length bytes and a NUL, which live as long as the model.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no string.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_string"]
    pub fn model_meta_string(model: *const infermem_model, key: *const c_char, out: *mut *const c_char, out_length: *mut usize) -> i32;
    /// ```text
    /// Reads n elements, from element first on, of an array of integers of any type, or of bools, which read as 0 and 1,
    /// from the file.
    ///   out: room for n; may be NULL when n is 0.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no array, or its
    /// elements are neither.  INFERMEM_E_RANGE: first and n reach beyond the array, or an element is negative.
    /// INFERMEM_E_FORMAT: a bool is neither 0 nor 1.  INFERMEM_E_IO: the file could not be read.  INFERMEM_E_TRUNCATED: it was
    /// cut meanwhile.  INFERMEM_E_NOMEM.
    /// Thread: many at once.  Memory: a buffer during the call, when the elements take more than 4 KiB.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_array_u64"]
    pub fn model_meta_array_u64(model: *const infermem_model, key: *const c_char, first: u64, n: usize, out: *mut u64) -> i32;
    /// ```text
    /// The same, signed.
    /// Errors: those of model_meta_array_u64, but INFERMEM_E_RANGE of an element: it is above the largest int64_t.
    /// Thread: many at once.  Memory: as model_meta_array_u64.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_array_i64"]
    pub fn model_meta_array_i64(model: *const infermem_model, key: *const c_char, first: u64, n: usize, out: *mut i64) -> i32;
    /// ```text
    /// The same of an array of f32 or f64, of which an element may be infinite or NaN.
    /// Errors: those of model_meta_array_u64, but _FORMAT.  INFERMEM_E_TYPE: the value is no array, or its elements are
    /// neither.
    /// Thread: many at once.  Memory: as model_meta_array_u64.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_array_f64"]
    pub fn model_meta_array_f64(model: *const infermem_model, key: *const c_char, first: u64, n: usize, out: *mut f64) -> i32;
    /// ```text
    /// Reads n strings, from string first on, of an array of strings: one after the other, each followed by a NUL. It takes
    /// time linear in first and n: ask for many at once.
    ///   buffer: NULL, with a capacity of 0, asks for the length alone.  out_offsets: room for n + 1, or NULL: where in the
    ///   buffer each string begins, and at last the length.  out_length: bytes, all NULs included.
    /// Errors: INFERMEM_E_NULL: an argument but these two is, or buffer with a capacity.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no array of strings.  INFERMEM_E_RANGE: first and n reach beyond the
    /// array.  INFERMEM_E_BUFFER: they need more than capacity.  INFERMEM_E_IO: the file could not be read.
    /// INFERMEM_E_TRUNCATED: it was cut or changed meanwhile.  INFERMEM_E_NOMEM.
    /// Thread: many at once.  Memory: 64 KiB and what is delivered, during the call.  Since: 0.1
    /// ```
    #[link_name = "infermem_model_meta_array_strings"]
    pub fn model_meta_array_strings(model: *const infermem_model, key: *const c_char, first: u64, n: usize, buffer: *mut c_char, capacity: usize, out_offsets: *mut usize, out_length: *mut usize) -> i32;
    /// ```text
    /// Quantizes a row-major matrix of floats to the library's own form; free it with quant_free. With levels = 2^bits - 1,
    /// and every step rounded to a float:
    ///     scale = (max - min) / levels, or 1 where max equals min
    ///     q = (value - min) / scale, rounded to the nearest integer, halves up, at most levels
    /// so that no value moves by more than scale / 2, the rounding of the floats apart, and a group of equal values comes
    /// back exactly. Any finite values will do: where max - min exceeds the largest float, scale is the same as if it did
    /// not; where scale is denormal, and rounded down so far that q would exceed levels, it is the next float up.
    ///   With params F16 or BF16, min is the largest number of that type that is not above the least value of the group, and
    /// scale, computed with this min, the smallest of that type that is not below (max - min) / levels, a float. The group's
    /// range is thus still covered, and no value moves by more than scale / 2, the rounding of the floats apart; a group of
    /// equal values comes back exactly where the type has the value. What lies beyond the largest float after that is the
    /// largest.
    ///   Symmetric, with levels = 2^(bits-1) - 1 and most the largest magnitude in the group,
    ///     scale = most / levels; with params F16 or BF16 the smallest number of that type not below it
    ///     q = value / scale, rounded to the nearest integer, halves away from 0, + 2^(bits-1)
    /// so that 0 comes back as 0, no value moves by more than scale / 2, the rounding of the floats apart, and q is never 0.
    /// Of a group of zeros scale is 0, and each q 2^(bits-1). Denormal scales are rounded up as above.
    ///   data: n floats.  n: rows * cols.  options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: data or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: bits, nan_policy, group, params or
    /// symmetric is not one of those above, or the allocator lacks a function.  INFERMEM_E_SHAPE: rows or cols is 0, or n is
    /// not rows * cols.  INFERMEM_E_OVERFLOW: rows * cols, or the bytes, do not fit. INFERMEM_E_NOT_FINITE: a value is NaN
    /// or infinite, and nan_policy refuses it; the error's `got` is the index in data of the first.  INFERMEM_E_LIMIT: all
    /// values will do, but a group's least value, or its scale, is farther from 0 than the largest number of params (65504
    /// in F16, 3.39e38 in BF16), or the minimum that is implied farther than the largest float (of values beyond 2.97e38 in
    /// 4 bits, 3.37e38 in 8); `got` is the index of the first such group's first value. INFERMEM_E_NOMEM.
    /// INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc. Of all these only
    /// INFERMEM_E_NOT_FINITE and INFERMEM_E_LIMIT come after the tape was asked: its cursor then moves back, unless another
    /// thread took something from it meanwhile.
    /// Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_from_f32"]
    pub fn quant_from_f32(data: *const f32, n: usize, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Quantizes a row-major matrix of F16; free it with quant_free. It is what quant_from_f32 makes of the same values, which
    /// are exact as floats, bit for bit, without room for the floats.
    ///   data: n numbers of 16 bits.  n: rows * cols.  options: NULL means all defaults.
    /// Errors: as quant_from_f32.
    /// Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_from_f16"]
    pub fn quant_from_f16(data: *const u16, n: usize, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Quantizes a row-major matrix of BF16, as quant_from_f16 one of F16; free it with quant_free.
    ///   data: n numbers of 16 bits.  n: rows * cols.  options: NULL means all defaults.
    /// Errors: as quant_from_f32.
    /// Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_from_bf16"]
    pub fn quant_from_bf16(data: *const u16, n: usize, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Makes a matrix of weights that already are in one of the field's formats, in the caller's memory, which must outlive
    /// it unchanged; free it with quant_free. Nothing is copied or converted. Rows follow each other without gaps. Its floats
    /// are bit for bit those of GGML's reference code, NaNs apart; where a file has infinite scales, so are its floats.
    ///   dtype: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K or MXFP4, in GGML's layout.
    /// bytes: at any address.  n_bytes: at least what the matrix takes.  cols: whole blocks of the type.  options: NULL, or
    /// all but the allocator 0.
    /// Errors: INFERMEM_E_NULL: bytes or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options other than the
    /// allocator is not 0, or the allocator lacks a function.  INFERMEM_E_TYPE: dtype is no known type's number.
    /// INFERMEM_E_UNSUPPORTED: it is a type that cannot be read here.  INFERMEM_E_SHAPE: rows or cols is 0, cols is not
    /// whole blocks, or n_bytes is too small.  INFERMEM_E_OVERFLOW: the bytes of the matrix do not fit.  INFERMEM_E_NOMEM.
    /// Thread: any.  Memory: one handle from the allocator.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_borrow"]
    pub fn quant_borrow(dtype: i32, bytes: *const c_void, n_bytes: usize, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Makes a matrix of the library's own form of GPTQ's tensors, as AutoGPTQ and GPTQModel write them; free it with
    /// quant_free. With words of 32 bits that hold n = 32 / bits numbers, the first in the lowest bits, and groups =
    /// ceil(cols / group), the tensors of a layer with `rows` outputs and `cols` inputs are
    ///   weights: "qweight", cols / n x rows words, each n inputs of an output.  zeros: "qzeros", groups x rows / n words,
    /// each the zero points of n outputs; in version 1, "gptq", stored less one: less 0x11111111 a word in 4 bits,
    /// 0x01010101 in 8; in version 2, "gptq_v2", as they are.  scales: "scales", groups x rows.  group_index: "g_idx", the
    /// group of each input in 32 bits, or NULL, or all 0, as some write it where there is no order.
    ///   They stand for (q - zero) * scale. The matrix has their levels and scales, and min = -zero * scale, rounded to a
    /// float; with scales of 16 bits and params F32 its values are exactly those. With params F16 or BF16 scales and minima
    /// are rounded to the nearest number of that type; a symmetric matrix stores no minima, and loses nothing by it where all
    /// zero points are 2^(bits-1), as GPTQ's "sym" makes them.
    ///   tensors: all but group_index.  options: as of quant_from_f32, its bits and group being those of the tensors, and
    /// nan_policy 0; NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: tensors or out, or weights, zeros or scales is NULL.  INFERMEM_E_STRUCT: that of tensors or
    /// options.  INFERMEM_E_ARG: a field of options is not as above, or gptq_version is not 0, 1 or 2.  INFERMEM_E_SHAPE:
    /// rows or cols is 0, or does not fill whole words, or a length is not that of the shape.  INFERMEM_E_OVERFLOW: rows *
    /// cols, or the bytes, do not fit.  INFERMEM_E_TYPE: scales_type is no known type's number.  INFERMEM_E_UNSUPPORTED:
    /// scales_type is not F32, F16 or BF16; or the group of an input i is not i / group, because columns were reordered by
    /// activation (`got` is i); or options ask for a symmetric matrix, and a group's zero point is not 2^(bits-1) (`got` is
    /// row * groups + group).  INFERMEM_E_NOT_FINITE: a scale is NaN or infinite; `got` is row * groups + group.
    /// INFERMEM_E_LIMIT: params cannot hold a scale or a minimum, or a weight is beyond the largest float; `got` is the
    /// same.  INFERMEM_E_NOMEM. INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc.
    /// Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_from_gptq"]
    pub fn quant_from_gptq(tensors: *const infermem_quant_tensors, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// The same of AWQ's tensors, as AutoAWQ writes them for its version "gemm"; of 4 bits, which options must say, as AWQ
    /// knows no other. A word holds 8 numbers, those of outputs 0, 2, 4, 6, 1, 3, 5, 7 from the lowest bits up:
    ///   weights: "qweight", cols x rows / 8 words, each 8 outputs of an input.  zeros: "qzeros", groups x rows / 8 words.
    /// scales: "scales", groups x rows.  group_index: NULL.
    /// Errors: as quant_from_gptq; INFERMEM_E_ARG also: bits is not 4, or gptq_version or group_index is not 0;
    /// INFERMEM_E_SHAPE also: rows or cols is not a multiple of 8.
    /// Thread: any.  Memory: as quant_from_gptq.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_from_awq"]
    pub fn quant_from_awq(tensors: *const infermem_quant_tensors, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// The same of HQQ's tensors, with its axis 1, and packings "4bit_u8" and "8bit_u8":
    ///   weights: "W_q", of 8 bits rows x cols bytes; of 4 bits half as many, the levels of the matrix's first half in the
    /// high nibbles, those of the second in the low ones.  zeros, scales: "zero" and "scale", rows x groups each, both of
    /// scales_type.  group_index: NULL.
    ///   Zero points need not be whole numbers; values are then exact but for the roundings of min and of their sum. Zeros or
    /// scales that HQQ has quantized, too, must be turned back first.
    /// Errors: as quant_from_gptq; INFERMEM_E_ARG also: gptq_version or group_index is not 0; INFERMEM_E_SHAPE also: cols is
    /// not whole groups, or of 4 bits rows * groups is odd; INFERMEM_E_NOT_FINITE also: a zero point is NaN or infinite.
    /// Thread: any.  Memory: as quant_from_gptq.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_from_hqq"]
    pub fn quant_from_hqq(tensors: *const infermem_quant_tensors, rows: usize, cols: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Frees a matrix; borrowed memory and a tape's stay as they are. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_free"]
    pub fn quant_free(q: *mut infermem_quant);
    /// ```text
    /// Turns the whole matrix into floats, row-major.
    ///   out: n floats.  n: rows * cols.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not rows * cols.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_to_f32"]
    pub fn quant_to_f32(q: *const infermem_quant, out: *mut f32, n: usize) -> i32;
    /// ```text
    /// Turns the whole matrix into F16, row-major: the floats of quant_to_f32, rounded to nearest, ties to even. From 65520 on
    /// that is infinity.
    ///   out: n numbers of 16 bits.  n: rows * cols.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not rows * cols.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_to_f16"]
    pub fn quant_to_f16(q: *const infermem_quant, out: *mut u16, n: usize) -> i32;
    /// ```text
    /// Turns the whole matrix into BF16, row-major: the floats of quant_to_f32, rounded to nearest, ties to even. From 2^128 -
    /// 2^119 on, which is 3.396e38, that is infinity.
    ///   out: n numbers of 16 bits.  n: rows * cols.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not rows * cols.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_to_bf16"]
    pub fn quant_to_bf16(q: *const infermem_quant, out: *mut u16, n: usize) -> i32;
    /// ```text
    /// Turns rows first_row to first_row + n_rows - 1 into floats: a thread's share of the matrix.
    ///   out: n_out floats.  n_out: n_rows * cols.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_out is not n_rows * cols.
    /// INFERMEM_E_RANGE: first_row + n_rows is more than the number of rows; the error's `got` is first_row.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_range_to_f32"]
    pub fn quant_range_to_f32(q: *const infermem_quant, first_row: usize, n_rows: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// Turns the rows of the given indices into floats, one after the other: the embeddings of some tokens, the weights of
    /// some neurons. Indices may repeat, in any order; nothing is written unless all are good.
    ///   rows: n_rows indices.  out: n_out floats.  n_out: n_rows * cols.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_out is not n_rows * cols.
    /// INFERMEM_E_RANGE: an index is not below the number of rows; the error's `got` is the index.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_rows_to_f32"]
    pub fn quant_rows_to_f32(q: *const infermem_quant, rows: *const usize, n_rows: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// Measures the matrix against floats, usually those that it was made from; in double precision. A group of a borrowed
    /// type is a block; of several worst ones the first is told.
    ///   data: n floats, row-major.  n: rows * cols.  out: its struct_size the caller has set.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not
    /// rows * cols.  INFERMEM_E_NOT_FINITE: a value is NaN or infinite in data or in the matrix; the error's `got` is its
    /// index.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_error"]
    pub fn quant_error(q: *const infermem_quant, data: *const f32, n: usize, out: *mut infermem_quant_errors) -> i32;
    /// ```text
    /// Copies a matrix of the library's own form out as plain arrays, row by row, with groups = ceil(cols / group):
    ///   out_levels: rows x ceil(cols * bits / 8) bytes; of 4 bits, element 2i of a row is the low nibble of byte i, 2i + 1
    /// the high one, and the last one's other nibble 0.  n_levels: that number.  out_scales, out_mins: rows x groups floats
    /// each, exactly what is stored, or the minima that are implied.  n_scales, n_mins: that number. None may overlap
    /// another.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_UNSUPPORTED: the matrix is one of a
    /// borrowed type.  INFERMEM_E_SHAPE: a length is not that number.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_export"]
    pub fn quant_export(q: *const infermem_quant, out_levels: *mut u8, n_levels: usize, out_scales: *mut f32, n_scales: usize, out_mins: *mut f32, n_mins: usize) -> i32;
    /// ```text
    /// Quantizes a row-major matrix of floats to blocks of one of the field's formats, in memory of the caller's, which
    /// quant_borrow reads. Rows follow each other without gaps.
    ///   Q4_0, Q4_1, Q8_0, Q8_K: the bytes are those of GGML's reference code (of Q8_K also the sums of zeros, which that
    /// leaves unwritten). Values too small for an F16 scale become 0.
    ///   Q4_K, Q6_K: a search for the least squared error in each block of 256; slower, by far, than the others. Equal values
    /// give equal bytes on every machine.
    ///   dtype: one of those six.  data: n floats.  n: rows * cols.  cols: whole blocks of the type.  out: at any address;
    /// must not overlap data.  n_out: exactly the bytes that the matrix takes (infermem_dtype_bytes).
    /// Errors: INFERMEM_E_NULL: data or out is NULL.  INFERMEM_E_TYPE: dtype is no known type's number.
    /// INFERMEM_E_UNSUPPORTED: it is a type that cannot be written here.  INFERMEM_E_SHAPE: rows or cols is 0, cols is not
    /// whole blocks, n is not rows * cols, or n_out is not the bytes.  INFERMEM_E_OVERFLOW: rows * cols, or the bytes, do not
    /// fit.  INFERMEM_E_NOT_FINITE: a value is NaN or infinite; the error's `got` is its index in data.  INFERMEM_E_LIMIT: a
    /// block's scale or minimum would exceed 65504, the largest F16, or in Q8_K its values the largest float; `got` is the
    /// index of the block's first value. No value is too far from 0 up to 524032 in Q4_0, 65504 in Q4_1, 8319008 in Q8_0,
    /// 4126752 in Q4_K, 268304384 in Q6_K and 3.4e38 in Q8_K.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_quantize"]
    pub fn quant_quantize(dtype: i32, data: *const f32, n: usize, rows: usize, cols: usize, out: *mut c_void, n_out: usize) -> i32;
    /// ```text
    /// Writes a matrix to a file, native or borrowed, as it is stored: the same matrix gives the same bytes. The format is
    /// told in src/doc/quant_file.md; a file written by any release is read by all later ones of the same major version.
    ///   The file is written whole or not at all: the bytes go to a temporary file in the same directory, which takes the
    /// name once they are on the disk. A process killed at any moment leaves the former file or the new one at path, and
    /// perhaps a temporary, .infermem-PID-TIME-N.tmp, which can be removed. An existing file's permissions are kept, its
    /// owner and its other names are not: what else is linked to it keeps the former content, and a symbolic link is
    /// replaced, not followed. A matrix may be saved to the path that it was loaded from.
    ///   path: NUL-terminated; its directory exists, and can be read and written.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_ARG: path ends with a slash, is empty, or
    /// is a directory, a device, a FIFO or a socket, or a link to one.  INFERMEM_E_IO: the system refuses; os_error tells
    /// why: EFBIG is also the process's limit on the size of files. Then path is as it was and the temporary is removed;
    /// only where the directory cannot be written back, which the message says, the new file is in its place, and a power
    /// failure may undo that.
    /// Thread: many at once, also to one path, which the last takes.  Memory: none; two file descriptors during the call.
    /// Since: 0.1
    /// ```
    #[link_name = "infermem_quant_save"]
    pub fn quant_save(q: *const infermem_quant, path: *const c_char) -> i32;
    /// ```text
    /// Makes a matrix of a file that quant_save wrote; free it with quant_free. Nothing is copied: the file is mapped,
    /// privately and read-only, and the matrix is what lies there. All checksums are verified first, which reads the whole
    /// file; with the flag INFERMEM_QUANT_NO_VERIFY only the header and its own, see quant_verify.
    ///   The file must not be changed as long as the matrix lives: what is written into it may or may not be seen, and bytes
    /// that another process cuts off fault with SIGBUS when they are touched. quant_save does neither: it makes a new file.
    /// Where others may cut files short, read the bytes into memory and use quant_load_bytes.
    ///   The checksums find accidents. Of bytes that somebody made to deceive, with checksums to match, any use is still
    /// within the matrix's memory, but its values are theirs.
    ///   path: a regular file, NUL-terminated.  options: NULL, or all 0 but the allocator and the flags.
    /// Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options that must be 0
    /// is not, a flag is unknown, or the allocator lacks a function.  INFERMEM_E_IO: the file cannot be opened or read;
    /// os_error tells why.  INFERMEM_E_FORMAT: it is no regular file, none of this format, or its header contradicts itself.
    /// INFERMEM_E_VERSION: it is of a version that cannot be read here.  INFERMEM_E_UNSUPPORTED: so is its element type,
    /// its layout or a flag in it.  INFERMEM_E_TRUNCATED: it ends before what it declares, or is empty.  INFERMEM_E_CORRUPT:
    /// a checksum is not that of the bytes, padding is not 0, or the file goes on after its end; `expected` and `got` are
    /// the checksums, the bytes or the sizes.  INFERMEM_E_SYSTEM: it could not be mapped.  INFERMEM_E_NOMEM.
    /// Thread: any.  Memory: one handle from the allocator; one mapping; one file descriptor during the call.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_load"]
    pub fn quant_load(path: *const c_char, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// The same of saved bytes that are in the caller's memory, which must outlive the matrix unchanged: part of a larger
    /// file that is mapped, or of a program.
    ///   bytes: at a multiple of INFERMEM_QUANT_SAVED_ALIGN.  n_bytes: exactly those that were saved.
    /// Errors: as quant_load, but INFERMEM_E_IO and INFERMEM_E_SYSTEM; and INFERMEM_E_ARG: bytes is not so aligned.
    /// Thread: any.  Memory: one handle from the allocator.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_load_bytes"]
    pub fn quant_load_bytes(bytes: *const c_void, n_bytes: usize, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Verifies the checksums of a matrix that was loaded, which reads all of it: of one loaded without, or again.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the matrix was not loaded.  INFERMEM_E_CORRUPT: as
    /// quant_load.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_verify"]
    pub fn quant_verify(q: *const infermem_quant) -> i32;
    /// ```text
    /// The product of a range of rows with a vector, out[i] = sum over j of W[first_row + i][j] * x[j], read from the stored
    /// form directly: the matrix is never expanded in memory. Callers split the rows over their own threads.
    ///   x: n_x floats.  n_x: cols.  out: n_out floats; may not overlap x.  n_out: n_rows. The sum is taken in f32, in an
    /// order that depends on the instruction set, with fused multiply-add where there is one; it is within (cols + 8) *
    /// 2^-23 times the largest magnitude in the row times the sum of |x[j]| of the exact one, as long as weights and partial
    /// sums stay below 2^126 and products above the least normal float; and (2^bits - 1) * cols times the largest |x[j]|
    /// must be a float, too. Where x or a weight is not finite, neither is the product. Of an imported or a loaded matrix a
    /// row's largest |min| + (2^bits - 1) * |scale| counts instead, which may exceed all that it stands for. How the rows
    /// are split changes no bit.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_x is not cols, or n_out not
    /// n_rows.  INFERMEM_E_RANGE: first_row + n_rows is more than the number of rows; the error's `got` is first_row.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_gemv"]
    pub fn quant_gemv(q: *const infermem_quant, first_row: usize, n_rows: usize, x: *const f32, n_x: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// The same for the rows of the given indices, out[i] = sum over j of W[rows[i]][j] * x[j]: the active neurons of a
    /// sparse layer. Indices may repeat, in any order; nothing is written unless all are good.
    ///   rows: n_rows indices.  x: n_x floats.  n_x: cols.  out: n_out floats; may not overlap x.  n_out: n_rows.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_x is not cols, or n_out not
    /// n_rows.  INFERMEM_E_RANGE: an index is not below the number of rows; the error's `got` is the index.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_gemv_rows"]
    pub fn quant_gemv_rows(q: *const infermem_quant, rows: *const usize, n_rows: usize, x: *const f32, n_x: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// The product with one row, *out = sum over j of W[row][j] * x[j]: what quant_gemv_rows gives of it.
    ///   x: n_x floats.  n_x: cols.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_x is not cols.  INFERMEM_E_RANGE:
    /// row is not below the number of rows.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_dot_row"]
    pub fn quant_dot_row(q: *const infermem_quant, row: usize, x: *const f32, n_x: usize, out: *mut f32) -> i32;
    /// ```text
    /// The product of a range of rows with several vectors, as in a prompt or a batch of sequences, for which the matrix is
    /// read once per 64 of them: out[v * stride + i] = sum over j of W[first_row + i][j] * x[v * cols + j].
    ///   x: n_x floats, vector after vector.  n_x: n_vectors * cols.  n_vectors: 1 or more.  stride: floats from one vector's
    /// products to the next's, at least n_rows: threads that share the rows write to one matrix of products.  out: n_out
    /// floats, at least (n_vectors - 1) * stride + n_rows; what lies between the products is left alone. May not overlap x.
    /// The error is as that of quant_gemv. How the rows are split changes no bit; how many vectors there are may change the
    /// last digits.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_vectors is 0, n_x is not
    /// n_vectors * cols, stride is less than n_rows, or n_out is too small.  INFERMEM_E_RANGE: first_row + n_rows is more
    /// than the number of rows; the error's `got` is first_row.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_gemm"]
    pub fn quant_gemm(q: *const infermem_quant, first_row: usize, n_rows: usize, x: *const f32, n_x: usize, n_vectors: usize, out: *mut f32, stride: usize, n_out: usize) -> i32;
    /// ```text
    /// Bytes that quant_activations writes of n_vectors vectors of n elements each: about 1.25 an element. 0 where there are
    /// none, or they do not fit.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_activations_bytes"]
    pub fn quant_activations_bytes(n: usize, n_vectors: usize) -> usize;
    /// ```text
    /// Quantizes vectors to 8 bits, once for all the products that they are in. Of each 32 elements, with farthest their
    /// largest magnitude and every step rounded to a float:
    ///     scale = farthest / 127,  level = value * (127 / farthest), rounded to the nearest integer, ties to even
    /// so that no element moves by more than scale / 2, the rounding of the floats apart. Elements whose 32 are all below
    /// 2^-100 become 0. The bytes are for quant_gemv_q8 and quant_gemm_q8 of the same library alone, not for files.
    ///   x: n_x floats, vector after vector.  n_x: n_vectors * n.  out: n_out bytes at a multiple of 4, of 64 at best; may
    /// not overlap x. n_out: exactly quant_activations_bytes(n, n_vectors).
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_SHAPE: n or n_vectors is 0, or n_x or n_out not the right number.
    /// INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_ARG: out is not at a multiple of 4.  INFERMEM_E_NOT_FINITE: an
    /// element is NaN or infinite; the error's `got` is its index in x.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_activations"]
    pub fn quant_activations(x: *const f32, n_x: usize, n: usize, n_vectors: usize, out: *mut c_void, n_out: usize) -> i32;
    /// ```text
    /// The product of a range of rows with a vector of 8 bits: what quant_gemv gives of the vector's quantized elements. It
    /// takes integer instructions, and little more than the time to read the matrix, where groups are multiples of 32, and of
    /// Q4_0, Q4_1, Q8_0, Q4_K and Q6_K with AVX2 or AVX-512; whatever else there is goes through plain code, and quant_gemv
    /// is faster.
    ///   xq: what quant_activations wrote of 1 vector of cols elements.  n_xq: its bytes.  out: n_out floats; may not overlap
    /// xq.  n_out: n_rows.
    /// Integers are summed exactly, over 32 columns or fewer, and those sums in f32: the result is as near to the exact
    /// product with the quantized elements as quant_gemv's is to that with floats; of GGML's blocks, instead of the largest
    /// magnitude in the row, 2^bits times its largest scale counts where that is more. How the rows are split changes no bit.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_xq is not the bytes of 1 vector
    /// of cols elements, or xq of another shape, or n_out is not n_rows.  INFERMEM_E_ARG: xq is not at a multiple of 4.
    /// INFERMEM_E_FORMAT: the bytes are not from quant_activations.  INFERMEM_E_RANGE: first_row + n_rows is more than the
    /// number of rows; the error's `got` is first_row.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_gemv_q8"]
    pub fn quant_gemv_q8(q: *const infermem_quant, first_row: usize, n_rows: usize, xq: *const c_void, n_xq: usize, out: *mut f32, n_out: usize) -> i32;
    /// ```text
    /// The same with several vectors, as quant_gemm: out[v * stride + i] is the product of row first_row + i with vector v.
    ///   xq: what quant_activations wrote of n_vectors vectors of cols elements.  n_xq: its bytes.
    /// Errors: as quant_gemv_q8, and INFERMEM_E_SHAPE: n_vectors is 0, stride is less than n_rows, or n_out is less than
    /// (n_vectors - 1) * stride + n_rows.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_gemm_q8"]
    pub fn quant_gemm_q8(q: *const infermem_quant, first_row: usize, n_rows: usize, xq: *const c_void, n_xq: usize, n_vectors: usize, out: *mut f32, stride: usize, n_out: usize) -> i32;
    /// ```text
    /// Makes a packed copy of a plain matrix of the library's own form; free each with quant_free. In the packed layout 16
    /// rows are interleaved group by group, and their parameters stand beside their values, so that a product reads one
    /// stream: quant_gemv, quant_gemm and their kind are fastest there. All other functions take it as well, and give the
    /// same values bit for bit; those that read single rows (quant_rows_to_f32, quant_gemv_rows, quant_dot_row) are slower,
    /// for a row's values are spread over the bytes of 16. Rows are filled up to a multiple of 16, columns to one of 8.
    ///   options: NULL, or all but tape and allocator 0.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE: q, or the tape.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options
    /// that must be 0 is not, or the allocator lacks a function.  INFERMEM_E_STALE.  INFERMEM_E_UNSUPPORTED: q is borrowed, of
    /// another form.  INFERMEM_E_STATE: q is packed.  INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_NOMEM.
    /// INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc.
    /// Thread: any; many at once on q.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.
    /// Since: 0.1
    /// ```
    #[link_name = "infermem_quant_pack"]
    pub fn quant_pack(q: *const infermem_quant, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// Makes a plain copy of a packed matrix: the one that was packed, bit for bit.
    /// Errors: as quant_pack, but INFERMEM_E_STATE: q is plain.
    /// Thread: any; many at once on q.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.
    /// Since: 0.1
    /// ```
    #[link_name = "infermem_quant_unpack"]
    pub fn quant_unpack(q: *const infermem_quant, options: *const infermem_quant_options, out: *mut *mut infermem_quant) -> i32;
    /// ```text
    /// The rows and columns.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_shape"]
    pub fn quant_shape(q: *const infermem_quant, out_rows: *mut usize, out_cols: *mut usize) -> i32;
    /// ```text
    /// Bytes of the values and of the parameters that are stored, without what aligns them in memory. Constant time, as are
    /// all the queries below; of NULL or a handle of another kind each is 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_bytes"]
    pub fn quant_bytes(q: *const infermem_quant) -> usize;
    /// ```text
    /// Bits of a stored value, its share of the parameters apart: 4 or 8; of a borrowed type 2 to 8, or 16 or 32.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_bits"]
    pub fn quant_bits(q: *const infermem_quant) -> i32;
    /// ```text
    /// Values that share parameters: the group; of a borrowed type the elements of a block, which is 1 of a plain one.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_group"]
    pub fn quant_group(q: *const infermem_quant) -> usize;
    /// ```text
    /// The type of the scales and minima, as of the options; of a borrowed matrix, which has its own, F32's number.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_params"]
    pub fn quant_params(q: *const infermem_quant) -> i32;
    /// ```text
    /// 1 where minima are implied rather than stored, else 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_is_symmetric"]
    pub fn quant_is_symmetric(q: *const infermem_quant) -> i32;
    /// ```text
    /// INFERMEM_QUANT_PLAIN or INFERMEM_QUANT_PACKED; a borrowed matrix is plain. (So is what is no matrix.)
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_layout"]
    pub fn quant_layout(q: *const infermem_quant) -> i32;
    /// ```text
    /// INFERMEM_QUANT_NATIVE, or the INFERMEM_DTYPE_* of a borrowed matrix. (0, the answer for no matrix, is F32's number.)
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_quant_dtype"]
    pub fn quant_dtype(q: *const infermem_quant) -> i32;
    /// ```text
    /// Makes the counts of options->n_layers layers, all zero; free them with neuron_free. A layer takes 128 bytes, and 12
    /// bytes and one bit a neuron.
    /// Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: n_neurons is 0; threshold,
    /// budget_fraction or hysteresis is not within 0 to 1 (or NaN); more than one of threshold, budget_count,
    /// budget_fraction and budget_bytes is given; row_bytes is 0 with budget_bytes, or more, or not 0 without; a flag is
    /// unknown, a reserved field is not 0, or the allocator lacks a function. INFERMEM_E_OVERFLOW: the counts do not fit the
    /// address range.  INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape is another kind of handle.  INFERMEM_E_FULL,
    /// INFERMEM_E_SEALED: the tape has no room, or is sealed.
    /// Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; counts and lists from the
    /// tape, or one mapping.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_new"]
    pub fn neuron_new(options: *const infermem_neuron_options, out: *mut *mut infermem_neuron) -> i32;
    /// ```text
    /// Frees the counts; a tape keeps its bytes until it is cleared. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_free"]
    pub fn neuron_free(neuron: *mut infermem_neuron);
    /// ```text
    /// Records one activation event of a layer: the neurons that were active in one pass. Each index counts once for each
    /// time that it occurs. An index of n_neurons or more is skipped and counted in out_of_range; with STRICT it is an error
    /// and the whole call records nothing. Every `interval` events of the layer since the start (or neuron_clear) the layer
    /// is reclassified on the way out. Counts are exact up to 2^32 - 1 and stay there.
    ///   With a half_life, an activation counts 256 * 2^(p / half_life), to the nearest whole number, p events of the layer
    /// after the start, and each half_life events all counts are halved, rounded down, and p begins at 0 again: they, and
    /// the events that frequencies and thresholds are about, fade smoothly, and what happened once is forgotten after about
    /// nine half-lives.
    ///   indices: n_indices of them, in any order; may be NULL when n_indices is 0, which is an event all the same.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer, or (with STRICT) no such
    /// neuron.  INFERMEM_E_STALE: the tape was cleared, or rewound past the counts.  INFERMEM_E_SEALED: it is sealed.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_record"]
    pub fn neuron_record(neuron: *mut infermem_neuron, layer: usize, indices: *const u32, n_indices: usize) -> i32;
    /// ```text
    /// The same of a mask: bit i % 8 of byte i / 8 tells whether neuron i was active. Bits beyond the last neuron are out of
    /// range, as such indices are.
    ///   mask: n_bytes bytes.  n_bytes: n_neurons / 8, rounded up.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer, or (with STRICT) a bit beyond
    /// the last neuron is set.  INFERMEM_E_SHAPE: n_bytes is another number.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_record_mask"]
    pub fn neuron_record_mask(neuron: *mut infermem_neuron, layer: usize, mask: *const u8, n_bytes: usize) -> i32;
    /// ```text
    /// The same of the activations themselves: a neuron was active where the magnitude of its value is above the cutoff, so
    /// with a cutoff of 0 where it is not 0. A value that is NaN is skipped and counted in nans; with STRICT, one that is
    /// NaN or infinite is an error and the call records nothing.
    ///   values: n floats.  n: n_neurons.  cutoff: 0 or more.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_SHAPE: n is not
    /// n_neurons.  INFERMEM_E_ARG: cutoff is negative or NaN.  INFERMEM_E_NOT_FINITE: (with STRICT) a value is NaN or
    /// infinite; the error's `got` is the index of the first.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_record_values"]
    pub fn neuron_record_values(neuron: *mut infermem_neuron, layer: usize, values: *const f32, n: usize, cutoff: f32) -> i32;
    /// ```text
    /// Sorts a layer's neurons into hot and cold now. By threshold, hot is whose count is at least max(1, trunc(events *
    /// threshold)), the product taken in double precision; a count that has reached 2^32 - 1 is enough in any case. By
    /// budget, hot are the budget_count neurons with the largest counts, of equal ones those of the lowest indices, and
    /// fewer where fewer were ever active. In both, the count of a neuron that is hot already is taken as count +
    /// trunc(count * hysteresis). The events until the next automatic classification stay what they were.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_STALE.
    /// INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_reclassify"]
    pub fn neuron_reclassify(neuron: *mut infermem_neuron, layer: usize) -> i32;
    /// ```text
    /// The hot neurons of a layer by its last classification, in ascending order; they are valid until the next call that
    /// takes the handle without const, or until the tape is cleared. None of them are hot before the first classification.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_STALE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_hot"]
    pub fn neuron_hot(neuron: *const infermem_neuron, layer: usize, out: *mut *const u32, out_n: *mut usize) -> i32;
    /// ```text
    /// The cold neurons, all that are not hot; as neuron_hot.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_STALE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_cold"]
    pub fn neuron_cold(neuron: *const infermem_neuron, layer: usize, out: *mut *const u32, out_n: *mut usize) -> i32;
    /// ```text
    /// 1 when the last classification found the neuron hot, else 0; constant time. 0 also where there is no such neuron or
    /// layer, of NULL, of a handle of another kind, and when the tape was cleared (the error record then says so).
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_is_hot"]
    pub fn neuron_is_hot(neuron: *const infermem_neuron, layer: usize, index: u32) -> i32;
    /// ```text
    /// How often the neuron was active: count / events, as of now. More than 1 when it occurs several times in an event; 0
    /// when there were no events, and in the cases of neuron_is_hot.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_frequency"]
    pub fn neuron_frequency(neuron: *const infermem_neuron, layer: usize, index: u32) -> f64;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with the state of a layer.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is no such layer.
    /// INFERMEM_E_STALE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_stat"]
    pub fn neuron_stat(neuron: *const infermem_neuron, layer: usize, out: *mut infermem_neuron_counts) -> i32;
    /// ```text
    /// Forgets everything, in all layers: they are as neuron_new made them.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_clear"]
    pub fn neuron_clear(neuron: *mut infermem_neuron) -> i32;
    /// ```text
    /// What share of all activations of a layer its most active neurons have: out[i] is that of the n_neurons * fractions[i]
    /// (to the nearest whole number) with the largest counts, and 0 as long as nothing was active. Where a quarter of the
    /// neurons has most of the activations, keeping hot neurons apart pays; where it has little more than a quarter, it does
    /// not.
    ///   fractions: n numbers from 0 to 1, in any order.  out: n numbers; may be fractions.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_ARG: a fraction
    /// is not within 0 to 1, or NaN; the error's `got` is its index.  INFERMEM_E_STALE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_coverage"]
    pub fn neuron_coverage(neuron: *const infermem_neuron, layer: usize, fractions: *const f64, n: usize, out: *mut f64) -> i32;
    /// ```text
    /// Adds what others counted to a neuron's counts: events and activations of each layer, and what was skipped. Then all
    /// layers are reclassified, and the next automatic classification comes with the next multiple of `interval` events.
    /// How neurons are classified stays the handle's own: so a saved profile is classified otherwise by merging it into a
    /// new handle. Where counts fade, those of each are taken as they stand in their half-life.
    ///   others: n handles of as many layers and neurons, with the same half_life; none may be the neuron itself.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: one is the neuron itself, or has another half_life.
    /// INFERMEM_E_SHAPE: one has other layers or neurons.  INFERMEM_E_LIMIT: the events would be more than 2^62.
    /// INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: exclusive, and many at once of the others.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_merge"]
    pub fn neuron_merge(neuron: *mut infermem_neuron, others: *const *const infermem_neuron, n: usize) -> i32;
    /// ```text
    /// Writes everything there is to a file: how neurons are classified, the counts, and which are hot. The file is written
    /// whole or not at all, as quant_save does, and is the same for the same state; its format is told in
    /// src/doc/neuron_file.md.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: path names no file, or something that is no regular
    /// file.  INFERMEM_E_STALE.  INFERMEM_E_IO: the system refused; the error has its errno. Where it is only the directory
    /// that could not be written back, the new file is in its place.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_save"]
    pub fn neuron_save(neuron: *const infermem_neuron, path: *const c_char) -> i32;
    /// ```text
    /// Makes counts from a saved file, in the state that they were saved in; free them with neuron_free. Nothing of the file
    /// is trusted: whatever its bytes are, what is loaded works.
    ///   options: NULL, or all but tape and allocator 0.
    /// Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options that must be 0
    /// is not, or the allocator lacks a function.  INFERMEM_E_IO.  INFERMEM_E_FORMAT: it is no saved profile, or contradicts
    /// itself.  INFERMEM_E_VERSION: it is of a later format.  INFERMEM_E_UNSUPPORTED: it has a flag that is not known.
    /// INFERMEM_E_TRUNCATED.  INFERMEM_E_CORRUPT: a checksum is wrong, or the file is longer than it says.
    /// INFERMEM_E_NOMEM. INFERMEM_E_HANDLE: tape is another kind of handle.  INFERMEM_E_FULL, INFERMEM_E_SEALED: the tape
    /// has no room, or is sealed. When reading fails, the tape's cursor moves back, unless another thread took something
    /// from it meanwhile.
    /// Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; counts and lists from the
    /// tape, or one mapping.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_load"]
    pub fn neuron_load(path: *const c_char, options: *const infermem_neuron_options, out: *mut *mut infermem_neuron) -> i32;
    /// ```text
    /// Makes an empty store; free it with neuron_store_free. Besides the rows it takes 4 bytes an id, 12 with LFU and HOT,
    /// and for each row that fits 124 bytes, and 16 for each of n_fetches.
    /// Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: both load and quant are given,
    /// or neither; n_rows or row_bytes is 0, or with quant not; budget_bytes is less than a row; the policy is unknown;
    /// half_life is given without LFU, or window without LRU; n_fetches is more than 1000; reserved is not 0, or the
    /// allocator lacks a function.  INFERMEM_E_SHAPE: with quant, n_rows is not its rows.  INFERMEM_E_OVERFLOW: the bytes do
    /// not fit. INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape or quant is another kind of handle.  INFERMEM_E_FULL,
    /// INFERMEM_E_SEALED: the tape has no room, or is sealed.
    /// Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; the rest from the tape,
    /// or one mapping, of which untouched pages cost nothing.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_new"]
    pub fn neuron_store_new(options: *const infermem_neuron_store_options, out: *mut *mut infermem_neuron_store) -> i32;
    /// ```text
    /// Frees the store, once all loads that are pending are complete: it waits for them. A tape keeps its bytes until it is
    /// cleared. NULL is allowed.
    /// Thread: exclusive, but for the neuron_store_loaded of these loads.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_free"]
    pub fn neuron_store_free(store: *mut infermem_neuron_store);
    /// ```text
    /// Gives the rows of n ids, out[i] that of ids[i], which are read and not written. Those that are not there are loaded,
    /// in one call of the load function, straight to their places; for those that are being loaded it waits. The rows stay
    /// until the next neuron_fetch, or neuron_store_release: no row that is in use makes room for another. So a miss costs
    /// what loading without a store does, and the bookkeeping.
    ///   ids: n ids, which may repeat; may be NULL when n is 0, as out may.  out: n pointers, to row_bytes each.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: an id is not below n_rows; the error's `got` is the
    /// id. INFERMEM_E_FULL: the rows do not fit beside those in use; ask for fewer at a time.  INFERMEM_E_STATE: another
    /// thread is in the same call.  INFERMEM_E_STALE.  INFERMEM_E_SEALED. In these cases nothing changed. Else it is the code of a load that failed, INFERMEM_E_STATE where that was a positive one: then none of the
    /// rows are had, those of the previous fetch are released, and rows that made room are gone.
    /// Thread: many at once with other calls, but one neuron_fetch or neuron_store_release at a time.  Memory: none.
    /// Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_fetch"]
    pub fn neuron_fetch(store: *const infermem_neuron_store, ids: *const u32, n: usize, out: *mut *const c_void) -> i32;
    /// ```text
    /// Ends the use of the rows of the last neuron_fetch.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: as neuron_fetch.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_release"]
    pub fn neuron_store_release(store: *const infermem_neuron_store) -> i32;
    /// ```text
    /// The same as neuron_fetch without waiting, and with an end of its own: the rows are there once neuron_fetch_wait has
    /// returned INFERMEM_OK, or neuron_fetch_is_ready 1, and stay until neuron_fetch_end, which must be called. Whoever ends
    /// a fetch at once has asked for rows ahead of time.
    ///   out: n pointers, where the rows will be.  out_fetch: the number of the fetch.
    /// Errors: as neuron_fetch; and INFERMEM_E_STATE: n_fetches are begun and not ended, or ended with their load pending.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_fetch_begin"]
    pub fn neuron_fetch_begin(store: *const infermem_neuron_store, ids: *const u32, n: usize, out: *mut *const c_void, out_fetch: *mut u64) -> i32;
    /// ```text
    /// 1 when nothing of the fetch is being loaded any more, so that neuron_fetch_wait would not wait, else 0; 0 of NULL, a
    /// handle of another kind, and a fetch that was ended.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_fetch_is_ready"]
    pub fn neuron_fetch_is_ready(store: *const infermem_neuron_store, fetch: u64) -> i32;
    /// ```text
    /// Waits until nothing of the fetch is being loaded.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the fetch was ended, or never begun.
    /// INFERMEM_E_STALE. Else it is the code of a load that failed, this fetch's own or another's that it waited for: the
    /// row is not had.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_fetch_wait"]
    pub fn neuron_fetch_wait(store: *const infermem_neuron_store, fetch: u64) -> i32;
    /// ```text
    /// Ends the use of a fetch's rows. What is being loaded for it still comes, and stays as other rows do.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the fetch was ended, or never begun.
    /// INFERMEM_E_STALE. INFERMEM_E_SEALED.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_fetch_end"]
    pub fn neuron_fetch_end(store: *const infermem_neuron_store, fetch: u64) -> i32;
    /// ```text
    /// Tells that a load is complete, whose load function returned INFERMEM_NEURON_PENDING or is about to.
    ///   load: what the load function was given.  status: INFERMEM_OK when all rows are there, or a negative code.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: status is positive.  INFERMEM_E_STATE: the load is
    /// complete. INFERMEM_E_STALE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_loaded"]
    pub fn neuron_store_loaded(store: *const infermem_neuron_store, load: u64, status: i32) -> i32;
    /// ```text
    /// Keeps the rows of n ids for good, instead of those kept before: loads what is not there, and no row makes room for
    /// another as long as it is kept. The hot neurons are what to keep.
    /// Errors: as neuron_fetch; when loading fails, nothing is kept.
    /// Thread: many at once with other calls, but one neuron_store_keep at a time.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_keep"]
    pub fn neuron_store_keep(store: *const infermem_neuron_store, ids: *const u32, n: usize) -> i32;
    /// ```text
    /// Takes over how frequently each row's neuron was active, for HOT: row layer * n_neurons + i has neuron_frequency of
    /// neuron i of that layer. To be called whenever the counts have changed enough to matter, as after a classification;
    /// before the first time all are equal. It takes time in proportion to the rows.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the policy is another.  INFERMEM_E_SHAPE: the layers'
    /// neurons are not n_rows.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_rank"]
    pub fn neuron_store_rank(store: *const infermem_neuron_store, neuron: *const infermem_neuron) -> i32;
    /// ```text
    /// 1 when the row is there, loaded, else 0; 0 also of NULL, a handle of another kind, and once the tape was cleared.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_has"]
    pub fn neuron_store_has(store: *const infermem_neuron_store, id: u32) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_neuron_store_stat"]
    pub fn neuron_store_stat(store: *const infermem_neuron_store, out: *mut infermem_neuron_store_facts) -> i32;
    /// ```text
    /// Makes an empty pad of which every byte is 0; free it with pad_free. The first row is on a multiple of 64 bytes, the
    /// others follow without gaps. The pages of a mapping are committed as rows arrive; in a
    /// tape all of it is written here.
    /// Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: max_tokens or dim is 0, reserved
    /// is not, or the allocator lacks a function.  INFERMEM_E_TYPE: type is no known type's number.  INFERMEM_E_UNSUPPORTED:
    /// it is a type that a pad cannot store.  INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_NOMEM: the handle or the
    /// address range could not be had.  INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as
    /// tape_alloc.
    /// Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; one mapping, or one
    /// allocation from the tape.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_new"]
    pub fn pad_new(options: *const infermem_pad_options, out: *mut *mut infermem_pad) -> i32;
    /// ```text
    /// Frees a pad; a tape's memory stays as it is. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_free"]
    pub fn pad_free(pad: *mut infermem_pad);
    /// ```text
    /// Copies one row behind those that are there. Its width is checked first, then the room.
    ///   row: dim elements of the pad's own type (double, float, or 16 bits), at any address.  dim: the pad's.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape of the pad is sealed.
    /// INFERMEM_E_SHAPE: dim is not the pad's.  INFERMEM_E_FULL: the pad has max_tokens rows already.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_append"]
    pub fn pad_append(pad: *mut infermem_pad, row: *const c_void, dim: usize) -> i32;
    /// ```text
    /// Copies n rows, all of them or none.
    ///   rows: n rows as pad_append takes them, without gaps; may be NULL when n is 0, which changes nothing.
    /// Errors: those of pad_append; INFERMEM_E_FULL: n exceeds pad_capacity - pad_len.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_append_rows"]
    pub fn pad_append_rows(pad: *mut infermem_pad, rows: *const c_void, n: usize, dim: usize) -> i32;
    /// ```text
    /// Appends n rows of floats, all of them or none, converted to the pad's type on the way: to F16 and BF16 by rounding to
    /// nearest, ties to even, where what is too large becomes infinite; to F64 exactly.
    ///   rows: n * dim floats; may be NULL when n is 0, which changes nothing.  dim: the pad's.
    /// Errors: those of pad_append_rows.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_append_f32"]
    pub fn pad_append_f32(pad: *mut infermem_pad, rows: *const f32, n: usize, dim: usize) -> i32;
    /// ```text
    /// The rows, [pad_len, dim] of the pad's type, without a copy and read-only. Of an empty pad shape[0] is 0. Valid until
    /// the rows are truncated or cleared: rows appended later are not part of it, and leave it as it is.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_view"]
    pub fn pad_view(pad: *const infermem_pad, out: *mut infermem_view) -> i32;
    /// ```text
    /// Shortens the pad to its first n rows.
    ///   n: pad_len at most.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: n exceeds pad_len.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_truncate"]
    pub fn pad_truncate(pad: *mut infermem_pad, n: usize) -> i32;
    /// ```text
    /// Empties the pad; the generation grows by one.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_clear"]
    pub fn pad_clear(pad: *mut infermem_pad) -> i32;
    /// ```text
    /// Rows in the pad. Constant time, as are all the queries below; of NULL or a handle of another kind each is 0, but for
    /// pad_is_empty.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_len"]
    pub fn pad_len(pad: *const infermem_pad) -> usize;
    /// ```text
    /// The most rows that the pad can hold: max_tokens.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_capacity"]
    pub fn pad_capacity(pad: *const infermem_pad) -> usize;
    /// ```text
    /// Elements of a row.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_dim"]
    pub fn pad_dim(pad: *const infermem_pad) -> usize;
    /// ```text
    /// 1 when pad_len is 0, else 0.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_is_empty"]
    pub fn pad_is_empty(pad: *const infermem_pad) -> i32;
    /// ```text
    /// How many times the pad was cleared.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_generation"]
    pub fn pad_generation(pad: *const infermem_pad) -> u64;
    /// ```text
    /// Writes "Scratchpad(len=3, capacity=512, dim=4096)" and a NUL to a buffer of capacity bytes. *out_length is the length
    /// without the NUL. A NULL buffer of capacity 0 asks for the length alone.
    /// Errors: INFERMEM_E_NULL: pad or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_BUFFER: capacity is too small; the error's `expected` is the capacity needed.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_pad_text"]
    pub fn pad_text(pad: *const infermem_pad, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// Makes the buffers, all zero; free them with scratch_free. Each is a matrix of batch rows.
    ///
    /// With OVERLAP, buffers share memory whose uses in a pass do not meet, where a pass is in this order: HIDDEN is normed to
    /// NORMED; that is projected to QKV, or to Q, K and V, which QKV may be split into; attention reads these and EXPANDED_V
    /// and writes ATTN_OUT, which is projected to ATTN_PROJ and added to HIDDEN; that is normed to NORMED, which becomes
    /// FFN_UP and FFN_GATE, these FFN_DOWN, by way of Q8K_INTER, and that is added to HIDDEN; in the end NORMED becomes LOGITS.
    /// HIDDEN, NORMED, Q8 and Q8K_HIDDEN share with none.
    ///   config: as infermem_config_validate takes it.  options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: config or out is NULL.  INFERMEM_E_STRUCT.  Those of infermem_config_validate.
    /// INFERMEM_E_ARG: a flag is unknown, a reserved field is not 0, or the allocator lacks a function.  INFERMEM_E_OVERFLOW:
    /// the buffers do not fit the address range.  INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape is another kind of handle.
    /// INFERMEM_E_FULL, INFERMEM_E_SEALED: the tape has no room, or is sealed.
    /// Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator, and meanwhile what planning
    /// takes; one allocation from the tape, or one mapping.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_new"]
    pub fn scratch_new(config: *const infermem_model_config, options: *const infermem_scratch_options, out: *mut *mut infermem_scratch) -> i32;
    /// ```text
    /// Frees the buffers; a tape keeps its bytes until it is cleared. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_free"]
    pub fn scratch_free(scratch: *mut infermem_scratch);
    /// ```text
    /// A buffer of floats, for the caller to write and read: *out_n is its length in elements, all rows of the batch together.
    ///   which: INFERMEM_SCRATCH_*.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such buffer.  INFERMEM_E_STATE: the scratch
    /// was made without it.  INFERMEM_E_TYPE: it is one of 8-bit integers.  INFERMEM_E_STALE.
    /// Thread: many at once; who writes where is the caller's.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_f32"]
    pub fn scratch_f32(scratch: *const infermem_scratch, which: i32, out: *mut *mut f32, out_n: *mut usize) -> i32;
    /// ```text
    /// A buffer of 8-bit integers; as scratch_f32.
    /// Errors: those of scratch_f32; INFERMEM_E_TYPE: it is one of floats.
    /// Thread: many at once; who writes where is the caller's.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_i8"]
    pub fn scratch_i8(scratch: *const infermem_scratch, which: i32, out: *mut *mut i8, out_n: *mut usize) -> i32;
    /// ```text
    /// Any buffer as a view, [batch, elements of a token] of F32 or I8, valid as long as the scratch.
    /// Errors: those of scratch_f32, but for INFERMEM_E_TYPE.
    /// Thread: many at once; who writes where is the caller's.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_view"]
    pub fn scratch_view(scratch: *const infermem_scratch, which: i32, out: *mut infermem_view) -> i32;
    /// ```text
    /// Makes HIDDEN and NORMED zero, which is what a pass starts from.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape is sealed.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_reset"]
    pub fn scratch_reset(scratch: *mut infermem_scratch) -> i32;
    /// ```text
    /// Makes all buffers zero.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape is sealed.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_reset_all"]
    pub fn scratch_reset_all(scratch: *mut infermem_scratch) -> i32;
    /// ```text
    /// Bytes of memory that the buffers take, with the gaps for alignment; 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_total_bytes"]
    pub fn scratch_total_bytes(scratch: *const infermem_scratch) -> usize;
    /// ```text
    /// Bytes that they would take if none shared memory; 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_separate_bytes"]
    pub fn scratch_separate_bytes(scratch: *const infermem_scratch) -> usize;
    /// ```text
    /// Quantizes one token's floats to 8 bits, in blocks of 256, into a row of Q8K_HIDDEN or Q8K_INTER: of each block the scale
    /// is the largest magnitude / 127 (1 / 127 where that magnitude is 1e-10 or less), and a level the value / scale, rounded
    /// to nearest, halves away from 0, within -128 to 127: each operation rounded to float, the same bits on every machine. The
    /// last block is filled up with zeros; blocks of the row beyond it stay what they are.
    ///   which: INFERMEM_SCRATCH_Q8K_*.  row: below the batch.  values: n floats; may be NULL when n is 0, which changes
    ///   nothing.  n: the row's length at most.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such `which`, or no such row.
    /// INFERMEM_E_SHAPE: n exceeds the row.  INFERMEM_E_NOT_FINITE: a value is NaN or infinite; the error's `got` is its index.
    /// INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape is sealed.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_quantize_q8k"]
    pub fn scratch_quantize_q8k(scratch: *mut infermem_scratch, which: i32, row: usize, values: *const f32, n: usize) -> i32;
    /// ```text
    /// The same in blocks of 32, into a row of Q8_SCALES and Q8_QUANTS.
    /// Errors: those of scratch_quantize_q8k; INFERMEM_E_STATE: the scratch was made without INFERMEM_SCRATCH_Q8.
    /// Thread: exclusive.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_quantize_q8"]
    pub fn scratch_quantize_q8(scratch: *mut infermem_scratch, row: usize, values: *const f32, n: usize) -> i32;
    /// ```text
    /// Finds offsets for n buffers in one piece of memory, such that those in use at the same step do not overlap. The piece is
    /// never larger than the buffers one after the other. The search is exact where there are few buffers, and in general
    /// stops where the piece is as small as the step at which most bytes are in use allows; it takes a bounded number of steps,
    /// of about the square of n.
    ///   lifetimes: n of them; may be NULL when n is 0, which gives a plan of 0 bytes.  options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: out is NULL, or lifetimes is.  INFERMEM_E_STRUCT.  INFERMEM_E_LIMIT: n exceeds
    /// INFERMEM_SCRATCH_PLAN_MAX.  INFERMEM_E_ARG: a first_use is after its last_use, align is no power of two, or the allocator
    /// lacks a function.  INFERMEM_E_OVERFLOW: the buffers one after the other do not fit 64 bits.  INFERMEM_E_NOMEM.
    /// Thread: any.  Memory: the handle and the offsets, and meanwhile what the search takes.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_plan_new"]
    pub fn scratch_plan_new(lifetimes: *const infermem_scratch_lifetime, n: usize, options: *const infermem_scratch_plan_options, out: *mut *mut infermem_scratch_plan) -> i32;
    /// ```text
    /// Frees a plan. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_plan_free"]
    pub fn scratch_plan_free(plan: *mut infermem_scratch_plan);
    /// ```text
    /// The offsets in bytes, in the order of the lifetimes, *out_n of them; valid as long as the plan. Of no bytes it is 0.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_plan_offsets"]
    pub fn scratch_plan_offsets(plan: *const infermem_scratch_plan, out: *mut *const u64, out_n: *mut usize) -> i32;
    /// ```text
    /// Bytes of the piece of memory; 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_plan_total_bytes"]
    pub fn scratch_plan_total_bytes(plan: *const infermem_scratch_plan) -> u64;
    /// ```text
    /// Bytes that the buffers take one after the other, each with what aligns the next; 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_scratch_plan_separate_bytes"]
    pub fn scratch_plan_separate_bytes(plan: *const infermem_scratch_plan) -> u64;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, from what a probe found. Where free_bytes is not known it is 0, for
    /// the caller to replace.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_device_from"]
    pub fn plan_device_from(facts: *const infermem_device_facts, out: *mut infermem_plan_device) -> i32;
    /// ```text
    /// Plans a model; free the plan with plan_free. That nothing fits is no error but the mode INSUFFICIENT.
    ///   model, config: one of them, the other NULL. With a model the weights are those of its tensors, else those of the
    /// configuration's formula. Neither is kept.  devices: n_devices elements, struct_size bytes apart; may be NULL when
    /// n_devices is 0: then the host alone is planned with.  options: NULL means all defaults.
    /// Errors: INFERMEM_E_NULL: out is NULL, or devices is while n_devices is not 0, or both model and config are.
    /// INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT: also where devices differ in struct_size.  INFERMEM_E_ARG: both model and
    /// config are given; the free memory of a device, or without devices the host's, is 0; a device that shares the host's
    /// memory is not alone; a name has no NUL; min_context is above the context; slots are not 2 to 4; STEP_NONE is not
    /// alone; a profile, flag, step or MLA form is unknown, or two of DEQUANT_F8 and _F16; a reserved field is not 0;
    /// margin_fraction is not from 0 to below 1; or as infermem_config_validate.  INFERMEM_E_NOT_FINITE: margin_fraction is
    /// not. INFERMEM_E_LIMIT: n_devices is above INFERMEM_PLAN_MAX_DEVICES, or a number of tokens, sequences or snapshots
    /// above INFERMEM_PLAN_MAX_CONTEXT.  INFERMEM_E_TYPE: k_type or v_type is no known type's number.  INFERMEM_E_SHAPE: a
    /// head of a layer is not whole blocks of its type, the message names the layer; or as infermem_config_validate.
    /// INFERMEM_E_UNSUPPORTED: PLAIN, and a type that infermem_kv cannot store; CELLS, and values of a block type without
    /// flash attention.  INFERMEM_E_OVERFLOW: what was asked for does not fit 64 bits.  INFERMEM_E_NOMEM.
    /// Thread: any; model many at once.  Memory: one handle, an array of the places and one of the layers from the
    /// allocator, and of a configuration one more while it runs.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_new"]
    pub fn plan_new(model: *const infermem_model, config: *const infermem_model_config, devices: *const infermem_plan_device, n_devices: usize, options: *const infermem_plan_options, out: *mut *mut infermem_plan) -> i32;
    /// ```text
    /// Frees a plan. NULL is allowed.
    /// Thread: exclusive.  Memory: releases.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_free"]
    pub fn plan_free(plan: *mut infermem_plan);
    /// ```text
    /// The mode: INFERMEM_PLAN_FULL_CACHE, …; 0 of NULL or a handle of another kind.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_mode"]
    pub fn plan_mode(plan: *const infermem_plan) -> i32;
    /// ```text
    /// A number of the plan's.
    ///   key: a term's kind, or one of the further keys.  place: a device's index, INFERMEM_PLAN_PLACE_HOST or _ALL.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: there is no such key, or it takes no place.
    /// INFERMEM_E_RANGE: there is no such device.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_query"]
    pub fn plan_query(plan: *const infermem_plan, key: u32, place: u32, out: *mut u64) -> i32;
    /// ```text
    /// How many terms there are; 0 of NULL or a handle of another kind. They are in the order of their kinds, and of one
    /// kind in the order of the devices, the host last.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_term_count"]
    pub fn plan_term_count(plan: *const infermem_plan) -> usize;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with a term.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: index is not below
    /// plan_term_count.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_term"]
    pub fn plan_term(plan: *const infermem_plan, index: usize, out: *mut infermem_plan_term_facts) -> i32;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with what becomes of a layer. Of a refusal the layers that did not
    /// fit are on the last device, and not resident.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: the model has no such layer.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_layer"]
    pub fn plan_layer(plan: *const infermem_plan, index: u64, out: *mut infermem_plan_layer_facts) -> i32;
    /// ```text
    /// How many changes plan_advice knows; 0 of NULL, of a handle of another kind, and where step 1 was taken as asked.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_advice_count"]
    pub fn plan_advice_count(plan: *const infermem_plan) -> usize;
    /// ```text
    /// Fills *out, whose struct_size the caller has set, with a change that would do: each by itself leads to its mode, or
    /// to a better one. WEIGHTS is what is left for them where nothing else changes.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is none of that index.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_advice"]
    pub fn plan_advice(plan: *const infermem_plan, index: usize, out: *mut infermem_plan_advice_facts) -> i32;
    /// ```text
    /// The plan as a table for people, NUL-terminated, lines ended with '\n': the verdict, a row a term, a bar a place, the
    /// context, notes, and what to change. Names are shown with '?' for what is not printable ASCII. *out_length is the
    /// length without the NUL. With buffer NULL and capacity 0 the length alone is given.
    ///   flags: INFERMEM_PLAN_TEXT_*.  capacity: bytes of buffer, the NUL included.
    /// Errors: INFERMEM_E_NULL: plan or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
    /// INFERMEM_E_ARG: a flag is unknown.  INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and the error's
    /// `expected` is the capacity needed.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_text"]
    pub fn plan_text(plan: *const infermem_plan, flags: u32, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// The plan as one JSON object, in ASCII, NUL-terminated, as src/doc/plan_json.md describes: every number in bytes,
    /// tokens or layers, whatever names hold escaped. Otherwise as plan_text.
    /// Errors: as plan_text, but for INFERMEM_E_ARG.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_json"]
    pub fn plan_json(plan: *const infermem_plan, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// Makes a layout for what the plan puts into the host's memory, or the pool shared with it: weights, slots and the
    /// copy to prefill with go to its weights tape, compute and output to its scratch tape, caches and recurrent state of
    /// all sequences to its history tape. Each tape has room besides for 64-byte alignment of every tensor, buffer and
    /// cache. All three are LAZY: pages are committed as they are written. Free it with layout_free.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the plan is a refusal, or puts nothing there.
    /// INFERMEM_E_OVERFLOW, INFERMEM_E_NOMEM: as layout_new.
    /// Thread: many at once.  Memory: as layout_new, from the plan's allocator.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_build_layout"]
    pub fn plan_build_layout(plan: *const infermem_plan, out: *mut *mut infermem_layout) -> i32;
    /// ```text
    /// Makes the buffers of one pass, of as many tokens as the plan computes at once, without any of scratch.h's flags. With
    /// the PLAIN profile, scratch_total_bytes is what the plan says. Free it with scratch_free.
    ///   tape: where they are stored, such as the scratch of plan_build_layout; NULL means a mapping of their own.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the plan is a refusal.  Else as scratch_new.
    /// Thread: many at once.  Memory: as scratch_new, of the plan's allocator.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_build_scratch"]
    pub fn plan_build_scratch(plan: *const infermem_plan, tape: *const infermem_tape, out: *mut *mut infermem_scratch) -> i32;
    /// ```text
    /// Makes the cache of one sequence: a layer for each that has keys and values of its own (see kv_index of plan_layer),
    /// of the planned context and types. With the PLAIN profile, kv_memory_bytes times the sequences is what the plan says.
    /// Free it with kv_free.
    ///   tape: where it is stored, such as the history of plan_build_layout; NULL means a mapping of its own.
    /// Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the plan is a refusal, or has no cache.
    /// INFERMEM_E_UNSUPPORTED: layers differ in heads, head sizes or tokens, keys are stored without values, or a type is
    /// none that a cache can store.  Else as kv_new.
    /// Thread: many at once.  Memory: as kv_new, and 8 bytes a layer while it runs, of the plan's allocator.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_build_kv"]
    pub fn plan_build_kv(plan: *const infermem_plan, tape: *const infermem_tape, out: *mut *mut infermem_kv) -> i32;
    /// ```text
    /// Sets predicted_bytes and per_million of each measure: what the plan says of the same, and how far off it was.
    ///   measures: n elements, struct_size bytes apart.
    /// Errors: INFERMEM_E_NULL: plan is NULL, or measures is while n is not 0.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT: also
    /// where measures differ in struct_size, or it ends before per_million.  INFERMEM_E_ARG: a kind is unknown.
    /// INFERMEM_E_RANGE: there is no such device.
    /// Thread: many at once, for different measures.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_audit"]
    pub fn plan_audit(plan: *const infermem_plan, measures: *mut infermem_plan_measure, n: usize) -> i32;
    /// ```text
    /// The same as a table for people, a row a measure; the last line names the worst. Otherwise as plan_text.
    /// Errors: those of plan_audit.  INFERMEM_E_NULL: also where out_length is NULL, or buffer is while capacity is not 0.
    /// INFERMEM_E_BUFFER: as plan_text.
    /// Thread: many at once.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_audit_text"]
    pub fn plan_audit_text(plan: *const infermem_plan, measures: *const infermem_plan_measure, n: usize, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// The bytes of one layer's weights.
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_layer"]
    pub fn plan_estimate_layer(config: *const infermem_model_config, out_bytes: *mut u64) -> i32;
    /// ```text
    /// The bytes of the KV cache of n_tokens tokens, in all layers.
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_kv"]
    pub fn plan_estimate_kv(config: *const infermem_model_config, n_tokens: u64, out_bytes: *mut u64) -> i32;
    /// ```text
    /// The bytes of the embedding, the last norm, all layers, and the KV cache of n_tokens tokens (of 0 tokens, the weights
    /// alone).
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_full"]
    pub fn plan_estimate_full(config: *const infermem_model_config, n_tokens: u64, out_bytes: *mut u64) -> i32;
    /// ```text
    /// The same with one layer's weights in place of all.
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_streaming"]
    pub fn plan_estimate_streaming(config: *const infermem_model_config, n_tokens: u64, out_bytes: *mut u64) -> i32;
    /// ```text
    /// The bytes of a copy of all matrices, embedding included, to prefill with: 1 byte an element when fp8 is 1, 2 when it
    /// is 0.
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_ARG: also when fp8 is neither.
    /// INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_prefill_cache"]
    pub fn plan_estimate_prefill_cache(config: *const infermem_model_config, fp8: i32, out_bytes: *mut u64) -> i32;
    /// ```text
    /// Which mode free_bytes allow, of which nine tenths (rounded down) are used: FULL_CACHE where plan_estimate_full fits,
    /// else LAYER_STREAMING where plan_estimate_streaming does, else INSUFFICIENT.
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_mode"]
    pub fn plan_estimate_mode(config: *const infermem_model_config, n_tokens: u64, free_bytes: u64, out_mode: *mut i32) -> i32;
    /// ```text
    /// 1 where plan_estimate_mode is LAYER_STREAMING, else 0: also where not even that fits.
    /// Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_should_stream"]
    pub fn plan_should_stream(config: *const infermem_model_config, n_tokens: u64, free_bytes: u64, out: *mut i32) -> i32;
    /// ```text
    /// A mode in words, "Full Cache (all layers pre-cached on GPU)", or "unknown"; static storage.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_mode_text"]
    pub fn plan_mode_text(mode: i32) -> *const c_char;
    /// ```text
    /// The mode that plan_estimate_mode gives, with the numbers behind it in whole MB (bytes / 1048576), NUL-terminated;
    /// where the memory is insufficient, also three things to do about it. *out_length is its length without the NUL. With
    /// buffer NULL and capacity 0 the length alone is given.
    ///   total_bytes: the device's memory, which is only reported.  capacity: bytes of buffer, the NUL included.
    /// Errors: INFERMEM_E_NULL: config or out_length is NULL, or buffer is while capacity is not 0.  Those of
    /// infermem_config_validate.  INFERMEM_E_OVERFLOW.  INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and
    /// the error's `expected` is the capacity needed.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    #[link_name = "infermem_plan_estimate_text"]
    pub fn plan_estimate_text(config: *const infermem_model_config, n_tokens: u64, free_bytes: u64, total_bytes: u64, buffer: *mut c_char, capacity: usize, out_length: *mut usize) -> i32;
    /// ```text
    /// The instruction set in use, as one of the names above; static storage.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_simd_name() -> *const c_char;
    /// ```text
    /// The name of the index-th instruction set that this build has and this processor can run, from the plainest, which is
    /// always "reference", to the fastest; NULL beyond the last. Static storage.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_simd_available(index: usize) -> *const c_char;
    /// ```text
    /// Uses another instruction set from here on, in the whole process: for tests and comparisons. Calls under way in other
    /// threads may go on with either, even row by row.
    ///   name: one of the names above; NULL chooses the fastest.
    /// Errors: INFERMEM_E_NOT_FOUND: no instruction set has that name.  INFERMEM_E_UNSUPPORTED: this build has it not, or
    /// this processor.
    /// Thread: any.  Memory: none.  Since: 0.1
    /// ```
    pub fn infermem_simd_select(name: *const c_char) -> i32;
}
