// Fuzzes model_open with GGUF models of two parts. An input is the length of the first, in 4 bytes, and both.
#include <filesystem>
#include <fstream>
#include <string>

#include "model_use.hh"

namespace {

void save(const std::filesystem::path &path, const uint8_t *data, size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char *>(data), static_cast<std::streamsize>(size));
  CHECK(out.good());
}

struct Directory {
  Directory() {
    char name[] = "/tmp/infermem-split-XXXXXX";
    CHECK(mkdtemp(name));
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Directory directory;
  if (size < 4) return 0;
  const size_t rest = size - 4;
  size_t first = data[0] | static_cast<size_t>(data[1]) << 8 | static_cast<size_t>(data[2]) << 16;
  if (first > rest) first = rest;
  save(directory.path / "m-00001-of-00002.gguf", data + 4, first);
  // Of a second part without bytes there is no file.
  const std::filesystem::path second = directory.path / "m-00002-of-00002.gguf";
  if (first < rest)
    save(second, data + 4 + first, rest - first);
  else
    std::filesystem::remove(second);
  Heap heap;
  const infermem_allocator hook = heap.hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  infermem_model *model = nullptr;
  fuzz_status = model_open((directory.path / "m-00001-of-00002.gguf").c_str(), &options, &model);
  CHECK((fuzz_status == INFERMEM_OK) == (model != nullptr));
  CHECK(heap.peak <= 2 * size + (size_t{512} << 10));
  if (model) use_model(model, true);
  CHECK(heap.live == 0);
  return 0;
}
