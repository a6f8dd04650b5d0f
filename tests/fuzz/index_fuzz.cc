// Fuzzes model_open with indices of safetensors files, beside two right files and a right config.json.
#include <filesystem>
#include <fstream>
#include <string>

#include "model_use.hh"

namespace {

void save(const std::filesystem::path &path, const std::string &bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  CHECK(out.good());
}

// A file of two tensors, of 4 bytes and of none.
std::string shard(const std::string &a, const std::string &b) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"},\"" + a +
                       "\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},\"" + b +
                       "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]}}";
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());  // below 256
  return length + header + std::string(4, 'd');
}

// The directory that all inputs are in turn the index of.
struct Directory {
  Directory() {
    char name[] = "/tmp/infermem-index-XXXXXX";
    CHECK(mkdtemp(name));
    path = name;
    save(path / "a.safetensors", shard("a.0", "a.1"));
    save(path / "b.safetensors", shard("b.0", "b.1"));
    save(path / "config.json", "{\"model_type\": \"llama\", \"num_hidden_layers\": 2}");
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Directory directory;
  const std::string index = directory.path / "model.safetensors.index.json";
  save(index, std::string(reinterpret_cast<const char *>(data), size));
  Heap heap;
  const infermem_allocator hook = heap.hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  infermem_model *model = nullptr;
  fuzz_status = model_open(directory.path.c_str(), &options, &model);
  CHECK((fuzz_status == INFERMEM_OK) == (model != nullptr));
  CHECK(heap.peak <= 2 * size + (size_t{512} << 10));
  if (model) use_model(model, true);
  CHECK(heap.live == 0);
  return 0;
}
