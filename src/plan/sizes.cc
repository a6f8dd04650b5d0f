#include "plan/sizes.hh"

#include <algorithm>
#include <numeric>

#include "base/dtype.hh"
#include "scratch/widths.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

constexpr uint64_t kF32 = 4;           // bytes
constexpr uint64_t kCell = 256;        // what cells are padded to
constexpr uint64_t kPage = 16;         // tokens
constexpr uint64_t kAlign = 64;        // of a layer in infermem_kv, and of a buffer of a pass
constexpr uint64_t kHiddenCopies = 2;  // rows of hidden that a graph keeps a token: 1 or 2 in published logs

Block block_of(int32_t type) {
  Block block = {1, 1};
  dtype_block(type, &block);  // which the request has checked
  return block;
}

bool is_blocks(int32_t type) { return block_of(type).elements > 1; }

// Of whole blocks.
uint64_t bytes_of(int32_t type, uint64_t elements) {
  const Block block = block_of(type);
  return elements / block.elements * block.bytes;
}

uint64_t round_up(uint64_t n, uint64_t unit) { return (n + unit - 1) / unit * unit; }

// n * part / whole without overflow, for part <= whole.
uint64_t share(uint64_t n, uint64_t part, uint64_t whole) {
  __extension__ typedef unsigned __int128 Wide;
  return whole == 0 ? 0 : static_cast<uint64_t>(static_cast<Wide>(n) * part / whole);
}

}  // namespace

Status Sizes::open(const Request &request, const Shape &shape) {
  request_ = &request;
  config_ = shape.config;
  weights_ = shape.weights;
  INFERMEM_TRY(layers_.reserve(shape.layers.size()));
  for (size_t i = 0; i < shape.layers.size(); ++i) INFERMEM_TRY(read_layer(shape.layers[i], i));
  bool some = false, all = true;
  for (const PlanLayer &layer : layers_) {
    if (!layer.owns_kv) continue;
    has_cache_ = true;
    some = some || layer.has_window;
    all = all && layer.has_window;
    widest_v_ = std::max(widest_v_, layer.n_kv_heads * layer.head_dim_v);
  }
  has_mixed_windows_ = some && !all;
  if (is(INFERMEM_PLAN_CELLS))
    INFERMEM_TRY((Size(config_.vocab) + config_.hidden).give("output", &output_));
  else if (is(INFERMEM_PLAN_BLOCKS))
    output_ = config_.vocab;
  INFERMEM_TRY((Size(output_) * kF32 * request.options.n_sequences).give("output", &output_));
  if (is(INFERMEM_PLAN_BLOCKS))
    INFERMEM_TRY((Size(config_.context) * 2 * config_.rope_dims).give("rotary table", &rope_table_));
  return INFERMEM_OK;
}

Status Sizes::read_layer(const infermem_model_layer &from, size_t index) {
  const infermem_plan_options &options = request_->options;
  PlanLayer layer = {};
  layer.is_loaded = !from.is_nextn || request_->has(INFERMEM_PLAN_NEXTN);
  layer.kv_confidence = from.confidence;
  layer.weights_confidence = from.weights_confidence;
  layer.kv_source = from.kv_source;
  const Size weights = Size(from.attention_bytes) + from.dense_bytes + from.shared_expert_bytes +
                       from.routed_expert_bytes + from.norm_bytes + from.other_bytes;
  INFERMEM_TRY(weights.give("layer", &layer.weights));
  layer.experts = from.routed_expert_bytes;
  layer.streamed = layer.weights;
  if (request_->has(INFERMEM_PLAN_EXPERT_WISE) && from.n_experts_used < from.n_experts)
    layer.streamed -= layer.experts - share(layer.experts, from.n_experts_used, from.n_experts);
  if (request_->has(INFERMEM_PLAN_DEQUANT_F8) || request_->has(INFERMEM_PLAN_DEQUANT_F16)) {
    const Size copy = Size(share(weights_.elements, layer.weights, weights_.total_bytes)) *
                      (request_->has(INFERMEM_PLAN_DEQUANT_F16) ? 2 : 1);
    INFERMEM_TRY(copy.give("copy to prefill with", &layer.dequant));
  }
  const Size state =
      (Size(from.conv_elements) + from.state_elements) * kF32 * options.n_sequences * (Size(1) + options.n_snapshots);
  INFERMEM_TRY(state.give("recurrent state", &layer.state));
  if ((config_.flags & INFERMEM_CONFIG_ENCODER) == 0 && from.n_kv_heads != 0 && from.kv_source == index) {
    layer.owns_kv = layer.is_loaded;
    settle_kv(from, &layer);
  }
  if (layer.is_loaded) {
    ++n_loaded_;
    largest_layer_ = std::max(largest_layer_, layer.weights);
    has_latent_ = has_latent_ || from.kind == INFERMEM_LAYER_MLA;
    has_experts_ = has_experts_ || layer.experts != 0;
  }
  return layers_.push(layer);
}

