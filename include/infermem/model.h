/* model.h: what a model file says: its metadata, its tensors, and the numbers that memory depends on.
 *
 *     infermem_model *model;
 *     if (model_open("llama.gguf", NULL, &model) != INFERMEM_OK) return 1;
 *     INFERMEM_STRUCT(infermem_model_config, config);
 *     model_config(model, &config);
 *     size_t index;
 *     infermem_view weights;
 *     if (model_tensor_find(model, "blk.0.ffn_up.weight", &index) == INFERMEM_OK)
 *       model_tensor_view(model, index, &weights);    // no copy: the file's own pages
 *     model_free(model);
 *
 * Read are GGUF, versions 2 and 3, little-endian, in one file or split into several; safetensors, in one file or several
 * with an index; and config.json as Hugging Face has it. A file is not trusted: whatever its bytes are, opening it ends
 * with a model or with an error code, in time linear in the metadata (but for a sort, of a file whose tensors are not in
 * the order of their data) and in at most 64 MiB and twice the metadata of memory.
 *
 * Keys and names have no control characters. Those of GGUF need not be valid UTF-8, and neither need its string values.
 * Strings of any format may contain NUL: take their lengths.
 */
#ifndef INFERMEM_MODEL_H
#define INFERMEM_MODEL_H

#include "alloc.h"
#include "error.h"
#include "io.h"
#include "tensor.h"

/* The limits of a file; what is beyond them is refused with INFERMEM_E_LIMIT. */
#define INFERMEM_MODEL_MAX_KEY 65535           /* bytes of a key, and of a tensor's name in safetensors */
#define INFERMEM_MODEL_MAX_NAME 64             /* bytes of a tensor's name in GGUF */
#define INFERMEM_MODEL_MIN_ALIGNMENT 8         /* bytes, of general.alignment */
#define INFERMEM_MODEL_MAX_ALIGNMENT (1 << 20) /* bytes */
#define INFERMEM_MODEL_MAX_PARTS 4096          /* files of a model */
#define INFERMEM_MODEL_MAX_HEADER 100000000    /* bytes of a safetensors header, and of an index */
#define INFERMEM_MODEL_MAX_SHAPE 8             /* dimensions in a safetensors header */
#define INFERMEM_MODEL_MAX_CONFIG (16 << 20)   /* bytes of a config.json */
#define INFERMEM_MODEL_MAX_NESTING 64          /* objects and arrays of a JSON text within each other */
#define INFERMEM_MODEL_MAX_VALUES (1 << 19)    /* values of a config.json, also those in others, or of __metadata__ */
#define INFERMEM_MODEL_MAX_KEPT (32 << 20)     /* bytes of these with their paths */
/* Bytes kept of one model, which are its keys, names and strings; and again bytes of the strings in arrays of GGUF, which
 * are not kept, but have to be walked. */
#define INFERMEM_MODEL_MAX_METADATA (1 << 30)

/* What a model was read from; config.json is of a model without tensors. */
enum { INFERMEM_FORMAT_GGUF = 1, INFERMEM_FORMAT_SAFETENSORS = 2, INFERMEM_FORMAT_CONFIG = 3 };

enum {
  INFERMEM_MODEL_NO_DATA = 1 /* tensor data is not mapped: model_tensor_view answers INFERMEM_E_STATE */
};

/* The type of a metadata value; the numbers are GGUF's. */
enum {
  INFERMEM_META_U8 = 0,
  INFERMEM_META_I8 = 1,
  INFERMEM_META_U16 = 2,
  INFERMEM_META_I16 = 3,
  INFERMEM_META_U32 = 4,
  INFERMEM_META_I32 = 5,
  INFERMEM_META_F32 = 6,
  INFERMEM_META_BOOL = 7,
  INFERMEM_META_STRING = 8,
  INFERMEM_META_ARRAY = 9,
  INFERMEM_META_U64 = 10,
  INFERMEM_META_I64 = 11,
  INFERMEM_META_F64 = 12
};

/* An open model file. */
typedef struct infermem_model infermem_model;

