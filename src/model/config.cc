#include "model/config.hh"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/validate.hh"

namespace infermem {
namespace {

unsigned long long print(uint64_t n) { return n; }

// What came of looking for a key. kBad has had its warning.
enum class Found { kNo, kYes, kBad };

class ConfigReader {
 public:
  ConfigReader(Contents *contents, infermem_model_config *out) : contents_(contents), out_(out) {}

  Status run();

 private:
  struct Key {
    char text[sizeof(infermem_model_config::architecture) + 48];
  };

  Status architecture();
  Status heads();
  Status vocabulary();
  Status check_complete();

  // "{architecture}.suffix"
  Key key(const char *suffix) const;
  // The integer, at most `most`; *out changes only for kYes.
  Status number(const char *suffix, uint64_t most, uint64_t *out, Found *found);
  Status number(const char *suffix, uint64_t most, uint64_t *out);
  // The same of an integer or of an array with an integer a layer, of which the largest is taken.
  Status number_of_layers(const char *suffix, uint64_t most, uint64_t *out, Found *found);
  Status largest(const char *key, const Meta &meta, uint64_t most, uint64_t *out, Found *found);
  Status real(const char *suffix, double *out, Found *found);
  Status bad_type(const char *key, const Meta &meta, const char *wanted, Found *found);
  Status bad_value(const char *key, const Integer &value, uint64_t most, Found *found);

  template <typename... Arguments>
  Status warn(const char *format, Arguments... arguments) {
    return contents_->warnings.add(&contents_->arena, format, arguments...);
  }

