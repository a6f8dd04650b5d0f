#include "model/weight_map.hh"

#include <limits.h>

#include <algorithm>

namespace infermem {
namespace {

constexpr char kWhat[] = "the index";
constexpr char kMap[] = "weight_map";

Name name_of(const char *record) { return {record, std::strlen(record)}; }

// A file in the same directory, and nowhere else.
Status check_file(const Name &name) {
  INFERMEM_TRY(check_name(name, "file name"));
  const bool is_dots = name == Name{".", 1} || name == Name{"..", 2};
  if (is_dots || std::memchr(name.text, '/', name.length))
    return fail(INFERMEM_E_FORMAT, 0, 0, "the file \"%s\" of the index is not in its directory", Quoted(name).text);
  if (name.length > NAME_MAX)
    return fail(INFERMEM_E_LIMIT, NAME_MAX, name.length, "a file name of the index has %zu bytes, more than %d",
                name.length, NAME_MAX);
  return INFERMEM_OK;
}

}  // namespace

WeightMap::WeightMap(const Allocator &allocator) : allocator_(allocator), files_(allocator), seen_(allocator) {
  arena_.use(allocator);
}

Status WeightMap::parse(const Source &source) {
  const uint64_t size = source.size();
  if (size > INFERMEM_MODEL_MAX_HEADER)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_HEADER, size, "%s has %llu bytes, more than %d", kWhat, wide(size),
                INFERMEM_MODEL_MAX_HEADER);
  Vec<char> text(allocator_);
  INFERMEM_TRY(text.reserve(static_cast<size_t>(size) + kJsonPadding));
  INFERMEM_TRY(source.read_at(0, text.data(), static_cast<size_t>(size)));
  where_ = Where::kBefore;
  has_map_ = false;
  return parse_json(text.data(), static_cast<size_t>(size), true, kWhat, on_event, this);
}

Status WeightMap::read_files(const Source &source) {
  INFERMEM_TRY(names_.reserve(allocator_, INFERMEM_MODEL_MAX_PARTS));
  INFERMEM_TRY(parse(source));
  if (!has_map_) return fail(INFERMEM_E_FORMAT, 0, 0, "%s has no \"%s\"", kWhat, kMap);
  if (files_.empty()) return fail(INFERMEM_E_FORMAT, 1, 0, "\"%s\" of %s names no file", kMap, kWhat);
  std::sort(files_.begin(), files_.end(), [](const char *a, const char *b) { return std::strcmp(a, b) < 0; });
  return names_.build(allocator_, files_, name_of, "file name");
}

Status WeightMap::check_tensors(const Source &source, Contents *contents) {
  contents_ = contents;
  const size_t n = contents->tensors.count();
  INFERMEM_TRY(seen_.resize(n, 0));
  INFERMEM_TRY(parse(source));
  if (n_seen_ == n) return INFERMEM_OK;
  return contents->warnings.add(&contents->arena, "%zu tensors are in no entry of the index", n - n_seen_);
}

Status WeightMap::on(const JsonEvent &event) {
  switch (where_) {
    case Where::kBefore:
      if (event.kind != JsonEvent::kBeginObject) return fail(INFERMEM_E_FORMAT, 0, 0, "%s is no object", kWhat);
      where_ = Where::kTop;
      return INFERMEM_OK;
    case Where::kTop:
      return top(event);
    case Where::kSkipped:
      if (event.kind == JsonEvent::kBeginObject || event.kind == JsonEvent::kBeginArray) ++skipped_depth_;
      if (event.kind == JsonEvent::kEndObject || event.kind == JsonEvent::kEndArray) --skipped_depth_;
      if (skipped_depth_ == 0) where_ = Where::kTop;
      return INFERMEM_OK;
    case Where::kMap:
      break;
  }
  if (event.kind == JsonEvent::kEndObject) {
    where_ = Where::kTop;
    return INFERMEM_OK;
  }
  if (event.kind == JsonEvent::kKey) {
    tensor_ = event.text;
    return check_name(tensor_, "tensor name");
  }
  if (event.kind != JsonEvent::kString)
    return fail(INFERMEM_E_FORMAT, 0, 0, "the file of tensor \"%s\" is no string", Quoted(tensor_).text);
  return contents_ ? check_entry(event.text) : add_file(event.text);
}

Status WeightMap::top(const JsonEvent &event) {
  switch (event.kind) {
    case JsonEvent::kKey:
      is_map_ = event.text == Name{kMap, sizeof kMap - 1};
      if (is_map_ && has_map_) return fail(INFERMEM_E_FORMAT, 1, 2, "\"%s\" of %s stands twice", kMap, kWhat);
      has_map_ = has_map_ || is_map_;
      return INFERMEM_OK;
    case JsonEvent::kEndObject:
      return INFERMEM_OK;
    case JsonEvent::kBeginObject:
      where_ = is_map_ ? Where::kMap : Where::kSkipped;
      skipped_depth_ = 1;
      return INFERMEM_OK;
    default:
      break;
  }
  if (is_map_) return fail(INFERMEM_E_FORMAT, 0, 0, "\"%s\" of %s is no object", kMap, kWhat);
  if (event.kind == JsonEvent::kBeginArray) {
    where_ = Where::kSkipped;
    skipped_depth_ = 1;
  }
  return INFERMEM_OK;
}

Status WeightMap::add_file(const Name &name) {
  size_t i;
  if (names_.find(files_, name_of, name, &i)) return INFERMEM_OK;
  INFERMEM_TRY(check_file(name));
  if (files_.size() == INFERMEM_MODEL_MAX_PARTS)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_PARTS, files_.size() + 1, "%s names more than %d files", kWhat,
                INFERMEM_MODEL_MAX_PARTS);
  char *record = nullptr;
  INFERMEM_TRY(arena_.take(name.length + 1, &record));
  std::memcpy(record, name.text, name.length);
  record[name.length] = '\0';
  INFERMEM_TRY(files_.push(record));
  return names_.add(files_, name_of, files_.size() - 1, "file name");
}

Status WeightMap::check_entry(const Name &file) {
  size_t tensor, part;
  if (!names_.find(files_, name_of, file, &part))
    return fail(INFERMEM_E_FORMAT, 0, 0, "%s was changed while it was read", kWhat);
  if (!contents_->tensors.find(tensor_, &tensor) || contents_->tensors.at(tensor).part != part)
    return fail(INFERMEM_E_FORMAT, 0, 0, "tensor \"%s\" is not in \"%s\", where %s has it", Quoted(tensor_).text,
                Quoted(file).text, kWhat);
  if (seen_[tensor] != 0)
    return fail(INFERMEM_E_FORMAT, 1, 2, "tensor \"%s\" stands twice in %s", Quoted(tensor_).text, kWhat);
  seen_[tensor] = 1;
  ++n_seen_;
  return INFERMEM_OK;
}

}  // namespace infermem
