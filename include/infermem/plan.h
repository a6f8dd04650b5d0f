/* plan.h: will a model fit, and how: before a byte of it is loaded.
 *
 *     INFERMEM_STRUCT(infermem_plan_device, device);
 *     device.free_bytes = facts.free_bytes;
 *     INFERMEM_STRUCT(infermem_plan_options, options);
 *     options.context = 8192;
 *     options.k_type = options.v_type = INFERMEM_DTYPE_F16;
 *     options.host_bytes = host.effective_bytes;
 *     infermem_plan *plan;
 *     if (plan_new(model, NULL, &device, 1, &options, &plan) != INFERMEM_OK) return 1;
 *     char text[8192];
 *     size_t length;
 *     if (plan_text(plan, 0, text, sizeof text, &length) == INFERMEM_OK) puts(text);
 *     plan_free(plan);
 *
 * A plan is a ledger: terms, each of one kind and in one place, which is a device or the host, with its bytes and with
 * how sure they are. What a place takes is the sum of its terms, margin included, and the model fits where that is at
 * most what is free there.
 *
 * The ladder. plan_new takes the first of these that fits, of those that `steps` allows, for the caches and the context
 * that were asked for; where that does not fit, with the longest context that does, where a shorter one is allowed;
 * then with caches of Q8_0, then of Q4_0, where these are allowed, each with the longest context again:
 *   1. every layer on the devices: FULL_CACHE. Without devices, in the host's memory: HOST.
 *   2. the routed experts of the first layers, of as few as will do, in the host's memory: PARTIAL.
 *   3. the first layers, as many as fit, stay; the others pass through `slots` places of the largest layer's size, in
 *      every pass over the model: PARTIAL.
 *   4. all layers pass through them: LAYER_STREAMING.
 *   5. everything in the host's memory: HOST.
 *   6. INSUFFICIENT. The ledger is then that of step 1 as it was asked for, with what did not fit on the last device.
 * Caches of all layers are on the devices in steps 1 to 4. More memory never leads to a later step.
 *
 * Several devices share the layers, in order, the largest first, which is the one with the most memory free beyond its
 * margin and the driver's, each taking about the same part of its room. The output, with what belongs to it, is on the
 * last of those in use. A device that shares the host's memory stands alone: everything is in one pool, so of the
 * ladder only steps 1 and 6 make sense there.
 *
 * What the sizes are (row(t, n): the bytes of n elements of type t; pad(x, a): x rounded up to a multiple of a):
 *   PLAIN: what this library's own objects take. A cache is an infermem_kv a sequence: row(t, heads * dim) * context a
 *     layer, rounded up as kv_layer_stride says; windows save nothing. Compute is the buffers of a pass over ubatch
 *     tokens in f32, each on a multiple of 64 bytes: four of hidden, q with k and v together and each by itself,
 *     n_heads * head_dim_v for what attention gives, two of intermediate, the logits; and the widest of hidden, q and
 *     that, and intermediate, once more in 8 bits, in blocks of 256 with an f32 each.
 *   CELLS: what runtimes in the manner of llama.cpp take. cells = pad(context, 256), in as many streams as sequences,
 *     or with UNIFIED_KV pad(context * n_sequences, 256) in one. A cache is row(t, heads * dim) * cells * streams a
 *     layer; of a layer with a window, cells are pad(min(cells, window * (UNIFIED_KV ? n_sequences : 1) + ubatch),
 *     256). Without flash attention values lie transposed, in all layers as wide as in the widest, and may not be of a
 *     block type. The token embedding stays on the host; where the output uses it, the device has a copy.
 *     With u = ubatch, V = vocab, h = hidden, o = n_outputs_max, compute is (V * o + 2 * h * u) * 4 on the output's
 *     device, and 2 * h * u * 4 on others; without flash attention at least (n_heads * cells + m * cells + 3 * h +
 *     n_heads * head_dim_k) * u * 4, m masks being 2 where some layers have a window and others not. The host has
 *     masks, inputs, and an output of (V + h) * 4 a sequence. The constants were read off published logs.
 *   BLOCKS: what runtimes in the manner of vLLM take: pages of 16 tokens, pad(context, 16) a sequence, and of a window
 *     pad(min(context, window + ubatch), 16); everything on the device, and a table of 2 * rope_dims bytes for each
 *     token of the model's context. Compute, roughly: (3 * hidden + 2 * n_heads * head_dim_k + 2 * intermediate) * 2 a
 *     token of ubatch.
 *   Recurrent state is f32 in all of them: (conv_elements + state_elements) * 4 * n_sequences * (1 + n_snapshots) a
 *   layer. Layers that read another's keys and values, and encoders, have no cache. Layers that only predict further
 *   tokens count where INFERMEM_PLAN_NEXTN says so.
 *
 * The estimates, plan_estimate_*, know nothing of this: they are the classic ones of a dense transformer that is held
 * in f32, 4 bytes an element. Of a layer: the projections to q, k and v, that back from the attention, the three
 * matrices of a gated feed-forward part, two norms.
 * With h = hidden, i = intermediate, L = n_layers, V = vocab, dk = head_dim_k and dv = head_dim_v (h / n_heads where
 * they are 0), q = n_heads * dk, k = n_kv_heads * dk, v = n_kv_heads * dv, o = n_heads * dv:
 *
 *     matrices = h * (q + k + v) + o * h + 3 * h * i          layer     = 4 * (matrices + 2 * h)
 *     kv       = 4 * L * tokens * (k + v)                     full      = 4 * h * V + 4 * h + L * layer + kv
 *     prefill  = (L * matrices + h * V) * (fp8 ? 1 : 2)       streaming = 4 * h * V + 4 * h + layer + kv
 *
 * Each validates the configuration first, as infermem_config_validate does, and fails as that does. One without heads
 * is INFERMEM_E_ARG.
 */
