// Fuzzes neuron_load with saved profiles, as they come and with their checksums made right, and every call on what is
// loaded.
#include <infermem.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

// What does not hold ends the run, which the fuzzer reports with its input.
#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                        \
    }                                                                      \
  } while (0)

using Bytes = std::vector<uint8_t>;

constexpr size_t kHeader = 128;

void put(uint8_t *at, uint64_t value) { std::memcpy(at, &value, sizeof value); }

// Makes right what an attacker can.
void sign(Bytes *saved) {
  if (saved->size() < kHeader) return;
  uint8_t *const header = saved->data();
  std::memcpy(header, "infermem neuron\n", 16);
  put(header + 24, saved->size());
  put(header + kHeader - 16, XXH3_64bits(header + kHeader, saved->size() - kHeader));
  put(header + kHeader - 8, XXH3_64bits(header, kHeader - 8));
}

// A file without a name.
class Scratch {
 public:
  Scratch() : fd_(memfd_create("profile", MFD_CLOEXEC)) {
    CHECK(fd_ >= 0);
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  ~Scratch() { close(fd_); }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  const char *path() const { return path_.c_str(); }
  void set(const Bytes &bytes) {
    CHECK(ftruncate(fd_, 0) == 0);
    CHECK(bytes.empty() || pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }

 private:
  int fd_;
  std::string path_;
};

// Every neuron is in one list, where its bit says.
void use_lists(const infermem_neuron *neuron, size_t layer, uint32_t n) {
  const uint32_t *hot, *cold;
  size_t n_hot, n_cold, h = 0, c = 0;
  CHECK(neuron_hot(neuron, layer, &hot, &n_hot) == INFERMEM_OK);
  CHECK(neuron_cold(neuron, layer, &cold, &n_cold) == INFERMEM_OK);
  CHECK(n_hot + n_cold == n);
  for (uint32_t i = 0; i < n; ++i) {
    if (neuron_is_hot(neuron, layer, i) != 0)
      CHECK(h < n_hot && hot[h++] == i);
    else
      CHECK(c < n_cold && cold[c++] == i);
  }
}

void use(infermem_neuron *neuron, uint32_t n_layers, uint32_t n) {
  for (uint32_t layer = 0; layer < std::min(n_layers, 3u); ++layer) {
    INFERMEM_STRUCT(infermem_neuron_counts, counts);
    const double fractions[] = {0.1, 0.5, 1.0};
    double covered[3];
    use_lists(neuron, layer, n);
    CHECK(neuron_stat(neuron, layer, &counts) == INFERMEM_OK);
    CHECK(neuron_coverage(neuron, layer, fractions, 3, covered) == INFERMEM_OK);
    CHECK(covered[0] >= 0 && covered[0] <= covered[1] && covered[1] <= covered[2] && covered[2] <= 1);
    const uint32_t index = n - 1;
    for (int i = 0; i < 5; ++i) CHECK(neuron_record(neuron, layer, &index, 1) == INFERMEM_OK);
    CHECK(neuron_reclassify(neuron, layer) == INFERMEM_OK);
    CHECK(neuron_frequency(neuron, layer, index) > 0);
    use_lists(neuron, layer, n);
  }
}

void load_and_use(const Bytes &saved) {
  static Scratch in;
  in.set(saved);
  infermem_neuron *neuron = nullptr;
  const int32_t status = neuron_load(in.path(), nullptr, &neuron);
  CHECK((status == INFERMEM_OK) == (neuron != nullptr));
  if (!neuron) {
    CHECK(infermem_error_detail()->message[0] != '\0');
    return;
  }
  uint32_t n_layers, n;
  std::memcpy(&n_layers, saved.data() + 32, sizeof n_layers);
  std::memcpy(&n, saved.data() + 36, sizeof n);
  // Added to a copy of itself that counts nothing, it is still the same.
  infermem_neuron *other = nullptr;
  CHECK(neuron_load(in.path(), nullptr, &other) == INFERMEM_OK);
  CHECK(neuron_clear(other) == INFERMEM_OK);
  const int32_t merged = neuron_merge(other, &neuron, 1);
  CHECK(merged == INFERMEM_OK || merged == INFERMEM_E_LIMIT);
  if (merged == INFERMEM_OK) use(other, n_layers, n);
  use(neuron, n_layers, n);
  neuron_free(other);
  neuron_free(neuron);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Bytes saved(data, data + size);
  load_and_use(saved);
  sign(&saved);
  load_and_use(saved);
  return 0;
}
