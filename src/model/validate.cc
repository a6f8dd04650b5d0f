#include "model/validate.hh"

#include <cmath>
#include <cstring>

#include "base/dtype.hh"
#include "model/shape.hh"
#include "model/weigh.hh"

namespace infermem {
namespace {

struct Limit {
  uint64_t value;
  const char *name;
  uint64_t most;
  bool is_needed;
};

Status check_limits(const infermem_model_config &c) {
  const bool recurs = mixer_of(c, architecture_of(c.architecture)) != Mixer::kNone;
  const Limit limits[] = {
      {c.n_layers, "n_layers", INFERMEM_MODEL_MAX_LAYERS, true},
      {c.hidden, "hidden", kMostLarge, true},
      {c.n_heads, "n_heads", kMostSmall, !recurs},
      {c.n_kv_heads, "n_kv_heads", kMostSmall, !recurs},
      {c.intermediate, "intermediate", kMostLarge, !recurs && c.n_experts == 0},
      {c.vocab, "vocab", kMostLarge, true},
      {c.head_dim_k, "head_dim_k", kMostSmall, false},
      {c.head_dim_v, "head_dim_v", kMostSmall, false},
      {c.context, "context", kMostLarge, false},
      {c.rope_dims, "rope_dims", kMostSmall, false},
      {c.n_experts, "n_experts", kMostSmall, false},
      {c.sliding_window, "sliding_window", kMostLarge, false},
      {c.expert_intermediate, "expert_intermediate", kMostLarge, false},
      {c.shared_intermediate, "shared_intermediate", kMostLarge, false},
      {c.n_experts_shared, "n_experts_shared", kMostSmall, false},
      {c.n_dense_layers, "n_dense_layers", c.n_layers, false},
      {c.expert_interval, "expert_interval", kMostSmall, false},
      {c.n_nextn, "n_nextn", c.n_layers, false},
      {c.kv_lora_rank, "kv_lora_rank", kMostSmall, false},
      {c.q_lora_rank, "q_lora_rank", kMostSmall, false},
      {c.head_dim_k_mla, "head_dim_k_mla", kMostSmall, false},
      {c.head_dim_v_mla, "head_dim_v_mla", kMostSmall, false},
      {c.window_interval, "window_interval", kMostSmall, false},
      {c.window_first, "window_first", c.window_interval, false},
      {c.n_kv_heads_window, "n_kv_heads_window", kMostSmall, false},
      {c.head_dim_k_window, "head_dim_k_window", kMostSmall, false},
      {c.head_dim_v_window, "head_dim_v_window", kMostSmall, false},
      {c.n_kv_shared_layers, "n_kv_shared_layers", c.n_layers, false},
      {c.attention_interval, "attention_interval", kMostSmall, false},
      {c.attention_first, "attention_first", c.attention_interval, false},
      {c.conv_kernel, "conv_kernel", kMostSmall, false},
      {c.ssm_inner, "ssm_inner", kMostLarge, false},
      {c.ssm_state, "ssm_state", kMostSmall, false},
      {c.ssm_groups, "ssm_groups", kMostSmall, false},
      {c.ssm_heads, "ssm_heads", kMostSmall, false},
      {c.wkv_head_dim, "wkv_head_dim", kMostSmall, false},
      {c.token_shifts, "token_shifts", kMostSmall, false},
      {c.weight_bits, "weight_bits", 16, false},
      {c.weight_group, "weight_group", kMostLarge, false},
  };
  for (const Limit &limit : limits) {
    if (limit.is_needed && limit.value == 0) return fail(INFERMEM_E_ARG, 1, 0, "%s is 0", limit.name);
    if (limit.value > limit.most)
      return fail(INFERMEM_E_LIMIT, limit.most, limit.value, "%s is %llu, above the limit of %llu", limit.name,
                  wide(limit.value), wide(limit.most));
  }
  return INFERMEM_OK;
}

Status check_fields(const infermem_model_config &c) {
  if (!std::memchr(c.architecture, '\0', sizeof c.architecture))
    return fail(INFERMEM_E_ARG, sizeof c.architecture, 0, "architecture has no NUL within its %zu bytes",
                sizeof c.architecture);
  if (c.tied_embeddings > 1)
    return fail(INFERMEM_E_ARG, 1, c.tied_embeddings, "tied_embeddings is %u, neither 0 nor 1", c.tied_embeddings);
  constexpr uint32_t kFlags = 2 * INFERMEM_CONFIG_POSITIONS - 1;
  if ((c.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_ARG, kFlags, c.flags, "a configuration's flags are 0x%x, of which 0x%x are unknown", c.flags,
                c.flags & ~kFlags);
  if (c.reserved != 0) return fail(INFERMEM_E_ARG, 0, c.reserved, "a reserved field is %u, not 0", c.reserved);
  Block block;
  INFERMEM_TRY(dtype_block(c.weight_type, &block));
  return dtype_block(c.expert_type, &block);
}

Status check_reals(const infermem_model_config &c) {
  if (!std::isfinite(c.rope_theta)) return fail(INFERMEM_E_NOT_FINITE, 0, 0, "rope_theta is not finite");
  if (!std::isfinite(c.norm_eps)) return fail(INFERMEM_E_NOT_FINITE, 0, 0, "norm_eps is not finite");
  if (c.rope_theta < 0 || c.norm_eps < 0)
    return fail(INFERMEM_E_ARG, 0, 0, "%s is negative", c.rope_theta < 0 ? "rope_theta" : "norm_eps");
  return INFERMEM_OK;
}

Status check_heads(const infermem_model_config &c) {
  if (c.n_heads == 0) return INFERMEM_OK;
  for (const uint64_t kv : {c.n_kv_heads, c.n_kv_heads_window})
    if (kv != 0 && c.n_heads % kv != 0)
      return fail(INFERMEM_E_SHAPE, kv, c.n_heads, "%llu heads are not shared by %llu KV heads", wide(c.n_heads),
                  wide(kv));
  if ((c.head_dim_k == 0 || c.head_dim_v == 0) && c.hidden % c.n_heads != 0)
    return fail(INFERMEM_E_SHAPE, c.n_heads, c.hidden,
                "hidden %llu is not shared by %llu heads, and no head_dim is given", wide(c.hidden), wide(c.n_heads));
  const uint64_t shared = c.hidden / c.n_heads;
  const uint64_t dk = c.head_dim_k != 0 ? c.head_dim_k : shared;
  const uint64_t dv = c.head_dim_v != 0 ? c.head_dim_v : shared;
  if (std::max(dk, dv) > kMostSmall)
    return fail(INFERMEM_E_LIMIT, kMostSmall, std::max(dk, dv), "a head has %llu elements, above the limit of %llu",
                wide(std::max(dk, dv)), wide(kMostSmall));
  if (c.rope_dims > dk)
    return fail(INFERMEM_E_SHAPE, dk, c.rope_dims, "rope_dims is %llu, of heads of %llu elements", wide(c.rope_dims),
                wide(dk));
  return INFERMEM_OK;
}

// Eight bytes an element are more than any type takes, so that with them all sizes of weights fit.
Status check_size(const infermem_model_config &c) {
  const Completed model(c);
  Size elements = weigh_ends(model).elements;
  Size cached;
  for (uint64_t i = 0; i < c.n_layers; ++i) {
    const infermem_model_layer layer = make_layer(model, facts_of(model, i), i);
    elements += weigh_layer(model, layer).elements;
    cached += Size(layer.n_kv_heads) * (Size(layer.head_dim_k) + layer.head_dim_v) * c.context + layer.conv_elements +
              layer.state_elements;
  }
  if (((elements + cached) * 8).fits()) return INFERMEM_OK;
  return fail(INFERMEM_E_OVERFLOW, 0, c.hidden,
              "the size of %llu layers of hidden %llu, intermediate %llu, vocabulary %llu does not fit",
              wide(c.n_layers), wide(c.hidden), wide(c.intermediate), wide(c.vocab));
}

}  // namespace

Status validate_config(const infermem_model_config &c) {
  INFERMEM_TRY(check_fields(c));
  INFERMEM_TRY(check_limits(c));
  if (c.n_experts_used > c.n_experts)
    return fail(INFERMEM_E_ARG, c.n_experts, c.n_experts_used, "n_experts_used is %llu, of %llu experts",
                wide(c.n_experts_used), wide(c.n_experts));
  INFERMEM_TRY(check_reals(c));
  INFERMEM_TRY(check_heads(c));
  return check_size(c);
}

}  // namespace infermem