#ifndef INFERMEM_PLAN_H
#define INFERMEM_PLAN_H

#include "alloc.h"
#include "device.h"
#include "error.h"
#include "kv.h"
#include "layout.h"
#include "model.h"
#include "scratch.h"

#define INFERMEM_PLAN_MAX_DEVICES 64
#define INFERMEM_PLAN_MAX_CONTEXT ((uint64_t)1 << 31)   /* tokens; what fits beyond is not looked for */
#define INFERMEM_PLAN_MARGIN ((uint64_t)1024 << 20)     /* bytes left free on a device */
#define INFERMEM_PLAN_HOST_MARGIN ((uint64_t)512 << 20) /* bytes left free on the host */
#define INFERMEM_PLAN_DRIVER ((uint64_t)300 << 20)      /* bytes of a driver's context: 107 to 616 MiB have been seen */

/* Bytes a second from pinned host memory to a device, as measured in 16 lanes of PCI Express. */
#define INFERMEM_PLAN_PCIE3 ((uint64_t)11000000000)
#define INFERMEM_PLAN_PCIE4 ((uint64_t)24000000000)
#define INFERMEM_PLAN_PCIE5 ((uint64_t)52000000000)

/* How a model is run. */
enum {
  INFERMEM_PLAN_FULL_CACHE = 1,      /* all layers stay on the device */
  INFERMEM_PLAN_PARTIAL = 2,         /* the first layers stay, the others pass through; or all but experts stay */
  INFERMEM_PLAN_LAYER_STREAMING = 3, /* one layer is there at a time */
  INFERMEM_PLAN_HOST = 4,            /* nothing is on a device */
  INFERMEM_PLAN_INSUFFICIENT = 5     /* it does not fit */
};

/* Whose sizes are planned; see above. */
enum {
  INFERMEM_PLAN_PLAIN = 1, /* the default */
  INFERMEM_PLAN_CELLS = 2,
  INFERMEM_PLAN_BLOCKS = 3
};

/* What the ladder may try besides what was asked for. 0 stands for HOST_EXPERTS, SOME_LAYERS, ALL_LAYERS and HOST,
 * which cost speed alone. A shorter context is allowed by min_context. */
enum {
  INFERMEM_PLAN_STEP_NONE = 1,         /* nothing: to be given alone */
  INFERMEM_PLAN_STEP_QUANTIZE_KV = 2,  /* caches of Q8_0, then of Q4_0 */
  INFERMEM_PLAN_STEP_HOST_EXPERTS = 4, /* step 2 of the ladder */
  INFERMEM_PLAN_STEP_SOME_LAYERS = 8,  /* step 3 */
  INFERMEM_PLAN_STEP_ALL_LAYERS = 16,  /* step 4 */
  INFERMEM_PLAN_STEP_HOST = 32         /* step 5 */
};

