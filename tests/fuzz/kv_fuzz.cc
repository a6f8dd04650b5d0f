// Fuzzes kv_load_from with saved caches, as they come and with their checksums made right, into an empty cache and one
// that holds tokens, each of the shape that the bytes tell, and every call that reads a cache that was loaded.
#include <infermem.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "check.hh"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

constexpr size_t kHeader = 256, kSummed = 248, kRoom = 40;
constexpr uint64_t kChunk = 1 << 20;

using Bytes = std::vector<unsigned char>;

template <typename T>
T get(const Bytes &bytes, size_t at) {
  T value = 0;
  if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// What a cache needs to be to take the bytes: theirs, as long as that is small, or else another.
struct Shape {
  explicit Shape(const Bytes &bytes) {
    const size_t n = bytes.size();
    tokens = get<uint64_t>(bytes, 32);
    layers = static_cast<size_t>(std::clamp<uint64_t>(get<uint64_t>(bytes, 40), 1, 4));
    heads = static_cast<size_t>(std::clamp<uint64_t>(get<uint64_t>(bytes, 48), 1, 4));
    for (size_t i = 0; i < 2; ++i)
      dims[i] = static_cast<size_t>(std::clamp<uint64_t>(get<uint64_t>(bytes, 56 + 8 * i), 1, 128));
    flags = get<uint32_t>(bytes, 20) & (INFERMEM_KV_ROTATE_K | INFERMEM_KV_ROTATE_V);
    for (size_t i = 0; i < 2 * layers; ++i) types[i % 2][i / 2] = get<int32_t>(bytes, kHeader + 4 * i);
    n_fingerprint = std::min<size_t>(get<uint32_t>(bytes, 72), INFERMEM_KV_MAX_FINGERPRINT);
    if (n >= kHeader) std::memcpy(fingerprint, bytes.data() + 80, n_fingerprint);
  }

  infermem_kv *make() {
    INFERMEM_STRUCT(infermem_kv_options, options);
    options.n_layers = layers;
    options.n_kv_heads = heads;
    options.head_dim = dims[0];
    options.head_dim_v = dims[1];
    options.max_tokens = kRoom;
    options.flags = flags;
    options.k_types = types[0];
    options.v_types = types[1];
    infermem_kv *kv = nullptr;
    if (kv_new(&options, &kv) == INFERMEM_OK) return kv;
    std::fill(&types[0][0], &types[0][0] + 8, INFERMEM_DTYPE_F16);
    CHECK(kv_new(&options, &kv) == INFERMEM_OK);
    return kv;
  }

  uint64_t tokens;
  size_t layers, heads, dims[2];
  uint32_t flags;
  int32_t types[2][4];
  char fingerprint[INFERMEM_KV_MAX_FINGERPRINT] = {};
  size_t n_fingerprint;
};

// Makes right what an attacker can.
void sign(Bytes &bytes, const Shape &shape) {
  size_t begin = 0, end = kSummed;
  const auto close = [&] {
    if (end + 8 > bytes.size()) return false;
    const uint64_t sum = XXH3_64bits(bytes.data() + begin, end - begin);
    std::memcpy(bytes.data() + end, &sum, sizeof sum);
    begin = end;
    end += 8;
    return true;
  };
  if (bytes.size() < kHeader) return;
  std::memcpy(bytes.data(), "infermem kv\n\0\0\0", 16);
  close();
  end += 8 * shape.layers;
  if (!close() || shape.tokens > kRoom) return;
  for (size_t i = 0; i < 2 * shape.layers; ++i) {
    const uint64_t elements = shape.tokens * shape.heads * shape.dims[i % 2];
    uint64_t left;
    if (infermem_dtype_bytes(shape.types[i % 2][i / 2], elements, &left) != INFERMEM_OK) return;
    while (left != 0) {
      const uint64_t n = std::min(left, kChunk);
      end += static_cast<size_t>(n);
      left -= n;
      if (!close()) return;
    }
  }
}

struct Stream {
  const Bytes &bytes;
  size_t at = 0;
  size_t most = 1;  // bytes a call; it changes
};

int64_t read(void *context, void *out, size_t n) {
  auto *const in = static_cast<Stream *>(context);
  const size_t share = std::min({n, in->most, in->bytes.size() - in->at});
  if (share != 0) std::memcpy(out, in->bytes.data() + in->at, share);
  in->at += share;
  in->most = in->most * 7 % 509 + 1;
  return static_cast<int64_t>(share);
}

int64_t write(void *context, const void *bytes, size_t n) {
  const auto *const from = static_cast<const unsigned char *>(bytes);
  static_cast<Bytes *>(context)->insert(static_cast<Bytes *>(context)->end(), from, from + n);
  return static_cast<int64_t>(n);
}

Bytes saved(const infermem_kv *kv, const Shape &shape) {
  Bytes out;
  CHECK(kv_save_to(kv, write, &out, shape.fingerprint, shape.n_fingerprint) == INFERMEM_OK);
  CHECK(out.size() == kv_saved_bytes(kv));
  return out;
}

void append(infermem_kv *kv, const Shape &shape, size_t n) {
  const size_t n_k = n * shape.heads * shape.dims[0], n_v = n * shape.heads * shape.dims[1];
  const std::vector<float> rows(std::max(n_k, n_v), 0.25f);
  for (size_t i = 0; i < shape.layers; ++i)
    CHECK(kv_append(kv, i, rows.data(), n_k, rows.data(), n_v, n) == INFERMEM_OK);
}

float sum;  // what is read goes here, so that reading is not optimized away

void use(infermem_kv *kv, const Shape &shape) {
  const size_t n = kv_len(kv), n_q = shape.heads * shape.dims[0], n_out = shape.heads * shape.dims[1];
  std::vector<float> rows(n * std::max(n_q, n_out)), q(n_q, 0.5f), out(n_out);
  const bool attends = n != 0 && shape.dims[0] % 8 == 0 && shape.dims[1] % 8 == 0;
  for (size_t i = 0; i < shape.layers && n != 0; ++i) {
    CHECK(kv_read(kv, i, INFERMEM_KV_K, 0, n, rows.data(), n * n_q) == INFERMEM_OK);
    CHECK(kv_read(kv, i, INFERMEM_KV_V, 0, n, rows.data(), n * n_out) == INFERMEM_OK);
    if (attends) CHECK(kv_attend(kv, i, nullptr, 0, shape.heads, q.data(), n_q, out.data(), n_out) == INFERMEM_OK);
    sum += rows[0] + out[0];
  }
  if (n == kRoom) return;
  append(kv, shape, 1);
  CHECK(kv_advance(kv, 1) == INFERMEM_OK && kv_len(kv) == n + 1);
}

void load_and_use(const Bytes &bytes) {
  Shape shape(bytes);
  int32_t statuses[2];
  for (size_t tokens = 0; tokens < 2; ++tokens) {
    infermem_kv *const kv = shape.make();
    if (tokens != 0) {
      append(kv, shape, tokens);
      CHECK(kv_advance(kv, tokens) == INFERMEM_OK);
      append(kv, shape, 2);
    }
    const Bytes before = saved(kv, shape);
    Stream in = {bytes};
    const int32_t status = kv_load_from(kv, read, &in, shape.fingerprint, shape.n_fingerprint);
    statuses[tokens] = status;
    const Bytes after = saved(kv, shape);
    if (status == INFERMEM_OK) {
      CHECK(after.size() == in.at && std::equal(after.begin(), after.end(), bytes.begin()));
      use(kv, shape);
    } else {
      CHECK(infermem_error_detail()->message[0] != '\0');
      CHECK(after == before && kv_generation(kv) == 0);
      CHECK(kv_advance(kv, 2 * tokens) == INFERMEM_OK);  // what was pending
    }
    kv_free(kv);
  }
  CHECK(statuses[0] == statuses[1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Bytes bytes(data, data + size);
  load_and_use(bytes);
  sign(bytes, Shape(bytes));
  load_and_use(bytes);
  return 0;
}
