#include "layout/store.hh"

namespace infermem {

Status Store::take(const infermem_tape *tape, size_t size, size_t align) {
  if (!tape) {
    INFERMEM_TRY(mapping_.reserve(size, MappingWishes()));
    data_ = mapping_.data();
    return INFERMEM_OK;
  }
  INFERMEM_TRY(check_handle(tape, "options->tape"));
  void *memory = nullptr;
  INFERMEM_TRY(tape->core.alloc(size, align, &memory));
  tape_ = tape;
  generation_ = tape->core.generation();
  data_ = static_cast<char *>(memory);
  end_ = tape->core.offset_of(data_) + size;
  return INFERMEM_OK;
}

Status Store::check() const {
  if (!tape_) return INFERMEM_OK;
  const uint64_t generation = tape_->core.generation();
  if (generation != generation_)
    return fail(INFERMEM_E_STALE, generation_, generation, "the tape was cleared: its generation is %llu, not %llu",
                static_cast<unsigned long long>(generation), static_cast<unsigned long long>(generation_));
  const size_t used = tape_->core.usage().used;
  if (used < end_)
    return fail(INFERMEM_E_STALE, end_, used, "the tape was rewound to byte %zu, before the object's end at %zu", used,
                end_);
  return INFERMEM_OK;
}

Status Store::check_writable() const {
  INFERMEM_TRY(check());
  return tape_ ? tape_->core.check_unsealed() : INFERMEM_OK;
}

}  // namespace infermem