/* Flags of a plan. */
enum {
  INFERMEM_PLAN_NO_FLASH_ATTENTION = 1,
  INFERMEM_PLAN_UNIFIED_KV = 2,    /* CELLS: the sequences share one stream of cells */
  INFERMEM_PLAN_SWA_FULL = 4,      /* CELLS: layers with a window keep all tokens */
  INFERMEM_PLAN_SWA_QUANTIZED = 8, /* CELLS: they are stored in block types, too; else in F16 in their stead, as by
                                    * builds since April 2026 */
  INFERMEM_PLAN_NEXTN = 16,        /* layers that only predict further tokens are loaded too */
  INFERMEM_PLAN_EXPERT_WISE = 32,  /* of layers that pass through, only the experts in use are copied */
  INFERMEM_PLAN_DEQUANT_F8 = 64,   /* a copy of all matrices of resident layers to prefill with, 1 byte an element */
  INFERMEM_PLAN_DEQUANT_F16 = 128, /* the same, 2 bytes an element */
  INFERMEM_PLAN_NO_MARGIN = 256    /* neither devices nor the host keep a margin */
};

/* How a layer of the MLA kind is cached. */
enum {
  INFERMEM_PLAN_MLA_MODEL = 0,    /* as model_layer says */
  INFERMEM_PLAN_MLA_LATENT = 1,   /* the latent vector and the rotated part, once: the values are absorbed */
  INFERMEM_PLAN_MLA_LATENT_V = 2, /* and the latent vector again as values */
  INFERMEM_PLAN_MLA_FULL = 3      /* keys and values of every head */
};

enum {
  INFERMEM_PLAN_DEVICE_UNIFIED = 1,    /* it shares the host's memory: free_bytes is of the one pool */
  INFERMEM_PLAN_DEVICE_HAS_CONTEXT = 2 /* free_bytes was read after the driver's context was made */
};

/* The places of a plan are its devices, 0 and on, in the caller's order, and the host. */
#define INFERMEM_PLAN_PLACE_HOST ((uint32_t)0xfffffffe)
#define INFERMEM_PLAN_PLACE_ALL ((uint32_t)0xffffffff) /* in plan_query: the sum over all places */

/* The kinds of terms, and at the same time the keys by which plan_query gives their bytes. */
enum {
  INFERMEM_PLAN_WEIGHTS = 1,
  INFERMEM_PLAN_HOST_EMBEDDING = 2, /* the token embedding, where it is apart from the device's weights */
  INFERMEM_PLAN_KV_GLOBAL = 3,      /* caches of layers that see all tokens */
  INFERMEM_PLAN_KV_WINDOW = 4,      /* of those that see a window */
  INFERMEM_PLAN_RECURRENT = 5,      /* recurrent state */
  INFERMEM_PLAN_COMPUTE = 6,        /* the buffers of a forward pass */
  INFERMEM_PLAN_OUTPUT = 7,         /* logits for the caller, where they are no part of these */
  INFERMEM_PLAN_STAGING = 8,        /* the slots that layers pass through */
  INFERMEM_PLAN_DEQUANT = 9,        /* the copy that INFERMEM_PLAN_DEQUANT_* asks for */
  INFERMEM_PLAN_DRIVER_CONTEXT = 10,
  INFERMEM_PLAN_MARGIN_LEFT = 11 /* what is left free */
};
#define INFERMEM_PLAN_KINDS 11

