#include "model/open.hh"

#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "model/flatten.hh"
#include "model/gguf.hh"
#include "model/reader.hh"
#include "model/safetensors.hh"
#include "model/split.hh"
#include "model/weight_map.hh"

namespace infermem {
namespace {

constexpr char kConfig[] = "config.json";
constexpr char kSafetensors[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";
constexpr char kIndexEnd[] = ".index.json";

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The format of a file that begins with these n bytes, of 64 or all that it has.
Status find_format(const char *head, size_t n, Format *out) {
  constexpr size_t kLength = sizeof(uint64_t);
  const char *const first = std::find_if_not(head, head + n, is_json_space);
  const bool may_be_json = first == head + n || *first == '{';
  // A safetensors file begins with its header's length, and then the header. In no JSON text are there zeros.
  const bool is_length = n >= kLength && load_le<uint32_t>(head + kLength / 2) == 0;
  const bool has_brace = n > kLength && head[kLength] == '{';
  if (n != 0 && std::memcmp(head, "GGUF", std::min<size_t>(n, 4)) == 0)
    *out = Format::kGguf;
  else if ((has_brace && (is_length || !may_be_json)) || (n == kLength && is_length))
    *out = Format::kSafetensors;
  else if (may_be_json)
    *out = Format::kConfig;
  else
    return fail(INFERMEM_E_FORMAT, 0, 0,
                "the file begins with \"%s\", neither with \"GGUF\", nor as safetensors or JSON",
                Quoted({head, std::min<size_t>(n, 4)}).text);
  return INFERMEM_OK;
}

Status read_config_json(const Source &source, const Allocator &allocator, Contents *out) {
  const uint64_t size = source.size();
  if (size > INFERMEM_MODEL_MAX_CONFIG)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_CONFIG, size, "a JSON text of %llu bytes, more than %d",
                wide(size), INFERMEM_MODEL_MAX_CONFIG);
  Vec<char> text(allocator);
  INFERMEM_TRY(text.reserve(static_cast<size_t>(size) + kJsonPadding));
  INFERMEM_TRY(source.read_at(0, text.data(), static_cast<size_t>(size)));
  return flatten_json(text.data(), static_cast<size_t>(size), "the text", allocator, &out->arena, &out->metas);
}

// One opening of a path.
class Opener {
 public:
  Opener(const Allocator &allocator, bool is_mapped, Parts *parts, Contents *out)
      : allocator_(allocator), is_mapped_(is_mapped), parts_(parts), out_(out) {}

  Status path(const char *path);

 private:
  Status directory();
  Status file();
  Status index();
  Status split(const SplitName &name);
  // What is at path_ as the next of the parts.
  Status add_part(Part **out);
  Status read_safetensors_part();
  // What stays open, or mapped, of a part that was read.
  Status keep(Part *part);
  // The metadata of the config.json in the directory, where there is one.
  Status config(bool *found);
  // Makes path_ that of the file of that name in the directory; whether it is there.
  Status set_name(const char *name);
  bool is_there() const;