/* How a model is opened. Zero in any field means the default. */
typedef struct infermem_model_options {
  size_t struct_size;
  uint32_t flags;                      /* INFERMEM_MODEL_* */
  uint32_t reserved;                   /* 0 */
  const infermem_allocator *allocator; /* for the handle and the metadata; NULL means malloc */
} infermem_model_options;

/* What is true of a model beyond its numbers. Those marked * change what a cache holds; the others count weights. */
enum {
  INFERMEM_CONFIG_ENCODER = 1,            /* * it keeps nothing of earlier tokens: it has no KV cache */
  INFERMEM_CONFIG_MLA_EXPANDED = 2,       /* * of latent attention, what all heads have is stored, not the latent */
  INFERMEM_CONFIG_PARALLEL_MIXERS = 4,    /* * each layer has both attention and a recurrent mixer */
  INFERMEM_CONFIG_QKV_BIAS = 8,           /* the projections to q, k and v have biases */
  INFERMEM_CONFIG_BIAS = 16,              /* all matrices of a layer have */
  INFERMEM_CONFIG_NORM_BIAS = 32,         /* all norms have */
  INFERMEM_CONFIG_QK_NORM = 64,           /* queries and keys have a norm of a head's elements */
  INFERMEM_CONFIG_QK_NORM_WIDE = 128,     /* of all heads' elements */
  INFERMEM_CONFIG_POST_NORMS = 256,       /* norms also after attention and after the feed-forward part */
  INFERMEM_CONFIG_ONE_NORM = 512,         /* attention and the feed-forward part share one norm */
  INFERMEM_CONFIG_UNGATED = 1024,         /* the feed-forward part has two matrices, not three */
  INFERMEM_CONFIG_GATED_ATTENTION = 2048, /* the projection to q has twice the rows: a gate for each */
  INFERMEM_CONFIG_POSITIONS = 4096        /* there is an embedding of each position */
};

/* The most layers that a model may have. */
#define INFERMEM_MODEL_MAX_LAYERS 4096

/* The numbers of a model that its memory depends on. model_config fills it from a file; a caller who has no file fills
 * it by hand. 0 means "not known" or "none", except where a line says otherwise. Where a file gives a number for each
 * layer, the largest stands here, and model_layer has them all. */