  Contents *const contents_;
  infermem_model_config *const out_;
};

ConfigReader::Key ConfigReader::key(const char *suffix) const {
  Key result;
  std::snprintf(result.text, sizeof result.text, "%s.%s", out_->architecture, suffix);
  return result;
}

Status ConfigReader::bad_type(const char *key, const Meta &meta, const char *wanted, Found *found) {
  *found = Found::kBad;
  return warn("the value of \"%s\" is %s, not %s", key, name_of_meta(meta.type), wanted);
}

Status ConfigReader::bad_value(const char *key, const Integer &value, uint64_t most, Found *found) {
  *found = Found::kBad;
  if (value.is_negative) return warn("\"%s\" has %lld, which is negative", key, static_cast<long long>(value.value));
  return warn("\"%s\" has %llu, above the limit of %llu", key, print(value.value), print(most));
}

Status ConfigReader::number(const char *suffix, uint64_t most, uint64_t *out, Found *found) {
  const Key name = key(suffix);
  size_t i;
  *found = Found::kNo;
  if (!contents_->metas.find(name.text, &i)) return INFERMEM_OK;
  const Meta meta = contents_->metas.at(i);
  if (!is_integer(meta.type)) return bad_type(name.text, meta, "an integer", found);
  const Integer value = integer_at(meta.type, meta.bytes);
  if (value.is_negative || value.value > most) return bad_value(name.text, value, most, found);
  *found = Found::kYes;
  *out = value.value;
  return INFERMEM_OK;
}

Status ConfigReader::number(const char *suffix, uint64_t most, uint64_t *out) {
  Found found;
  return number(suffix, most, out, &found);
}

Status ConfigReader::number_of_layers(const char *suffix, uint64_t most, uint64_t *out, Found *found) {
  const Key name = key(suffix);
  size_t i;
  if (!contents_->metas.find(name.text, &i)) {
    *found = Found::kNo;
    return INFERMEM_OK;
  }
  const Meta meta = contents_->metas.at(i);
  if (meta.type == INFERMEM_META_ARRAY) return largest(name.text, meta, most, out, found);
  return number(suffix, most, out, found);
}

Status ConfigReader::largest(const char *key, const Meta &meta, uint64_t most, uint64_t *out, Found *found) {
  if (!is_integer(meta.element_type)) return bad_type(key, meta, "an array of integers", found);
  if (meta.count != out_->n_layers || meta.count == 0) {
    *found = Found::kBad;
    return warn("\"%s\" has %llu values, for %llu layers", key, print(meta.count), print(out_->n_layers));
  }
  const size_t size = size_of_meta(meta.element_type);
  char bytes[4096];
  const uint64_t batch = sizeof bytes / size;
  uint64_t least = UINT64_MAX, top = 0;
  for (uint64_t first = 0; first < meta.count; first += batch) {
    const size_t n = static_cast<size_t>(std::min(batch, meta.count - first));
    INFERMEM_TRY(contents_->metas.elements(meta, first, n, bytes));
    for (size_t i = 0; i < n; ++i) {
      const Integer value = integer_at(meta.element_type, bytes + i * size);
      if (value.is_negative || value.value > most) return bad_value(key, value, most, found);
      least = std::min(least, value.value);
      top = std::max(top, value.value);
    }
  }
  *found = Found::kYes;
  *out = top;
  if (least == top) return INFERMEM_OK;
  return warn("\"%s\" is not the same in all layers: %llu to %llu; the largest is taken", key, print(least),
              print(top));
}

Status ConfigReader::real(const char *suffix, double *out, Found *found) {
  const Key name = key(suffix);
  size_t i;
  *found = Found::kNo;
  if (!contents_->metas.find(name.text, &i)) return INFERMEM_OK;
  const Meta meta = contents_->metas.at(i);
  double value;
  if (!float_of(meta, &value)) return bad_type(name.text, meta, "an f32 or f64", found);
  if (!std::isfinite(value) || value < 0) {
    *found = Found::kBad;
    return warn("\"%s\" is negative or not finite", name.text);
  }
  *found = Found::kYes;
  *out = value;
  return INFERMEM_OK;
}

Status ConfigReader::architecture() {
  constexpr char kKey[] = "general.architecture";
  size_t i;
  if (!contents_->metas.find(kKey, &i)) return warn("there is no \"%s\"", kKey);
  const Meta meta = contents_->metas.at(i);
  if (meta.type != INFERMEM_META_STRING)
    return warn("the value of \"%s\" is %s, not a string", kKey, name_of_meta(meta.type));
  const Name name = {meta.bytes, static_cast<size_t>(meta.count)};
  // It becomes part of keys, and these of warnings: nothing that a terminal would obey gets in.
  const bool printable = std::all_of(name.text, name.text + name.length, [](char c) { return c > 0x20 && c < 0x7f; });
  if (name.length == 0 || name.length >= sizeof out_->architecture || !printable)
    return warn("\"%s\" is \"%s\", of %zu bytes, not a name of 1 to %zu printable ones", kKey, Quoted(name).text,
                name.length, sizeof out_->architecture - 1);
  std::memcpy(out_->architecture, name.text, name.length);
  return INFERMEM_OK;
}

Status ConfigReader::heads() {
  Found found;
  INFERMEM_TRY(number_of_layers("attention.head_count", kMostSmall, &out_->n_heads, &found));
  INFERMEM_TRY(number_of_layers("attention.head_count_kv", kMostSmall, &out_->n_kv_heads, &found));
  if (found == Found::kNo) out_->n_kv_heads = out_->n_heads;

  // Where the file has no head_dim, it is that of heads that share the hidden dimension out among them.
  const bool even = out_->n_heads != 0 && out_->hidden % out_->n_heads == 0;
  const uint64_t shared = even ? out_->hidden / out_->n_heads : 0;
  const char *const suffixes[] = {"attention.key_length", "attention.value_length"};
  uint64_t *const dims[] = {&out_->head_dim_k, &out_->head_dim_v};
  for (int i = 0; i < 2; ++i) {
    INFERMEM_TRY(number(suffixes[i], kMostSmall, dims[i], &found));
    if (found != Found::kNo) continue;
    if (shared <= kMostSmall) *dims[i] = shared;
    if (out_->n_heads != 0 && !even)
      INFERMEM_TRY(warn("there is no \"%s\", and %llu elements are not shared by %llu heads", key(suffixes[i]).text,
                        print(out_->hidden), print(out_->n_heads)));
  }
  INFERMEM_TRY(number("rope.dimension_count", kMostSmall, &out_->rope_dims, &found));
  if (found == Found::kNo) out_->rope_dims = out_->head_dim_k;
  return INFERMEM_OK;
}

Status ConfigReader::vocabulary() {
  uint64_t said = 0, tokens = 0;
  INFERMEM_TRY(number("vocab_size", kMostLarge, &said));
  size_t i;
  if (contents_->metas.find("tokenizer.ggml.tokens", &i)) {
    const Meta meta = contents_->metas.at(i);
    if (meta.type == INFERMEM_META_ARRAY) tokens = meta.count;
  }
  out_->vocab = said != 0 ? said : tokens;
  if (contents_->tensors.find("token_embd.weight", &i)) {
    const Tensor embedding = contents_->tensors.at(i);
    out_->vocab = embedding.ne[1];
    if (said != 0 && said != embedding.ne[1])
      INFERMEM_TRY(warn("\"%s\" is %llu, and token_embd.weight has %llu rows, which are taken", key("vocab_size").text,
                        print(said), print(embedding.ne[1])));
    if (out_->hidden != 0 && out_->hidden != embedding.ne[0])
      INFERMEM_TRY(warn("\"%s\" is %llu, but rows of token_embd.weight have %llu elements",
                        key("embedding_length").text, print(out_->hidden), print(embedding.ne[0])));
  }
  if (tokens > out_->vocab)
    INFERMEM_TRY(warn("there are %llu tokens, and %llu embeddings", print(tokens), print(out_->vocab)));
  if (out_->vocab <= kMostLarge) return INFERMEM_OK;
  INFERMEM_TRY(warn("a vocabulary of %llu is above the limit of %llu", print(out_->vocab), print(kMostLarge)));
  out_->vocab = 0;
  return INFERMEM_OK;
}

Status ConfigReader::check_complete() {
  const struct {
    uint64_t value;
    const char *suffix;
  } needed[] = {
      {out_->n_layers, "block_count"},
      {out_->hidden, "embedding_length"},
      {out_->n_heads, "attention.head_count"},
      {out_->n_kv_heads, "attention.head_count_kv"},
      {out_->intermediate, "feed_forward_length"},
      {out_->vocab, "vocab_size"},
      {out_->context, "context_length"},
  };
  for (const auto &item : needed)
    if (item.value == 0) INFERMEM_TRY(warn("the file does not say, or not usably, \"%s\"", key(item.suffix).text));
  uint64_t parts;
  size_t i;
  if (!contents_->metas.find("split.count", &i)) return INFERMEM_OK;
  const Meta meta = contents_->metas.at(i);
  if (!is_integer(meta.type) || (parts = integer_at(meta.type, meta.bytes).value) <= 1) return INFERMEM_OK;
  return warn("the file is one of %llu parts of a model, of which only it was read", print(parts));
}

Status ConfigReader::run() {
  Found found;
  *out_ = {};
  out_->struct_size = sizeof *out_;
  INFERMEM_TRY(architecture());
  INFERMEM_TRY(number("block_count", kMostSmall, &out_->n_layers));
  INFERMEM_TRY(number("embedding_length", kMostLarge, &out_->hidden));
  INFERMEM_TRY(number("context_length", kMostLarge, &out_->context));
  INFERMEM_TRY(number_of_layers("feed_forward_length", kMostLarge, &out_->intermediate, &found));
  INFERMEM_TRY(heads());
  INFERMEM_TRY(vocabulary());
  INFERMEM_TRY(number("expert_count", kMostSmall, &out_->n_experts));
  INFERMEM_TRY(number("expert_used_count", kMostSmall, &out_->n_experts_used));
  INFERMEM_TRY(number("attention.sliding_window", kMostLarge, &out_->sliding_window));
  INFERMEM_TRY(real("rope.freq_base", &out_->rope_theta, &found));
  INFERMEM_TRY(real("attention.layer_norm_rms_epsilon", &out_->norm_eps, &found));
  if (found == Found::kNo) INFERMEM_TRY(real("attention.layer_norm_epsilon", &out_->norm_eps, &found));
  size_t i;
  out_->tied_embeddings = !contents_->tensors.find("output.weight", &i);
  return check_complete();
}

}  // namespace

Status read_config(Contents *contents, infermem_model_config *out) { return ConfigReader(contents, out).run(); }

}  // namespace infermem