/* Further keys of plan_query. Those marked * ask for a place; the others take INFERMEM_PLAN_PLACE_ALL alone. */
enum {
  INFERMEM_PLAN_TOTAL_BYTES = 32,     /* * the sum of the terms */
  INFERMEM_PLAN_FREE_BYTES = 33,      /* * what is free there; of the host 0 where it is not known, or the pool's */
  INFERMEM_PLAN_RESIDENT_LAYERS = 34, /* * layers whose weights stay there; of a refusal, those that would have fit */
  INFERMEM_PLAN_LAYERS = 35,          /* layers that are loaded */
  INFERMEM_PLAN_STREAMED_LAYERS = 36, /* layers that pass through */
  INFERMEM_PLAN_HOST_EXPERT_LAYERS = 37, /* layers whose routed experts are on the host, though they are not */
  INFERMEM_PLAN_CONTEXT = 38,            /* tokens of a sequence, padded as the profile does */
  INFERMEM_PLAN_MAX_CONTEXT_FITS = 39,   /* the most that fits with the same layers resident and the same types; of a
                                        * refusal, the most that any allowed step would have fitted; 0: none */
  INFERMEM_PLAN_CONTEXT_STEP = 40,       /* what contexts are multiples of: 1, 16 or 256 */
  INFERMEM_PLAN_K_TYPE = 41,             /* INFERMEM_DTYPE_* of keys and of values, as chosen */
  INFERMEM_PLAN_V_TYPE = 42,
  INFERMEM_PLAN_LARGEST_TERM = 43,        /* the kind with the most bytes over all places */
  INFERMEM_PLAN_LARGEST_LAYER_BYTES = 44, /* weights of the largest layer: the size of a slot */
  INFERMEM_PLAN_SLOTS = 45,               /* slots on each device that layers pass through; 0 where none do */
  INFERMEM_PLAN_STREAM_SOURCE = 46,       /* INFERMEM_PLAN_SOURCE_* */
  INFERMEM_PLAN_STREAM_BYTES = 47, /* bytes that pass through in one pass over the model: for one token, in decoding */
  INFERMEM_PLAN_MILLI_TOKENS = 48, /* the most tokens in 1000 seconds that this allows; 0: no limit, or not known */
  INFERMEM_PLAN_FULL_NEEDS_BYTES = 49, /* what would have to be free on the largest device, the others as they are, for
                                        * step 1 as asked; without devices, on the host; 0: it cannot be had so */
  INFERMEM_PLAN_NEEDS_BYTES = 50,      /* the same for any of the allowed steps */
  INFERMEM_PLAN_NOTES = 51             /* INFERMEM_PLAN_NOTE_* */
};

/* Where layers that pass through come from. */
enum {
  INFERMEM_PLAN_SOURCE_NONE = 0, /* none do */
  INFERMEM_PLAN_SOURCE_HOST = 1, /* they are kept in the host's memory, where they count as weights */
  INFERMEM_PLAN_SOURCE_FILE = 2  /* they are read from the file: the host's memory is not enough, or not known */
};

/* What is to be known of a plan besides its numbers. */
enum {
  INFERMEM_PLAN_NOTE_CONTEXT_GUESSED = 1, /* neither the options nor the model say a context: 4096 tokens */
  INFERMEM_PLAN_NOTE_CONTEXT_BEYOND = 2,  /* it is longer than the model was trained for */
  INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED = 4,
  INFERMEM_PLAN_NOTE_KV_QUANTIZED = 8,
  INFERMEM_PLAN_NOTE_ROUGH_COMPUTE = 16,   /* compute varies much from one runtime to the next: experts on the host,
                                          * layers that pass through, MLA, several devices */
  INFERMEM_PLAN_NOTE_HOST_UNKNOWN = 32,    /* nothing was checked against the host's memory */
  INFERMEM_PLAN_NOTE_WINDOW_F16 = 64,      /* caches of windows are F16, not of the block type asked for */
  INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT = 128, /* the model has layers that only predict further tokens */
  INFERMEM_PLAN_NOTE_HOST_LACKS = 256      /* it is the host's memory that step 1 lacks */
};

/* What a change would lead to; see plan_advice. */
enum {
  INFERMEM_PLAN_ADVICE_CONTEXT = 1,     /* a context of `value` tokens */
  INFERMEM_PLAN_ADVICE_KV_TYPE = 2,     /* caches of type `value` */
  INFERMEM_PLAN_ADVICE_MEMORY = 3,      /* `value` bytes free on the largest device, or without devices on the host */
  INFERMEM_PLAN_ADVICE_LAYERS = 4,      /* a model of `value` of these layers */
  INFERMEM_PLAN_ADVICE_ALLOW = 5,       /* the step `value`, an INFERMEM_PLAN_STEP_*, allowed */
  INFERMEM_PLAN_ADVICE_HOST_MEMORY = 6, /* more host memory: `value` bytes */
  INFERMEM_PLAN_ADVICE_WEIGHTS = 7      /* weights of `value` bytes at most, in all: stronger quantization */
};