  const Allocator &allocator_;
  const bool is_mapped_;
  Parts *const parts_;
  Contents *const out_;
  size_t directory_length_ = 0;  // with the slash
  char path_[PATH_MAX];
};

Status Opener::set_name(const char *name) {
  const size_t length = std::strlen(name);
  if (length >= sizeof path_ - directory_length_)
    return fail_os(INFERMEM_E_IO, ENAMETOOLONG, "opening \"%s\"", ShortPath(name).text);
  std::memcpy(path_ + directory_length_, name, length + 1);
  return INFERMEM_OK;
}

bool Opener::is_there() const {
  struct stat status;
  return stat(path_, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);  // what may not be read is there
}

Status Opener::config(bool *found) {
  INFERMEM_TRY(set_name(kConfig));
  *found = is_there();
  if (!*found) return INFERMEM_OK;
  Source source;
  Status status = source.open(path_);
  if (status == INFERMEM_OK) status = read_config_json(source, allocator_, out_);
  return status == INFERMEM_OK ? status : fail_in(status, kConfig);
}

Status Opener::add_part(Part **out) {
  if (parts_->count() == INFERMEM_MODEL_MAX_PARTS)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_PARTS, parts_->count() + 1, "the model has more than %d files",
                INFERMEM_MODEL_MAX_PARTS);
  INFERMEM_TRY(parts_->add(out));
  const size_t size = std::strlen(path_) + 1;
  char *copy = nullptr;
  INFERMEM_TRY(out_->arena.take(size, &copy));
  std::memcpy(copy, path_, size);
  (*out)->path = copy;
  return (*out)->source.open(path_);
}

Status Opener::keep(Part *part) {
  File &file = part->source.file();
  if (is_mapped_ && part->data_start < file.size()) INFERMEM_TRY(file.map_from(part->data_start));
  // Arrays of the first are read when they are asked for. That many others could be too many open files.
  if (part != &(*parts_)[0]) file.close();
  return INFERMEM_OK;
}

Status Opener::read_safetensors_part() {
  Part *part = nullptr;
  INFERMEM_TRY(add_part(&part));
  const auto number = static_cast<uint32_t>(parts_->count() - 1);
  if (number == 0) {
    INFERMEM_TRY(read_safetensors({part->source, 0, &out_->arena, &out_->metas}, allocator_, out_, &part->data_start));
  } else {
    Scratch scratch(allocator_);
    INFERMEM_TRY(
        read_safetensors({part->source, number, &scratch.arena, &scratch.metas}, allocator_, out_, &part->data_start));
    INFERMEM_TRY(scratch.metas.index(allocator_));
  }
  return keep(part);
}

Status Opener::index() {
  WeightMap map(allocator_);
  Source source;
  INFERMEM_TRY(source.open(path_));
  INFERMEM_TRY(map.read_files(source));
  bool found;
  INFERMEM_TRY(config(&found));
  for (size_t i = 0; i < map.n_files(); ++i) {
    INFERMEM_TRY(set_name(map.file(i)));
    const Status status = read_safetensors_part();
    if (status != INFERMEM_OK) return fail_in(status, ShortPath(map.file(i)).text);
  }
  out_->format = Format::kSafetensors;
  INFERMEM_TRY(out_->metas.index(allocator_));
  INFERMEM_TRY(out_->tensors.index(allocator_));
  return map.check_tensors(source, out_);
}

Status Opener::directory() {
  bool found;
  INFERMEM_TRY(set_name(kIndex));
  if (is_there()) return index();
  INFERMEM_TRY(config(&found));
  INFERMEM_TRY(set_name(kSafetensors));
  const bool has_tensors = is_there();
  if (!has_tensors && !found) {
    path_[directory_length_ - 1] = '\0';
    return fail(INFERMEM_E_FORMAT, 0, 0, "the directory \"%s\" has no %s, no %s and no %s", ShortPath(path_).text,
                kIndex, kSafetensors, kConfig);
  }
  out_->format = has_tensors ? Format::kSafetensors : Format::kConfig;
  if (has_tensors) INFERMEM_TRY(read_safetensors_part());
  INFERMEM_TRY(out_->metas.index(allocator_));
  return out_->tensors.index(allocator_);
}

Status Opener::split(const SplitName &name) {
  SplitCheck check(name);
  for (uint32_t i = 0; i < name.count; ++i) {
    name.write(i, path_);
    Part *part = nullptr;
    INFERMEM_TRY(add_part(&part));
    Scratch scratch(allocator_);
    const bool is_first = i == 0;
    if (is_first) out_->metas.read_from(&part->source);
    MetaTable *const metas = is_first ? &out_->metas : &scratch.metas;
    Status status = read_gguf({part->source, i, is_first ? &out_->arena : &scratch.arena, metas}, allocator_, out_,
                              &part->data_start);
    if (status == INFERMEM_OK) status = check.part(i, *metas);
    if (status != INFERMEM_OK) return fail_in(status, ShortPath(path_ + directory_length_).text);
    INFERMEM_TRY(keep(part));
  }
  INFERMEM_TRY(check.tensors(out_->tensors.count()));
  return out_->tensors.index(allocator_);
}

Status Opener::file() {
  Part *part = nullptr;
  INFERMEM_TRY(add_part(&part));
  INFERMEM_TRY(read_part(allocator_, part, out_));
  return keep(part);
}

Status Opener::path(const char *path) {
  INFERMEM_TRY(set_name(path));
  const size_t length = std::strlen(path);
  struct stat status;
  if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
    directory_length_ = length;
    INFERMEM_TRY(set_name("/"));
    ++directory_length_;
    return directory();
  }
  const char *const slash = std::strrchr(path_, '/');
  if (slash) directory_length_ = static_cast<size_t>(slash - path_) + 1;
  constexpr size_t kEnd = sizeof kIndexEnd - 1;
  if (length > kEnd && std::memcmp(path_ + length - kEnd, kIndexEnd, kEnd) == 0) return index();
  SplitName name;
  if (name.read(path_)) return split(name);
  return file();
}

}  // namespace

Status read_part(const Allocator &allocator, Part *part, Contents *out) {
  const Source &source = part->source;
  char head[64];
  // With the first 9 bytes of a longer file, the format can be told; of fewer, reading says how many are missing.
  const uint64_t least = std::min<uint64_t>(sizeof(uint64_t) + 1, source.size());
  const auto n = static_cast<size_t>(std::clamp<uint64_t>(source.readable(), least, sizeof head));
  INFERMEM_TRY(source.read_at(0, head, n));
  INFERMEM_TRY(find_format(head, n, &out->format));
  const Reading reading = {source, 0, &out->arena, &out->metas};
  out->metas.read_from(&source);
  if (out->format == Format::kGguf) {
    INFERMEM_TRY(read_gguf(reading, allocator, out, &part->data_start));
    INFERMEM_TRY(warn_of_split(out));
  } else {
    if (out->format == Format::kConfig)
      INFERMEM_TRY(read_config_json(source, allocator, out));
    else
      INFERMEM_TRY(read_safetensors(reading, allocator, out, &part->data_start));
    INFERMEM_TRY(out->metas.index(allocator));
  }
  return out->tensors.index(allocator);
}

Status open_model(const char *path, const Allocator &allocator, bool is_mapped, Parts *parts, Contents *out) {
  Opener *opener = nullptr;
  INFERMEM_TRY(allocator.make(&opener, allocator, is_mapped, parts, out));
  const Status status = opener->path(path);
  allocator.destroy(opener);
  return status;
}

}  // namespace infermem