typedef struct infermem_model_config {
  size_t struct_size;
  char architecture[64];    /* "llama": printable ASCII, NUL-terminated */
  uint64_t n_layers;        /* transformer blocks; those that only predict further tokens (n_nextn) included */
  uint64_t hidden;          /* elements of a token's embedding */
  uint64_t n_heads;         /* query heads of a layer; 0 when no layer attends */
  uint64_t n_kv_heads;      /* key and value heads of a layer; of a latent, 1 */
  uint64_t head_dim_k;      /* elements of a stored key head; 0 means hidden / n_heads */
  uint64_t head_dim_v;      /* elements of a stored value head; 0 means hidden / n_heads */
  uint64_t intermediate;    /* elements of the feed-forward layer's middle */
  uint64_t vocab;           /* rows of the embedding */
  uint64_t context;         /* tokens that the model was trained for */
  uint64_t rope_dims;       /* elements of a head that are rotated */
  uint64_t n_experts;       /* routed experts of a layer; 0 when it is dense */
  uint64_t n_experts_used;  /* experts that work on one token */
  uint64_t sliding_window;  /* tokens of the window of windowed attention; 0 when there is none */
  uint32_t tied_embeddings; /* 1 when the output uses the token embedding: there is no output.weight */
  uint32_t flags;           /* INFERMEM_CONFIG_* */
  double rope_theta;        /* base of the rotary frequencies */
  double norm_eps;          /* epsilon of the norms */

  /* Experts. */
  uint64_t expert_intermediate; /* elements of a routed expert's middle; 0 means intermediate */
  uint64_t shared_intermediate; /* of all shared experts together; 0 means n_experts_shared * expert_intermediate */
  uint64_t n_experts_shared;    /* experts that work on every token */
  uint64_t n_dense_layers;      /* leading layers that have no experts */
  uint64_t expert_interval;     /* of the others, each layer i with (i + 1) divisible by it has experts; 0 means all */
  uint64_t n_nextn;             /* trailing layers that only predict further tokens */

  /* Latent attention (MLA): what is stored of a token is its latent and a rotated part, the same for all heads. */
  uint64_t kv_lora_rank;   /* elements of the latent; 0: there is none */
  uint64_t q_lora_rank;    /* elements that queries are projected from; 0: from hidden */
  uint64_t head_dim_k_mla; /* elements of a key head before it is absorbed, the rotated ones included */
  uint64_t head_dim_v_mla; /* elements of a value head before it is absorbed */

  /* Windowed attention. With an interval n, one layer in n sees all tokens and the others the window. */
  uint64_t window_interval;   /* 0: as the architecture is known to have it, else all layers have the window; 1: none */
  uint64_t window_first;      /* the first layer that sees all tokens, counted from 1; 0 means window_interval */
  uint64_t n_kv_heads_window; /* of layers with a window; 0 means n_kv_heads */
  uint64_t head_dim_k_window; /* the same; 0 means head_dim_k */
  uint64_t head_dim_v_window; /* the same; 0 means head_dim_v */
  uint64_t n_kv_shared_layers; /* trailing layers that use the keys and values of an earlier one */

  /* Recurrent mixers, which keep a state in place of keys and values. With an interval n, one layer in n attends and
   * the others are recurrent. */
  uint64_t attention_interval; /* 0: as the architecture is known to have it */
  uint64_t attention_first;    /* the first layer that attends, counted from 1; 0 means attention_interval */
  uint64_t conv_kernel;        /* tokens that a convolution sees */
  uint64_t ssm_inner;          /* elements of the mixer's middle; 0 where the mixer is a convolution of hidden alone */
  uint64_t ssm_state;          /* elements of state for each of them; of a gated delta net, of a key head */
  uint64_t ssm_groups;         /* groups; of a gated delta net, key heads; 0: they share nothing (Mamba 1) */
  uint64_t ssm_heads;          /* heads, or the rank of the time step of Mamba 1; of a gated delta net, value heads */
  uint64_t wkv_head_dim;       /* of RWKV, elements of a head; 0: it is none */
  uint64_t token_shifts;       /* of RWKV, earlier embeddings kept */

  /* Weights where no tensors tell of them. */
  int32_t weight_type;   /* INFERMEM_DTYPE_*, 0 being F32 */
  uint32_t weight_bits;  /* of layers' matrices that are quantized otherwise; 0: weight_type */
  uint64_t weight_group; /* elements that share a 16-bit scale and a zero of weight_bits; 0: a row */
  int32_t expert_type;   /* INFERMEM_DTYPE_* of routed experts' matrices; 0: as the others */
  uint32_t reserved;     /* 0 */
} infermem_model_config;

/* How sure a number is. */
enum {
  INFERMEM_CONFIDENCE_EXACT = 1,    /* said by the file, and nothing in it says otherwise */
  INFERMEM_CONFIDENCE_MODELLED = 2, /* by a formula, or by what is known of the architecture */
  INFERMEM_CONFIDENCE_ROUGH = 3     /* what the file says contradicts itself, or has to be guessed */
};

/* What a layer keeps of earlier tokens. The numbers of an encoder's attention are told although it keeps nothing. */
enum {
  INFERMEM_LAYER_ATTENTION = 1, /* keys and values of all tokens */
  INFERMEM_LAYER_WINDOW = 2,    /* keys and values of a window */
  INFERMEM_LAYER_MLA = 3,       /* a latent of all tokens */
  INFERMEM_LAYER_RECURRENT = 4, /* a state */
  INFERMEM_LAYER_BOTH = 5,      /* a state, and keys and values of all tokens */
  INFERMEM_LAYER_NONE = 6       /* nothing */
};

