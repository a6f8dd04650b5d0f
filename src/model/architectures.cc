#include "model/architectures.hh"

#include <cstring>

namespace infermem {
namespace {

constexpr uint32_t kEncoder = INFERMEM_CONFIG_ENCODER;
constexpr uint32_t kExpanded = INFERMEM_CONFIG_MLA_EXPANDED;
constexpr uint32_t kParallel = INFERMEM_CONFIG_PARALLEL_MIXERS;
constexpr uint32_t kQkvBias = INFERMEM_CONFIG_QKV_BIAS;
constexpr uint32_t kBias = INFERMEM_CONFIG_BIAS;
constexpr uint32_t kNormBias = INFERMEM_CONFIG_NORM_BIAS;
constexpr uint32_t kQkNorm = INFERMEM_CONFIG_QK_NORM;
constexpr uint32_t kQkNormWide = INFERMEM_CONFIG_QK_NORM_WIDE;
constexpr uint32_t kPostNorms = INFERMEM_CONFIG_POST_NORMS;
constexpr uint32_t kOneNorm = INFERMEM_CONFIG_ONE_NORM;
constexpr uint32_t kUngated = INFERMEM_CONFIG_UNGATED;
constexpr uint32_t kGated = INFERMEM_CONFIG_GATED_ATTENTION;
constexpr uint32_t kPositions = INFERMEM_CONFIG_POSITIONS;

// A row, built up from what differs from a plain transformer.
struct Row : Architecture {
  constexpr explicit Row(const char *row_names, uint32_t row_flags = 0, Mixer row_mixer = Mixer::kNone)
      : Architecture{} {
    names = row_names;
    flags = row_flags;
    mixer = row_mixer;
  }