/* How plan_text draws. */
enum {
  INFERMEM_PLAN_TEXT_UTF8 = 1 /* bars of block characters, in UTF-8; without it everything is ASCII */
};

/* A plan; see plan_new. It never changes. */
typedef struct infermem_plan infermem_plan;

/* Where a model may go. */
typedef struct infermem_plan_device {
  size_t struct_size;
  char name[96];             /* for texts, NUL-terminated; "" stands for "device 0", … */
  uint64_t total_bytes;      /* for texts; 0 when not known */
  uint64_t free_bytes;       /* more than 0: what is not known cannot be planned with */
  uint64_t link_bytes_per_s; /* from the host's memory to the device; 0 means the options' */
  uint32_t flags;            /* INFERMEM_PLAN_DEVICE_* */
  uint32_t reserved;         /* 0 */
} infermem_plan_device;

/* What is asked for. Zero in any field means the default. */
typedef struct infermem_plan_options {
  size_t struct_size;
  uint64_t context;           /* tokens of a sequence; 0 means the model's, and 4096 where it does not say */
  uint64_t min_context;       /* what it may be shortened to; 0 means that it may not */
  uint64_t n_sequences;       /* 0 means 1 */
  uint64_t ubatch;            /* tokens computed at once; 0 means 512; no more than n_sequences * context count */
  uint64_t n_outputs_max;     /* tokens of these that have logits; 0 means all */
  uint64_t n_snapshots;       /* further copies of each sequence's recurrent state, as speculation takes them */
  uint64_t host_bytes;        /* what this process can have of the host's memory; 0 means that it is not known */
  uint64_t host_margin_bytes; /* of it to be left free; 0 means INFERMEM_PLAN_HOST_MARGIN */
  uint64_t margin_bytes;      /* to be left free on each device; 0 means INFERMEM_PLAN_MARGIN */
  uint64_t driver_bytes;      /* of each device's context; 0 means INFERMEM_PLAN_DRIVER */
  uint64_t link_bytes_per_s;  /* 0 means INFERMEM_PLAN_PCIE4 */
  uint64_t file_bytes_per_s;  /* reading the model's file; 0 means that it is not known */
  /* Of free_bytes to be left free on each device, where that is more; from 0 to below 1. Of a device that shares the
   * host's memory at least a quarter is, and margin_bytes only where it is given. */
  double margin_fraction;
  int32_t k_type;                      /* how keys are stored: INFERMEM_DTYPE_F32, which is 0, _F16, _Q8_0, … */
  int32_t v_type;                      /* how values are stored. _I8 stands for 8-bit floats, too */
  uint32_t profile;                    /* INFERMEM_PLAN_PLAIN, _CELLS or _BLOCKS */
  uint32_t flags;                      /* INFERMEM_PLAN_NO_FLASH_ATTENTION, … */
  uint32_t steps;                      /* INFERMEM_PLAN_STEP_* */
  uint32_t slots;                      /* 2 to 4; 0 means 2 */
  uint32_t mla;                        /* INFERMEM_PLAN_MLA_* */
  uint32_t reserved;                   /* 0 */
  const infermem_allocator *allocator; /* NULL means malloc */
} infermem_plan_options;

/* A line of the ledger. */
typedef struct infermem_plan_term_facts {
  size_t struct_size;
  uint32_t kind;       /* INFERMEM_PLAN_WEIGHTS, … */
  uint32_t place;      /* a device's index, or INFERMEM_PLAN_PLACE_HOST */
  uint64_t bytes;      /* more than 0 */
  uint32_t confidence; /* INFERMEM_CONFIDENCE_* */
  uint32_t reserved;
  const char *name;    /* of the kind, "weights"; static storage */
  const char *formula; /* where the bytes are from, in words; static storage */
} infermem_plan_term_facts;

/* What becomes of one layer. */
typedef struct infermem_plan_layer_facts {
  size_t struct_size;
  uint32_t place;           /* where it is computed and its cache lies: a device's index, or INFERMEM_PLAN_PLACE_HOST */
  uint32_t is_resident;     /* 1: its weights stay there; 0: they pass through, or the layer is not loaded */
  uint32_t is_loaded;       /* 0: it only predicts further tokens, and INFERMEM_PLAN_NEXTN is not set */
  uint32_t host_experts;    /* 1: its routed experts are on the host though the layer is on a device */
  uint64_t weight_bytes;    /* of all its weights */
  uint64_t kv_bytes;        /* of its cache, of all sequences */
  uint64_t recurrent_bytes; /* of its state, of all sequences */
  /* Its layer in the cache that plan_build_kv makes, or that of the layer whose keys and values it reads; UINT64_MAX
   * where there is none. */
  uint64_t kv_index;
} infermem_plan_layer_facts;