/* One layer of a model. */
typedef struct infermem_model_layer {
  size_t struct_size;
  uint32_t kind;       /* INFERMEM_LAYER_* */
  uint32_t confidence; /* INFERMEM_CONFIDENCE_* of all but the bytes */

  /* Attention; all 0 where there is none. A cache of it has n_kv_heads * (head_dim_k + head_dim_v) elements a token. */
  uint64_t n_heads;    /* query heads */
  uint64_t n_kv_heads; /* of latent attention, 1 */
  uint64_t head_dim_k; /* of latent attention, kv_lora_rank and what is rotated */
  uint64_t head_dim_v; /* of latent attention, 0: the values are part of the stored keys */
  uint64_t window;     /* tokens; 0 means all */
  uint64_t kv_source;  /* the layer whose keys and values it uses; its own index where it has its own */

  /* Recurrent state, elements of f32 a sequence; 0 where there is none. */
  uint64_t conv_elements;
  uint64_t state_elements;

  uint64_t intermediate;   /* of the dense feed-forward part; 0 where there is none */
  uint64_t n_experts;      /* routed; 0 where there are none */
  uint64_t n_experts_used; /* for one token */
  uint32_t is_nextn;       /* 1 when it only predicts further tokens */
  uint32_t weights_confidence;

  /* Bytes of weights. */
  uint64_t attention_bytes;     /* of what mixes tokens: attention, latents, recurrent mixers */
  uint64_t dense_bytes;         /* of the dense feed-forward part */
  uint64_t shared_expert_bytes; /* of experts that work on every token */
  uint64_t routed_expert_bytes; /* of all routed experts */
  uint64_t norm_bytes;
  uint64_t other_bytes; /* the experts' router, and what else the layer has */
} infermem_model_layer;

/* The weights of a model. total_bytes is the sum of embedding_bytes, output_bytes, layer_bytes and other_bytes. */
typedef struct infermem_model_weights {
  size_t struct_size;
  uint64_t total_bytes;         /* of all tensors, without padding */
  uint64_t embedding_bytes;     /* of the token embedding */
  uint64_t output_bytes;        /* of the output's matrix; 0 when the embedding serves as it */
  uint64_t layer_bytes;         /* of all layers */
  uint64_t largest_layer_bytes; /* of the largest of them */
  uint64_t other_bytes;         /* the last norm, other embeddings, other parts than the language model's */
  uint64_t elements;            /* parameters of all of it */
  uint32_t confidence;          /* INFERMEM_CONFIDENCE_* */
  uint32_t reserved;
} infermem_model_weights;

/* What the file says of a tensor. */
typedef struct infermem_tensor_info {
  size_t struct_size;
  const char *name;                  /* NUL-terminated; lives as long as the model */
  size_t name_length;                /* bytes, without the NUL */
  int32_t dtype;                     /* INFERMEM_DTYPE_*, or a number of the file's that no INFERMEM_DTYPE_ names */
  uint32_t n_dims;                   /* 1 to INFERMEM_MAX_DIMS; a tensor without dimensions has one, of one element; of
                                        one with more, in safetensors, the slowest are multiplied into the first */
  uint64_t shape[INFERMEM_MAX_DIMS]; /* elements, from the slowest dimension to the fastest; 1 from n_dims on; 0 only in
                                        safetensors */
  uint64_t elements;                 /* their product */
  uint64_t offset;                   /* bytes from the start of the file to the data */
  uint64_t bytes;                    /* bytes of the data */
  uint32_t is_inferred; /* 1 when dtype is not known: in GGUF, bytes then reach to the next tensor, or to the
                                        end of the file, padding included; in safetensors they are exact, and dtype is
                                        INFERMEM_DTYPE_UNKNOWN */
  uint32_t part;        /* the number of the file, below model_part_count */
} infermem_tensor_info;

/* What the file says of a metadata value. */
typedef struct infermem_meta_info {
  size_t struct_size;
  const char *key;       /* NUL-terminated; lives as long as the model */
  size_t key_length;     /* bytes, without the NUL */
  uint32_t type;         /* INFERMEM_META_* */
  uint32_t element_type; /* of an array, the INFERMEM_META_* of its elements; else the same as type */
  uint64_t count;        /* of an array, its elements; else 1 */
} infermem_meta_info;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

