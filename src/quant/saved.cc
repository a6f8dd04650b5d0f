// Saved matrices: a header, then the arrays as they are in memory, so that a mapped file needs no reading. The format is
// told in doc/quant_file.md.
//
// A header is checked by making the one that a matrix of its shape and form has, and comparing: no size or offset of a
// file is ever used.
#include <algorithm>
#include <cstring>

#include "base/checksum.hh"
#include "base/output.hh"
#include "base/saved.hh"
#include "quant/group.hh"
#include "quant/quant.hh"
#include "quant/shape.hh"

namespace infermem {
namespace {

constexpr SavedFormat kFormat = {"infermem quant\n", 1, "matrix"};
constexpr size_t kMostSections = 4;

// Bits of flags.
constexpr uint32_t kSymmetric = 1;

// What a section is.
enum : uint32_t { kLevels = 1, kScales = 2, kMins = 3, kBlocks = 4, kRecords = 5 };

const char *name_of(uint32_t kind) {
  static constexpr const char *kNames[] = {"nothing", "levels", "scales", "minima", "blocks", "records"};
  return kNames[kind];
}

struct Section {
  uint32_t kind;
  uint32_t reserved;
  uint64_t offset;  // from the start of the file, a multiple of the alignment; after the bytes are zeros up to the next
  uint64_t bytes;
  uint64_t checksum;
};

}  // namespace

struct SavedHeader {
  char magic[16];
  uint32_t version;
  int32_t dtype;  // INFERMEM_QUANT_NATIVE, or a borrowed type's
  uint64_t file_bytes;
  uint64_t rows;
  uint64_t cols;
  uint64_t group;
  uint32_t bits;
  int32_t params;
  uint32_t flags;
  uint32_t layout;
  uint32_t n_sections;
  uint32_t reserved[5];
  Section sections[kMostSections];
  uint64_t reserved_2[3];
  uint64_t checksum;  // of all the bytes before
};

namespace {

constexpr uint64_t kAlign = INFERMEM_QUANT_SAVED_ALIGN;
static_assert(sizeof(SavedHeader) == kSavedHeader && offsetof(SavedHeader, checksum) == kSavedSummed);
static_assert(offsetof(SavedHeader, file_bytes) == offsetof(SavedHead, file_bytes));
static_assert(offsetof(SavedHeader, sections) == 96);
static_assert(kAlign <= Output::kMostAlign && sizeof(SavedHeader) % kAlign == 0);

// Whether these are saved bytes of this version, all of them and no more. Of what is shorter than a header, the header
// is what there is, and zeros.
Status check_header(const SavedHeader &header, uint64_t size) {
  INFERMEM_TRY(check_saved_header(kFormat, &header, size));
  INFERMEM_TRY(check_saved_size(kFormat, &header, size));
  if (header.layout > INFERMEM_QUANT_PACKED)
    return fail(INFERMEM_E_UNSUPPORTED, INFERMEM_QUANT_PACKED, header.layout,
                "the saved matrix has layout %u, which is unknown", header.layout);
  if ((header.flags & ~kSymmetric) != 0)
    return fail(INFERMEM_E_UNSUPPORTED, kSymmetric, header.flags,
                "the saved matrix has flags 0x%x, of which 0x%x are unknown", header.flags, header.flags & ~kSymmetric);
  return INFERMEM_OK;
}

Status check_options(const infermem_quant_options &options) {
  constexpr uint64_t kKnown = INFERMEM_QUANT_NO_VERIFY;
  if ((options.flags & ~kKnown) != 0)
    return fail(INFERMEM_E_ARG, kKnown, options.flags, "flags are 0x%llx, of which 0x%llx are unknown",
                wide(options.flags), wide(options.flags & ~kKnown));
  infermem_quant_options others = options;
  others.struct_size = 0;
  others.allocator = nullptr;
  others.flags = 0;
  const infermem_quant_options none = {};
  if (std::memcmp(&others, &none, sizeof none) == 0) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, 0, 0, "options for loading hold bits %u, group %zu, or another field, not 0",
              options.bits, options.group);
}

// What a header says that cannot be is the file's fault, whatever argument it would be in another call.
Status blame_file(Status status) {
  if (status == INFERMEM_OK || status == INFERMEM_E_UNSUPPORTED) return status;
  const infermem_error error = *infermem_error_detail();
  if (status == INFERMEM_E_TYPE)
    return fail(INFERMEM_E_UNSUPPORTED, error.expected, error.got, "a saved matrix of another type: %s", error.message);
  return fail(INFERMEM_E_FORMAT, error.expected, error.got, "a saved matrix cannot be so: %s", error.message);
}

}  // namespace

