// Fuzzes quant_load_bytes with saved matrices, as they come and with their checksums made right, and every call on the
// matrices that are loaded.
#include <infermem.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "check.hh"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

constexpr size_t kHeader = 256;
constexpr size_t kTable = 96;  // entries of 32 bytes: kind, zero, offset, bytes, checksum

template <typename T>
T get(const unsigned char *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void put(unsigned char *at, uint64_t value) { std::memcpy(at, &value, sizeof value); }

// Exactly as many bytes as there are, at the alignment that is asked for.
struct Saved {
  Saved(const uint8_t *data, size_t n) : size(n) {
    void *memory = nullptr;
    CHECK(posix_memalign(&memory, INFERMEM_QUANT_SAVED_ALIGN, std::max(n, size_t{1})) == 0);
    bytes = static_cast<unsigned char *>(memory);
    if (n != 0) std::memcpy(bytes, data, n);
  }
  ~Saved() { std::free(bytes); }
  Saved(const Saved &) = delete;
  Saved &operator=(const Saved &) = delete;

  // Makes right what an attacker can.
  void sign() {
    if (size < kHeader) return;
    std::memcpy(bytes, "infermem quant\n", 16);
    put(bytes + 24, size);
    for (size_t i = 0; i < 4; ++i) {
      unsigned char *const section = bytes + kTable + 32 * i;
      const auto offset = get<uint64_t>(section + 8), n = get<uint64_t>(section + 16);
      if (get<uint32_t>(section) != 0 && offset <= size && n <= size - offset)
        put(section + 24, XXH3_64bits(bytes + offset, static_cast<size_t>(n)));
    }
    put(bytes + kHeader - 8, XXH3_64bits(bytes, kHeader - 8));
  }

  unsigned char *bytes;
  size_t size;
};

float sum;  // what is read goes here, so that reading is not optimized away

void use(const infermem_quant *q) {
  size_t rows, cols;
  CHECK(quant_shape(q, &rows, &cols) == INFERMEM_OK && rows != 0 && cols != 0);
  const size_t n = rows * cols;
  CHECK(n / cols == rows && n <= 4 * quant_bytes(q));
  CHECK(quant_bits(q) >= 2 && quant_bits(q) <= 32 && quant_group(q) >= 1);
  std::vector<float> values(n), again(n), x(cols, 0.5f), y(rows);
  std::vector<uint16_t> halves(n);
  const size_t chosen[] = {rows - 1, 0};
  CHECK(quant_to_f32(q, values.data(), n) == INFERMEM_OK);
  CHECK(quant_range_to_f32(q, 0, rows, again.data(), n) == INFERMEM_OK);
  CHECK(std::memcmp(values.data(), again.data(), n * sizeof(float)) == 0);
  CHECK(quant_rows_to_f32(q, chosen, 1, again.data(), cols) == INFERMEM_OK);
  CHECK(std::memcmp(values.data() + (rows - 1) * cols, again.data(), cols * sizeof(float)) == 0);
  CHECK(quant_to_f16(q, halves.data(), n) == INFERMEM_OK && quant_to_bf16(q, halves.data(), n) == INFERMEM_OK);
  CHECK(quant_gemv(q, 0, rows, x.data(), cols, y.data(), rows) == INFERMEM_OK);
  sum += y[rows - 1];
  float two[2];
  CHECK(quant_gemv_rows(q, chosen, 2, x.data(), cols, two, 2) == INFERMEM_OK);
  sum += two[0];
  if (quant_dtype(q) != INFERMEM_QUANT_NATIVE) return;
  infermem_quant *other = nullptr;
  const auto convert = quant_layout(q) == INFERMEM_QUANT_PLAIN ? quant_pack : quant_unpack;
  CHECK(convert(q, nullptr, &other) == INFERMEM_OK);
  CHECK(quant_to_f32(other, again.data(), n) == INFERMEM_OK);
  CHECK(std::memcmp(values.data(), again.data(), n * sizeof(float)) == 0);
  quant_free(other);
}

int32_t load(const Saved &saved, uint64_t flags, infermem_quant **out) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.flags = flags;
  return quant_load_bytes(saved.bytes, saved.size, &options, out);
}

void load_and_use(const Saved &saved) {
  infermem_quant *verified = nullptr, *lazy = nullptr;
  const int32_t status = load(saved, 0, &verified);
  const int32_t lazy_status = load(saved, INFERMEM_QUANT_NO_VERIFY, &lazy);
  CHECK((status == INFERMEM_OK) == (verified != nullptr) && (lazy_status == INFERMEM_OK) == (lazy != nullptr));
  if (lazy) {
    // What verifying adds is the checksums of the data.
    CHECK(quant_verify(lazy) == status);
    CHECK(verified || status == INFERMEM_E_CORRUPT);
    use(lazy);
  } else {
    CHECK(lazy_status == status);
    CHECK(infermem_error_detail()->message[0] != '\0');
  }
  if (verified) {
    CHECK(get<uint64_t>(saved.bytes + kHeader - 8) == XXH3_64bits(saved.bytes, kHeader - 8));
    CHECK(quant_verify(verified) == INFERMEM_OK);
    use(verified);
  }
  quant_free(lazy);
  quant_free(verified);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Saved saved(data, size);
  load_and_use(saved);
  saved.sign();
  load_and_use(saved);
  return 0;
}