/* Opens a model; free it with model_free. The metadata is read; arrays in a GGUF file are skipped, and read when asked
 * for. Tensor data is mapped read-only, not read. Files must not be changed meanwhile: bytes of the map that another
 * process cuts off a file fault with SIGBUS when they are touched, which INFERMEM_MODEL_NO_DATA rules out.
 *
 * path, NUL-terminated, is one of these. Only the first bytes tell GGUF, safetensors and JSON apart.
 *   - A GGUF file. Of one whose name ends in -00002-of-00003.gguf, or with other numbers, all parts are opened, whichever
 *     is given; each must be there. The metadata are those of the first, the tensors those of all.
 *   - A safetensors file, which is read alone.
 *   - An index, whose name ends in .index.json: the safetensors files that its weight_map names, which are in its
 *     directory, and the config.json there, if there is one.
 *   - A JSON file: a config.json of any name. The model has no tensors.
 *   - A directory: model.safetensors.index.json in it as above, else model.safetensors and config.json, or one of both.
 *
 * Values of a config.json stand under their paths, "text_config.rope_scaling.factor". Whole numbers are I64, those above
 * its range U64, all others F64, and NaN and the infinities may be written as Python does. An array of numbers, of bools or
 * of strings is an array; of any other, each element has a path of its own, "blocks.3.width". What is null is left out.
 * Entries of a safetensors file's __metadata__ are strings under "__metadata__.", those of the first file of several.
 *
 * What is odd in a file but no error is a warning, see model_warning. That includes keys that model_config needs and
 * that are missing, of a wrong type or out of range.
 *   options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a flag is unknown, a reserved
 * field is not 0, or the allocator lacks a function.  INFERMEM_E_IO: a file cannot be opened or read; os_error tells why,
 * and the message which one: also where a part is missing.  INFERMEM_E_FORMAT: it is no regular file, of no known
 * format, or breaks a rule of its format.  In all: an empty or repeated name or key, a control character in one.  In GGUF:
 * an unknown value type, an array of arrays, a bool that is neither 0 nor 1, an alignment that is no u32 or no power of
 * two, more than 4 dimensions, a dimension of 0, rows that are not whole blocks, data that is not aligned, tensors that
 * overlap, parts that are not of one model.  In safetensors: a header that is no such JSON or has a field more, less
 * or twice, a number that is not whole or negative, offsets that are not those of the shape, data that overlaps, has holes
 * or goes on after the last tensor, an index that names a file elsewhere or a tensor that is not there.  In JSON: what is
 * not RFC 8259 in UTF-8, or no object.  INFERMEM_E_VERSION: GGUF of version 0, 1 or above 3, or big-endian.
 * INFERMEM_E_TRUNCATED: a file ends before what it declares, or is empty, or a JSON text ends within its value.
 * INFERMEM_E_LIMIT: see
 * INFERMEM_MODEL_MAX_*.  INFERMEM_E_OVERFLOW: a tensor's size or place does not fit 64 bits.  INFERMEM_E_NOMEM.
 * INFERMEM_E_SYSTEM: the data could not be mapped.
 * Thread: any.  Memory: one handle and the metadata from the allocator; a mapping a file; one file descriptor.  Since: 0.1 */
INFERMEM_FN int32_t model_open(const char *path, const infermem_model_options *options, infermem_model **out)
    INFERMEM_AS(model_open);

/* Opens a model whose file is not on disk, from its first bytes: a GGUF file, a safetensors file or a config.json, as
 * model_open does. All its metadata must be among them; elements of arrays are kept. There are no views of its tensors.
 *   bytes: n_bytes of them, not kept.  file_size: bytes of the whole file, which places are checked against; 0 means
 *   n_bytes.
 * Errors: those of model_open but _IO and _SYSTEM.  INFERMEM_E_NULL: bytes or out is NULL.  INFERMEM_E_ARG: file_size is
 * less than n_bytes, too.  INFERMEM_E_TRUNCATED: metadata reach beyond the bytes, too.
 * Thread: any.  Memory: one handle and the metadata from the allocator.  Since: 0.1 */
INFERMEM_FN int32_t model_open_bytes(const void *bytes, size_t n_bytes, uint64_t file_size,
                                     const infermem_model_options *options, infermem_model **out)
    INFERMEM_AS(model_open_bytes);

/* The same through a function that reads the file, which is not called any more when this returns.
 *   file_size: bytes of the whole file.
 * Errors: those of model_open_bytes.  INFERMEM_E_NULL: read or out is NULL.  INFERMEM_E_IO: the function failed, with
 * os_error what it returned, or says that it read more than was asked for.  INFERMEM_E_TRUNCATED: it found the end before
 * file_size, too, which may be 0.
 * Thread: any.  Memory: as model_open_bytes.  Since: 0.1 */