Status Quant::describe(SavedHeader *out, const void **arrays) const {
  SavedHeader header = {};
  std::memcpy(header.magic, kFormat.magic, sizeof header.magic);
  header.version = kFormat.version;
  header.dtype = dtype_;
  header.rows = rows_;
  header.cols = cols_;
  header.group = group_;
  header.bits = bits_;
  header.params = params_;
  header.flags = symmetric_ ? kSymmetric : 0;
  header.layout = is_packed_ ? INFERMEM_QUANT_PACKED : INFERMEM_QUANT_PLAIN;
  header.file_bytes = sizeof header;
  const auto add = [&](uint32_t kind, const void *array, uint64_t bytes) {
    Section &section = header.sections[header.n_sections];
    arrays[header.n_sections++] = array;
    section.kind = kind;
    section.offset = header.file_bytes;
    section.bytes = bytes;
    return checked::add(header.file_bytes, bytes, &header.file_bytes) &&
           checked::align_up(header.file_bytes, kAlign, &header.file_bytes);
  };
  uint64_t levels, parameters;
  bool fits = checked::product<uint64_t>(&levels, rows_, row_bytes_) &&
              checked::product<uint64_t>(&parameters, rows_, groups_, size_of(params_));
  if (dtype_ != INFERMEM_QUANT_NATIVE)
    fits = fits && add(kBlocks, data_, levels);
  else if (is_packed_)
    fits = fits && add(kRecords, data_, bytes_);
  else
    fits = fits && add(kLevels, data_, levels) && add(kScales, scales_, parameters) &&
           (symmetric_ || add(kMins, mins_, parameters));
  if (!fits) return fail_overflow(rows_, cols_);
  *out = header;
  return INFERMEM_OK;
}

Status Quant::save(const char *path) const {
  INFERMEM_TRY(store_.check());
  SavedHeader header;
  const void *arrays[kMostSections];
  INFERMEM_TRY(describe(&header, arrays));
  Output output;
  INFERMEM_TRY(output.open(path));
  output.skip(sizeof header);
  for (size_t i = 0; i < header.n_sections; ++i) {
    INFERMEM_TRY(output.write(arrays[i], static_cast<size_t>(header.sections[i].bytes)));
    INFERMEM_TRY(output.pad(kAlign));
    header.sections[i].checksum = output.take_checksum();
  }
  header.checksum = checksum_of(&header, kSavedSummed);
  INFERMEM_TRY(output.write_at(0, &header, sizeof header));
  return output.commit();
}

Status Quant::open(const infermem_quant_options &options, const Allocator &allocator, const SavedPath &saved) {
  INFERMEM_TRY(check_options(options));
  INFERMEM_TRY(file_.open(saved.path));
  SavedHeader header = {};
  INFERMEM_TRY(file_.read_at(0, &header, static_cast<size_t>(std::min<uint64_t>(sizeof header, file_.size()))));
  INFERMEM_TRY(check_header(header, file_.size()));
  INFERMEM_TRY(file_.map_from(0));
  file_.close();
  return adopt(options, allocator, header, file_.at(0));
}

Status Quant::open(const infermem_quant_options &options, const Allocator &allocator, const SavedBytes &saved) {
  INFERMEM_TRY(check_options(options));
  const auto address = reinterpret_cast<uintptr_t>(saved.bytes);
  if (address % kAlign != 0)
    return fail(INFERMEM_E_ARG, 0, address % kAlign, "bytes lie %zu beyond a multiple of %zu",
                static_cast<size_t>(address % kAlign), static_cast<size_t>(kAlign));
  SavedHeader header = {};
  std::memcpy(&header, saved.bytes, std::min(sizeof header, saved.n_bytes));
  INFERMEM_TRY(check_header(header, saved.n_bytes));
  return adopt(options, allocator, header, static_cast<const char *>(saved.bytes));
}