  // One layer in so many sees all tokens: the first of them, or the last.
  constexpr Row windows(uint8_t interval, uint8_t first = 0, uint16_t tokens = 0) const {
    Row row = *this;
    row.window_interval = interval;
    row.window_first = first;
    row.window = tokens;
    return row;
  }
  constexpr Row attends(uint8_t interval, uint8_t first = 0) const {
    Row row = *this;
    row.attention_interval = interval;
    row.attention_first = first;
    return row;
  }
  constexpr Row only_of_layers(uint8_t n) const {
    Row row = *this;
    row.window_layers = n;
    return row;
  }
  constexpr Row own_keys(uint8_t layers) const {
    Row row = *this;
    row.layers_with_kv = layers;
    return row;
  }
  constexpr Row ties() const {
    Row row = *this;
    row.tied = true;
    return row;
  }
  constexpr Row dense_beside() const {
    Row row = *this;
    row.dense_too = true;
    return row;
  }
  constexpr Row has_sinks() const {
    Row row = *this;
    row.sinks = true;
    return row;
  }
  constexpr Row norms_embedding() const {
    Row row = *this;
    row.embedding_norm = true;
    return row;
  }
  constexpr Row biases_output() const {
    Row row = *this;
    row.output_bias = true;
    return row;
  }
  constexpr Row biases_router() const {
    Row row = *this;
    row.router_bias = true;
    return row;
  }
  constexpr Row pools(uint8_t types) const {
    Row row = *this;
    row.token_types = types;
    row.pooler = true;
    return row;
  }
  constexpr Row more() const {
    Row row = *this;
    row.weighs_more = true;
    return row;
  }
  constexpr Row one_part_a_layer() const {
    Row row = *this;
    row.one_part = true;
    return row;
  }
  constexpr Row shared_gated() const {
    Row row = *this;
    row.shared_gate = true;
    return row;
  }
};

// Sources: llama.cpp's loaders (load_hparams and src/models: window patterns, recurrent layers, own keys), the models'
// config.json and modelling code in transformers, and parameter counts of model cards, which the tests reproduce.
constexpr Row kTable[] = {
    // Plain: three matrices of feed-forward, two norms, nothing else. Known so that nothing is suspected of them.
    Row("llama mistral mixtral mistral3 ministral minicpm granite granitemoe granitemoeshared exaone smollm3 internlm2 "
        "internlm3 deci nemotron-nas baichuan xverse deepseek bailingmoe bailing_moe ernie4_5 hunyuan-moe "
        "hunyuan_v1_moe openelm seed_oss seed-oss grok olmo yi"),
    Row("dots1 minimax-m2 minimax_m2 bailingmoe2 bailing_moe_v2 ernie4_5-moe ernie4_5_moe").biases_router(),
    Row("arctic").dense_beside(), Row("arcee", kUngated),
    Row("qwen qwen2 qwen2vl qwen2_vl qwen2_vl_text qwen2_5_vl qwen2_5_vl_text chatglm", kQkvBias),
    Row("glm4moe glm4_moe", kQkvBias).biases_router(), Row("qwen2moe qwen2_moe", kQkvBias).shared_gated(),
    Row("qwen3 qwen3moe qwen3_moe qwen3vl qwen3_vl_text qwen3vlmoe qwen3_vl_moe_text hunyuan-dense hunyuan_v1_dense",
        kQkNorm),
    Row("glm4", kQkvBias | kPostNorms), Row("olmoe", kQkNormWide),
    Row("phi3 phi4mm").windows(1),  // a window is declared, and not used (llama.cpp #13676)
    Row("phimoe", kQkvBias | kNormBias), Row("stablelm", kNormBias), Row("command-r cohere", kOneNorm).ties(),
    Row("nemotron", kUngated | kNormBias), Row("phi2 phi", kUngated | kBias | kNormBias | kOneNorm).biases_output(),
    Row("falcon", kUngated | kNormBias | kOneNorm).ties(), Row("mpt", kUngated).ties(),
    Row("bloom", kUngated | kBias | kNormBias).ties().norms_embedding(),
    Row("starcoder2", kUngated | kBias | kNormBias).ties(), Row("gptneox gpt_neox", kUngated | kBias | kNormBias),
    Row("gpt2 starcoder gpt_bigcode", kUngated | kBias | kNormBias | kPositions).ties(),

    // Windows.
    Row("gemma").ties(), Row("gemma2", kPostNorms).ties().windows(2, 0, 4096),
    Row("gemma3 gemma3_text", kPostNorms | kQkNorm).ties().windows(6),
    Row("gemma3n gemma3n_text", kPostNorms | kQkNorm)
        .ties()
        .windows(5)
        .own_keys(20)
        .more(),  // embeddings of each layer
    Row("gemma4 gemma4_text", kPostNorms | kQkNorm).ties().windows(6).dense_beside().more(),
    Row("llama4 llama4_text").windows(4, 0, 8192), Row("cohere2", kOneNorm).ties().windows(4),
    Row("gpt-oss gpt_oss", kBias).windows(2).has_sinks(), Row("olmo2 olmo3", kQkNormWide).windows(4),
    Row("exaone4", kQkNorm).windows(4).only_of_layers(64),
    Row("exaone-moe exaone_moe", kQkNorm).windows(4).biases_router(), Row("smallthinker").windows(4, 1),
    Row("afmoe", kQkNorm | kPostNorms).windows(4).more(),

    // Latents. GGUF's deepseek2 is V2 and V3.
    Row("deepseek2 deepseek_v2 mistral4"),
    Row("deepseek_v3 deepseek32 deepseek_v32 kimi_k2 glm-dsa glm_moe_dsa glm4_moe_lite").biases_router(),
    Row("minicpm3 plm", kExpanded),

    // Encoders and models that see all tokens at once.
    Row("bert", kEncoder | kUngated | kBias | kNormBias | kPositions).ties().pools(2),
    Row("roberta xlm-roberta", kEncoder | kUngated | kBias | kNormBias | kPositions).ties().pools(1),
    Row("nomic-bert nomic_bert nomic-bert-moe", kEncoder | kNormBias).ties(),
    Row("jina-bert-v2 jina-bert-v3 neo-bert eurobert t5encoder", kEncoder).ties(),
    Row("modern-bert modernbert", kEncoder).ties().windows(3, 1),
    Row("gemma-embedding", kEncoder | kPostNorms | kQkNorm).ties().windows(6), Row("dream", kEncoder | kQkvBias),
    Row("llada llada-moe", kEncoder),

    // Recurrent mixers.
    Row("mamba falcon_mamba", 0, Mixer::kMamba).ties(), Row("mamba2", 0, Mixer::kMamba2).ties(),
    Row("jamba", 0, Mixer::kMamba).attends(8, 5), Row("granitehybrid granitemoehybrid bamba", 0, Mixer::kMamba2),
    Row("plamo2", 0, Mixer::kMamba2).attends(2, 2), Row("falcon-h1 falcon_h1", kParallel, Mixer::kMamba2),
    Row("nemotron_h nemotron_h_moe", kUngated, Mixer::kMamba2).one_part_a_layer().biases_router(),
    Row("qwen3next qwen3_next qwen35 qwen3_5 qwen3_5_text qwen35moe qwen3_5_moe qwen3_5_moe_text", kQkNorm | kGated,
        Mixer::kDeltaNet)
        .attends(4)
        .shared_gated(),
    Row("kimi-linear kimi_linear", 0, Mixer::kKimi).biases_router(),
    Row("lfm2 lfm2moe lfm2_moe", kQkNorm, Mixer::kConv).ties().biases_router(),
    Row("rwkv6 rwkv7 rwkv6qwen2 arwkv7", 0, Mixer::kRwkv).more(),  // low-rank ones
};

constexpr Row kUnknown("");

// Whether the name is one of those, which have spaces between them.
bool is_among(const char *name, const char *names) {
  const size_t length = std::strlen(name);
  for (const char *at = names; length != 0 && *at != '\0';) {
    const size_t n = std::strcspn(at, " ");
    if (n == length && std::memcmp(at, name, n) == 0) return true;
    at += n;
    at += std::strspn(at, " ");
  }
  return false;
}

void complete_window(const Architecture &known, infermem_model_config *c) {
  if (c->sliding_window == 0 && c->window_interval != 1) c->sliding_window = known.window;
  if (c->sliding_window == 0) return;
  if (c->n_kv_heads_window == 0) c->n_kv_heads_window = c->n_kv_heads;
  if (c->head_dim_k_window == 0) c->head_dim_k_window = c->head_dim_k;
  if (c->head_dim_v_window == 0) c->head_dim_v_window = c->head_dim_v;
  if (c->window_interval == 0) {
    const bool has_window = known.window_layers == 0 || known.window_layers == c->n_layers;
    c->window_interval = has_window ? known.window_interval : 1;
    c->window_first = has_window ? known.window_first : 0;
  }
}

}  // namespace

const Architecture &architecture_of(const char *name) {
  for (const Row &row : kTable)
    if (is_among(name, row.names)) return row;
  return kUnknown;
}

Mixer mixer_of(const infermem_model_config &config, const Architecture &known) {
  if (config.wkv_head_dim != 0) return Mixer::kRwkv;
  if (config.ssm_inner == 0) return config.conv_kernel != 0 ? Mixer::kConv : Mixer::kNone;
  if (known.mixer != Mixer::kNone && known.mixer != Mixer::kRwkv && known.mixer != Mixer::kConv) return known.mixer;
  return config.ssm_groups == 0 ? Mixer::kMamba : Mixer::kMamba2;
}

Completed::Completed(const infermem_model_config &given)
    : config(given), known(architecture_of(given.architecture)), mixer(mixer_of(given, known)) {
  infermem_model_config *const c = &config;
  c->flags |= known.flags;
  const uint64_t shared = c->n_heads != 0 && c->hidden % c->n_heads == 0 ? c->hidden / c->n_heads : 0;
  if (c->head_dim_k == 0) c->head_dim_k = shared;
  if (c->head_dim_v == 0) c->head_dim_v = shared;
  if (c->n_experts != 0 && c->expert_intermediate == 0) c->expert_intermediate = c->intermediate;
  if (c->shared_intermediate == 0) c->shared_intermediate = c->n_experts_shared * c->expert_intermediate;
  complete_window(known, c);
  if (c->n_kv_shared_layers == 0 && known.layers_with_kv != 0 && c->n_layers > known.layers_with_kv)
    c->n_kv_shared_layers = c->n_layers - known.layers_with_kv;
  if (c->attention_interval == 0 && mixer != Mixer::kNone) {
    c->attention_interval = known.attention_interval;
    c->attention_first = known.attention_first;
  }
}

}  // namespace infermem
