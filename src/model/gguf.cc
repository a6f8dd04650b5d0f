#include "model/gguf.hh"

#include <algorithm>
#include <cstring>

#include "base/checked.hh"
#include "base/dtype.hh"
#include "model/reader.hh"

namespace infermem {
namespace {

constexpr char kMagic[] = {'G', 'G', 'U', 'F'};
constexpr uint64_t kDefaultAlignment = 32;
// The fewest bytes that a value can take (a key of one byte, a number of one) and a tensor (without dimensions).
constexpr uint64_t kLeastMeta = 8 + 1 + 4 + 1;
constexpr uint64_t kLeastTensor = 8 + 1 + 4 + 4 + 8;
constexpr uint64_t kLeastString = 8;

// One pass over a file's metadata. It comes from the allocator: its buffers are too large for a stack.
class Parser {
 public:
  Parser(const Reading &file, const Allocator &allocator, Contents *out)
      : file_(file), in_(file.source), allocator_(allocator), out_(out) {}

  Status run(uint64_t *data_start);

 private:
  Status header();
  Status meta();
  Status meta_array(const Name &key);
  Status skip_strings(const Name &key, uint64_t count);
  Status tensor();
  // Finds the bytes of a tensor's data, where its type is known.
  Status measure(Tensor *tensor) const;
  // A key or a tensor name, which stays in name_ until the next one.
  Status name(const char *what, uint64_t most, Name *out);
  // Whether n things of that size or more can still follow.
  Status check_count(uint64_t n, uint64_t least, const char *what) const;
  Status alignment(uint64_t *out) const;