INFERMEM_FN int32_t model_open_callback(infermem_read_at_function read, void *context, uint64_t file_size,
                                        const infermem_model_options *options, infermem_model **out)
    INFERMEM_AS(model_open_callback);

/* INFERMEM_FORMAT_*; 0 of NULL.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_format(const infermem_model *model) INFERMEM_AS(model_format);

/* How many files the tensors are in, or the metadata where there are none; 0 of NULL, and of a directory that has a
 * config.json alone.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t model_part_count(const infermem_model *model) INFERMEM_AS(model_part_count);

/* The path of such a file, as it was opened, which lives as long as the model; "" of one that is not on disk, and NULL
 * where there is none of that index.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *model_part_path(const infermem_model *model, size_t index) INFERMEM_AS(model_part_path);

/* Closes the files and frees the model; views of its tensors, names and strings end with it. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void model_free(infermem_model *model) INFERMEM_AS(model_free);

/* How many warnings there are; 0 of NULL.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t model_warning_count(const infermem_model *model) INFERMEM_AS(model_warning_count);

/* A warning: a sentence, printable ASCII, that lives as long as the model. NULL where there is none of that index.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *model_warning(const infermem_model *model, size_t index) INFERMEM_AS(model_warning);

/* ---- Configuration ----------------------------------------------------------------------------------------------- */

