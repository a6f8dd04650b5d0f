// infermem inspect: what a model file says: its numbers, and, when asked for, its metadata, tensors and layers.
#include <algorithm>
#include <cstdio>
#include <map>
#include <variant>

#include "print.hh"
#include "tool.hh"

namespace tool {
namespace {

struct Types {
  uint64_t tensors = 0, elements = 0, bytes = 0;
};

std::string shape_of(const infermem_tensor_info &tensor) {
  std::string text;
  for (uint32_t i = 0; i < tensor.n_dims; ++i)
    text += format("%s%llu", i == 0 ? "" : " x ", static_cast<unsigned long long>(tensor.shape[i]));
  return text;
}

std::string type_of(int32_t dtype) {
  const std::string name = infermem_dtype_name(dtype);
  return name == "unknown" ? format("type %d", dtype) : name;
}

infermem_tensor_info tensor_at(const infermem_model *model, size_t i) {
  INFERMEM_STRUCT(infermem_tensor_info, tensor);
  check(model_tensor_info(model, i, &tensor));
  return tensor;
}

// The beginning of a text, up to a character of UTF-8 that it has room for.
std::string shortened(const std::string &text) {
  constexpr size_t kMost = 200;  // bytes
  if (text.size() <= kMost) return text;
  size_t n = kMost;
  while (n > kMost - 3 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  return text.substr(0, n) + "…";
}

using Value = std::variant<std::string, double, bool, uint64_t, int64_t>;

// Arrays as their length.
Value value_of(const infermem_model *model, const infermem_meta_info &meta) {
  switch (meta.type) {
    case INFERMEM_META_STRING: {
      const char *text = nullptr;
      size_t length = 0;
      check(model_meta_string(model, meta.key, &text, &length));
      return shortened({text, length});
    }
    case INFERMEM_META_ARRAY:
      return format("[%llu]", static_cast<unsigned long long>(meta.count));
    case INFERMEM_META_F32:
    case INFERMEM_META_F64: {
      double value = 0;
      check(model_meta_f64(model, meta.key, &value));
      return value;
    }
    case INFERMEM_META_BOOL: {
      int32_t value = 0;
      check(model_meta_bool(model, meta.key, &value));
      return value != 0;
    }
    case INFERMEM_META_U64: {
      uint64_t value = 0;
      check(model_meta_u64(model, meta.key, &value));
      return value;
    }
    default: {
      int64_t value = 0;
      check(model_meta_i64(model, meta.key, &value));
      return value;
    }
  }
}

struct InWords {
  std::string operator()(const std::string &text) const { return printable(text); }
  std::string operator()(double n) const { return format("%.9g", n); }
  std::string operator()(bool b) const { return b ? "true" : "false"; }
  std::string operator()(uint64_t n) const { return std::to_string(n); }
  std::string operator()(int64_t n) const { return std::to_string(n); }
};

struct Field {
  const char *name;
  uint64_t infermem_model_config::*value;
};

constexpr Field kFields[] = {
    {"n_layers", &infermem_model_config::n_layers},
    {"hidden", &infermem_model_config::hidden},
    {"n_heads", &infermem_model_config::n_heads},
    {"n_kv_heads", &infermem_model_config::n_kv_heads},
    {"head_dim_k", &infermem_model_config::head_dim_k},
    {"head_dim_v", &infermem_model_config::head_dim_v},
    {"intermediate", &infermem_model_config::intermediate},
    {"vocab", &infermem_model_config::vocab},
    {"context", &infermem_model_config::context},
    {"rope_dims", &infermem_model_config::rope_dims},
    {"n_experts", &infermem_model_config::n_experts},
    {"n_experts_used", &infermem_model_config::n_experts_used},
    {"expert_intermediate", &infermem_model_config::expert_intermediate},
    {"n_experts_shared", &infermem_model_config::n_experts_shared},
    {"shared_intermediate", &infermem_model_config::shared_intermediate},
    {"n_dense_layers", &infermem_model_config::n_dense_layers},
    {"n_nextn", &infermem_model_config::n_nextn},
    {"sliding_window", &infermem_model_config::sliding_window},
    {"n_kv_shared_layers", &infermem_model_config::n_kv_shared_layers},
    {"kv_lora_rank", &infermem_model_config::kv_lora_rank},
    {"q_lora_rank", &infermem_model_config::q_lora_rank},
    {"ssm_inner", &infermem_model_config::ssm_inner},
    {"ssm_state", &infermem_model_config::ssm_state},
    {"wkv_head_dim", &infermem_model_config::wkv_head_dim},
};

const char *kind_of(const infermem_model_layer &layer) {
  switch (layer.kind) {
    case INFERMEM_LAYER_ATTENTION:
      return "attention";
    case INFERMEM_LAYER_WINDOW:
      return "window";
    case INFERMEM_LAYER_MLA:
      return "latent";
    case INFERMEM_LAYER_RECURRENT:
      return "recurrent";
    case INFERMEM_LAYER_BOTH:
      return "both";
  }
  return "none";
}

const char *confidence_of(uint32_t confidence) {
  switch (confidence) {
    case INFERMEM_CONFIDENCE_EXACT:
      return "exact";
    case INFERMEM_CONFIDENCE_MODELLED:
      return "modelled";
  }
  return "rough";
}

uint64_t expert_bytes(const infermem_model_layer &layer) {
  return layer.shared_expert_bytes + layer.routed_expert_bytes;
}

uint64_t rest_bytes(const infermem_model_layer &layer) { return layer.norm_bytes + layer.other_bytes; }

class Inspection {
 public:
  Inspection(const Arguments &arguments, const infermem_model *model) : arguments_(arguments), model_(model) {
    config_.struct_size = sizeof config_;
    weights_.struct_size = sizeof weights_;
    check(model_config(model, &config_));
    check(model_weights(model, &weights_));
    for (size_t i = 0; i < model_tensor_count(model); ++i) {
      const infermem_tensor_info tensor = tensor_at(model, i);
      Types &types = by_type_[type_of(tensor.dtype)];
      for (Types *const sum : {&types, &all_}) {
        ++sum->tensors;
        sum->elements += tensor.elements;
        sum->bytes += tensor.bytes;
      }
    }
  }

  void print_json() const;
  void print() const;

 private:
  const Arguments &arguments_;
  const infermem_model *model_;
  infermem_model_layer layer(uint64_t i) const;

  infermem_model_config config_ = {};
  infermem_model_weights weights_ = {};
  std::map<std::string, Types> by_type_;
  Types all_;
};

infermem_model_layer Inspection::layer(uint64_t i) const {
  INFERMEM_STRUCT(infermem_model_layer, layer);
  check(model_layer(model_, i, &layer));
  return layer;
}

void Inspection::print_json() const {
  Json json;
  json.begin_object().key("config").begin_object().field("architecture", config_.architecture);
  for (const Field &field : kFields) json.field(field.name, config_.*field.value);
  json.field("tied_embeddings", config_.tied_embeddings != 0).field("rope_theta", config_.rope_theta);
  json.field("norm_eps", config_.norm_eps).end_object();
  json.key("weights").begin_object().field("tensors", all_.tensors).field("elements", weights_.elements);
  json.field("bytes", weights_.total_bytes).field("confidence", confidence_of(weights_.confidence));
  json.field("embedding_bytes", weights_.embedding_bytes).field("output_bytes", weights_.output_bytes);
  json.field("layer_bytes", weights_.layer_bytes).field("other_bytes", weights_.other_bytes);
  json.key("types").begin_object();
  for (const auto &[name, types] : by_type_) {
    json.key(name).begin_object().field("tensors", types.tensors).field("elements", types.elements);
    json.field("bytes", types.bytes).end_object();
  }
  json.end_object().end_object().key("warnings").begin_array();
  for (size_t i = 0; i < model_warning_count(model_); ++i) json.value(model_warning(model_, i));
  json.end_array();
  if (arguments_.has("layers")) {
    json.key("layers").begin_array();
    for (uint64_t i = 0; i < config_.n_layers; ++i) {
      const infermem_model_layer row = layer(i);
      json.begin_object().field("kind", kind_of(row)).field("confidence", confidence_of(row.confidence));
      json.field("n_heads", row.n_heads).field("n_kv_heads", row.n_kv_heads).field("head_dim_k", row.head_dim_k);
      json.field("head_dim_v", row.head_dim_v).field("window", row.window).field("kv_source", row.kv_source);
      json.field("conv_elements", row.conv_elements).field("state_elements", row.state_elements);
      json.field("intermediate", row.intermediate).field("n_experts", row.n_experts);
      json.field("attention_bytes", row.attention_bytes).field("dense_bytes", row.dense_bytes);
      json.field("shared_expert_bytes", row.shared_expert_bytes).field("routed_expert_bytes", row.routed_expert_bytes);
      json.field("norm_bytes", row.norm_bytes).field("other_bytes", row.other_bytes).end_object();
    }
    json.end_array();
  }
  if (arguments_.has("metadata")) {
    json.key("metadata").begin_object();
    for (size_t i = 0; i < model_meta_count(model_); ++i) {
      INFERMEM_STRUCT(infermem_meta_info, meta);
      check(model_meta_info(model_, i, &meta));
      std::visit([&](const auto &value) { json.field(meta.key, value); }, value_of(model_, meta));
    }
    json.end_object();
  }
  if (arguments_.has("tensors")) {
    json.key("tensors").begin_array();
    for (size_t i = 0; i < model_tensor_count(model_); ++i) {
      const infermem_tensor_info tensor = tensor_at(model_, i);
      json.begin_object().field("name", tensor.name).field("dtype", type_of(tensor.dtype)).key("shape").begin_array();
      for (uint32_t d = 0; d < tensor.n_dims; ++d) json.value(tensor.shape[d]);
      json.end_array().field("offset", tensor.offset).field("bytes", tensor.bytes).end_object();
    }
    json.end_array();
  }
  json.end_object().print();
}

void Inspection::print() const {
  std::printf("%s\n", bold(config_.architecture[0] ? printable(config_.architecture) : "unknown architecture").c_str());
  Table numbers({"", ">"});
  for (const Field &field : kFields)
    if (config_.*field.value != 0) numbers.add({field.name, std::to_string(config_.*field.value)});
  numbers.add({"embeddings", config_.tied_embeddings ? "tied" : "separate"});
  numbers.print();
  if (all_.tensors != 0) {
    std::printf("\n");
    Table weights({"type", ">tensors", ">parameters", ">bytes", "share"});
    for (const auto &[name, types] : by_type_) {
      const double part = all_.bytes == 0 ? 0 : static_cast<double>(types.bytes) / static_cast<double>(all_.bytes);
      weights.add({name, std::to_string(types.tensors), std::to_string(types.elements), bytes(types.bytes),
                   bar(part, 20) + format(" %3.0f %%", part * 100)});
    }
    weights.add({"all", std::to_string(all_.tensors), std::to_string(all_.elements), bytes(all_.bytes), ""});
    weights.print();
  }
  if (all_.tensors == 0)
    std::printf("\nno tensors: %s parameters, %s of weights, %s\n", std::to_string(weights_.elements).c_str(),
                bytes(weights_.total_bytes).c_str(), confidence_of(weights_.confidence));
  if (arguments_.has("layers")) {
    std::printf("\n");
    Table table({">layer", "kind", ">heads", ">KV heads", ">head", ">window", ">state", ">attention", ">dense",
                 ">experts", ">rest", "shape"});
    for (uint64_t i = 0; i < config_.n_layers; ++i) {
      const infermem_model_layer row = layer(i);
      const auto number = [](uint64_t n) { return n == 0 ? std::string("-") : std::to_string(n); };
      const auto size = [](uint64_t n) { return n == 0 ? std::string("-") : bytes(n); };
      table.add({std::to_string(i), kind_of(row), number(row.n_heads), number(row.n_kv_heads), number(row.head_dim_k),
                 number(row.window), number(row.conv_elements + row.state_elements), size(row.attention_bytes),
                 size(row.dense_bytes), size(expert_bytes(row)), size(rest_bytes(row)), confidence_of(row.confidence)});
    }
    table.print();
  }
  if (arguments_.has("metadata")) {
    std::printf("\n");
    Table table({"key", "value"});
    for (size_t i = 0; i < model_meta_count(model_); ++i) {
      INFERMEM_STRUCT(infermem_meta_info, meta);
      check(model_meta_info(model_, i, &meta));
      table.add({printable(meta.key), std::visit(InWords(), value_of(model_, meta))});
    }
    table.print();
  }
  if (arguments_.has("tensors")) {
    std::printf("\n");
    Table table({"tensor", "type", "shape", ">bytes"});
    for (size_t i = 0; i < model_tensor_count(model_); ++i) {
      const infermem_tensor_info tensor = tensor_at(model_, i);
      table.add({printable(tensor.name), type_of(tensor.dtype), shape_of(tensor), bytes(tensor.bytes)});
    }
    table.print();
  }
  for (size_t i = 0; i < model_warning_count(model_); ++i)
    std::printf("%s %s\n", bad("warning:").c_str(), printable(model_warning(model_, i)).c_str());
}

}  // namespace

int run_inspect(int argc, char **argv) {
  const Arguments arguments(argc, argv, {{"tensors", 't', false}, {"metadata", 'm', false}, {"layers", 'l', false}});
  const Model model = open_model(arguments.operands(1, "one model file")[0], INFERMEM_MODEL_NO_DATA);
  const Inspection inspection(arguments, model.get());
  arguments.json() ? inspection.print_json() : inspection.print();
  return kDone;
}

}  // namespace tool
