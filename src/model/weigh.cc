#include "model/weigh.hh"

#include "base/dtype.hh"

namespace infermem {
namespace {

uint64_t rounded(uint64_t n, uint64_t by) { return n / by + (n % by != 0); }

// A type that validate_config let pass.
Block block_of(int32_t type) {
  Block block;
  return dtype_block(type, &block) == INFERMEM_OK ? block : Block{1, 4};
}

// Adds matrices and vectors to a class of bytes and to the elements.
class Scale {
 public:
  // bits: of matrices; 0 where they have the type.
  Scale(const infermem_model_config &config, int32_t type, uint32_t bits)
      : group_(config.weight_group), bits_(bits), block_(block_of(type)), plain_(block_of(config.weight_type)) {}

  // count matrices that map in elements to out: rows of in elements.
  void matrix(Size *bytes, Size in, Size out, uint64_t count = 1) {
    const Size n = in * out * count;
    elements_ += n;
    *bytes += bits_ != 0 ? packed(in, out * count) : blocks(n);
  }

  // Norms, biases, routers: never in a block type.
  void plain(Size *bytes, Size n) {
    elements_ += n;
    *bytes += n * (plain_.elements == 1 ? plain_.bytes : 4);
  }

  const Size &elements() const { return elements_; }

 private:
  Size blocks(const Size &n) const { return n.fits() ? Size(rounded(n.value(), block_.elements)) * block_.bytes : n; }

  // Codes, and for each group a 16-bit scale and a zero of as many bits as a code.
  Size packed(const Size &in, const Size &rows) const {
    if (!in.fits() || in.value() == 0) return in;
    const Size groups = rows * rounded(in.value(), group_ != 0 ? group_ : in.value());
    const Size bits = in * rows * bits_ + groups * (16 + bits_);
    return bits.fits() ? Size(rounded(bits.value(), 8)) : bits;
  }

  uint64_t group_;
  uint64_t bits_;
  Block block_;
  Block plain_;
  Size elements_;
};

class LayerScale {
 public:
  LayerScale(const Completed &model, const infermem_model_layer &layer)
      : model_(model),
        c_(model.config),
        l_(layer),
        scale_(c_, c_.weight_type, c_.weight_bits),
        experts_(c_, c_.expert_type != 0 ? c_.expert_type : c_.weight_type, c_.expert_type != 0 ? 0 : c_.weight_bits) {}

  LayerWeight run();

 private:
  bool has(uint32_t flag) const { return model_.has(flag); }

  void attention();
  void latents();
  void recurrent();
  void mamba();
  void mamba2();
  void delta_net();
  void kimi();
  void rwkv();
  void feed_forward(Scale *scale, Size *bytes, uint64_t intermediate, uint64_t count);
  void experts();
  void norms(uint64_t n);