/* Fills *out, whose struct_size the caller has set, from the metadata and the tensors. What the file does not say, or
 * says with a wrong type or out of range, is 0, and a warning says so where it matters: the result is to go through
 * infermem_config_validate before anything is computed from it.
 *
 * Of GGUF: the keys of its specification and those that llama.cpp's converters write, with {general.architecture} before
 * them. Where absent, n_kv_heads is n_heads, head_dim_k and head_dim_v are hidden / n_heads, and rope_dims is
 * head_dim_k. vocab is the rows of token_embd.weight, else vocab_size, else the length of tokenizer.ggml.tokens.
 * Of a config.json: the names that transformers' configurations have, those of the text part first; null is as if it
 * were absent. architecture is model_type. Latent attention and recurrent mixers are told as GGUF does, layers that only
 * predict further tokens are counted, and where no type of the weights is said it is BF16.
 * Of both: what is known of the architecture fills in windows, intervals and flags that are left open.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_config(const infermem_model *model, infermem_model_config *out) INFERMEM_AS(model_config);

/* Fills *out, whose struct_size the caller has set, with the layer of that index.
 *
 * What the metadata says comes first, then which tensors the layer has, then what is known of the architecture. Where
 * metadata and tensors contradict each other there is a warning, and the confidence is ROUGH. The bytes are the sums of
 * the layer's tensors where there are any, else those of infermem_config_layer.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below n_layers.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_layer(const infermem_model *model, uint64_t index, infermem_model_layer *out)
    INFERMEM_AS(model_layer);

/* Fills *out, whose struct_size the caller has set, with the weights: the sums of the tensors where there are any, to
 * the byte and EXACT (MODELLED where the bytes of one are inferred), else what infermem_config_weights gives: ROUGH where
 * the configuration lacks a number, and 0 where they do not fit.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_weights(const infermem_model *model, infermem_model_weights *out) INFERMEM_AS(model_weights);

/* Whether a configuration is one that can be computed with. The sizes of its weights, of its KV cache at full context
 * and of a sequence's state are then known to fit 64 bits together, at 8 bytes an element.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: n_layers, hidden or vocab is 0; n_heads or n_kv_heads
 * is 0 and there is no recurrent mixer; intermediate is 0 and there are neither that nor experts; architecture has no
 * NUL; tied_embeddings is neither 0 nor 1; a flag is unknown; reserved is not 0; more experts are used than there are; rope_theta or
 * norm_eps is negative.  INFERMEM_E_NOT_FINITE: rope_theta or norm_eps is.  INFERMEM_E_TYPE: weight_type or
 * expert_type is no known type.  INFERMEM_E_SHAPE: n_heads is no multiple of n_kv_heads, or hidden none of n_heads while head_dim_k or
 * head_dim_v is 0, or rope_dims exceeds head_dim_k.  INFERMEM_E_LIMIT: n_layers exceeds INFERMEM_MODEL_MAX_LAYERS; more
 * layers are dense, use others' keys or predict further tokens than there are; window_first or attention_first exceeds
 * its interval; weight_bits exceeds 16; hidden, intermediate, vocab, context, sliding_window, expert_intermediate,
 * shared_intermediate, ssm_inner or weight_group exceeds 2^31, or another number is 2^20 or more.  INFERMEM_E_OVERFLOW:
 * the model's size does not fit.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t infermem_config_validate(const infermem_model_config *config);

/* Fills *out, whose struct_size the caller has set, with what the layer of that index is by the configuration alone.
 * The formulas of a transformer with a gated feed-forward part, in elements, with E = hidden, F = intermediate, V =
 * vocab, L = n_layers, H and KV = n_heads and n_kv_heads, k and v = head_dim_k and head_dim_v:
 *
 *     attention = E * (H k + KV k + KV v) + H v E     feed-forward = 3 E F     norms = 2 E
 *     model     = L * (attention + feed-forward + norms) + V E + E, and V E where the embeddings are not tied
 *
 * to which flags, experts, latents and recurrent mixers add theirs. A recurrent layer keeps, of R and S elements:
 *
 *     with an inner dimension   R = (conv_kernel - 1) * (ssm_inner + 2 ssm_groups ssm_state)   S = ssm_state ssm_inner
 *     a convolution of hidden   R = (conv_kernel - 1) * hidden                                 S = 0
 *     RWKV                      R = token_shifts * hidden                                      S = hidden wkv_head_dim
 *
 * What the configuration leaves open is taken from what is known of the architecture, by the name that GGUF files or
 * Hugging Face's configurations give it. Confidences are MODELLED, or ROUGH where the architecture is not known and the
 * layout would have to be.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_RANGE: index is not below n_layers.  Those of infermem_config_validate.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t infermem_config_layer(const infermem_model_config *config, uint64_t index,
                                          infermem_model_layer *out);

/* Fills *out, whose struct_size the caller has set, with the weights by the configuration alone: matrices in
 * weight_type or by weight_bits and weight_group, embeddings in weight_type, norms, biases and routers in weight_type
 * where it is a plain one, else in f32.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.  Those of infermem_config_validate.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t infermem_config_weights(const infermem_model_config *config, infermem_model_weights *out);

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

/* How many tensors the model has; 0 of NULL. They are numbered as in the file, those of several files one file after the
 * other.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t model_tensor_count(const infermem_model *model) INFERMEM_AS(model_tensor_count);

/* Fills *out, whose struct_size the caller has set.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below model_tensor_count.
 * INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_tensor_info(const infermem_model *model, size_t index, infermem_tensor_info *out)
    INFERMEM_AS(model_tensor_info);

/* The index of the tensor of that name, in constant time.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_tensor_find(const infermem_model *model, const char *name, size_t *out_index)
    INFERMEM_AS(model_tensor_find);

/* A view of the tensor's data in the mapped file: READONLY, in rows one after the other, valid until model_free. bytes is
 * what model_tensor_info says. The strides are 0 where dtype is not known or a byte holds elements of two rows. Of a tensor
 * without elements, data is NULL and the strides are 0.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below model_tensor_count.
 * INFERMEM_E_STATE: the model was opened with INFERMEM_MODEL_NO_DATA, or its file is not on disk.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_tensor_view(const infermem_model *model, size_t index, infermem_view *out)
    INFERMEM_AS(model_tensor_view);

/* ---- Metadata ---------------------------------------------------------------------------------------------------- */

