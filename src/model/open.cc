#include "model/open.hh"

#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "model/flatten.hh"
#include "model/reader.hh"

namespace infermem {
namespace {

constexpr char kConfig[] = "config.json";

// A whole source in memory, with room for kJsonPadding bytes after it.
Status read_text(const Source &source, uint64_t most, const char *what, Vec<char> *out) {
  if (source.size() > most)
    return fail(INFERMEM_E_LIMIT, most, source.size(), "%s has %llu bytes, more than %llu", what,
                static_cast<unsigned long long>(source.size()), static_cast<unsigned long long>(most));
  const auto size = static_cast<size_t>(source.size());
  INFERMEM_TRY(out->reserve(size + kJsonPadding));
  return source.read_at(0, out->data(), size);
}

Status read_config_json(const Source &source, const Allocator &allocator, Contents *out) {
  Vec<char> text(allocator);
  INFERMEM_TRY(read_text(source, INFERMEM_MODEL_MAX_CONFIG, kConfig, &text));
  INFERMEM_TRY(
      flatten_json(text.data(), static_cast<size_t>(source.size()), kConfig, allocator, &out->arena, &out->metas));
  out->format = Format::kConfig;
  return out->metas.index(allocator);
}

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Status read_source(const Source &source, const Allocator &allocator, Contents *out) {
  char head[64];
  const size_t n = static_cast<size_t>(std::min<uint64_t>(sizeof head, source.size()));
  INFERMEM_TRY(source.read_at(0, head, n));
  const char *const first = std::find_if_not(head, head + n, is_json_space);
  if (first == head + n || *first == '{') return read_config_json(source, allocator, out);
  return read_gguf(source, allocator, out);
}

Status open_model(const char *path, const Allocator &allocator, Source *source, Contents *out) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
    INFERMEM_TRY(source->open(path));
    return read_source(*source, allocator, out);
  }
  char file[PATH_MAX];
  if (static_cast<size_t>(std::snprintf(file, sizeof file, "%s/%s", path, kConfig)) >= sizeof file)
    return fail_os(INFERMEM_E_IO, ENAMETOOLONG, "opening %s in \"%s\"", kConfig, ShortPath(path).text);
  if (stat(file, &status) != 0)
    return fail(INFERMEM_E_FORMAT, 0, 0, "the directory \"%s\" has no model that is known", ShortPath(path).text);
  INFERMEM_TRY(source->open(file));
  return read_config_json(*source, allocator, out);
}

}  // namespace infermem
