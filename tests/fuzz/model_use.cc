#include "model_use.hh"

int32_t fuzz_status = INFERMEM_OK;

namespace {

unsigned sum;  // what is read goes here, so that reading is not optimized away

void use_tensors(const infermem_model *model, bool has_data) {
  for (size_t i = 0; i < model_tensor_count(model); ++i) {
    INFERMEM_STRUCT(infermem_tensor_info, info);
    infermem_view view;
    size_t found;
    CHECK(model_tensor_info(model, i, &info) == INFERMEM_OK);
    CHECK(std::strlen(info.name) == info.name_length && info.name_length > 0);
    CHECK(model_tensor_find(model, info.name, &found) == INFERMEM_OK && found == i);
    CHECK(info.part < model_part_count(model) && info.n_dims >= 1 && info.n_dims <= INFERMEM_MAX_DIMS);
    uint64_t bytes;
    if (!info.is_inferred)
      CHECK(infermem_dtype_bytes(info.dtype, info.elements, &bytes) == INFERMEM_OK && bytes == info.bytes);
    if (!has_data) {
      CHECK(model_tensor_view(model, i, &view) == INFERMEM_E_STATE);
      continue;
    }
    CHECK(model_tensor_view(model, i, &view) == INFERMEM_OK);
    CHECK(view.bytes == info.bytes && (view.data == nullptr) == (view.bytes == 0));
    const auto *const data = static_cast<const unsigned char *>(view.data);
    for (uint64_t at = 0; at < view.bytes; at += 512) sum += data[at];
    if (view.bytes != 0) sum += data[view.bytes - 1];
  }
}

void use_strings(const infermem_model *model, const infermem_meta_info &info) {
  if (info.type != INFERMEM_META_ARRAY || info.element_type != INFERMEM_META_STRING) return;
  const auto n = static_cast<size_t>(info.count);
  size_t length, again;
  CHECK(model_meta_array_strings(model, info.key, 0, n, nullptr, 0, nullptr, &length) == INFERMEM_OK);
  auto *const text = static_cast<char *>(std::malloc(length + 1));
  auto *const offsets = static_cast<size_t *>(std::malloc((n + 1) * sizeof(size_t)));
  CHECK(text && offsets);
  CHECK(model_meta_array_strings(model, info.key, 0, n, text, length + 1, offsets, &again) == INFERMEM_OK);
  CHECK(again == length && offsets[n] == length);
  for (size_t i = 0; i < n; ++i) CHECK(offsets[i] < offsets[i + 1] && text[offsets[i + 1] - 1] == '\0');
  std::free(text);
  std::free(offsets);
}

void use_metas(const infermem_model *model) {
  for (size_t i = 0; i < model_meta_count(model); ++i) {
    INFERMEM_STRUCT(infermem_meta_info, info);
    size_t found;
    CHECK(model_meta_info(model, i, &info) == INFERMEM_OK);
    CHECK(std::strlen(info.key) == info.key_length && info.key_length > 0);
    CHECK(model_meta_find(model, info.key, &found) == INFERMEM_OK && found == i);
    uint64_t u, elements[600];
    int64_t n, integers[600];
    double f, reals[600];
    int32_t b;
    const char *text;
    size_t length;
    (void)model_meta_u64(model, info.key, &u);
    (void)model_meta_i64(model, info.key, &n);
    (void)model_meta_f64(model, info.key, &f);
    if (model_meta_bool(model, info.key, &b) == INFERMEM_OK) CHECK(b == 0 || b == 1);
    if (model_meta_string(model, info.key, &text, &length) == INFERMEM_OK) CHECK(text[length] == '\0');
    const auto some = static_cast<size_t>(std::min<uint64_t>(info.count, 600));
    (void)model_meta_array_u64(model, info.key, info.count - some, some, elements);
    (void)model_meta_array_i64(model, info.key, info.count - some, some, integers);
    (void)model_meta_array_f64(model, info.key, info.count - some, some, reals);
    use_strings(model, info);
  }
}

}  // namespace

void use_model(infermem_model *model, bool has_data) {
  INFERMEM_STRUCT(infermem_model_config, config);
  CHECK(model_config(model, &config) == INFERMEM_OK);
  INFERMEM_STRUCT(infermem_model_layer, layer);
  INFERMEM_STRUCT(infermem_model_weights, weights);
  CHECK(model_weights(model, &weights) == INFERMEM_OK);
  for (uint64_t i = 0; i < config.n_layers; i++) CHECK(model_layer(model, i, &layer) == INFERMEM_OK);
  CHECK(config.n_layers == 0 || layer.kv_source < config.n_layers);
  CHECK(std::memchr(config.architecture, '\0', sizeof config.architecture));
  (void)infermem_config_validate(&config);
  use_tensors(model, has_data);
  use_metas(model);
  for (size_t i = 0; i < model_warning_count(model); ++i) {
    const char *const warning = model_warning(model, i);
    for (size_t k = 0; warning[k]; ++k) CHECK(warning[k] >= 0x20 && warning[k] < 0x7f);
  }
  model_free(model);
}

void open_input(const uint8_t *data, size_t size, size_t slack) {
  static const MemoryFile file;
  file.write(data, size);
  Heap heap;
  const infermem_allocator hook = heap.hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  infermem_model *model = nullptr;
  fuzz_status = model_open(file.path, &options, &model);
  CHECK((fuzz_status == INFERMEM_OK) == (model != nullptr));
  CHECK(heap.peak <= 2 * size + slack);
  if (model) use_model(model, true);
  CHECK(heap.live == 0);

  heap.peak = 0;
  model = nullptr;
  const uint8_t nothing = 0;
  CHECK(model_open_bytes(size != 0 ? data : &nothing, size, size, &options, &model) == fuzz_status);
  CHECK(heap.peak <= 2 * size + slack);
  if (model) use_model(model, false);
  CHECK(heap.live == 0);
}