/* How many metadata values the model has; 0 of NULL. They are numbered as in the file, those of a config.json before those
 * of a safetensors file.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t model_meta_count(const infermem_model *model) INFERMEM_AS(model_meta_count);

/* Fills *out, whose struct_size the caller has set.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: index is not below model_meta_count.
 * INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_info(const infermem_model *model, size_t index, infermem_meta_info *out)
    INFERMEM_AS(model_meta_info);

/* The index of the value of that key, in constant time.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_find(const infermem_model *model, const char *key, size_t *out_index)
    INFERMEM_AS(model_meta_find);

/* The value of an integer of any type.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no integer.
 * INFERMEM_E_RANGE: it is negative.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_u64(const infermem_model *model, const char *key, uint64_t *out)
    INFERMEM_AS(model_meta_u64);

/* The value of an integer of any type, signed.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no integer.
 * INFERMEM_E_RANGE: it is above the largest int64_t.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_i64(const infermem_model *model, const char *key, int64_t *out)
    INFERMEM_AS(model_meta_i64);

/* The value of an f32 or f64, which may be infinite or NaN.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is neither.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_f64(const infermem_model *model, const char *key, double *out)
    INFERMEM_AS(model_meta_f64);

/* The value of a bool: 0 or 1.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no bool.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_bool(const infermem_model *model, const char *key, int32_t *out)
    INFERMEM_AS(model_meta_bool);

/* The value of a string: *out_length bytes and a NUL, which live as long as the model.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no string.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_string(const infermem_model *model, const char *key, const char **out,
                                      size_t *out_length) INFERMEM_AS(model_meta_string);

/* Reads n elements, from element first on, of an array of integers of any type, or of bools, which read as 0 and 1,
 * from the file.
 *   out: room for n; may be NULL when n is 0.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no array, or its
 * elements are neither.  INFERMEM_E_RANGE: first and n reach beyond the array, or an element is negative.
 * INFERMEM_E_FORMAT: a bool is neither 0 nor 1.  INFERMEM_E_IO: the file could not be read.  INFERMEM_E_TRUNCATED: it was
 * cut meanwhile.  INFERMEM_E_NOMEM.
 * Thread: many at once.  Memory: a buffer during the call, when the elements take more than 4 KiB.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_array_u64(const infermem_model *model, const char *key, uint64_t first, size_t n,
                                         uint64_t *out) INFERMEM_AS(model_meta_array_u64);

/* The same, signed.
 * Errors: those of model_meta_array_u64, but INFERMEM_E_RANGE of an element: it is above the largest int64_t.
 * Thread: many at once.  Memory: as model_meta_array_u64.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_array_i64(const infermem_model *model, const char *key, uint64_t first, size_t n,
                                         int64_t *out) INFERMEM_AS(model_meta_array_i64);

/* The same of an array of f32 or f64, of which an element may be infinite or NaN.
 * Errors: those of model_meta_array_u64, but _FORMAT.  INFERMEM_E_TYPE: the value is no array, or its elements are
 * neither.
 * Thread: many at once.  Memory: as model_meta_array_u64.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_array_f64(const infermem_model *model, const char *key, uint64_t first, size_t n,
                                         double *out) INFERMEM_AS(model_meta_array_f64);

/* Reads n strings, from string first on, of an array of strings: one after the other, each followed by a NUL. It takes
 * time linear in first and n: ask for many at once.
 *   buffer: NULL, with a capacity of 0, asks for the length alone.  out_offsets: room for n + 1, or NULL: where in the
 *   buffer each string begins, and at last the length.  out_length: bytes, all NULs included.
 * Errors: INFERMEM_E_NULL: an argument but these two is, or buffer with a capacity.  INFERMEM_E_HANDLE.
 * INFERMEM_E_NOT_FOUND.  INFERMEM_E_TYPE: the value is no array of strings.  INFERMEM_E_RANGE: first and n reach beyond the
 * array.  INFERMEM_E_BUFFER: they need more than capacity.  INFERMEM_E_IO: the file could not be read.
 * INFERMEM_E_TRUNCATED: it was cut or changed meanwhile.  INFERMEM_E_NOMEM.
 * Thread: many at once.  Memory: 64 KiB and what is delivered, during the call.  Since: 0.1 */
INFERMEM_FN int32_t model_meta_array_strings(const infermem_model *model, const char *key, uint64_t first, size_t n,
                                             char *buffer, size_t capacity, size_t *out_offsets, size_t *out_length)
    INFERMEM_AS(model_meta_array_strings);

INFERMEM_END_DECLS
#endif

#endif
