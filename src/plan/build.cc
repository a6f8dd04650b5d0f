// From a plan to memory: a layout and a cache of the sizes that were planned.
#include "plan/plan.hh"

namespace infermem {
namespace {

constexpr uint64_t kApart = 128;   // bytes between allocations at most: alignment, and what tools keep free there
constexpr uint64_t kBuffers = 32;  // of a pass

}  // namespace

Status Plan::build_layout(infermem_layout **out) const {
  if (is_refusal()) return fail(INFERMEM_E_STATE, 0, 0, "the plan is a refusal: there is nothing to build");
  const size_t at = is_everything_here_ && !way_.on_host ? 0 : request_.n_devices;
  const auto bytes = [&](uint32_t kind) { return Size(request_.places[at].bytes[kind]); };
  Size weights = bytes(INFERMEM_PLAN_WEIGHTS) + bytes(INFERMEM_PLAN_HOST_EMBEDDING) + bytes(INFERMEM_PLAN_STAGING) +
                 bytes(INFERMEM_PLAN_DEQUANT);
  Size scratch = bytes(INFERMEM_PLAN_COMPUTE) + bytes(INFERMEM_PLAN_OUTPUT);
  Size history = bytes(INFERMEM_PLAN_KV_GLOBAL) + bytes(INFERMEM_PLAN_KV_WINDOW) + bytes(INFERMEM_PLAN_RECURRENT);
  const Size caches = Size(sizes_.n_layers()) * 2 * request_.options.n_sequences;
  if (!weights.is_at_most(0)) weights += Size(n_tensors_ + request_.options.slots) * kApart;
  if (!scratch.is_at_most(0)) scratch += kBuffers * kApart;
  if (!history.is_at_most(0)) history += caches * kApart;
  INFERMEM_STRUCT(infermem_layout_options, options);
  INFERMEM_TRY(weights.give("weights", &options.weights_size));
  INFERMEM_TRY(scratch.give("scratch", &options.scratch_size));
  INFERMEM_TRY(history.give("history", &options.history_size));
  if (options.weights_size == 0 && options.scratch_size == 0 && options.history_size == 0)
    return fail(INFERMEM_E_STATE, 1, 0, "the plan puts nothing into the host's memory");
  if (options.weights_size != 0) options.weights_flags = INFERMEM_TAPE_LAZY;
  infermem_allocator hook;
  options.allocator = allocator_.hook(&hook);
  return layout_new(&options, out);
}

Status Plan::build_kv(const infermem_tape *tape, infermem_kv **out) const {
  if (is_refusal()) return fail(INFERMEM_E_STATE, 0, 0, "the plan is a refusal: there is nothing to build");
  const PlanLayer *first = nullptr;
  Vec<int32_t> types(allocator_);  // of keys, then of values
  size_t n = 0;
  for (size_t i = 0; i < sizes_.n_layers(); ++i) n += sizes_.layer(i).owns_kv;
  if (n == 0) return fail(INFERMEM_E_STATE, 1, 0, "no layer has a cache");
  INFERMEM_TRY(types.resize(2 * n, 0));
  size_t at = 0;
  for (size_t i = 0; i < sizes_.n_layers(); ++i) {
    const PlanLayer &layer = sizes_.layer(i);
    if (!layer.owns_kv) continue;
    if (!first) first = &layer;
    if (layer.head_dim_v == 0)
      return fail(INFERMEM_E_UNSUPPORTED, 1, 0, "layer %zu stores keys without values, which a cache cannot", i);
    if (layer.n_kv_heads != first->n_kv_heads || layer.head_dim_k != first->head_dim_k ||
        layer.head_dim_v != first->head_dim_v)
      return fail(INFERMEM_E_UNSUPPORTED, first->n_kv_heads * first->head_dim_k, layer.n_kv_heads * layer.head_dim_k,
                  "layer %zu has other heads than those before, and a cache has one shape", i);
    const uint64_t tokens = sizes_.cells(layer, way_.caches.context);
    const uint64_t tokens_before = sizes_.cells(*first, way_.caches.context);
    if (tokens != tokens_before)
      return fail(INFERMEM_E_UNSUPPORTED, tokens_before, tokens,
                  "layer %zu keeps %llu tokens, those before keep %llu, and a cache keeps as many in all", i,
                  wide(tokens), wide(tokens_before));
    types[at] = sizes_.type(layer, way_.caches.k_type);
    types[n + at] = sizes_.type(layer, way_.caches.v_type);
    ++at;
  }
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = n;
  options.n_kv_heads = first->n_kv_heads;
  options.head_dim = first->head_dim_k;
  options.head_dim_v = first->head_dim_v;
  options.max_tokens = sizes_.cells(*first, way_.caches.context);
  options.k_types = types.data();
  options.v_types = types.data() + n;
  options.tape = tape;
  infermem_allocator hook;
  options.allocator = allocator_.hook(&hook);
  return kv_new(&options, out);
}

Status Plan::build_scratch(const infermem_tape *tape, infermem_scratch **out) const {
  if (is_refusal()) return fail(INFERMEM_E_STATE, 0, 0, "the plan is a refusal: there is nothing to build");
  INFERMEM_STRUCT(infermem_scratch_options, options);
  INFERMEM_TRY(Size(sizes_.rows_of_pass(way_.caches.context)).give("batch", &options.batch));
  options.tape = tape;
  infermem_allocator hook;
  options.allocator = allocator_.hook(&hook);
  return scratch_new(&sizes_.config(), &options, out);
}

}  // namespace infermem
