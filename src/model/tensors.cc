#include "model/tensors.hh"

#include "base/checked.hh"
#include "base/dtype.hh"

namespace infermem {
namespace {

// What precedes the dimensions, the name and its NUL: one byte less than the file spends on the same.
struct [[gnu::packed]] Head {
  uint64_t offset;
  uint64_t bytes;
  int32_t dtype;
  uint8_t n_dims;
  uint8_t is_inferred;
  uint8_t name_length;
};
static_assert(INFERMEM_MODEL_MAX_NAME <= UINT8_MAX);

Head head_of(const char *record) {
  Head head;
  std::memcpy(&head, record, sizeof head);
  return head;
}

Name name_of(const char *record) {
  const Head head = head_of(record);
  return {record + sizeof head + head.n_dims * sizeof(uint64_t), head.name_length};
}

uint64_t offset_of(const char *record) { return head_of(record).offset; }

// dtype_block, but an unknown type is no error.
bool known_block(int32_t dtype, Block *out) {
  switch (dtype) {
#define ENTRY(name, number, block_elements, block_bytes) \
  case number:                                           \
    *out = {block_elements, block_bytes};                \
    return true;
    INFERMEM_DTYPE_LIST(ENTRY)
#undef ENTRY
  }
  return false;
}

unsigned long long print(uint64_t n) { return n; }

}  // namespace

Status TensorTable::add(Arena *arena, Tensor *tensor) {
  uint64_t elements = 1;
  for (uint32_t i = 0; i < tensor->n_dims; ++i) {
    if (tensor->ne[i] == 0)
      return fail(INFERMEM_E_FORMAT, 1, 0, "dimension %u of tensor \"%s\" is 0", i, Quoted(tensor->name).text);
    if (!checked::mul(elements, tensor->ne[i], &elements))
      return fail(INFERMEM_E_OVERFLOW, 0, tensor->ne[i],
                  "the elements of tensor \"%s\" do not fit, at dimension %u, %llu", Quoted(tensor->name).text, i,
                  print(tensor->ne[i]));
  }
  Block block;
  tensor->bytes = 0;
  tensor->is_inferred = !known_block(tensor->dtype, &block);
  if (!tensor->is_inferred) {
    if (tensor->ne[0] % block.elements != 0)
      return fail(INFERMEM_E_FORMAT, block.elements, tensor->ne[0],
                  "rows of %llu elements of tensor \"%s\" are not whole blocks of %u", print(tensor->ne[0]),
                  Quoted(tensor->name).text, block.elements);
    if (!checked::mul<uint64_t>(elements / block.elements, block.bytes, &tensor->bytes))
      return fail(INFERMEM_E_OVERFLOW, 0, elements, "the bytes of the %llu elements of tensor \"%s\" do not fit",
                  print(elements), Quoted(tensor->name).text);
  }

  const size_t dims = tensor->n_dims * sizeof(uint64_t);
  char *record = nullptr;
  INFERMEM_TRY(arena->take(sizeof(Head) + dims + tensor->name.length + 1, &record));
  const Head head = {tensor->offset,      tensor->bytes,
                     tensor->dtype,       static_cast<uint8_t>(tensor->n_dims),
                     tensor->is_inferred, static_cast<uint8_t>(tensor->name.length)};
  char *to = record;
  std::memcpy(to, &head, sizeof head);
  to += sizeof head;
  std::memcpy(to, tensor->ne, dims);
  to += dims;
  std::memcpy(to, tensor->name.text, tensor->name.length);
  to[tensor->name.length] = '\0';
  return records_.push(record);
}

Tensor TensorTable::at(size_t i) const {
  const char *const record = records_[i];
  const Head head = head_of(record);
  // A tensor without dimensions has one element, as ggml has it: the same as one dimension of 1.
  const uint32_t n_dims = std::max<uint32_t>(head.n_dims, 1);
  Tensor tensor = {name_of(record), head.dtype, n_dims, {1, 1, 1, 1}, head.offset, head.bytes, head.is_inferred != 0};
  std::memcpy(tensor.ne, record + sizeof head, head.n_dims * sizeof(uint64_t));
  return tensor;
}

bool TensorTable::find(const char *name, size_t *out) const {
  return names_.find(records_, name_of, {name, std::strlen(name)}, out);
}

void TensorTable::set_place(size_t i, uint64_t offset, uint64_t bytes) {
  Head head = head_of(records_[i]);
  head.offset = offset;
  head.bytes = bytes;
  std::memcpy(records_[i], &head, sizeof head);
}

Status TensorTable::sort(Vec<uint32_t> *order) const {
  bool sorted = true;
  for (size_t i = 1; i < records_.size() && sorted; ++i) sorted = offset_of(records_[i - 1]) <= offset_of(records_[i]);
  if (sorted) return INFERMEM_OK;
  INFERMEM_TRY(order->resize(records_.size(), 0));
  for (uint32_t i = 0; i < order->size(); ++i) (*order)[i] = i;
  std::sort(order->begin(), order->end(),
            [this](uint32_t a, uint32_t b) { return offset_of(records_[a]) < offset_of(records_[b]); });
  return INFERMEM_OK;
}

Status TensorTable::place_one(size_t i, uint64_t data_start, uint64_t alignment, uint64_t file_size) {
  const Tensor tensor = at(i);
  if (tensor.offset % alignment != 0)
    return fail(INFERMEM_E_FORMAT, alignment, tensor.offset, "the data of tensor \"%s\" at %llu is not aligned to %llu",
                Quoted(tensor.name).text, print(tensor.offset), print(alignment));
  uint64_t offset;
  uint64_t end;
  if (!checked::add(data_start, tensor.offset, &offset) || !checked::add(offset, tensor.bytes, &end))
    return fail(INFERMEM_E_OVERFLOW, 0, tensor.offset, "the place of tensor \"%s\", %llu bytes at %llu, does not fit",
                Quoted(tensor.name).text, print(tensor.bytes), print(tensor.offset));
  // A tensor of unknown size has one byte at least.
  if (end > file_size || offset == file_size)
    return fail(INFERMEM_E_TRUNCATED, end, file_size,
                "tensor \"%s\", %llu bytes at byte %llu, is beyond the end of the file at %llu",
                Quoted(tensor.name).text, print(tensor.bytes), print(offset), print(file_size));
  set_place(i, offset, tensor.bytes);
  return INFERMEM_OK;
}

Status TensorTable::place(const Allocator &allocator, uint64_t data_start, uint64_t alignment, uint64_t file_size,
                          Arena *arena, Warnings *warnings) {
  INFERMEM_TRY(names_.build(allocator, records_, name_of, "tensor name"));
  const size_t n = records_.size();
  for (size_t i = 0; i < n; ++i) INFERMEM_TRY(place_one(i, data_start, alignment, file_size));

  Vec<uint32_t> order(allocator);
  INFERMEM_TRY(sort(&order));
  uint64_t end = data_start;  // of the data so far, padding included
  uint64_t unused = 0, inferred = 0;
  for (size_t k = 0; k < n; ++k) {
    const size_t i = order.empty() ? k : order[k];
    Tensor tensor = at(i);
    const size_t following = k + 1 == n ? n : order.empty() ? k + 1 : order[k + 1];
    const uint64_t limit = following == n ? file_size : offset_of(records_[following]);
    const uint64_t room = limit - tensor.offset;
    if (tensor.is_inferred) {
      tensor.bytes = room;
      set_place(i, tensor.offset, room);
      ++inferred;
    }
    if (room == 0 || tensor.bytes > room)
      return fail(INFERMEM_E_FORMAT, room, tensor.bytes,
                  "tensors \"%s\" and \"%s\" overlap: the first has %llu bytes, the second begins %llu after it",
                  Quoted(tensor.name).text, Quoted(name_of(records_[following])).text, print(tensor.bytes),
                  print(room));
    if (tensor.is_inferred) {
      // No type packs more than eight elements into a byte: so the shape, too, is bounded by the file.
      uint64_t elements = 1;
      for (const uint64_t ne : tensor.ne) elements *= ne;  // checked by add()
      if (elements / 8 > room)
        return fail(following == n ? INFERMEM_E_TRUNCATED : INFERMEM_E_FORMAT, elements / 8, room,
                    "tensor \"%s\" has %llu elements, and room for %llu bytes", Quoted(tensor.name).text,
                    print(elements), print(room));
    }
    if (tensor.offset > end) unused += tensor.offset - end;
    // Within the file's size and a little more, so this cannot overflow.
    end = tensor.offset + tensor.bytes;
    end += (data_start - end) & (alignment - 1);
  }
  if (n != 0 && file_size > end) unused += file_size - end;

  if (inferred != 0)
    INFERMEM_TRY(warnings->add(arena, "%llu tensors are of types that are not known: their sizes are inferred",
                               print(inferred)));
  if (!order.empty()) INFERMEM_TRY(warnings->add(arena, "the tensors are not in the order of their data"));
  if (unused != 0)
    INFERMEM_TRY(warnings->add(arena, "%llu bytes of the data section belong to no tensor", print(unused)));
  return INFERMEM_OK;
}

}  // namespace infermem