  const Reading file_;
  Reader in_;
  const Allocator &allocator_;
  Contents *const out_;
  uint64_t n_tensors_ = 0;
  uint64_t n_metas_ = 0;
  uint64_t walked_ = 0;  // bytes of the strings of arrays: in a file with holes, many cost no disk, but time
  char name_[INFERMEM_MODEL_MAX_KEY];
};

Status Parser::check_count(uint64_t n, uint64_t least, const char *what) const {
  if (n <= in_.remaining() / least) return INFERMEM_OK;
  return fail(INFERMEM_E_TRUNCATED, in_.remaining() / least, n,
              "%llu %s are declared at byte %llu, with %llu bytes left", wide(n), what, wide(in_.position()),
              wide(in_.remaining()));
}

Status Parser::header() {
  char magic[sizeof kMagic];
  const size_t there = static_cast<size_t>(std::min<uint64_t>(sizeof magic, in_.remaining()));
  INFERMEM_TRY(in_.read(magic, there));
  if (std::memcmp(magic, kMagic, there) != 0)
    return fail(INFERMEM_E_FORMAT, 0, 0, "the file begins with \"%s\", not with \"GGUF\"", Quoted({magic, there}).text);
  uint32_t version;
  INFERMEM_TRY(in_.number(&version));
  if (version != 0 && (version & 0xffff) == 0)
    return fail(INFERMEM_E_VERSION, 3, version, "the file's version is 0x%08x: it is big-endian, which is not read",
                version);
  if (version != 2 && version != 3)
    return fail(INFERMEM_E_VERSION, 3, version, "the file is GGUF of version %u; 2 and 3 are read", version);
  INFERMEM_TRY(in_.number(&n_tensors_));
  INFERMEM_TRY(in_.number(&n_metas_));
  INFERMEM_TRY(check_count(n_metas_, kLeastMeta, "metadata values"));
  return check_count(n_tensors_, kLeastTensor, "tensors");
}

Status Parser::name(const char *what, uint64_t most, Name *out) {
  uint64_t length;
  INFERMEM_TRY(in_.number(&length));
  if (length > most)
    return fail(INFERMEM_E_LIMIT, most, length, "a %s at byte %llu has %llu bytes, more than %llu", what,
                wide(in_.position()), wide(length), wide(most));
  INFERMEM_TRY(in_.read(name_, static_cast<size_t>(length)));
  *out = {name_, static_cast<size_t>(length)};
  return check_name(*out, what);
}

Status Parser::meta() {
  Name key;
  INFERMEM_TRY(name("key", INFERMEM_MODEL_MAX_KEY, &key));
  uint32_t type;
  INFERMEM_TRY(in_.number(&type));
  if (type == INFERMEM_META_ARRAY) return meta_array(key);
  if (type == INFERMEM_META_STRING) {
    uint64_t length;
    INFERMEM_TRY(in_.number(&length));
    INFERMEM_TRY(check_count(length, 1, "bytes of a string"));
    char *bytes = nullptr;
    INFERMEM_TRY(file_.metas->add_string(file_.arena, key, length, &bytes));
    return in_.read(bytes, static_cast<size_t>(length));
  }
  const size_t size = size_of_meta(type);
  if (size == 0)
    return fail(INFERMEM_E_FORMAT, INFERMEM_META_F64, type, "the value of \"%s\" is of type %u, which there is not",
                Quoted(key).text, type);
  char bytes[sizeof(uint64_t)];
  INFERMEM_TRY(in_.read(bytes, size));
  if (type == INFERMEM_META_BOOL && bytes[0] != 0 && bytes[0] != 1)
    return fail(INFERMEM_E_FORMAT, 1, static_cast<unsigned char>(bytes[0]), "the bool \"%s\" is %u, neither 0 nor 1",
                Quoted(key).text, static_cast<unsigned char>(bytes[0]));
  return file_.metas->add_number(file_.arena, key, type, bytes);
}

Status Parser::meta_array(const Name &key) {
  uint32_t type;
  uint64_t count;
  INFERMEM_TRY(in_.number(&type));
  INFERMEM_TRY(in_.number(&count));
  const size_t size = size_of_meta(type);
  if (size == 0 && type != INFERMEM_META_STRING)
    return fail(INFERMEM_E_FORMAT, INFERMEM_META_F64, type, "the elements of array \"%s\" are of type %u, %s",
                Quoted(key).text, type, type == INFERMEM_META_ARRAY ? "arrays themselves" : "which there is not");
  INFERMEM_TRY(check_count(count, size == 0 ? kLeastString : size, "elements of an array"));
  const uint64_t start = in_.position();
  if (file_.source.lasts()) INFERMEM_TRY(file_.metas->add_array(file_.arena, key, type, count, start));
  if (size != 0)
    INFERMEM_TRY(in_.skip(count * size));  // no more than what is left
  else
    INFERMEM_TRY(skip_strings(key, count));
  if (file_.source.lasts()) return INFERMEM_OK;
  const uint64_t bytes = in_.position() - start;
  char *elements = nullptr;
  INFERMEM_TRY(file_.metas->add_array_here(file_.arena, key, type, count, bytes, &elements));
  return file_.source.read_at(start, elements, static_cast<size_t>(bytes));
}

Status Parser::skip_strings(const Name &key, uint64_t count) {
  const uint64_t start = in_.position();
  const uint64_t room = INFERMEM_MODEL_MAX_METADATA - walked_;
  bool fits = count <= room / kLeastString;
  for (uint64_t i = 0; i < count && fits; ++i) {
    uint64_t length;
    INFERMEM_TRY(in_.number(&length));
    INFERMEM_TRY(in_.skip(length));
    fits = in_.position() - start <= room;
  }
  if (!fits)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_METADATA, count,
                "with the %llu strings of \"%s\", arrays have more than the limit of %d bytes of strings", wide(count),
                Quoted(key).text, INFERMEM_MODEL_MAX_METADATA);
  walked_ += in_.position() - start;
  return INFERMEM_OK;
}

Status Parser::tensor() {
  Tensor tensor = {};
  INFERMEM_TRY(name("tensor name", INFERMEM_MODEL_MAX_NAME, &tensor.name));
  INFERMEM_TRY(in_.number(&tensor.n_dims));
  if (tensor.n_dims > INFERMEM_MAX_DIMS)
    return fail(INFERMEM_E_FORMAT, INFERMEM_MAX_DIMS, tensor.n_dims, "tensor \"%s\" has %u dimensions, more than %d",
                Quoted(tensor.name).text, tensor.n_dims, INFERMEM_MAX_DIMS);
  for (uint64_t &ne : tensor.ne) ne = 1;
  for (uint32_t i = 0; i < tensor.n_dims; ++i) INFERMEM_TRY(in_.number(&tensor.ne[i]));
  uint32_t type;
  INFERMEM_TRY(in_.number(&type));
  if (type > INT32_MAX)
    return fail(INFERMEM_E_FORMAT, INT32_MAX, type, "the type of tensor \"%s\" is %u, which there can never be",
                Quoted(tensor.name).text, type);
  tensor.dtype = static_cast<int32_t>(type);
  INFERMEM_TRY(in_.number(&tensor.offset));
  tensor.part = file_.part;
  INFERMEM_TRY(measure(&tensor));
  return out_->tensors.add(&out_->arena, tensor);
}

Status Parser::measure(Tensor *tensor) const {
  uint64_t elements = 1;
  for (uint32_t i = 0; i < tensor->n_dims; ++i) {
    if (tensor->ne[i] == 0)
      return fail(INFERMEM_E_FORMAT, 1, 0, "dimension %u of tensor \"%s\" is 0", i, Quoted(tensor->name).text);
    if (!checked::mul(elements, tensor->ne[i], &elements))
      return fail(INFERMEM_E_OVERFLOW, 0, tensor->ne[i],
                  "the elements of tensor \"%s\" do not fit, at dimension %u, %llu", Quoted(tensor->name).text, i,
                  wide(tensor->ne[i]));
  }
  Block block;
  tensor->is_inferred = !find_dtype(tensor->dtype, &block);
  if (tensor->is_inferred) return INFERMEM_OK;
  if (tensor->ne[0] % block.elements != 0)
    return fail(INFERMEM_E_FORMAT, block.elements, tensor->ne[0],
                "rows of %llu elements of tensor \"%s\" are not whole blocks of %u", wide(tensor->ne[0]),
                Quoted(tensor->name).text, block.elements);
  if (!checked::mul<uint64_t>(elements / block.elements, block.bytes, &tensor->bytes))
    return fail(INFERMEM_E_OVERFLOW, 0, elements, "the bytes of the %llu elements of tensor \"%s\" do not fit",
                wide(elements), Quoted(tensor->name).text);
  return INFERMEM_OK;
}

Status Parser::alignment(uint64_t *out) const {
  constexpr char kKey[] = "general.alignment";
  *out = kDefaultAlignment;
  size_t i;
  if (!file_.metas->find(kKey, &i)) return INFERMEM_OK;
  const Meta meta = file_.metas->at(i);
  if (meta.type != INFERMEM_META_U32)
    return fail(INFERMEM_E_FORMAT, INFERMEM_META_U32, meta.type, "%s is %s, not a u32", kKey, name_of_meta(meta.type));
  const uint64_t value = integer_at(meta.type, meta.bytes).value;
  if (value < INFERMEM_MODEL_MIN_ALIGNMENT || value > INFERMEM_MODEL_MAX_ALIGNMENT)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_ALIGNMENT, value, "%s is %llu, not between %d and %d", kKey,
                wide(value), INFERMEM_MODEL_MIN_ALIGNMENT, INFERMEM_MODEL_MAX_ALIGNMENT);
  if (!checked::is_power_of_two(static_cast<size_t>(value)))
    return fail(INFERMEM_E_FORMAT, 0, value, "%s is %llu, no power of two", kKey, wide(value));
  *out = value;
  return INFERMEM_OK;
}

Status Parser::run(uint64_t *data_start) {
  INFERMEM_TRY(header());
  for (uint64_t i = 0; i < n_metas_; ++i) INFERMEM_TRY(meta());
  INFERMEM_TRY(file_.metas->index(allocator_));
  uint64_t align;
  INFERMEM_TRY(alignment(&align));
  INFERMEM_TRY(check_count(n_tensors_, kLeastTensor, "tensors"));
  const size_t first = out_->tensors.count();
  for (uint64_t i = 0; i < n_tensors_; ++i) INFERMEM_TRY(tensor());
  if (!checked::align_up(in_.position(), align, data_start))
    return fail(INFERMEM_E_OVERFLOW, 0, in_.position(), "the start of the data does not fit");
  return out_->tensors.place(allocator_, first, *data_start, align, file_.source.size(), &out_->arena, &out_->warnings);
}

}  // namespace

Status read_gguf(const Reading &file, const Allocator &allocator, Contents *out, uint64_t *data_start) {
  Parser *parser = nullptr;
  INFERMEM_TRY(allocator.make(&parser, file, allocator, out));
  const Status status = parser->run(data_start);
  allocator.destroy(parser);
  return status;
}

}  // namespace infermem