void Sizes::settle_kv(const infermem_model_layer &from, PlanLayer *layer) const {
  layer->n_kv_heads = from.n_kv_heads;
  layer->head_dim_k = from.head_dim_k;
  layer->head_dim_v = from.head_dim_v;
  layer->window = std::min(from.window, INFERMEM_PLAN_MAX_CONTEXT);
  layer->has_window = from.window != 0;
  if (config_.kv_lora_rank == 0 || layer->has_window) return;
  switch (request_->options.mla) {
    case INFERMEM_PLAN_MLA_LATENT:
    case INFERMEM_PLAN_MLA_LATENT_V:
      layer->n_kv_heads = 1;
      layer->head_dim_k = config_.kv_lora_rank + config_.rope_dims;
      layer->head_dim_v = request_->options.mla == INFERMEM_PLAN_MLA_LATENT_V ? config_.kv_lora_rank : 0;
      break;
    case INFERMEM_PLAN_MLA_FULL:
      if (config_.head_dim_k_mla == 0) break;  // not known
      layer->n_kv_heads = from.n_heads;
      layer->head_dim_k = config_.head_dim_k_mla;
      layer->head_dim_v = config_.head_dim_v_mla;
      break;
    default:
      break;
  }
}

Sizes::Problem Sizes::problem_of(const Caches &caches) const {
  if (is(INFERMEM_PLAN_PLAIN))
    for (const int32_t type : {caches.k_type, caches.v_type})
      if (!can_encode(type)) return {INFERMEM_E_UNSUPPORTED, type, 0, 0};
  if (is(INFERMEM_PLAN_CELLS) && request_->has(INFERMEM_PLAN_NO_FLASH_ATTENTION) && is_blocks(caches.v_type))
    return {INFERMEM_E_UNSUPPORTED, caches.v_type, 0, 0};
  for (size_t i = 0; i < layers_.size(); ++i) {
    const PlanLayer &l = layers_[i];
    if (!l.owns_kv) continue;
    const int32_t types[2] = {type(l, caches.k_type), type(l, caches.v_type)};
    const uint64_t dims[2] = {l.head_dim_k, l.head_dim_v};
    for (size_t which = 0; which < 2; ++which)
      if (dims[which] % block_of(types[which]).elements != 0) return {INFERMEM_E_SHAPE, types[which], i, dims[which]};
  }
  return {INFERMEM_OK, 0, 0, 0};
}

Status Sizes::check(const Caches &caches) const {
  const Problem problem = problem_of(caches);
  const auto number = static_cast<uint64_t>(problem.type);
  const char *const name = infermem_dtype_name(problem.type);
  if (problem.code == INFERMEM_E_UNSUPPORTED)
    return is(INFERMEM_PLAN_PLAIN)
               ? fail(problem.code, 0, number, "a cache of this library cannot store %s", name)
               : fail(problem.code, INFERMEM_DTYPE_F16, number, "values of %s need flash attention", name);
  if (problem.code == INFERMEM_E_SHAPE)
    return fail(problem.code, block_of(problem.type).elements, problem.dim,
                "layer %zu: heads of %llu elements are not whole blocks of %s", problem.layer, wide(problem.dim), name);
  return INFERMEM_OK;
}

int32_t Sizes::type(const PlanLayer &layer, int32_t asked) const {
  const bool stays_f16 =
      is(INFERMEM_PLAN_CELLS) && layer.has_window && is_blocks(asked) && !request_->has(INFERMEM_PLAN_SWA_QUANTIZED);
  return stays_f16 ? int32_t{INFERMEM_DTYPE_F16} : asked;
}

Sizes::Row Sizes::row(const PlanLayer &layer, const Caches &caches) const {
  if (!layer.owns_kv) return {0, 0};
  uint64_t v = layer.n_kv_heads * layer.head_dim_v;  // below 2^40
  if (is(INFERMEM_PLAN_CELLS) && request_->has(INFERMEM_PLAN_NO_FLASH_ATTENTION) && v != 0) v = widest_v_;
  return {bytes_of(type(layer, caches.k_type), layer.n_kv_heads * layer.head_dim_k),
          bytes_of(type(layer, caches.v_type), v)};
}

uint64_t Sizes::all_cells(uint64_t context) const {
  return round_up(context * (request_->has(INFERMEM_PLAN_UNIFIED_KV) ? request_->options.n_sequences : 1), kCell);
}

uint64_t Sizes::cells(const PlanLayer &layer, uint64_t context) const {
  const infermem_plan_options &options = request_->options;  // no number of tokens is above 2^31
  if (is(INFERMEM_PLAN_CELLS)) {
    const uint64_t sharing = request_->has(INFERMEM_PLAN_UNIFIED_KV) ? options.n_sequences : 1;
    const uint64_t all = all_cells(context);
    if (!layer.has_window || request_->has(INFERMEM_PLAN_SWA_FULL)) return all;
    return round_up(std::min(all, std::min(layer.window, all) * sharing + rows_of_pass(context)), kCell);
  }
  if (is(INFERMEM_PLAN_BLOCKS)) {
    const uint64_t seen = std::min(layer.window, context) + rows_of_pass(context);
    return round_up(layer.has_window ? std::min(context, seen) : context, kPage);
  }
  return context;
}