  const Completed &model_;
  const infermem_model_config &c_;
  const infermem_model_layer &l_;
  Scale scale_;
  Scale experts_;  // routed
  LayerWeight out_;
};

void LayerScale::attention() {
  const Size q = Size(l_.n_heads) * l_.head_dim_k * (has(INFERMEM_CONFIG_GATED_ATTENTION) ? 2 : 1);
  const Size k = Size(l_.n_kv_heads) * l_.head_dim_k;
  const Size v = Size(l_.n_kv_heads) * l_.head_dim_v;
  scale_.matrix(&out_.attention, c_.hidden, q + k + v);
  scale_.matrix(&out_.attention, Size(l_.n_heads) * l_.head_dim_v, c_.hidden);
  if (has(INFERMEM_CONFIG_QKV_BIAS | INFERMEM_CONFIG_BIAS)) scale_.plain(&out_.attention, q + k + v);
  if (has(INFERMEM_CONFIG_BIAS)) scale_.plain(&out_.attention, c_.hidden);
  if (model_.known.sinks) scale_.plain(&out_.attention, l_.n_heads);
  if (has(INFERMEM_CONFIG_QK_NORM)) scale_.plain(&out_.norm, Size(l_.head_dim_k) * 2);
  if (has(INFERMEM_CONFIG_QK_NORM_WIDE)) scale_.plain(&out_.norm, q + k);
}

// DeepSeek-V2, section 2.1: queries and latents each through a narrow middle, where they have one.
void LayerScale::latents() {
  const uint64_t k = c_.head_dim_k_mla != 0 ? c_.head_dim_k_mla : l_.head_dim_k;
  const uint64_t v = c_.head_dim_v_mla != 0 ? c_.head_dim_v_mla : l_.head_dim_v;
  const Size queries = Size(l_.n_heads) * k;
  if (c_.q_lora_rank != 0) {
    scale_.matrix(&out_.attention, c_.hidden, c_.q_lora_rank);
    scale_.plain(&out_.norm, c_.q_lora_rank);
    scale_.matrix(&out_.attention, c_.q_lora_rank, queries);
  } else {
    scale_.matrix(&out_.attention, c_.hidden, queries);
  }
  scale_.matrix(&out_.attention, c_.hidden, Size(c_.kv_lora_rank) + c_.rope_dims);
  scale_.plain(&out_.norm, c_.kv_lora_rank);
  const uint64_t unrotated = k > c_.rope_dims ? k - c_.rope_dims : 0;
  scale_.matrix(&out_.attention, c_.kv_lora_rank, Size(l_.n_heads) * (Size(unrotated) + v));
  scale_.matrix(&out_.attention, Size(l_.n_heads) * v, c_.hidden);
}

void LayerScale::mamba() {
  const Size inner = c_.ssm_inner, rank = c_.ssm_heads, state = c_.ssm_state;
  scale_.matrix(&out_.attention, c_.hidden, inner * 2);
  scale_.plain(&out_.attention, inner * c_.conv_kernel + inner);
  scale_.matrix(&out_.attention, inner, rank + state * 2);
  scale_.matrix(&out_.attention, rank, inner);
  scale_.plain(&out_.attention, inner * state + inner * 2);  // A, D, the time step's bias
  scale_.matrix(&out_.attention, inner, c_.hidden);
  // Jamba has norms of the time step, B and C; it is the one that attends as well.
  if (c_.n_heads != 0) scale_.plain(&out_.norm, rank + state * 2);
}

void LayerScale::mamba2() {
  const Size inner = c_.ssm_inner, shared = Size(c_.ssm_groups) * c_.ssm_state * 2;
  scale_.matrix(&out_.attention, c_.hidden, inner * 2 + shared + c_.ssm_heads);
  scale_.plain(&out_.attention, (inner + shared) * (Size(c_.conv_kernel) + 1));
  scale_.plain(&out_.attention, Size(c_.ssm_heads) * 3);  // A, D, the time step's bias
  scale_.plain(&out_.norm, inner);
  scale_.matrix(&out_.attention, inner, c_.hidden);
}

void LayerScale::delta_net() {
  const Size values = c_.ssm_inner, keys = Size(c_.ssm_groups) * c_.ssm_state;
  scale_.matrix(&out_.attention, c_.hidden, keys * 2 + values * 2 + Size(c_.ssm_heads) * 2);
  scale_.plain(&out_.attention, (keys * 2 + values) * c_.conv_kernel + Size(c_.ssm_heads) * 2);
  scale_.plain(&out_.norm, c_.ssm_heads != 0 ? c_.ssm_inner / c_.ssm_heads : 0);
  scale_.matrix(&out_.attention, values, c_.hidden);
}

void LayerScale::kimi() {
  const Size inner = c_.ssm_inner, dim = c_.ssm_state;
  scale_.matrix(&out_.attention, c_.hidden, inner * 3 + dim * 2 + c_.ssm_heads);  // q, k, v, two gates' middles, beta
  scale_.matrix(&out_.attention, dim, inner * 2);
  scale_.plain(&out_.attention, inner * 3 * c_.conv_kernel + inner + c_.ssm_heads);
  scale_.plain(&out_.norm, dim);
  scale_.matrix(&out_.attention, inner, c_.hidden);
}

// The large matrices: receptance, key, value, gate and output; the low-rank ones are left out.
void LayerScale::rwkv() { scale_.matrix(&out_.attention, c_.hidden, c_.hidden, 5); }

void LayerScale::recurrent() {
  switch (model_.mixer) {
    case Mixer::kMamba:
      return mamba();
    case Mixer::kMamba2:
      return mamba2();
    case Mixer::kDeltaNet:
      return delta_net();
    case Mixer::kKimi:
      return kimi();
    case Mixer::kConv:
      scale_.matrix(&out_.attention, c_.hidden, Size(c_.hidden) * 3);
      scale_.plain(&out_.attention, Size(c_.hidden) * c_.conv_kernel);
      return scale_.matrix(&out_.attention, c_.hidden, c_.hidden);
    case Mixer::kRwkv:
      return rwkv();
    case Mixer::kNone:
      break;
  }
}

void LayerScale::feed_forward(Scale *scale, Size *bytes, uint64_t intermediate, uint64_t count) {
  const uint64_t up = has(INFERMEM_CONFIG_UNGATED) ? 1 : 2;
  scale->matrix(bytes, c_.hidden, intermediate, up * count);
  scale->matrix(bytes, intermediate, c_.hidden, count);
  if (has(INFERMEM_CONFIG_BIAS)) scale->plain(bytes, (Size(intermediate) * up + c_.hidden) * count);
}

void LayerScale::experts() {
  feed_forward(&experts_, &out_.routed, c_.expert_intermediate, l_.n_experts);
  scale_.plain(&out_.other, Size(c_.hidden) * l_.n_experts);
  if (has(INFERMEM_CONFIG_BIAS) || model_.known.router_bias) scale_.plain(&out_.other, l_.n_experts);
  if (c_.shared_intermediate == 0) return;
  feed_forward(&scale_, &out_.shared, c_.shared_intermediate, 1);
  if (model_.known.shared_gate) scale_.plain(&out_.other, c_.hidden);
}

void LayerScale::norms(uint64_t n) {
  scale_.plain(&out_.norm, Size(c_.hidden) * n * (has(INFERMEM_CONFIG_NORM_BIAS) ? 2 : 1));
}

LayerWeight LayerScale::run() {
  const bool attends = l_.n_heads != 0;
  const bool recurs = l_.kind == INFERMEM_LAYER_RECURRENT || l_.kind == INFERMEM_LAYER_BOTH;
  const bool feeds = l_.intermediate != 0 || l_.n_experts != 0;
  if (attends && c_.kv_lora_rank != 0) latents();
  if (attends && c_.kv_lora_rank == 0) attention();
  if (recurs) recurrent();
  if (l_.intermediate != 0) feed_forward(&scale_, &out_.dense, l_.intermediate, 1);
  if (l_.n_experts != 0) experts();
  const bool two = feeds && (attends || recurs) && !has(INFERMEM_CONFIG_ONE_NORM);
  norms((two ? 2 : 1) + (has(INFERMEM_CONFIG_POST_NORMS) ? 2 : 0));
  if (l_.is_nextn != 0) {  // DeepSeek-V3, section 2.2: the embedding and the hidden state, each with a norm, projected
    scale_.matrix(&out_.other, Size(c_.hidden) * 2, c_.hidden);
    norms(3);
  }
  out_.elements = scale_.elements() + experts_.elements();
  return out_;
}

}  // namespace

LayerWeight weigh_layer(const Completed &model, const infermem_model_layer &layer) {
  return LayerScale(model, layer).run();
}

ModelWeight weigh_ends(const Completed &model) {
  const infermem_model_config &c = model.config;
  Scale scale(c, c.weight_type, 0);
  ModelWeight out;
  scale.matrix(&out.embedding, c.hidden, c.vocab);
  if (c.tied_embeddings == 0) scale.matrix(&out.output, c.hidden, c.vocab);
  const uint64_t norms = (model.known.embedding_norm ? 2 : 1) * (model.has(INFERMEM_CONFIG_NORM_BIAS) ? 2 : 1);
  scale.plain(&out.other, Size(c.hidden) * norms);
  if (model.known.output_bias) scale.plain(&out.output, c.vocab);
  if (model.has(INFERMEM_CONFIG_POSITIONS)) scale.matrix(&out.other, c.hidden, c.context);
  scale.matrix(&out.other, c.hidden, model.known.token_types);
  if (model.known.pooler) {
    scale.matrix(&out.other, c.hidden, c.hidden);
    scale.plain(&out.other, c.hidden);
  }
  out.elements = scale.elements();
  return out;
}

}  // namespace infermem
