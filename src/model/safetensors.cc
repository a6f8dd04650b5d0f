#include "model/safetensors.hh"

#include "base/checked.hh"
#include "base/dtype.hh"
#include "model/json.hh"
#include "model/reader.hh"

namespace infermem {
namespace {

constexpr char kWhat[] = "the safetensors header";
constexpr char kMetadataKey[] = "__metadata__";
constexpr size_t kPrefix = sizeof kMetadataKey;  // with the dot

bool is(const Name &name, const char *text) { return name == Name{text, std::strlen(text)}; }

// The number of the type of that name, INFERMEM_DTYPE_UNKNOWN where there is none.
int32_t dtype_of(const Name &name) {
#define ENTRY(type_name, number, elements, bytes) \
  if (is(name, #type_name)) return number;
  INFERMEM_DTYPE_OTHER_LIST(ENTRY)
  ENTRY(F16, INFERMEM_DTYPE_F16, 1, 2)
  ENTRY(F32, INFERMEM_DTYPE_F32, 1, 4)
  ENTRY(F64, INFERMEM_DTYPE_F64, 1, 8)
  ENTRY(BF16, INFERMEM_DTYPE_BF16, 1, 2)
  ENTRY(I8, INFERMEM_DTYPE_I8, 1, 1)
  ENTRY(I16, INFERMEM_DTYPE_I16, 1, 2)
  ENTRY(I32, INFERMEM_DTYPE_I32, 1, 4)
  ENTRY(I64, INFERMEM_DTYPE_I64, 1, 8)
#undef ENTRY
  return INFERMEM_DTYPE_UNKNOWN;
}

class Header {
 public:
  Header(const Reading &file, Contents *out) : file_(file), out_(out) {}

  static Status on_event(void *self, const JsonEvent &event) { return static_cast<Header *>(self)->on(event); }
  uint64_t n_unknown() const { return n_unknown_; }

 private:
  // What an event is a part of.
  enum class Where { kBefore, kTop, kMetadata, kTensor, kShape, kOffsets };
  enum Field { kNone = 0, kDtype = 1, kShape = 2, kOffsets = 4, kAll = 7 };

  Status on(const JsonEvent &event);
  Status top(const JsonEvent &event);
  Status metadata(const JsonEvent &event);
  Status tensor(const JsonEvent &event);
  Status field(const Name &name);
  Status number(const JsonEvent &event);
  Status add();
  [[gnu::cold]] Status fail_at(const char *what) const;

  const Reading file_;
  Contents *const out_;
  Where where_ = Where::kBefore;
  bool has_metadata_ = false;
  uint64_t n_metadata_ = 0, kept_ = 0;
  uint64_t n_unknown_ = 0;
  Name name_ = {nullptr, 0};  // of the entry, in the text
  // Of the tensor so far.
  int fields_ = kNone;
  Field field_ = kNone;
  int32_t dtype_ = 0;
  uint32_t n_dims_ = 0, n_offsets_ = 0;
  uint64_t dims_[INFERMEM_MODEL_MAX_SHAPE] = {};
  uint64_t offsets_[2] = {};
  size_t key_length_ = 0;
  char key_[INFERMEM_MODEL_MAX_KEY] = {};  // of __metadata__, with the prefix
};

Status Header::fail_at(const char *what) const {
  return fail(INFERMEM_E_FORMAT, 0, 0, "tensor \"%s\" has %s", Quoted(name_).text, what);
}

Status Header::on(const JsonEvent &event) {
  switch (where_) {
    case Where::kBefore:
      if (event.kind != JsonEvent::kBeginObject) return fail(INFERMEM_E_FORMAT, 0, 0, "%s is no object", kWhat);
      where_ = Where::kTop;
      return INFERMEM_OK;
    case Where::kTop:
      return top(event);
    case Where::kMetadata:
      return metadata(event);
    case Where::kTensor:
      return tensor(event);
    case Where::kShape:
    case Where::kOffsets:
      break;
  }
  if (event.kind == JsonEvent::kNumber) return number(event);
  if (event.kind != JsonEvent::kEndArray) return fail_at("something else than a number in an array");
  if (where_ == Where::kOffsets && n_offsets_ != 2) return fail_at("data_offsets of other than two numbers");
  where_ = Where::kTensor;
  return INFERMEM_OK;
}

Status Header::top(const JsonEvent &event) {
  if (event.kind == JsonEvent::kEndObject) return INFERMEM_OK;  // of the header, after which nothing comes
  if (event.kind == JsonEvent::kKey) {
    name_ = event.text;
    if (name_.length > INFERMEM_MODEL_MAX_KEY)
      return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_KEY, name_.length, "a tensor name has %zu bytes, more than %d",
                  name_.length, INFERMEM_MODEL_MAX_KEY);
    return check_name(name_, "tensor name");
  }
  if (event.kind != JsonEvent::kBeginObject)
    return fail(INFERMEM_E_FORMAT, 0, 0, "the entry \"%s\" is no object", Quoted(name_).text);
  if (!is(name_, kMetadataKey)) {
    where_ = Where::kTensor;
    fields_ = kNone;
    return INFERMEM_OK;
  }
  if (has_metadata_) return fail(INFERMEM_E_FORMAT, 1, 2, "%s stands twice", kMetadataKey);
  has_metadata_ = true;
  where_ = Where::kMetadata;
  std::memcpy(key_, kMetadataKey, kPrefix - 1);
  key_[kPrefix - 1] = '.';
  return INFERMEM_OK;
}

Status Header::metadata(const JsonEvent &event) {
  if (event.kind == JsonEvent::kEndObject) {
    where_ = Where::kTop;
    return INFERMEM_OK;
  }
  if (event.kind == JsonEvent::kKey) {
    INFERMEM_TRY(check_name(event.text, "key"));
    if (event.text.length > sizeof key_ - kPrefix)
      return fail(INFERMEM_E_LIMIT, sizeof key_ - kPrefix, event.text.length,
                  "a key of %s has %zu bytes, more than %zu", kMetadataKey, event.text.length, sizeof key_ - kPrefix);
    std::memcpy(key_ + kPrefix, event.text.text, event.text.length);
    key_length_ = kPrefix + event.text.length;
    return INFERMEM_OK;
  }
  const Name key = {key_, key_length_};
  if (event.kind != JsonEvent::kString)
    return fail(INFERMEM_E_FORMAT, 0, 0, "the value of \"%s\" is no string", Quoted(key).text);
  kept_ += key_length_ + event.text.length;
  if (++n_metadata_ > INFERMEM_MODEL_MAX_VALUES || kept_ > INFERMEM_MODEL_MAX_KEPT)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_KEPT, kept_, "%s has more than %d values or %d bytes",
                kMetadataKey, INFERMEM_MODEL_MAX_VALUES, INFERMEM_MODEL_MAX_KEPT);
  char *bytes = nullptr;
  INFERMEM_TRY(file_.metas->add_string(file_.arena, key, event.text.length, &bytes));
  if (event.text.length != 0) std::memcpy(bytes, event.text.text, event.text.length);
  return INFERMEM_OK;
}

Status Header::field(const Name &name) {
  const struct {
    const char *name;
    Field field;
  } known[] = {{"dtype", kDtype}, {"shape", kShape}, {"data_offsets", kOffsets}};
  for (const auto &item : known) {
    if (!is(name, item.name)) continue;
    if ((fields_ & item.field) != 0)
      return fail(INFERMEM_E_FORMAT, 1, 2, "the %s of tensor \"%s\" stands twice", item.name, Quoted(name_).text);
    fields_ |= item.field;
    field_ = item.field;
    return INFERMEM_OK;
  }
  return fail(INFERMEM_E_FORMAT, 0, 0, "tensor \"%s\" has a field \"%s\", which there is not", Quoted(name_).text,
              Quoted(name).text);
}

Status Header::tensor(const JsonEvent &event) {
  switch (event.kind) {
    case JsonEvent::kKey:
      return field(event.text);
    case JsonEvent::kEndObject:
      where_ = Where::kTop;
      return fields_ == kAll ? add() : fail_at("no dtype, no shape or no data_offsets");
    case JsonEvent::kString:
      if (field_ != kDtype) break;
      dtype_ = dtype_of(event.text);
      return INFERMEM_OK;
    case JsonEvent::kBeginArray:
      if (field_ == kDtype) break;
      where_ = field_ == kShape ? Where::kShape : Where::kOffsets;
      n_dims_ = field_ == kShape ? 0 : n_dims_;
      n_offsets_ = 0;
      return INFERMEM_OK;
    default:
      break;
  }
  return fail_at("a field of the wrong type");
}

Status Header::number(const JsonEvent &event) {
  const JsonNumber number = number_of(event);
  if (number.type != INFERMEM_META_I64 || event.text.text[0] == '-')
    return fail(INFERMEM_E_FORMAT, INT64_MAX, 0, "tensor \"%s\" has \"%s\", no whole number of at most 2^63 - 1",
                Quoted(name_).text, Quoted(event.text).text);
  if (where_ == Where::kOffsets) {
    if (n_offsets_ == 2) return fail_at("data_offsets of other than two numbers");
    offsets_[n_offsets_++] = number.bits;
    return INFERMEM_OK;
  }
  if (n_dims_ == INFERMEM_MODEL_MAX_SHAPE)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_SHAPE, n_dims_ + 1u, "tensor \"%s\" has more than %d dimensions",
                Quoted(name_).text, INFERMEM_MODEL_MAX_SHAPE);
  dims_[n_dims_++] = number.bits;
  return INFERMEM_OK;
}

Status Header::add() {
  Tensor tensor = {};
  tensor.name = name_;
  tensor.dtype = dtype_;
  tensor.part = file_.part;
  // From the slowest on; of more dimensions than a view has, the slowest count as one.
  uint64_t elements = 1;
  for (uint64_t &ne : tensor.ne) ne = 1;
  tensor.n_dims = n_dims_ < INFERMEM_MAX_DIMS ? n_dims_ : INFERMEM_MAX_DIMS;
  for (uint32_t i = 0; i < n_dims_; ++i) {
    if (!checked::mul(elements, dims_[i], &elements))
      return fail(INFERMEM_E_OVERFLOW, 0, dims_[i], "the elements of tensor \"%s\" do not fit, at dimension %u, %llu",
                  Quoted(name_).text, i, wide(dims_[i]));
    const uint32_t from_fastest = n_dims_ - 1 - i;
    if (from_fastest < tensor.n_dims - 1)
      tensor.ne[from_fastest] = dims_[i];
    else
      tensor.ne[tensor.n_dims - 1] = elements;
  }
  if (offsets_[0] > offsets_[1])
    return fail(INFERMEM_E_FORMAT, offsets_[0], offsets_[1],
                "the data of tensor \"%s\" begins at %llu and ends at %llu", Quoted(name_).text, wide(offsets_[0]),
                wide(offsets_[1]));
  tensor.offset = offsets_[0];
  tensor.bytes = offsets_[1] - offsets_[0];

  Block block;
  tensor.is_inferred = !find_dtype(dtype_, &block);
  if (tensor.is_inferred) {
    ++n_unknown_;
    // No type packs more than eight elements into a byte: so the shape, too, is bounded by the file.
    if (elements / 8 > tensor.bytes)
      return fail(INFERMEM_E_FORMAT, elements / 8, tensor.bytes, "tensor \"%s\" has %llu elements, and %llu bytes",
                  Quoted(name_).text, wide(elements), wide(tensor.bytes));
  } else {
    uint64_t bytes;
    if (elements % block.elements != 0)
      return fail(INFERMEM_E_FORMAT, block.elements, elements, "the %llu elements of tensor \"%s\" end within a byte",
                  wide(elements), Quoted(name_).text);
    if (!checked::mul<uint64_t>(elements / block.elements, block.bytes, &bytes))
      return fail(INFERMEM_E_OVERFLOW, 0, elements, "the bytes of the %llu elements of tensor \"%s\" do not fit",
                  wide(elements), Quoted(name_).text);
    if (bytes != tensor.bytes)
      return fail(INFERMEM_E_FORMAT, bytes, tensor.bytes, "tensor \"%s\" takes %llu bytes, and has %llu",
                  Quoted(name_).text, wide(bytes), wide(tensor.bytes));
  }
  return out_->tensors.add(&out_->arena, tensor);
}

Status parse(const Reading &file, uint64_t length, const Allocator &allocator, Contents *out) {
  Vec<char> text(allocator);
  INFERMEM_TRY(text.reserve(static_cast<size_t>(length) + kJsonPadding));
  INFERMEM_TRY(file.source.read_at(sizeof length, text.data(), static_cast<size_t>(length)));
  if (length == 0 || text.data()[0] != '{')
    return fail(INFERMEM_E_FORMAT, '{', 0, "%s does not begin with a brace", kWhat);
  Header *header = nullptr;
  INFERMEM_TRY(allocator.make(&header, file, out));
  Status status = parse_json(text.data(), static_cast<size_t>(length), false, kWhat, Header::on_event, header);
  if (status == INFERMEM_OK && header->n_unknown() != 0)
    status = out->warnings.add(&out->arena, "%llu tensors are of types that are not known: only their bytes are",
                               wide(header->n_unknown()));
  allocator.destroy(header);
  return status;
}

}  // namespace

Status read_safetensors(const Reading &file, const Allocator &allocator, Contents *out, uint64_t *data_start) {
  const uint64_t size = file.source.size();
  unsigned char head[sizeof(uint64_t)];
  if (size < sizeof head)
    return fail(INFERMEM_E_TRUNCATED, sizeof head, size, "the file has %llu bytes, and not even a header's length",
                wide(size));
  INFERMEM_TRY(file.source.read_at(0, head, sizeof head));
  const auto length = load_le<uint64_t>(head);
  if (length > INFERMEM_MODEL_MAX_HEADER)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_HEADER, length, "%s has %llu bytes, more than %d", kWhat,
                wide(length), INFERMEM_MODEL_MAX_HEADER);
  const uint64_t left = file.source.readable() - sizeof head;
  if (length > left)
    return fail(INFERMEM_E_TRUNCATED, length, left, "%s has %llu bytes, of which %llu are there", kWhat, wide(length),
                wide(left));
  const size_t first = out->tensors.count();
  INFERMEM_TRY(parse(file, length, allocator, out));
  *data_start = sizeof head + length;
  return out->tensors.place_exactly(allocator, first, *data_start, size);
}

}  // namespace infermem