Size Sizes::kv(const PlanLayer &layer, const Caches &caches) const {
  const Row bytes = row(layer, caches);
  const Size tokens = cells(layer, caches.context);
  const bool is_shared = is(INFERMEM_PLAN_CELLS) && request_->has(INFERMEM_PLAN_UNIFIED_KV);
  const Size streams = is_shared ? 1 : request_->options.n_sequences;
  if (!is(INFERMEM_PLAN_PLAIN)) return (Size(bytes.k) + bytes.v) * tokens * streams;
  // infermem_kv begins each layer on 64 bytes, and on whole blocks.
  const uint64_t k_unit = std::lcm(kAlign, uint64_t{block_of(caches.k_type).bytes});
  const uint64_t v_unit = std::lcm(kAlign, uint64_t{block_of(caches.v_type).bytes});
  return ((Size(bytes.k) * tokens).rounded_up(k_unit) + (Size(bytes.v) * tokens).rounded_up(v_unit)) * streams;
}

uint64_t Sizes::rows_of_pass(uint64_t context) const {
  const uint64_t all = context * request_->options.n_sequences;  // at most 2^62
  return std::min(request_->options.ubatch, all);
}

// What scratch_total_bytes says of a batch of tokens.
Size Sizes::buffers(uint64_t batch) const {
  const ScratchWidths widths(config_);
  Size sum;
  for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; ++which) {
    if (ScratchWidths::flag_of(which) != 0) continue;
    const uint64_t bytes = widths.type[which] == INFERMEM_DTYPE_F32 ? kF32 : 1;
    sum += (Size(widths.of[which]) * batch * bytes).rounded_up(kAlign);
  }
  return sum;
}

Size Sizes::compute(const Caches &caches, bool has_output) const {
  const infermem_plan_options &options = request_->options;
  const uint64_t u = rows_of_pass(caches.context);
  if (is(INFERMEM_PLAN_PLAIN)) return buffers(u);
  const Size hidden = Size(config_.hidden) * u;
  if (is(INFERMEM_PLAN_BLOCKS))  // 16-bit activations: hidden in and out and normed, what is projected, gate and up
    return (Size(3) * hidden + Size(2) * u * config_.n_heads * config_.head_dim_k +
            Size(2) * u * std::max(config_.intermediate, config_.expert_intermediate)) *
           2;
  const uint64_t outputs = options.n_outputs_max != 0 ? std::min(options.n_outputs_max, u) : u;
  Size elements = Size(kHiddenCopies) * hidden;
  if (has_output) elements += Size(config_.vocab) * outputs;
  if (request_->has(INFERMEM_PLAN_NO_FLASH_ATTENTION) && has_cache_) {
    const Size cells = all_cells(caches.context);
    const Size scores = (Size(config_.n_heads) * cells + Size(has_mixed_windows_ ? 2 : 1) * cells +
                         Size(3) * config_.hidden + Size(config_.n_heads) * config_.head_dim_k) *
                        u;
    elements = larger(elements, scores);
  }
  return elements * kF32;
}

Size Sizes::host_compute(const Caches &caches) const {
  if (!is(INFERMEM_PLAN_CELLS)) return 0;
  const uint64_t u = rows_of_pass(caches.context);
  const Size masks = has_cache_ ? Size(all_cells(caches.context)) * u * 2 * (has_mixed_windows_ ? 2 : 1) : Size(0);
  return masks + Size(config_.hidden) * u * kF32;
}

Size Sizes::pool_compute(const Caches &caches) const { return compute(caches, true) + host_compute(caches); }

uint32_t Sizes::compute_confidence() const {
  return is(INFERMEM_PLAN_BLOCKS) ? INFERMEM_CONFIDENCE_ROUGH : INFERMEM_CONFIDENCE_MODELLED;
}

Size Sizes::head(bool is_pool) const {
  const bool is_tied = weights_.output_bytes == 0;
  const bool is_apart = embedding(is_pool) != 0;
  Size sum = Size(weights_.output_bytes) + weights_.other_bytes + rope_table_;
  if (!is_apart || is_tied) sum += weights_.embedding_bytes;
  return sum;
}

uint64_t Sizes::embedding(bool is_pool) const {
  return is(INFERMEM_PLAN_CELLS) && !is_pool ? weights_.embedding_bytes : 0;
}

uint64_t Sizes::weights_beside(bool is_pool) const {
  uint64_t sum = weights_.output_bytes + weights_.other_bytes;  // parts of the total, which fits
  if (embedding(is_pool) == 0 || weights_.output_bytes == 0) sum += weights_.embedding_bytes;
  for (const PlanLayer &layer : layers_) sum += layer.is_loaded ? layer.weights : 0;
  return sum;
}

}  // namespace infermem
