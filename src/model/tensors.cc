#include "model/tensors.hh"

#include "base/checked.hh"
#include "base/dtype.hh"

namespace infermem {
namespace {

// What precedes the dimensions, the name and its NUL: two bytes more than the file spends on the same.
struct [[gnu::packed]] Head {
  uint64_t offset;
  uint64_t bytes;
  int32_t dtype;
  uint16_t part;
  uint16_t name_length;
  uint8_t n_dims : 7;
  uint8_t is_inferred : 1;
};
static_assert(INFERMEM_MODEL_MAX_PARTS <= UINT16_MAX && INFERMEM_MODEL_MAX_KEY <= UINT16_MAX);

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

// In the order of the data; what takes no room precedes what begins at the same place.
bool precedes(const char *a, const char *b) {
  const Head x = head_of(a), y = head_of(b);
  return x.offset != y.offset ? x.offset < y.offset : x.bytes < y.bytes;
}

}  // namespace

Status TensorTable::add(Arena *arena, const Tensor &tensor) {
  const size_t dims = tensor.n_dims * sizeof(uint64_t);
  char *record = nullptr;
  INFERMEM_TRY(arena->take(sizeof(Head) + dims + tensor.name.length + 1, &record));
  Head head = {tensor.offset,
               tensor.bytes,
               tensor.dtype,
               static_cast<uint16_t>(tensor.part),
               static_cast<uint16_t>(tensor.name.length),
               0,
               tensor.is_inferred};
  head.n_dims = static_cast<uint8_t>(tensor.n_dims & 0x7f);
  char *to = record;
  std::memcpy(to, &head, sizeof head);
  to += sizeof head;
  std::memcpy(to, tensor.ne, dims);
  to += dims;
  std::memcpy(to, tensor.name.text, tensor.name.length);
  to[tensor.name.length] = '\0';
  return records_.push(record);
}

Tensor TensorTable::at(size_t i) const {
  const char *const record = records_[i];
  const Head head = head_of(record);
  // A tensor without dimensions has one element, as ggml has it: the same as one dimension of 1.
  const uint32_t n_dims = std::max<uint32_t>(head.n_dims, 1);
  Tensor tensor = {name_of(record), head.dtype, n_dims,    {1, 1, 1, 1},
                   head.offset,     head.bytes, head.part, head.is_inferred != 0};
  std::memcpy(tensor.ne, record + sizeof head, head.n_dims * sizeof(uint64_t));
  return tensor;
}

Status TensorTable::index(const Allocator &allocator) {
  return names_.build(allocator, records_, name_of, "tensor name");
}

bool TensorTable::find(const Name &name, size_t *out) const { return names_.find(records_, name_of, name, out); }

void TensorTable::set_place(size_t i, uint64_t offset, uint64_t bytes) {
  Head head = head_of(records_[i]);
  head.offset = offset;
  head.bytes = bytes;
  std::memcpy(records_[i], &head, sizeof head);
}

Status TensorTable::sort(size_t first, Vec<uint32_t> *order) const {
  bool sorted = true;
  for (size_t i = first + 1; i < records_.size() && sorted; ++i) sorted = !precedes(records_[i], records_[i - 1]);
  if (sorted) return INFERMEM_OK;
  INFERMEM_TRY(order->resize(records_.size() - first, 0));
  for (uint32_t i = 0; i < order->size(); ++i) (*order)[i] = static_cast<uint32_t>(first) + i;
  std::sort(order->begin(), order->end(),
            [this](uint32_t a, uint32_t b) { return precedes(records_[a], records_[b]); });
  return INFERMEM_OK;
}

Status TensorTable::place_one(size_t i, uint64_t data_start, uint64_t alignment, uint64_t file_size) {
  const Tensor tensor = at(i);
  if (tensor.offset % alignment != 0)
    return fail(INFERMEM_E_FORMAT, alignment, tensor.offset, "the data of tensor \"%s\" at %llu is not aligned to %llu",
                Quoted(tensor.name).text, wide(tensor.offset), wide(alignment));
  uint64_t offset;
  uint64_t end;
  if (!checked::add(data_start, tensor.offset, &offset) || !checked::add(offset, tensor.bytes, &end))
    return fail(INFERMEM_E_OVERFLOW, 0, tensor.offset, "the place of tensor \"%s\", %llu bytes at %llu, does not fit",
                Quoted(tensor.name).text, wide(tensor.bytes), wide(tensor.offset));
  // A tensor of unknown size has one byte at least.
  if (end > file_size || offset == file_size)
    return fail(INFERMEM_E_TRUNCATED, end, file_size,
                "tensor \"%s\", %llu bytes at byte %llu, is beyond the end of the file at %llu",
                Quoted(tensor.name).text, wide(tensor.bytes), wide(offset), wide(file_size));
  set_place(i, offset, tensor.bytes);
  return INFERMEM_OK;
}

Status TensorTable::place(const Allocator &allocator, size_t first, uint64_t data_start, uint64_t alignment,
                          uint64_t file_size, Arena *arena, Warnings *warnings) {
  const size_t n = records_.size();
  for (size_t i = first; i < n; ++i) INFERMEM_TRY(place_one(i, data_start, alignment, file_size));

  Vec<uint32_t> order(allocator);
  INFERMEM_TRY(sort(first, &order));
  uint64_t end = data_start;  // of the data so far, padding included
  uint64_t unused = 0, inferred = 0;
  for (size_t k = first; k < n; ++k) {
    const size_t i = order.empty() ? k : order[k - first];
    Tensor tensor = at(i);
    const size_t following = k + 1 == n ? n : order.empty() ? k + 1 : order[k + 1 - first];
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
                  Quoted(tensor.name).text, Quoted(name_of(records_[following])).text, wide(tensor.bytes), wide(room));
    if (tensor.is_inferred) {
      // No type packs more than eight elements into a byte: so the shape, too, is bounded by the file.
      uint64_t elements = 1;
      for (const uint64_t ne : tensor.ne) elements *= ne;  // which fits: GGUF's parser has measured it
      if (elements / 8 > room)
        return fail(following == n ? INFERMEM_E_TRUNCATED : INFERMEM_E_FORMAT, elements / 8, room,
                    "tensor \"%s\" has %llu elements, and room for %llu bytes", Quoted(tensor.name).text,
                    wide(elements), wide(room));
    }
    if (tensor.offset > end) unused += tensor.offset - end;
    // Within the file's size and a little more, so this cannot overflow.
    end = tensor.offset + tensor.bytes;
    end += (data_start - end) & (alignment - 1);
  }
  if (n != first && file_size > end) unused += file_size - end;