Status Quant::set_saved_form(const Allocator &allocator, const SavedHeader &header, const char *image) {
  // What does not fit a size_t is found when the headers are compared.
  const auto rows = static_cast<size_t>(header.rows), cols = static_cast<size_t>(header.cols);
  infermem_quant_options form = {};
  if (header.dtype != INFERMEM_QUANT_NATIVE)
    return open(form, allocator,
                LentMatrix{header.dtype, image + sizeof header, static_cast<size_t>(header.file_bytes) - sizeof header,
                           rows, cols});
  form.bits = header.bits;
  form.group = static_cast<size_t>(header.group);
  form.params = header.params;
  form.symmetric = header.flags;
  INFERMEM_TRY(set_shape(rows, cols));
  INFERMEM_TRY(set_form(form));
  // A value takes half a byte or more: sizes computed from what passes here are far from wrapping.
  if (cols / 2 > header.file_bytes) return fail_overflow(rows, cols);
  if (header.layout == INFERMEM_QUANT_PACKED) return set_packed();
  set_plain();
  return INFERMEM_OK;
}

Status Quant::adopt(const infermem_quant_options &options, const Allocator &allocator, const SavedHeader &header,
                    const char *image) {
  INFERMEM_TRY(blame_file(set_saved_form(allocator, header, image)));
  SavedHeader due;
  const void *arrays[kMostSections];
  INFERMEM_TRY(blame_file(describe(&due, arrays)));
  for (size_t i = 0; i < due.n_sections; ++i) due.sections[i].checksum = header.sections[i].checksum;
  INFERMEM_TRY(check_saved_due(kFormat, &header, &due));
  bytes_ = 0;
  for (size_t i = 0; i < due.n_sections; ++i) {
    // Nothing is written to the arrays once the matrix is made.
    char *const array = const_cast<char *>(image) + due.sections[i].offset;
    bytes_ += static_cast<size_t>(due.sections[i].bytes);
    switch (due.sections[i].kind) {
      case kScales:
        scales_ = array;
        break;
      case kMins:
        mins_ = array;
        break;
      default:
        data_ = reinterpret_cast<const uint8_t *>(array);
    }
  }
  image_ = image;
  header_checksum_ = header.checksum;
  return (options.flags & INFERMEM_QUANT_NO_VERIFY) != 0 ? INFERMEM_OK : verify();
}

Status Quant::verify() const {
  if (!image_) return fail(INFERMEM_E_STATE, 0, 0, "the matrix was not loaded, and has no checksums");
  // From the bytes once more, and trusted because its checksum is still that of the header that was checked.
  SavedHeader header;
  std::memcpy(&header, image_, sizeof header);
  const uint64_t sum = checksum_of(&header, kSavedSummed);
  if (sum != header_checksum_ || header.checksum != header_checksum_)
    return fail_checksum("header", 0, kSavedSummed, header_checksum_, sum);
  for (size_t i = 0; i < header.n_sections; ++i) {
    const Section &section = header.sections[i];
    const char *const at = image_ + section.offset;
    const uint64_t got = checksum_of(at, static_cast<size_t>(section.bytes));
    if (got != section.checksum)
      return fail_checksum(name_of(section.kind), section.offset, section.bytes, section.checksum, got);
    for (uint64_t pad = section.bytes; (section.offset + pad) % kAlign != 0; ++pad)
      if (at[pad] != 0)
        return fail(INFERMEM_E_CORRUPT, 0, static_cast<unsigned char>(at[pad]), "byte %llu is %u, not 0, after the %s",
                    wide(section.offset + pad), static_cast<unsigned char>(at[pad]), name_of(section.kind));
  }
  return INFERMEM_OK;
}

}  // namespace infermem
