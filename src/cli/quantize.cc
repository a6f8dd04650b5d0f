// infermem quantize: each matrix of a model in few bits, in a file of its own, and how far it is from what it was.
//
// The folder holds NAME.quant for each tensor of two dimensions or more, as quant_save writes it, and index.json, which
// lists them. The index comes last: where it is, the folder is complete.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "print.hh"
#include "tool.hh"

namespace tool {
namespace {

constexpr char kIndex[] = "index.json";

struct Row {
  std::string name, file, from;
  uint64_t rows, cols, bytes_before, bytes_after;
  double rmse, relative, max;
};

struct Target {
  infermem_quant_options options;
  bool is_packed;
};

// A tensor's name as a file's: what could be more than a name in a path is written as %XX.
std::string file_name(const std::string &name) {
  std::string result;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '-' || (c == '.' && i != 0);
    result += plain ? std::string(1, c) : format("%%%02X", static_cast<unsigned char>(c));
  }
  return result + ".quant";
}

bool is_matrix(const infermem_tensor_info &tensor) {
  return tensor.n_dims >= 2 && !tensor.is_inferred && tensor.shape[tensor.n_dims - 1] > 1 &&
         tensor.elements != tensor.shape[tensor.n_dims - 1];
}

double root_mean_square(const std::vector<float> &values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// False where the tensor's type cannot be read as numbers.
bool quantize_one(const infermem_model *model, size_t index, const infermem_tensor_info &tensor, const Target &target,
                  const std::string &folder, Row *out) {
  infermem_view view;
  check(model_tensor_view(model, index, &view));
  const auto cols = static_cast<size_t>(tensor.shape[tensor.n_dims - 1]);
  const auto rows = static_cast<size_t>(tensor.elements) / cols;
  infermem_quant *made = nullptr;
  const int32_t status =
      quant_borrow(tensor.dtype, view.data, static_cast<size_t>(view.bytes), rows, cols, nullptr, &made);
  if (status == INFERMEM_E_UNSUPPORTED || status == INFERMEM_E_TYPE) return false;
  check(status, tensor.name);
  const Quant source(made);
  std::vector<float> values(rows * cols);
  check(quant_to_f32(source.get(), values.data(), values.size()), tensor.name);
  check_asked(quant_from_f32(values.data(), values.size(), rows, cols, &target.options, &made), tensor.name);
  Quant matrix(made);
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  check(quant_error(matrix.get(), values.data(), values.size(), &errors), tensor.name);
  if (target.is_packed) {
    check(quant_pack(matrix.get(), nullptr, &made), tensor.name);
    matrix.reset(made);
  }
  *out = {tensor.name,
          file_name(tensor.name),
          infermem_dtype_name(tensor.dtype),
          rows,
          cols,
          tensor.bytes,
          quant_bytes(matrix.get()),
          errors.rmse,
          0,
          errors.max};
  const double size = root_mean_square(values);
  if (size > 0) out->relative = errors.rmse / size;
  check(quant_save(matrix.get(), (folder + "/" + out->file).c_str()), out->file);
  return true;
}

// Writes a file whole or not at all, as the library does: beside its place first, where it goes once it is on the disk.
void write_whole(const std::string &folder, const std::string &name, const std::string &text) {
  const std::string path = folder + "/" + name;
  const std::string temporary = folder + format("/.infermem-%ld.tmp", static_cast<long>(getpid()));
  std::remove(temporary.c_str());  // which a process of that number may have left that was killed
  int reason = 0;                  // of the first that fails
  const auto went = [&](bool is_done) {
    if (!is_done && reason == 0) reason = errno;
    return reason == 0;
  };
  if (std::FILE *const file = std::fopen(temporary.c_str(), "wxe"); went(file != nullptr)) {
    went(std::fputs(text.c_str(), file) >= 0 && std::fflush(file) == 0 && fsync(fileno(file)) == 0);
    went(std::fclose(file) == 0);
  }
  if (reason == 0) went(std::rename(temporary.c_str(), path.c_str()) == 0);
  if (reason != 0) {
    std::remove(temporary.c_str());
    fail(kFailed, printable(path) + ": " + std::strerror(reason));
  }
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  went(fd >= 0 && (fsync(fd) == 0 || errno == EINVAL));  // some file systems do not know this, and need it not
  if (fd >= 0) close(fd);
  if (reason != 0) fail(kFailed, printable(folder) + ": " + std::strerror(reason));
}

void write_index(const std::string &folder, const std::string &model, const Target &target,
                 const std::vector<Row> &rows, const std::vector<std::string> &left, bool to_stdout) {
  Json json;
  json.begin_object().field("model", model).field("bits", target.options.bits);
  json.field("group", uint64_t{target.options.group}).field("params", infermem_dtype_name(target.options.params));
  json.field("symmetric", target.options.symmetric != 0).field("packed", target.is_packed).key("tensors").begin_array();
  for (const Row &row : rows) {
    json.begin_object().field("name", row.name).field("file", row.file).field("from", row.from);
    json.field("rows", row.rows).field("cols", row.cols).field("bytes_before", row.bytes_before);
    json.field("bytes", row.bytes_after).field("rmse", row.rmse).field("relative_rmse", row.relative);
    json.field("max_error", row.max).end_object();
  }
  json.end_array().key("left_as_they_are").begin_array();
  for (const std::string &name : left) json.value(name);
  json.end_array().end_object();
  if (to_stdout) json.print();
  write_whole(folder, kIndex, json.text() + "\n");
}

void print_report(const std::vector<Row> &rows, const std::vector<std::string> &left, const std::string &folder) {
  Table table({"tensor", "from", ">rows", ">cols", ">before", ">after", ">rmse", ">rmse / rms", ">largest"});
  uint64_t before = 0, after = 0;
  for (const Row &row : rows) {
    table.add({printable(row.name), row.from, std::to_string(row.rows), std::to_string(row.cols),
               bytes(row.bytes_before), bytes(row.bytes_after), format("%.3g", row.rmse),
               format("%.2f %%", row.relative * 100), format("%.3g", row.max)});
    before += row.bytes_before;
    after += row.bytes_after;
  }
  table.add({"all", "", "", "", bytes(before), bytes(after), "", "", ""});
  table.print();
  std::printf("%zu matrices in %s; %zu tensors are no matrices, or of types that cannot be read, and left out\n",
              rows.size(), printable(folder).c_str(), left.size());
}

}  // namespace

int run_quantize(int argc, char **argv) {
  const Arguments arguments(argc, argv,
                            {{"output", 'o', true},
                             {"bits", 0, true},
                             {"group", 0, true},
                             {"params", 0, true},
                             {"symmetric", 0, false},
                             {"packed", 0, false}});
  const std::string path = arguments.operands(1, "one model file")[0];
  const std::string folder = arguments.text("output", "");
  if (folder.empty()) fail(kUsage, "--output FOLDER is needed");
  Target target = {};
  const uint64_t bits = arguments.number("bits", 4, 4, 8);
  if (bits != 4 && bits != 8) fail(kUsage, "--bits is 4 or 8");
  target.options.struct_size = sizeof target.options;
  target.options.bits = static_cast<uint32_t>(bits);
  target.options.group = static_cast<size_t>(arguments.number("group", 64, 8, 1 << 20));
  if (target.options.group % 8 != 0) fail(kUsage, "--group is a multiple of 8");
  const int32_t params = parse_dtype(arguments.text("params", "f16"));
  if (params != INFERMEM_DTYPE_F16 && params != INFERMEM_DTYPE_BF16 && params != INFERMEM_DTYPE_F32)
    fail(kUsage, "--params takes f16, bf16 or f32");
  target.options.params = params;
  target.options.symmetric = arguments.has("symmetric");
  target.is_packed = arguments.has("packed");
  const Model model = open_model(path);
  std::vector<Row> rows;
  std::vector<std::string> left;
  uint64_t total = 0, done = 0;
  std::vector<infermem_tensor_info> tensors(model_tensor_count(model.get()));
  for (size_t i = 0; i < tensors.size(); ++i) {
    tensors[i].struct_size = sizeof tensors[i];
    check(model_tensor_info(model.get(), i, &tensors[i]));
    total += tensors[i].bytes;
    const size_t length = is_matrix(tensors[i]) ? file_name(tensors[i].name).size() : 0;
    if (length > NAME_MAX)
      fail(kFailed, format("%s: the file's name would have %zu bytes, more than %d", printable(tensors[i].name).c_str(),
                           length, NAME_MAX));
  }
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    fail(kFailed, printable(folder) + ": " + std::strerror(errno));
  const std::string index = folder + "/" + kIndex;  // which is there only where all that it lists is
  if (std::remove(index.c_str()) != 0 && errno != ENOENT) fail(kFailed, printable(index) + ": " + std::strerror(errno));
  {
    Progress progress(total);
    for (size_t i = 0; i < tensors.size(); ++i) {
      progress.show(done, tensors[i].name);
      Row row;
      if (is_matrix(tensors[i]) && quantize_one(model.get(), i, tensors[i], target, folder, &row))
        rows.push_back(row);
      else
        left.push_back(tensors[i].name);
      done += tensors[i].bytes;
    }
  }
  if (!arguments.json()) print_report(rows, left, folder);
  write_index(folder, path, target, rows, left, arguments.json());
  return kDone;
}

}  // namespace tool