/* A change, and the mode that it would lead to. */
typedef struct infermem_plan_advice_facts {
  size_t struct_size;
  uint32_t code; /* INFERMEM_PLAN_ADVICE_* */
  int32_t mode;  /* INFERMEM_PLAN_FULL_CACHE, … */
  uint64_t value;
} infermem_plan_advice_facts;

/* Something that was measured, and what was planned for it; see plan_audit. */
typedef struct infermem_plan_measure {
  size_t struct_size;
  uint32_t kind;            /* in: INFERMEM_PLAN_WEIGHTS, … or INFERMEM_PLAN_TOTAL_BYTES, without the margin */
  uint32_t place;           /* in: a device's index, INFERMEM_PLAN_PLACE_HOST or _ALL */
  uint64_t measured_bytes;  /* in */
  uint64_t predicted_bytes; /* out */
  uint64_t per_million; /* out: |measured - predicted| of measured, rounded up; UINT64_MAX where only measured is 0 */
} infermem_plan_measure;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* ---- Plans ------------------------------------------------------------------------------------------------------- */

/* Fills *out, whose struct_size the caller has set, from what a probe found. Where free_bytes is not known it is 0, for
 * the caller to replace.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_device_from(const infermem_device_facts *facts, infermem_plan_device *out)
    INFERMEM_AS(plan_device_from);

/* Plans a model; free the plan with plan_free. That nothing fits is no error but the mode INSUFFICIENT.
 *   model, config: one of them, the other NULL. With a model the weights are those of its tensors, else those of the
 * configuration's formula. Neither is kept.  devices: n_devices elements, struct_size bytes apart; may be NULL when
 * n_devices is 0: then the host alone is planned with.  options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: out is NULL, or devices is while n_devices is not 0, or both model and config are.
 * INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT: also where devices differ in struct_size.  INFERMEM_E_ARG: both model and
 * config are given; the free memory of a device, or without devices the host's, is 0; a device that shares the host's
 * memory is not alone; a name has no NUL; min_context is above the context; slots are not 2 to 4; STEP_NONE is not
 * alone; a profile, flag, step or MLA form is unknown, or two of DEQUANT_F8 and _F16; a reserved field is not 0;
 * margin_fraction is not from 0 to below 1; or as infermem_config_validate.  INFERMEM_E_NOT_FINITE: margin_fraction is
 * not. INFERMEM_E_LIMIT: n_devices is above INFERMEM_PLAN_MAX_DEVICES, or a number of tokens, sequences or snapshots
 * above INFERMEM_PLAN_MAX_CONTEXT.  INFERMEM_E_TYPE: k_type or v_type is no known type's number.  INFERMEM_E_SHAPE: a
 * head of a layer is not whole blocks of its type, the message names the layer; or as infermem_config_validate.
 * INFERMEM_E_UNSUPPORTED: PLAIN, and a type that infermem_kv cannot store; CELLS, and values of a block type without
 * flash attention.  INFERMEM_E_OVERFLOW: what was asked for does not fit 64 bits.  INFERMEM_E_NOMEM.
 * Thread: any; model many at once.  Memory: one handle, an array of the places and one of the layers from the
 * allocator, and of a configuration one more while it runs.  Since: 0.1 */
INFERMEM_FN int32_t plan_new(const infermem_model *model, const infermem_model_config *config,
                             const infermem_plan_device *devices, size_t n_devices,
                             const infermem_plan_options *options, infermem_plan **out) INFERMEM_AS(plan_new);

