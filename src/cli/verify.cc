// infermem verify: whether saved files are as they were written. What kind of file one is, its first bytes say.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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

// Whether the file can be read. Nothing waits here for who writes to a pipe.
bool first_bytes(const std::string &path, std::string *out) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return false;
  char begin[16];
  const ssize_t n = read(fd, begin, sizeof begin);  // none of a directory
  close(fd);
  *out = std::string(begin, n > 0 ? static_cast<size_t>(n) : 0);
  return true;
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

// Whether a path is that of a folder with none of the files that a model is opened from.
bool is_bare_folder(const std::string &path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  for (const char *const name : {"model.safetensors.index.json", "model.safetensors", "config.json"})
    if (stat((path + "/" + name).c_str(), &status) == 0 || errno != ENOENT) return false;
  return true;
}

Result verify_model(const std::string &path) {
  if (is_bare_folder(path)) return {"folder", "", INFERMEM_E_NOT_FOUND, "there is no model in it"};
  infermem_model *model = nullptr;
  const int32_t status = model_open(path.c_str(), nullptr, &model);
  const Model owned(model);
  if (status != INFERMEM_OK) return {"model file", "", status, infermem_error_detail()->message};
  return {"model file", format("%zu tensors, %zu warnings", model_tensor_count(model), model_warning_count(model)),
          status, ""};
}

Result verify(const std::string &path) {
  std::string magic;
  if (!first_bytes(path, &magic)) return {"", "", INFERMEM_E_IO, std::strerror(errno)};
  if (begins(magic, "infermem quant")) return verify_quant(path);
  return begins(magic, "infermem kv") ? verify_kv(path) : verify_model(path);
}

}  // namespace

int run_verify(int argc, char **argv) {
  const Arguments arguments(argc, argv, {});
  if (arguments.operands().empty()) fail(kUsage, "it takes one file or more");
  Json json;
  json.begin_array();
  Table table({"file", "kind", "result", ""});
  bool all_read = true, all_good = true;
  for (const std::string &path : arguments.operands()) {
    const Result result = verify(path);
    const bool is_good = result.status == INFERMEM_OK;
    const bool is_read =
        result.status != INFERMEM_E_IO && result.status != INFERMEM_E_NOMEM && result.status != INFERMEM_E_NOT_FOUND;
    all_read = all_read && is_read;
    all_good = all_good && (is_good || !is_read);
    table.add({printable(path), result.kind, is_good ? good("undamaged") : bad(infermem_error_name(result.status)),
               is_good ? result.what : printable(result.message)});
    json.begin_object().field("file", path).field("kind", result.kind).field("undamaged", is_good);
    json.field("status", infermem_error_name(result.status)).field("message", result.message).end_object();
  }
  json.end_array();
  arguments.json() ? json.print() : table.print();
  if (!all_good) return kNo;
  return all_read ? kDone : kFailed;
}

}  // namespace tool
