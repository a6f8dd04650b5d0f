// Fuzzes model_open with GGUF files, and every call on the models that it opens.
#include <infermem.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "check.hh"

namespace {

struct Heap {
  size_t live = 0;
  size_t peak = 0;
};

void *allocate(void *context, size_t size, size_t align) {
  auto *const heap = static_cast<Heap *>(context);
  heap->live += size;
  heap->peak = std::max(heap->peak, heap->live);
  return std::aligned_alloc(align, (size + align - 1) / align * align);
}

void release(void *context, void *pointer, size_t size, size_t) {
  static_cast<Heap *>(context)->live -= size;
  std::free(pointer);
}

// One file in memory for all inputs, opened by its name in /proc.
struct Scratch {
  Scratch() : fd(memfd_create("gguf", MFD_CLOEXEC)) {
    CHECK(fd >= 0);
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  void write(const uint8_t *data, size_t size) const {
    CHECK(ftruncate(fd, 0) == 0);
    for (size_t at = 0; at < size;) {
      const ssize_t n = pwrite(fd, data + at, size - at, static_cast<off_t>(at));
      CHECK(n > 0);
      at += static_cast<size_t>(n);
    }
  }
  int fd;
  char path[32];
};

unsigned sum;  // what is read goes here, so that reading is not optimized away

void use_tensors(const infermem_model *model) {
  for (size_t i = 0; i < model_tensor_count(model); ++i) {
    INFERMEM_STRUCT(infermem_tensor_info, info);
    infermem_view view;
    size_t found;
    CHECK(model_tensor_info(model, i, &info) == INFERMEM_OK);
    CHECK(std::strlen(info.name) == info.name_length && info.name_length > 0);
    CHECK(model_tensor_find(model, info.name, &found) == INFERMEM_OK && found == i);
    CHECK(model_tensor_view(model, i, &view) == INFERMEM_OK);
    CHECK(view.bytes == info.bytes && info.bytes > 0 && info.n_dims >= 1 && info.n_dims <= INFERMEM_MAX_DIMS);
    uint64_t bytes;
    if (!info.is_inferred)
      CHECK(infermem_dtype_bytes(info.dtype, info.elements, &bytes) == INFERMEM_OK && bytes == info.bytes);
    const auto *const data = static_cast<const unsigned char *>(view.data);
    for (uint64_t at = 0; at < view.bytes; at += 512) sum += data[at];
    sum += data[view.bytes - 1];
  }
}

void use_metas(const infermem_model *model) {
  for (size_t i = 0; i < model_meta_count(model); ++i) {
    INFERMEM_STRUCT(infermem_meta_info, info);
    size_t found;
    CHECK(model_meta_info(model, i, &info) == INFERMEM_OK);
    CHECK(std::strlen(info.key) == info.key_length && info.key_length > 0);
    CHECK(model_meta_find(model, info.key, &found) == INFERMEM_OK && found == i);
    uint64_t u, elements[600];
    int64_t n;
    double f;
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
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Scratch scratch;
  scratch.write(data, size);
  Heap heap;
  const infermem_allocator hook = {sizeof hook, allocate, release, &heap};
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  infermem_model *model = nullptr;
  const int32_t status = model_open(scratch.path, &options, &model);
  CHECK((status == INFERMEM_OK) == (model != nullptr));
  CHECK(heap.peak <= 2 * size + (size_t{512} << 10));
  if (model) {
    INFERMEM_STRUCT(infermem_model_config, config);
    CHECK(model_config(model, &config) == INFERMEM_OK);
    CHECK(std::memchr(config.architecture, '\0', sizeof config.architecture));
    (void)infermem_config_validate(&config);
    use_tensors(model);
    use_metas(model);
    for (size_t i = 0; i < model_warning_count(model); ++i) {
      const char *const warning = model_warning(model, i);
      for (size_t k = 0; warning[k]; ++k) CHECK(warning[k] >= 0x20 && warning[k] < 0x7f);
    }
    model_free(model);
  }
  CHECK(heap.live == 0);
  return 0;
}