  if (inferred != 0)
    INFERMEM_TRY(
        warnings->add(arena, "%llu tensors are of types that are not known: their sizes are inferred", wide(inferred)));
  if (!order.empty()) INFERMEM_TRY(warnings->add(arena, "the tensors are not in the order of their data"));
  if (unused != 0)
    INFERMEM_TRY(warnings->add(arena, "%llu bytes of the data section belong to no tensor", wide(unused)));
  return INFERMEM_OK;
}

Status TensorTable::place_exactly(const Allocator &allocator, size_t first, uint64_t data_start, uint64_t file_size) {
  const uint64_t room = file_size - data_start;
  Vec<uint32_t> order(allocator);
  INFERMEM_TRY(sort(first, &order));
  uint64_t end = 0;
  for (size_t k = first; k < records_.size(); ++k) {
    const size_t i = order.empty() ? k : order[k - first];
    const Tensor tensor = at(i);
    if (tensor.offset != end)
      return fail(INFERMEM_E_FORMAT, end, tensor.offset,
                  "the data of tensor \"%s\" begins at %llu, where the tensors before it end at %llu",
                  Quoted(tensor.name).text, wide(tensor.offset), wide(end));
    if (tensor.bytes > room - end)
      return fail(INFERMEM_E_TRUNCATED, tensor.bytes, room - end,
                  "the %llu bytes of tensor \"%s\" at %llu are beyond the end of the data at %llu", wide(tensor.bytes),
                  Quoted(tensor.name).text, wide(end), wide(room));
    end += tensor.bytes;
    set_place(i, data_start + tensor.offset, tensor.bytes);
  }
  if (end == room) return INFERMEM_OK;
  return fail(INFERMEM_E_FORMAT, end, room, "the tensors have %llu bytes of data, the file %llu", wide(end),
              wide(room));
}

}  // namespace infermem
