// The index of a safetensors model in several files: model.safetensors.index.json.
#pragma once

#include "model/contents.hh"
#include "model/json.hh"

namespace infermem {

// The files of "weight_map", in the order of their names. That of each tensor is not kept, but checked in a second pass.
class WeightMap {
 public:
  explicit WeightMap(const Allocator &allocator);

  // Finds the files. Each is in the index's directory: a name that could lead elsewhere is refused. Records what
  // parse_json does, INFERMEM_E_FORMAT, INFERMEM_E_LIMIT and INFERMEM_E_NOMEM.
  Status read_files(const Source &source);
  size_t n_files() const { return files_.size(); }
  const char *file(size_t i) const { return files_[i]; }

  // Whether each tensor of the index is in its file, which has its file's number as part. Records the same. Tensors that
  // are in no entry are a warning.
  Status check_tensors(const Source &source, Contents *contents);

 private:
  enum class Where { kBefore, kTop, kSkipped, kMap };

  static Status on_event(void *self, const JsonEvent &event) { return static_cast<WeightMap *>(self)->on(event); }
  Status parse(const Source &source);
  Status on(const JsonEvent &event);
  Status top(const JsonEvent &event);
  Status add_file(const Name &name);
  Status check_entry(const Name &file);

  Allocator allocator_;
  Arena arena_;
  Vec<char *> files_;
  NameIndex names_;
  // Of a pass.
  Contents *contents_ = nullptr;  // of the second
  Vec<char> seen_;                // tensors
  size_t n_seen_ = 0;
  Where where_ = Where::kBefore;
  unsigned skipped_depth_ = 0;
  bool is_map_ = false;  // what the key at the top announces
  bool has_map_ = false;
  Name tensor_ = {nullptr, 0};
};

}  // namespace infermem
