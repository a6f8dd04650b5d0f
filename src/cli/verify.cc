// infermem verify: whether saved files are as they were written. What kind of file one is, its first bytes say.
#include <cstdio>
#include <cstring>

#include "print.hh"
#include "tool.hh"

namespace tool {
namespace {

struct Result {
  std::string kind, what;
  int32_t status;
  std::string message;
};

std::string first_bytes(const std::string &path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) fail(kFailed, printable(path) + ": " + std::strerror(errno));
  char begin[16];
  return std::string(begin, std::fread(begin, 1, sizeof begin, file.get()));
}

bool begins(const std::string &text, const char *with) { return text.compare(0, std::strlen(with), with) == 0; }

Result verify_quant(const std::string &path) {
  infermem_quant *q = nullptr;
  const int32_t status = quant_load(path.c_str(), nullptr, &q);
  const Quant matrix(q);
  if (status != INFERMEM_OK) return {"quantized matrix", "", status, infermem_error_detail()->message};
  size_t rows = 0, cols = 0;
  check(quant_shape(q, &rows, &cols));
  const int32_t type = quant_dtype(q);
  return {"quantized matrix",
          format("%zu x %zu, %s, %s", rows, cols,
                 type == INFERMEM_QUANT_NATIVE ? format("%u bits", quant_bits(q)).c_str() : infermem_dtype_name(type),
                 bytes(quant_bytes(q)).c_str()),
          status, ""};
}

Result verify_kv(const std::string &path) {
  INFERMEM_STRUCT(infermem_kv_saved, saved);
  const int32_t status = kv_verify(path.c_str(), &saved);
  if (status != INFERMEM_OK) return {"cache", "", status, infermem_error_detail()->message};
  const auto wide = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  return {"cache",
          format("%llu tokens, %llu layers, %llu heads of %llu, keys %s, values %s%s", wide(saved.n_tokens),
                 wide(saved.n_layers), wide(saved.n_kv_heads), wide(saved.head_dim), infermem_dtype_name(saved.k_type),
                 infermem_dtype_name(saved.v_type), saved.is_mixed ? ", others in other layers" : ""),
          status, ""};
}

Result verify_model(const std::string &path) {
  infermem_model *model = nullptr;
  const int32_t status = model_open(path.c_str(), nullptr, &model);
  const Model owned(model);
  if (status != INFERMEM_OK) return {"model file", "", status, infermem_error_detail()->message};
  return {"model file", format("%zu tensors, %zu warnings", model_tensor_count(model), model_warning_count(model)),
          status, ""};
}

}  // namespace

int run_verify(int argc, char **argv) {
  const Arguments arguments(argc, argv, {});
  if (arguments.operands().empty()) fail(kUsage, "it takes one file or more");
  Json json;
  json.begin_array();
  Table table({"file", "kind", "result", ""});
  bool all_good = true;
  for (const std::string &path : arguments.operands()) {
    const std::string magic = first_bytes(path);
    const Result result = begins(magic, "infermem quant") ? verify_quant(path)
                          : begins(magic, "infermem kv")  ? verify_kv(path)
                                                          : verify_model(path);
    const bool is_good = result.status == INFERMEM_OK;
    all_good = all_good && is_good;
    table.add({printable(path), result.kind, is_good ? good("undamaged") : bad(infermem_error_name(result.status)),
               is_good ? result.what : printable(result.message)});
    json.begin_object().field("file", path).field("kind", result.kind).field("undamaged", is_good);
    json.field("status", infermem_error_name(result.status)).field("message", result.message).end_object();
  }
  json.end_array();
  arguments.json() ? json.print() : table.print();
  return all_good ? kDone : kNo;
}

}  // namespace tool