/* Frees a plan. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void plan_free(infermem_plan *plan) INFERMEM_AS(plan_free);

/* The mode: INFERMEM_PLAN_FULL_CACHE, …; 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_mode(const infermem_plan *plan) INFERMEM_AS(plan_mode);

/* A number of the plan's.
 *   key: a term's kind, or one of the further keys.  place: a device's index, INFERMEM_PLAN_PLACE_HOST or _ALL.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: there is no such key, or it takes no place.
 * INFERMEM_E_RANGE: there is no such device.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_query(const infermem_plan *plan, uint32_t key, uint32_t place, uint64_t *out)
    INFERMEM_AS(plan_query);

/* How many terms there are; 0 of NULL or a handle of another kind. They are in the order of their kinds, and of one
 * kind in the order of the devices, the host last.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t plan_term_count(const infermem_plan *plan) INFERMEM_AS(plan_term_count);

/* Fills *out, whose struct_size the caller has set, with a term.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: index is not below
 * plan_term_count.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_term(const infermem_plan *plan, size_t index, infermem_plan_term_facts *out)
    INFERMEM_AS(plan_term);

/* Fills *out, whose struct_size the caller has set, with what becomes of a layer. Of a refusal the layers that did not
 * fit are on the last device, and not resident.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: the model has no such layer.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_layer(const infermem_plan *plan, uint64_t index, infermem_plan_layer_facts *out)
    INFERMEM_AS(plan_layer);

/* How many changes plan_advice knows; 0 of NULL, of a handle of another kind, and where step 1 was taken as asked.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t plan_advice_count(const infermem_plan *plan) INFERMEM_AS(plan_advice_count);

/* Fills *out, whose struct_size the caller has set, with a change that would do: each by itself leads to its mode, or
 * to a better one. WEIGHTS is what is left for them where nothing else changes.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is none of that index.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_advice(const infermem_plan *plan, size_t index, infermem_plan_advice_facts *out)
    INFERMEM_AS(plan_advice);

/* The plan as a table for people, NUL-terminated, lines ended with '\n': the verdict, a row a term, a bar a place, the
 * context, notes, and what to change. Names are shown with '?' for what is not printable ASCII. *out_length is the
 * length without the NUL. With buffer NULL and capacity 0 the length alone is given.
 *   flags: INFERMEM_PLAN_TEXT_*.  capacity: bytes of buffer, the NUL included.
 * Errors: INFERMEM_E_NULL: plan or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
 * INFERMEM_E_ARG: a flag is unknown.  INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and the error's
 * `expected` is the capacity needed.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_text(const infermem_plan *plan, uint32_t flags, char *buffer, size_t capacity,
                              size_t *out_length) INFERMEM_AS(plan_text);

/* The plan as one JSON object, in ASCII, NUL-terminated, as src/doc/plan_json.md describes: every number in bytes,
 * tokens or layers, whatever names hold escaped. Otherwise as plan_text.
 * Errors: as plan_text, but for INFERMEM_E_ARG.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_json(const infermem_plan *plan, char *buffer, size_t capacity, size_t *out_length)
    INFERMEM_AS(plan_json);

/* ---- From plan to memory ----------------------------------------------------------------------------------------- */

/* Makes a layout for what the plan puts into the host's memory, or the pool shared with it: weights, slots and the
 * copy to prefill with go to its weights tape, compute and output to its scratch tape, caches and recurrent state of
 * all sequences to its history tape. Each tape has room besides for 64-byte alignment of every tensor, buffer and
 * cache. All three are LAZY: pages are committed as they are written. Free it with layout_free.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the plan is a refusal, or puts nothing there.
 * INFERMEM_E_OVERFLOW, INFERMEM_E_NOMEM: as layout_new.
 * Thread: many at once.  Memory: as layout_new, from the plan's allocator.  Since: 0.1 */
INFERMEM_FN int32_t plan_build_layout(const infermem_plan *plan, infermem_layout **out) INFERMEM_AS(plan_build_layout);

/* Makes the buffers of one pass, of as many tokens as the plan computes at once, without any of scratch.h's flags. With
 * the PLAIN profile, scratch_total_bytes is what the plan says. Free it with scratch_free.
 *   tape: where they are stored, such as the scratch of plan_build_layout; NULL means a mapping of their own.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the plan is a refusal.  Else as scratch_new.
 * Thread: many at once.  Memory: as scratch_new, of the plan's allocator.  Since: 0.1 */
INFERMEM_FN int32_t plan_build_scratch(const infermem_plan *plan, const infermem_tape *tape, infermem_scratch **out)
    INFERMEM_AS(plan_build_scratch);

/* Makes the cache of one sequence: a layer for each that has keys and values of its own (see kv_index of plan_layer),
 * of the planned context and types. With the PLAIN profile, kv_memory_bytes times the sequences is what the plan says.
 * Free it with kv_free.
 *   tape: where it is stored, such as the history of plan_build_layout; NULL means a mapping of its own.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the plan is a refusal, or has no cache.
 * INFERMEM_E_UNSUPPORTED: layers differ in heads, head sizes or tokens, keys are stored without values, or a type is
 * none that a cache can store.  Else as kv_new.
 * Thread: many at once.  Memory: as kv_new, and 8 bytes a layer while it runs, of the plan's allocator.  Since: 0.1 */
INFERMEM_FN int32_t plan_build_kv(const infermem_plan *plan, const infermem_tape *tape, infermem_kv **out)
    INFERMEM_AS(plan_build_kv);

/* Sets predicted_bytes and per_million of each measure: what the plan says of the same, and how far off it was.
 *   measures: n elements, struct_size bytes apart.
 * Errors: INFERMEM_E_NULL: plan is NULL, or measures is while n is not 0.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT: also
 * where measures differ in struct_size, or it ends before per_million.  INFERMEM_E_ARG: a kind is unknown.
 * INFERMEM_E_RANGE: there is no such device.
 * Thread: many at once, for different measures.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_audit(const infermem_plan *plan, infermem_plan_measure *measures, size_t n)
    INFERMEM_AS(plan_audit);

/* The same as a table for people, a row a measure; the last line names the worst. Otherwise as plan_text.
 * Errors: those of plan_audit.  INFERMEM_E_NULL: also where out_length is NULL, or buffer is while capacity is not 0.
 * INFERMEM_E_BUFFER: as plan_text.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_audit_text(const infermem_plan *plan, const infermem_plan_measure *measures, size_t n,
                                    char *buffer, size_t capacity, size_t *out_length) INFERMEM_AS(plan_audit_text);

/* ---- The classic estimates --------------------------------------------------------------------------------------- */

/* The bytes of one layer's weights.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_layer(const infermem_model_config *config, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_layer);

/* The bytes of the KV cache of n_tokens tokens, in all layers.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_kv(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_kv);

/* The bytes of the embedding, the last norm, all layers, and the KV cache of n_tokens tokens (of 0 tokens, the weights
 * alone).
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_full(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_full);

/* The same with one layer's weights in place of all.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_streaming(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_streaming);

/* The bytes of a copy of all matrices, embedding included, to prefill with: 1 byte an element when fp8 is 1, 2 when it
 * is 0.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_ARG: also when fp8 is neither.
 * INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_prefill_cache(const infermem_model_config *config, int32_t fp8, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_prefill_cache);

/* Which mode free_bytes allow, of which nine tenths (rounded down) are used: FULL_CACHE where plan_estimate_full fits,
 * else LAYER_STREAMING where plan_estimate_streaming does, else INSUFFICIENT.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_mode(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                                       int32_t *out_mode) INFERMEM_AS(plan_estimate_mode);

/* 1 where plan_estimate_mode is LAYER_STREAMING, else 0: also where not even that fits.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_should_stream(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                                       int32_t *out) INFERMEM_AS(plan_should_stream);

/* A mode in words, "Full Cache (all layers pre-cached on GPU)", or "unknown"; static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *plan_mode_text(int32_t mode) INFERMEM_AS(plan_mode_text);

/* The mode that plan_estimate_mode gives, with the numbers behind it in whole MB (bytes / 1048576), NUL-terminated;
 * where the memory is insufficient, also three things to do about it. *out_length is its length without the NUL. With
 * buffer NULL and capacity 0 the length alone is given.
 *   total_bytes: the device's memory, which is only reported.  capacity: bytes of buffer, the NUL included.
 * Errors: INFERMEM_E_NULL: config or out_length is NULL, or buffer is while capacity is not 0.  Those of
 * infermem_config_validate.  INFERMEM_E_OVERFLOW.  INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and
 * the error's `expected` is the capacity needed.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_text(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                                       uint64_t total_bytes, char *buffer, size_t capacity, size_t *out_length)
    INFERMEM_AS(plan_estimate_text);

INFERMEM_END_DECLS
#endif

#endif
