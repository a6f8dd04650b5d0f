/* infermem.hpp: the library for C++17: handles that free themselves, and results that hold a value or an error.
 * Written by src/abi/generate.py from the public headers; the comments there are the contract.
 *
 *     auto kv = infermem::Kv::make(&options);
 *     if (!kv) return std::puts(kv.error().message), 1;
 *     if (auto done = kv->append(layer, k, v, 1); !done) return done.error().code;
 *
 * Nothing here throws or allocates, but for texts, which are std::string, and for value() of a result without one, which
 * throws infermem::Exception, or aborts where exceptions are switched off.
 */
#ifndef INFERMEM_HPP
#define INFERMEM_HPP

#include <infermem.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace infermem {

/* What went wrong: a copy of the library's record. */
using Error = infermem_error;

class Exception : public std::exception {
 public:
  explicit Exception(const Error &error) : error_(error) {}
  const char *what() const noexcept override { return error_.message; }
  const Error &error() const noexcept { return error_; }

 private:
  Error error_;
};

/* A value, or an error. */
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(const Error &error) : held_(std::in_place_index<1>, error) {}

  explicit operator bool() const noexcept { return held_.index() == 0; }
  const Error &error() const { return *std::get_if<1>(&held_); }
  T &operator*() & { return *std::get_if<0>(&held_); }
  const T &operator*() const & { return *std::get_if<0>(&held_); }
  T &&operator*() && { return std::move(*std::get_if<0>(&held_)); }
  T *operator->() { return std::get_if<0>(&held_); }
  const T *operator->() const { return std::get_if<0>(&held_); }
  T &value() & { return need(), **this; }
  T &&value() && { return need(), std::move(**this); }

 private:
  void need() const {
    if (*this) return;
#ifdef __cpp_exceptions
    throw Exception(error());
#else
    std::abort();
#endif
  }

  std::variant<T, Error> held_;
};

struct Nothing {};
using Status = Result<Nothing>;

/* Consecutive elements that somebody else owns: of an array, a std::vector, or whatever has data() and size(). */
template <typename T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T *data, size_t size) noexcept : data_(data), size_(size) {}
  template <size_t kSize>
  constexpr Span(T (&array)[kSize]) noexcept : data_(array), size_(kSize) {}
  template <typename C, typename = std::enable_if_t<std::is_convertible_v<
                            decltype(std::declval<C &>().data()), T *> && !std::is_same_v<std::decay_t<C>, Span>>>
  constexpr Span(C &&container) noexcept : data_(container.data()), size_(container.size()) {}

  constexpr T *data() const noexcept { return data_; }
  constexpr size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T &operator[](size_t i) const noexcept { return data_[i]; }
  constexpr T *begin() const noexcept { return data_; }
  constexpr T *end() const noexcept { return data_ + size_; }

 private:
  T *data_ = nullptr;
  size_t size_ = 0;
};

/* An option or result struct, zeroed, with its own size in it. */
template <typename T>
T make_struct() {
  T made = {};
  made.struct_size = sizeof(T);
  return made;
}

/* A handle that is freed with its object. It can be moved, and not copied. */
template <typename T, void (*kFree)(T *)>
class Handle {
 public:
  Handle() noexcept = default;
  explicit Handle(T *handle) noexcept : handle_(handle) {}
  Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) reset(std::exchange(other.handle_, nullptr));
    return *this;
  }
  ~Handle() { kFree(handle_); }

  T *get() const noexcept { return handle_; }
  T *release() noexcept { return std::exchange(handle_, nullptr); }
  void reset(T *handle = nullptr) noexcept { kFree(std::exchange(handle_, handle)); }
  explicit operator bool() const noexcept { return handle_ != nullptr; }

 protected:
  T *handle_ = nullptr;
};

inline Status status_of(int32_t status) {
  if (status == INFERMEM_OK) return Nothing{};
  return *infermem_error_detail();
}

/* clang-format off */
class Tape;
class DeviceList;
class Dispatch;
class Kv;
class Layout;
class Model;
class Quant;
class Neuron;
class NeuronStore;
class Pad;
class Scratch;
class ScratchPlan;
class Plan;

class Tape : public Handle<infermem_tape, ::tape_free> {
 public:
  using Handle::Handle;

  static Result<Tape> make(const infermem_tape_options *options = nullptr) {
    infermem_tape *made = nullptr;
    if (Status done = status_of(::tape_new(options, &made)); !done) return done.error();
    return Tape(made);
  }
  Result<void *> alloc(size_t size, size_t align) const {
    void *out = nullptr;
    if (Status done = status_of(::tape_alloc(handle_, size, align, &out)); !done) return done.error();
    return out;
  }
  Result<void *> alloc_array(size_t count, size_t size, size_t align) const {
    void *out = nullptr;
    if (Status done = status_of(::tape_alloc_array(handle_, count, size, align, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_tape_mark> mark() const {
    infermem_tape_mark out = {};
    if (Status done = status_of(::tape_mark(handle_, &out)); !done) return done.error();
    return out;
  }
  Status rewind(const infermem_tape_mark *mark) {
    return status_of(::tape_rewind(handle_, mark));
  }
  Status clear() {
    return status_of(::tape_clear(handle_));
  }
  Status trim() {
    return status_of(::tape_trim(handle_));
  }
  Status warm() const {
    return status_of(::tape_warm(handle_));
  }
  Status seal() {
    return status_of(::tape_seal(handle_));
  }
  Status unseal() {
    return status_of(::tape_unseal(handle_));
  }
  size_t used() const {
    return ::tape_used(handle_);
  }
  size_t free_bytes() const {
    return ::tape_free_bytes(handle_);
  }
  size_t total() const {
    return ::tape_total(handle_);
  }
  size_t peak() const {
    return ::tape_peak(handle_);
  }
  uint64_t failures() const {
    return ::tape_failures(handle_);
  }
  uint64_t generation() const {
    return ::tape_generation(handle_);
  }
  int32_t owns(const void *pointer) const {
    return ::tape_owns(handle_, pointer);
  }
  Result<infermem_tape_facts> info() const {
    infermem_tape_facts out = make_struct<infermem_tape_facts>();
    if (Status done = status_of(::tape_info(handle_, &out)); !done) return done.error();
    return out;
  }
};

class DeviceList : public Handle<infermem_device_list, ::device_free> {
 public:
  using Handle::Handle;

  static Result<DeviceList> probe(const infermem_device_options *options = nullptr) {
    infermem_device_list *made = nullptr;
    if (Status done = status_of(::device_probe(options, &made)); !done) return done.error();
    return DeviceList(made);
  }
  size_t count() const {
    return ::device_count(handle_);
  }
  Result<infermem_device_facts> info(size_t index) const {
    infermem_device_facts out = make_struct<infermem_device_facts>();
    if (Status done = status_of(::device_info(handle_, index, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_host_facts> host() const {
    infermem_host_facts out = make_struct<infermem_host_facts>();
    if (Status done = status_of(::device_host(handle_, &out)); !done) return done.error();
    return out;
  }
  Result<int32_t> why_not() const {
    int32_t out_code = {};
    if (Status done = status_of(::device_why_not(handle_, &out_code)); !done) return done.error();
    return out_code;
  }
  const char *why_not_text() const {
    return ::device_why_not_text(handle_);
  }
};

class Dispatch : public Handle<infermem_dispatch, ::dispatch_free> {
 public:
  using Handle::Handle;

  static Result<Dispatch> make(const infermem_dispatch_options *options = nullptr) {
    infermem_dispatch *made = nullptr;
    if (Status done = status_of(::dispatch_new(options, &made)); !done) return done.error();
    return Dispatch(made);
  }
  Status record(uint32_t backend, int64_t latency_ns) const {
    return status_of(::dispatch_record(handle_, backend, latency_ns));
  }
  Status count_only(uint32_t backend) const {
    return status_of(::dispatch_count_only(handle_, backend));
  }
  Status timer_stop(uint32_t backend, uint64_t started_ns) const {
    return status_of(::dispatch_timer_stop(handle_, backend, started_ns));
  }
  Status reset() const {
    return status_of(::dispatch_reset(handle_));
  }
  Result<infermem_dispatch_stats> snapshot(uint32_t backend) const {
    infermem_dispatch_stats out = make_struct<infermem_dispatch_stats>();
    if (Status done = status_of(::dispatch_snapshot(handle_, backend, &out)); !done) return done.error();
    return out;
  }
  Result<uint64_t> histogram(uint32_t backend, Span<const uint64_t> bounds_ns) const {
    uint64_t out_counts = {};
    if (Status done = status_of(::dispatch_histogram(handle_, backend, bounds_ns.data(), bounds_ns.size(), &out_counts)); !done) return done.error();
    return out_counts;
  }
  double ratio(uint32_t backend) const {
    return ::dispatch_ratio(handle_, backend);
  }
  double speedup(uint32_t slow, uint32_t fast) const {
    return ::dispatch_speedup(handle_, slow, fast);
  }
  uint64_t elapsed_ns() const {
    return ::dispatch_elapsed_ns(handle_);
  }
  double throughput() const {
    return ::dispatch_throughput(handle_);
  }
  Result<std::string> prometheus() const {
    size_t length = 0;
    if (Status sized = status_of(::dispatch_prometheus(handle_, nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::dispatch_prometheus(handle_, text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
  Result<std::string> json() const {
    size_t length = 0;
    if (Status sized = status_of(::dispatch_json(handle_, nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::dispatch_json(handle_, text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
};

class Kv : public Handle<infermem_kv, ::kv_free> {
 public:
  using Handle::Handle;

  static Result<Kv> make(const infermem_kv_options *options = nullptr) {
    infermem_kv *made = nullptr;
    if (Status done = status_of(::kv_new(options, &made)); !done) return done.error();
    return Kv(made);
  }
  Status append(size_t layer, Span<const float> k, Span<const float> v, size_t n_tokens) {
    return status_of(::kv_append(handle_, layer, k.data(), k.size(), v.data(), v.size(), n_tokens));
  }
  Status append_f16(size_t layer, Span<const uint16_t> k, Span<const uint16_t> v, size_t n_tokens) {
    return status_of(::kv_append_f16(handle_, layer, k.data(), k.size(), v.data(), v.size(), n_tokens));
  }
  Status append_bf16(size_t layer, Span<const uint16_t> k, Span<const uint16_t> v, size_t n_tokens) {
    return status_of(::kv_append_bf16(handle_, layer, k.data(), k.size(), v.data(), v.size(), n_tokens));
  }
  Status advance(size_t n) {
    return status_of(::kv_advance(handle_, n));
  }
  Status abort() {
    return status_of(::kv_abort(handle_));
  }
  Status truncate(size_t n) {
    return status_of(::kv_truncate(handle_, n));
  }
  Status clear() {
    return status_of(::kv_clear(handle_));
  }
  Status clear_zero() {
    return status_of(::kv_clear_zero(handle_));
  }
  Result<size_t> keep(size_t sinks, size_t recent) {
    size_t out_dropped = {};
    if (Status done = status_of(::kv_keep(handle_, sinks, recent, &out_dropped)); !done) return done.error();
    return out_dropped;
  }
  Status copy_prefix(const infermem_kv *src, size_t n) {
    return status_of(::kv_copy_prefix(handle_, src, n));
  }
  Status grow(size_t max_tokens) {
    return status_of(::kv_grow(handle_, max_tokens));
  }
  Status prefetch(size_t layer) const {
    return status_of(::kv_prefetch(handle_, layer));
  }
  Result<infermem_view> keys(size_t layer) const {
    infermem_view out = {};
    if (Status done = status_of(::kv_keys(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_view> values(size_t layer) const {
    infermem_view out = {};
    if (Status done = status_of(::kv_values(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_view> keys_pending(size_t layer) const {
    infermem_view out = {};
    if (Status done = status_of(::kv_keys_pending(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_view> values_pending(size_t layer) const {
    infermem_view out = {};
    if (Status done = status_of(::kv_values_pending(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_view> keys_mut(size_t layer) {
    infermem_view out = {};
    if (Status done = status_of(::kv_keys_mut(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_view> values_mut(size_t layer) {
    infermem_view out = {};
    if (Status done = status_of(::kv_values_mut(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Status read(size_t layer, int32_t which, size_t first, size_t n, Span<float> out) const {
    return status_of(::kv_read(handle_, layer, which, first, n, out.data(), out.size()));
  }
  size_t len() const {
    return ::kv_len(handle_);
  }
  size_t max() const {
    return ::kv_max(handle_);
  }
  uint64_t generation() const {
    return ::kv_generation(handle_);
  }
  size_t layers() const {
    return ::kv_layers(handle_);
  }
  size_t heads() const {
    return ::kv_heads(handle_);
  }
  size_t head_dim(int32_t which) const {
    return ::kv_head_dim(handle_, which);
  }
  size_t layer_stride(int32_t which) const {
    return ::kv_layer_stride(handle_, which);
  }
  size_t memory_bytes() const {
    return ::kv_memory_bytes(handle_);
  }
  size_t memory_reserved() const {
    return ::kv_memory_reserved(handle_);
  }
  size_t memory_committed() const {
    return ::kv_memory_committed(handle_);
  }
  Status attend(size_t layer, const infermem_kv_attend_options *options, size_t first_head, size_t n_heads, Span<const float> q, Span<float> out) const {
    return status_of(::kv_attend(handle_, layer, options, first_head, n_heads, q.data(), q.size(), out.data(), out.size()));
  }
  Status attend_partial(size_t layer, const infermem_kv_attend_options *options, size_t first_head, size_t n_heads, size_t first_token, size_t n_tokens, Span<const float> q, Span<float> part) const {
    return status_of(::kv_attend_partial(handle_, layer, options, first_head, n_heads, first_token, n_tokens, q.data(), q.size(), part.data(), part.size()));
  }
  Status save(const char *path, Span<const uint8_t> fingerprint) const {
    return status_of(::kv_save(handle_, path, fingerprint.data(), fingerprint.size()));
  }
  Status save_to(infermem_write_function write_with, void *context, Span<const uint8_t> fingerprint) const {
    return status_of(::kv_save_to(handle_, write_with, context, fingerprint.data(), fingerprint.size()));
  }
  Status load(const char *path, Span<const uint8_t> fingerprint) {
    return status_of(::kv_load(handle_, path, fingerprint.data(), fingerprint.size()));
  }
  Status load_from(infermem_read_function read_with, void *context, Span<const uint8_t> fingerprint) {
    return status_of(::kv_load_from(handle_, read_with, context, fingerprint.data(), fingerprint.size()));
  }
  uint64_t saved_bytes() const {
    return ::kv_saved_bytes(handle_);
  }
};

class Layout : public Handle<infermem_layout, ::layout_free> {
 public:
  using Handle::Handle;

  static Result<Layout> make(const infermem_layout_options *options = nullptr) {
    infermem_layout *made = nullptr;
    if (Status done = status_of(::layout_new(options, &made)); !done) return done.error();
    return Layout(made);
  }
  infermem_tape *weights() const {
    return ::layout_weights(handle_);
  }
  infermem_tape *scratch() const {
    return ::layout_scratch(handle_);
  }
  infermem_tape *history() const {
    return ::layout_history(handle_);
  }
  Status clear_pass() {
    return status_of(::layout_clear_pass(handle_));
  }
  Status clear_talk() {
    return status_of(::layout_clear_talk(handle_));
  }
  size_t total() const {
    return ::layout_total(handle_);
  }
  Result<infermem_layout_usage> stat() const {
    infermem_layout_usage out = make_struct<infermem_layout_usage>();
    if (Status done = status_of(::layout_stat(handle_, &out)); !done) return done.error();
    return out;
  }
  Result<std::string> stat_text() const {
    size_t length = 0;
    if (Status sized = status_of(::layout_stat_text(handle_, nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::layout_stat_text(handle_, text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
};

class Model : public Handle<infermem_model, ::model_free> {
 public:
  using Handle::Handle;

  static Result<Model> open(const char *path, const infermem_model_options *options = nullptr) {
    infermem_model *made = nullptr;
    if (Status done = status_of(::model_open(path, options, &made)); !done) return done.error();
    return Model(made);
  }
  static Result<Model> open_bytes(Span<const uint8_t> bytes, uint64_t file_size, const infermem_model_options *options = nullptr) {
    infermem_model *made = nullptr;
    if (Status done = status_of(::model_open_bytes(bytes.data(), bytes.size(), file_size, options, &made)); !done) return done.error();
    return Model(made);
  }
  static Result<Model> open_callback(infermem_read_at_function read_with, void *context, uint64_t file_size, const infermem_model_options *options = nullptr) {
    infermem_model *made = nullptr;
    if (Status done = status_of(::model_open_callback(read_with, context, file_size, options, &made)); !done) return done.error();
    return Model(made);
  }
  int32_t format() const {
    return ::model_format(handle_);
  }
  size_t part_count() const {
    return ::model_part_count(handle_);
  }
  const char *part_path(size_t index) const {
    return ::model_part_path(handle_, index);
  }
  size_t warning_count() const {
    return ::model_warning_count(handle_);
  }
  const char *warning(size_t index) const {
    return ::model_warning(handle_, index);
  }
  Result<infermem_model_config> config() const {
    infermem_model_config out = make_struct<infermem_model_config>();
    if (Status done = status_of(::model_config(handle_, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_model_layer> layer(uint64_t index) const {
    infermem_model_layer out = make_struct<infermem_model_layer>();
    if (Status done = status_of(::model_layer(handle_, index, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_model_weights> weights() const {
    infermem_model_weights out = make_struct<infermem_model_weights>();
    if (Status done = status_of(::model_weights(handle_, &out)); !done) return done.error();
    return out;
  }
  size_t tensor_count() const {
    return ::model_tensor_count(handle_);
  }
  Result<infermem_tensor_info> tensor_info(size_t index) const {
    infermem_tensor_info out = make_struct<infermem_tensor_info>();
    if (Status done = status_of(::model_tensor_info(handle_, index, &out)); !done) return done.error();
    return out;
  }
  Result<size_t> tensor_find(const char *name) const {
    size_t out_index = {};
    if (Status done = status_of(::model_tensor_find(handle_, name, &out_index)); !done) return done.error();
    return out_index;
  }
  Result<infermem_view> tensor_view(size_t index) const {
    infermem_view out = {};
    if (Status done = status_of(::model_tensor_view(handle_, index, &out)); !done) return done.error();
    return out;
  }
  size_t meta_count() const {
    return ::model_meta_count(handle_);
  }
  Result<infermem_meta_info> meta_info(size_t index) const {
    infermem_meta_info out = make_struct<infermem_meta_info>();
    if (Status done = status_of(::model_meta_info(handle_, index, &out)); !done) return done.error();
    return out;
  }
  Result<size_t> meta_find(const char *key) const {
    size_t out_index = {};
    if (Status done = status_of(::model_meta_find(handle_, key, &out_index)); !done) return done.error();
    return out_index;
  }
  Result<uint64_t> meta_u64(const char *key) const {
    uint64_t out = {};
    if (Status done = status_of(::model_meta_u64(handle_, key, &out)); !done) return done.error();
    return out;
  }
  Result<int64_t> meta_i64(const char *key) const {
    int64_t out = {};
    if (Status done = status_of(::model_meta_i64(handle_, key, &out)); !done) return done.error();
    return out;
  }
  Result<double> meta_f64(const char *key) const {
    double out = {};
    if (Status done = status_of(::model_meta_f64(handle_, key, &out)); !done) return done.error();
    return out;
  }
  Result<int32_t> meta_bool(const char *key) const {
    int32_t out = {};
    if (Status done = status_of(::model_meta_bool(handle_, key, &out)); !done) return done.error();
    return out;
  }
  Result<Span<const char>> meta_string(const char *key) const {
    const char *out_data = nullptr;
    size_t out_length = 0;
    if (Status done = status_of(::model_meta_string(handle_, key, &out_data, &out_length)); !done) return done.error();
    return Span<const char>(out_data, out_length);
  }
  Result<uint64_t> meta_array_u64(const char *key, uint64_t first, size_t n) const {
    uint64_t out = {};
    if (Status done = status_of(::model_meta_array_u64(handle_, key, first, n, &out)); !done) return done.error();
    return out;
  }
  Result<int64_t> meta_array_i64(const char *key, uint64_t first, size_t n) const {
    int64_t out = {};
    if (Status done = status_of(::model_meta_array_i64(handle_, key, first, n, &out)); !done) return done.error();
    return out;
  }
  Result<double> meta_array_f64(const char *key, uint64_t first, size_t n) const {
    double out = {};
    if (Status done = status_of(::model_meta_array_f64(handle_, key, first, n, &out)); !done) return done.error();
    return out;
  }
  Result<std::tuple<size_t, size_t>> meta_array_strings(const char *key, uint64_t first, size_t n, char *buffer, size_t capacity) const {
    size_t out_offsets = {};
    size_t out_length = {};
    if (Status done = status_of(::model_meta_array_strings(handle_, key, first, n, buffer, capacity, &out_offsets, &out_length)); !done) return done.error();
    return std::make_tuple(out_offsets, out_length);
  }
};

class Quant : public Handle<infermem_quant, ::quant_free> {
 public:
  using Handle::Handle;

  static Result<Quant> from_f32(Span<const float> data, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_from_f32(data.data(), data.size(), rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> from_f16(Span<const uint16_t> data, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_from_f16(data.data(), data.size(), rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> from_bf16(Span<const uint16_t> data, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_from_bf16(data.data(), data.size(), rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> borrow(int32_t dtype, Span<const uint8_t> bytes, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_borrow(dtype, bytes.data(), bytes.size(), rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> from_gptq(const infermem_quant_tensors *tensors, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_from_gptq(tensors, rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> from_awq(const infermem_quant_tensors *tensors, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_from_awq(tensors, rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> from_hqq(const infermem_quant_tensors *tensors, size_t rows, size_t cols, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_from_hqq(tensors, rows, cols, options, &made)); !done) return done.error();
    return Quant(made);
  }
  Status to_f32(Span<float> out) const {
    return status_of(::quant_to_f32(handle_, out.data(), out.size()));
  }
  Status to_f16(Span<uint16_t> out) const {
    return status_of(::quant_to_f16(handle_, out.data(), out.size()));
  }
  Status to_bf16(Span<uint16_t> out) const {
    return status_of(::quant_to_bf16(handle_, out.data(), out.size()));
  }
  Status range_to_f32(size_t first_row, size_t n_rows, Span<float> out) const {
    return status_of(::quant_range_to_f32(handle_, first_row, n_rows, out.data(), out.size()));
  }
  Status rows_to_f32(Span<const size_t> rows, Span<float> out) const {
    return status_of(::quant_rows_to_f32(handle_, rows.data(), rows.size(), out.data(), out.size()));
  }
  Result<infermem_quant_errors> error(Span<const float> data) const {
    infermem_quant_errors out = make_struct<infermem_quant_errors>();
    if (Status done = status_of(::quant_error(handle_, data.data(), data.size(), &out)); !done) return done.error();
    return out;
  }
  Status export_(Span<uint8_t> out_levels, Span<float> out_scales, Span<float> out_mins) const {
    return status_of(::quant_export(handle_, out_levels.data(), out_levels.size(), out_scales.data(), out_scales.size(), out_mins.data(), out_mins.size()));
  }
  Status save(const char *path) const {
    return status_of(::quant_save(handle_, path));
  }
  static Result<Quant> load(const char *path, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_load(path, options, &made)); !done) return done.error();
    return Quant(made);
  }
  static Result<Quant> load_bytes(Span<const uint8_t> bytes, const infermem_quant_options *options = nullptr) {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_load_bytes(bytes.data(), bytes.size(), options, &made)); !done) return done.error();
    return Quant(made);
  }
  Status verify() const {
    return status_of(::quant_verify(handle_));
  }
  Status gemv(size_t first_row, size_t n_rows, Span<const float> x, Span<float> out) const {
    return status_of(::quant_gemv(handle_, first_row, n_rows, x.data(), x.size(), out.data(), out.size()));
  }
  Status gemv_rows(Span<const size_t> rows, Span<const float> x, Span<float> out) const {
    return status_of(::quant_gemv_rows(handle_, rows.data(), rows.size(), x.data(), x.size(), out.data(), out.size()));
  }
  Result<float> dot_row(size_t row, Span<const float> x) const {
    float out = {};
    if (Status done = status_of(::quant_dot_row(handle_, row, x.data(), x.size(), &out)); !done) return done.error();
    return out;
  }
  Result<float> gemm(size_t first_row, size_t n_rows, Span<const float> x, size_t n_vectors, size_t stride, size_t n_out) const {
    float out = {};
    if (Status done = status_of(::quant_gemm(handle_, first_row, n_rows, x.data(), x.size(), n_vectors, &out, stride, n_out)); !done) return done.error();
    return out;
  }
  Status gemv_q8(size_t first_row, size_t n_rows, Span<const uint8_t> xq, Span<float> out) const {
    return status_of(::quant_gemv_q8(handle_, first_row, n_rows, xq.data(), xq.size(), out.data(), out.size()));
  }
  Result<float> gemm_q8(size_t first_row, size_t n_rows, Span<const uint8_t> xq, size_t n_vectors, size_t stride, size_t n_out) const {
    float out = {};
    if (Status done = status_of(::quant_gemm_q8(handle_, first_row, n_rows, xq.data(), xq.size(), n_vectors, &out, stride, n_out)); !done) return done.error();
    return out;
  }
  Result<Quant> pack(const infermem_quant_options *options = nullptr) const {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_pack(handle_, options, &made)); !done) return done.error();
    return Quant(made);
  }
  Result<Quant> unpack(const infermem_quant_options *options = nullptr) const {
    infermem_quant *made = nullptr;
    if (Status done = status_of(::quant_unpack(handle_, options, &made)); !done) return done.error();
    return Quant(made);
  }
  Result<std::tuple<size_t, size_t>> shape() const {
    size_t out_rows = {};
    size_t out_cols = {};
    if (Status done = status_of(::quant_shape(handle_, &out_rows, &out_cols)); !done) return done.error();
    return std::make_tuple(out_rows, out_cols);
  }
  size_t bytes() const {
    return ::quant_bytes(handle_);
  }
  int32_t bits() const {
    return ::quant_bits(handle_);
  }
  size_t group() const {
    return ::quant_group(handle_);
  }
  int32_t params() const {
    return ::quant_params(handle_);
  }
  int32_t is_symmetric() const {
    return ::quant_is_symmetric(handle_);
  }
  int32_t layout() const {
    return ::quant_layout(handle_);
  }
  int32_t dtype() const {
    return ::quant_dtype(handle_);
  }
};

class Neuron : public Handle<infermem_neuron, ::neuron_free> {
 public:
  using Handle::Handle;

  static Result<Neuron> make(const infermem_neuron_options *options = nullptr) {
    infermem_neuron *made = nullptr;
    if (Status done = status_of(::neuron_new(options, &made)); !done) return done.error();
    return Neuron(made);
  }
  Status record(size_t layer, Span<const uint32_t> indices) {
    return status_of(::neuron_record(handle_, layer, indices.data(), indices.size()));
  }
  Status record_mask(size_t layer, Span<const uint8_t> mask) {
    return status_of(::neuron_record_mask(handle_, layer, mask.data(), mask.size()));
  }
  Status record_values(size_t layer, Span<const float> values, float cutoff) {
    return status_of(::neuron_record_values(handle_, layer, values.data(), values.size(), cutoff));
  }
  Status reclassify(size_t layer) {
    return status_of(::neuron_reclassify(handle_, layer));
  }
  Result<Span<const uint32_t>> hot(size_t layer) const {
    const uint32_t *out_data = nullptr;
    size_t out_n = 0;
    if (Status done = status_of(::neuron_hot(handle_, layer, &out_data, &out_n)); !done) return done.error();
    return Span<const uint32_t>(out_data, out_n);
  }
  Result<Span<const uint32_t>> cold(size_t layer) const {
    const uint32_t *out_data = nullptr;
    size_t out_n = 0;
    if (Status done = status_of(::neuron_cold(handle_, layer, &out_data, &out_n)); !done) return done.error();
    return Span<const uint32_t>(out_data, out_n);
  }
  int32_t is_hot(size_t layer, uint32_t index) const {
    return ::neuron_is_hot(handle_, layer, index);
  }
  double frequency(size_t layer, uint32_t index) const {
    return ::neuron_frequency(handle_, layer, index);
  }
  Result<infermem_neuron_counts> stat(size_t layer) const {
    infermem_neuron_counts out = make_struct<infermem_neuron_counts>();
    if (Status done = status_of(::neuron_stat(handle_, layer, &out)); !done) return done.error();
    return out;
  }
  Status clear() {
    return status_of(::neuron_clear(handle_));
  }
  Result<double> coverage(size_t layer, Span<const double> fractions) const {
    double out = {};
    if (Status done = status_of(::neuron_coverage(handle_, layer, fractions.data(), fractions.size(), &out)); !done) return done.error();
    return out;
  }
  Status merge(const infermem_neuron * const *others, size_t n) {
    return status_of(::neuron_merge(handle_, others, n));
  }
  Status save(const char *path) const {
    return status_of(::neuron_save(handle_, path));
  }
  static Result<Neuron> load(const char *path, const infermem_neuron_options *options = nullptr) {
    infermem_neuron *made = nullptr;
    if (Status done = status_of(::neuron_load(path, options, &made)); !done) return done.error();
    return Neuron(made);
  }
};

class NeuronStore : public Handle<infermem_neuron_store, ::neuron_store_free> {
 public:
  using Handle::Handle;

  static Result<NeuronStore> make(const infermem_neuron_store_options *options = nullptr) {
    infermem_neuron_store *made = nullptr;
    if (Status done = status_of(::neuron_store_new(options, &made)); !done) return done.error();
    return NeuronStore(made);
  }
  Status release() const {
    return status_of(::neuron_store_release(handle_));
  }
  Status loaded(uint64_t load, int32_t status) const {
    return status_of(::neuron_store_loaded(handle_, load, status));
  }
  Status keep(Span<const uint32_t> ids) const {
    return status_of(::neuron_store_keep(handle_, ids.data(), ids.size()));
  }
  Status rank(const infermem_neuron *neuron) const {
    return status_of(::neuron_store_rank(handle_, neuron));
  }
  int32_t has(uint32_t id) const {
    return ::neuron_store_has(handle_, id);
  }
  Result<infermem_neuron_store_facts> stat() const {
    infermem_neuron_store_facts out = make_struct<infermem_neuron_store_facts>();
    if (Status done = status_of(::neuron_store_stat(handle_, &out)); !done) return done.error();
    return out;
  }
};

class Pad : public Handle<infermem_pad, ::pad_free> {
 public:
  using Handle::Handle;

  static Result<Pad> make(const infermem_pad_options *options = nullptr) {
    infermem_pad *made = nullptr;
    if (Status done = status_of(::pad_new(options, &made)); !done) return done.error();
    return Pad(made);
  }
  Status append(const void *row, size_t dim) {
    return status_of(::pad_append(handle_, row, dim));
  }
  Status append_rows(Span<const uint8_t> rows, size_t dim) {
    return status_of(::pad_append_rows(handle_, rows.data(), rows.size(), dim));
  }
  Status append_f32(Span<const float> rows, size_t dim) {
    return status_of(::pad_append_f32(handle_, rows.data(), rows.size(), dim));
  }
  Result<infermem_view> view() const {
    infermem_view out = {};
    if (Status done = status_of(::pad_view(handle_, &out)); !done) return done.error();
    return out;
  }
  Status truncate(size_t n) {
    return status_of(::pad_truncate(handle_, n));
  }
  Status clear() {
    return status_of(::pad_clear(handle_));
  }
  size_t len() const {
    return ::pad_len(handle_);
  }
  size_t capacity() const {
    return ::pad_capacity(handle_);
  }
  size_t dim() const {
    return ::pad_dim(handle_);
  }
  int32_t is_empty() const {
    return ::pad_is_empty(handle_);
  }
  uint64_t generation() const {
    return ::pad_generation(handle_);
  }
  Result<std::string> text() const {
    size_t length = 0;
    if (Status sized = status_of(::pad_text(handle_, nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::pad_text(handle_, text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
};

class Scratch : public Handle<infermem_scratch, ::scratch_free> {
 public:
  using Handle::Handle;

  static Result<Scratch> make(const infermem_model_config *config, const infermem_scratch_options *options = nullptr) {
    infermem_scratch *made = nullptr;
    if (Status done = status_of(::scratch_new(config, options, &made)); !done) return done.error();
    return Scratch(made);
  }
  Result<Span<float>> f32(int32_t which) const {
    float *out_data = nullptr;
    size_t out_n = 0;
    if (Status done = status_of(::scratch_f32(handle_, which, &out_data, &out_n)); !done) return done.error();
    return Span<float>(out_data, out_n);
  }
  Result<Span<int8_t>> i8(int32_t which) const {
    int8_t *out_data = nullptr;
    size_t out_n = 0;
    if (Status done = status_of(::scratch_i8(handle_, which, &out_data, &out_n)); !done) return done.error();
    return Span<int8_t>(out_data, out_n);
  }
  Result<infermem_view> view(int32_t which) const {
    infermem_view out = {};
    if (Status done = status_of(::scratch_view(handle_, which, &out)); !done) return done.error();
    return out;
  }
  Status reset() {
    return status_of(::scratch_reset(handle_));
  }
  Status reset_all() {
    return status_of(::scratch_reset_all(handle_));
  }
  size_t total_bytes() const {
    return ::scratch_total_bytes(handle_);
  }
  size_t separate_bytes() const {
    return ::scratch_separate_bytes(handle_);
  }
  Status quantize_q8k(int32_t which, size_t row, Span<const float> values) {
    return status_of(::scratch_quantize_q8k(handle_, which, row, values.data(), values.size()));
  }
  Status quantize_q8(size_t row, Span<const float> values) {
    return status_of(::scratch_quantize_q8(handle_, row, values.data(), values.size()));
  }
};

class ScratchPlan : public Handle<infermem_scratch_plan, ::scratch_plan_free> {
 public:
  using Handle::Handle;

  static Result<ScratchPlan> make(Span<const infermem_scratch_lifetime> lifetimes, const infermem_scratch_plan_options *options = nullptr) {
    infermem_scratch_plan *made = nullptr;
    if (Status done = status_of(::scratch_plan_new(lifetimes.data(), lifetimes.size(), options, &made)); !done) return done.error();
    return ScratchPlan(made);
  }
  Result<Span<const uint64_t>> offsets() const {
    const uint64_t *out_data = nullptr;
    size_t out_n = 0;
    if (Status done = status_of(::scratch_plan_offsets(handle_, &out_data, &out_n)); !done) return done.error();
    return Span<const uint64_t>(out_data, out_n);
  }
  uint64_t total_bytes() const {
    return ::scratch_plan_total_bytes(handle_);
  }
  uint64_t separate_bytes() const {
    return ::scratch_plan_separate_bytes(handle_);
  }
};

class Plan : public Handle<infermem_plan, ::plan_free> {
 public:
  using Handle::Handle;

  static Result<Plan> make(const infermem_model *model, const infermem_model_config *config, Span<const infermem_plan_device> devices, const infermem_plan_options *options = nullptr) {
    infermem_plan *made = nullptr;
    if (Status done = status_of(::plan_new(model, config, devices.data(), devices.size(), options, &made)); !done) return done.error();
    return Plan(made);
  }
  int32_t mode() const {
    return ::plan_mode(handle_);
  }
  Result<uint64_t> query(uint32_t key, uint32_t place) const {
    uint64_t out = {};
    if (Status done = status_of(::plan_query(handle_, key, place, &out)); !done) return done.error();
    return out;
  }
  size_t term_count() const {
    return ::plan_term_count(handle_);
  }
  Result<infermem_plan_term_facts> term(size_t index) const {
    infermem_plan_term_facts out = make_struct<infermem_plan_term_facts>();
    if (Status done = status_of(::plan_term(handle_, index, &out)); !done) return done.error();
    return out;
  }
  Result<infermem_plan_layer_facts> layer(uint64_t index) const {
    infermem_plan_layer_facts out = make_struct<infermem_plan_layer_facts>();
    if (Status done = status_of(::plan_layer(handle_, index, &out)); !done) return done.error();
    return out;
  }
  size_t advice_count() const {
    return ::plan_advice_count(handle_);
  }
  Result<infermem_plan_advice_facts> advice(size_t index) const {
    infermem_plan_advice_facts out = make_struct<infermem_plan_advice_facts>();
    if (Status done = status_of(::plan_advice(handle_, index, &out)); !done) return done.error();
    return out;
  }
  Result<std::string> text(uint32_t flags) const {
    size_t length = 0;
    if (Status sized = status_of(::plan_text(handle_, flags, nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::plan_text(handle_, flags, text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
  Result<std::string> json() const {
    size_t length = 0;
    if (Status sized = status_of(::plan_json(handle_, nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::plan_json(handle_, text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
  Result<Layout> build_layout() const;
  Result<Scratch> build_scratch(const infermem_tape *tape) const;
  Result<Kv> build_kv(const infermem_tape *tape) const;
  Status audit(Span<infermem_plan_measure> measures) const {
    return status_of(::plan_audit(handle_, measures.data(), measures.size()));
  }
  Result<std::string> audit_text(Span<const infermem_plan_measure> measures) const {
    size_t length = 0;
    if (Status sized = status_of(::plan_audit_text(handle_, measures.data(), measures.size(), nullptr, 0, &length)); !sized) return sized.error();
    std::string text(length, '\0');
    if (Status written = status_of(::plan_audit_text(handle_, measures.data(), measures.size(), text.data(), length + 1, &length)); !written) return written.error();
    return text;
  }
};

inline Result<Layout> Plan::build_layout() const {
  infermem_layout *made = nullptr;
  if (Status done = status_of(::plan_build_layout(handle_, &made)); !done) return done.error();
  return Layout(made);
}

inline Result<Scratch> Plan::build_scratch(const infermem_tape *tape) const {
  infermem_scratch *made = nullptr;
  if (Status done = status_of(::plan_build_scratch(handle_, tape, &made)); !done) return done.error();
  return Scratch(made);
}

inline Result<Kv> Plan::build_kv(const infermem_tape *tape) const {
  infermem_kv *made = nullptr;
  if (Status done = status_of(::plan_build_kv(handle_, tape, &made)); !done) return done.error();
  return Kv(made);
}

inline uint32_t version() {
  return ::infermem_version();
}

inline const char *version_string() {
  return ::infermem_version_string();
}

inline const infermem_error *error_detail() {
  return ::infermem_error_detail();
}

inline void error_clear() {
  ::infermem_error_clear();
}

inline const char *error_name(int32_t code) {
  return ::infermem_error_name(code);
}

inline const char *error_text(int32_t code) {
  return ::infermem_error_text(code);
}

inline Status log_set(infermem_log_function function, void *context, int32_t min_level) {
  return status_of(::infermem_log_set(function, context, min_level));
}

inline uint64_t dispatch_timer_start() {
  return ::dispatch_timer_start();
}

inline const char *dtype_name(int32_t dtype) {
  return ::infermem_dtype_name(dtype);
}

inline Result<std::tuple<size_t, size_t>> dtype_block(int32_t dtype) {
  size_t out_elements = {};
  size_t out_bytes = {};
  if (Status done = status_of(::infermem_dtype_block(dtype, &out_elements, &out_bytes)); !done) return done.error();
  return std::make_tuple(out_elements, out_bytes);
}

inline Result<uint64_t> dtype_bytes(int32_t dtype, uint64_t n) {
  uint64_t out_bytes = {};
  if (Status done = status_of(::infermem_dtype_bytes(dtype, n, &out_bytes)); !done) return done.error();
  return out_bytes;
}

inline Result<infermem_dlpack *> view_dlpack(const infermem_view *view, const infermem_allocator *allocator) {
  infermem_dlpack *out = nullptr;
  if (Status done = status_of(::infermem_view_dlpack(view, allocator, &out)); !done) return done.error();
  return out;
}

inline Result<infermem_dlpack_unversioned *> view_dlpack_unversioned(const infermem_view *view, const infermem_allocator *allocator) {
  infermem_dlpack_unversioned *out = nullptr;
  if (Status done = status_of(::infermem_view_dlpack_unversioned(view, allocator, &out)); !done) return done.error();
  return out;
}

inline Status kv_attend_merge(Span<const float> parts, size_t n_parts, size_t n_rows, size_t head_dim_v, Span<float> out) {
  return status_of(::kv_attend_merge(parts.data(), parts.size(), n_parts, n_rows, head_dim_v, out.data(), out.size()));
}

inline Result<infermem_kv_saved> kv_verify(const char *path) {
  infermem_kv_saved out = make_struct<infermem_kv_saved>();
  if (Status done = status_of(::kv_verify(path, &out)); !done) return done.error();
  return out;
}

inline Status config_validate(const infermem_model_config *config) {
  return status_of(::infermem_config_validate(config));
}

inline Result<infermem_model_layer> config_layer(const infermem_model_config *config, uint64_t index) {
  infermem_model_layer out = make_struct<infermem_model_layer>();
  if (Status done = status_of(::infermem_config_layer(config, index, &out)); !done) return done.error();
  return out;
}

inline Result<infermem_model_weights> config_weights(const infermem_model_config *config) {
  infermem_model_weights out = make_struct<infermem_model_weights>();
  if (Status done = status_of(::infermem_config_weights(config, &out)); !done) return done.error();
  return out;
}

inline Status quant_quantize(int32_t dtype, Span<const float> data, size_t rows, size_t cols, Span<uint8_t> out) {
  return status_of(::quant_quantize(dtype, data.data(), data.size(), rows, cols, out.data(), out.size()));
}

inline size_t quant_activations_bytes(size_t n, size_t n_vectors) {
  return ::quant_activations_bytes(n, n_vectors);
}

inline Status quant_activations(Span<const float> x, size_t n, size_t n_vectors, Span<uint8_t> out) {
  return status_of(::quant_activations(x.data(), x.size(), n, n_vectors, out.data(), out.size()));
}

inline Result<const void *> neuron_fetch(const infermem_neuron_store *store, Span<const uint32_t> ids) {
  const void *out = nullptr;
  if (Status done = status_of(::neuron_fetch(store, ids.data(), ids.size(), &out)); !done) return done.error();
  return out;
}

inline Result<std::tuple<const void *, uint64_t>> neuron_fetch_begin(const infermem_neuron_store *store, Span<const uint32_t> ids) {
  const void *out = nullptr;
  uint64_t out_fetch = {};
  if (Status done = status_of(::neuron_fetch_begin(store, ids.data(), ids.size(), &out, &out_fetch)); !done) return done.error();
  return std::make_tuple(out, out_fetch);
}

inline int32_t neuron_fetch_is_ready(const infermem_neuron_store *store, uint64_t fetch) {
  return ::neuron_fetch_is_ready(store, fetch);
}

inline Status neuron_fetch_wait(const infermem_neuron_store *store, uint64_t fetch) {
  return status_of(::neuron_fetch_wait(store, fetch));
}

inline Status neuron_fetch_end(const infermem_neuron_store *store, uint64_t fetch) {
  return status_of(::neuron_fetch_end(store, fetch));
}

inline Result<infermem_plan_device> plan_device_from(const infermem_device_facts *facts) {
  infermem_plan_device out = make_struct<infermem_plan_device>();
  if (Status done = status_of(::plan_device_from(facts, &out)); !done) return done.error();
  return out;
}

inline Result<uint64_t> plan_estimate_layer(const infermem_model_config *config) {
  uint64_t out_bytes = {};
  if (Status done = status_of(::plan_estimate_layer(config, &out_bytes)); !done) return done.error();
  return out_bytes;
}

inline Result<uint64_t> plan_estimate_kv(const infermem_model_config *config, uint64_t n_tokens) {
  uint64_t out_bytes = {};
  if (Status done = status_of(::plan_estimate_kv(config, n_tokens, &out_bytes)); !done) return done.error();
  return out_bytes;
}

inline Result<uint64_t> plan_estimate_full(const infermem_model_config *config, uint64_t n_tokens) {
  uint64_t out_bytes = {};
  if (Status done = status_of(::plan_estimate_full(config, n_tokens, &out_bytes)); !done) return done.error();
  return out_bytes;
}

inline Result<uint64_t> plan_estimate_streaming(const infermem_model_config *config, uint64_t n_tokens) {
  uint64_t out_bytes = {};
  if (Status done = status_of(::plan_estimate_streaming(config, n_tokens, &out_bytes)); !done) return done.error();
  return out_bytes;
}

inline Result<uint64_t> plan_estimate_prefill_cache(const infermem_model_config *config, int32_t fp8) {
  uint64_t out_bytes = {};
  if (Status done = status_of(::plan_estimate_prefill_cache(config, fp8, &out_bytes)); !done) return done.error();
  return out_bytes;
}

inline Result<int32_t> plan_estimate_mode(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes) {
  int32_t out_mode = {};
  if (Status done = status_of(::plan_estimate_mode(config, n_tokens, free_bytes, &out_mode)); !done) return done.error();
  return out_mode;
}

inline Result<int32_t> plan_should_stream(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes) {
  int32_t out = {};
  if (Status done = status_of(::plan_should_stream(config, n_tokens, free_bytes, &out)); !done) return done.error();
  return out;
}

inline const char *plan_mode_text(int32_t mode) {
  return ::plan_mode_text(mode);
}

inline Result<std::string> plan_estimate_text(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, uint64_t total_bytes) {
  size_t length = 0;
  if (Status sized = status_of(::plan_estimate_text(config, n_tokens, free_bytes, total_bytes, nullptr, 0, &length)); !sized) return sized.error();
  std::string text(length, '\0');
  if (Status written = status_of(::plan_estimate_text(config, n_tokens, free_bytes, total_bytes, text.data(), length + 1, &length)); !written) return written.error();
  return text;
}

inline const char *simd_name() {
  return ::infermem_simd_name();
}

inline const char *simd_available(size_t index) {
  return ::infermem_simd_available(index);
}

inline Status simd_select(const char *name) {
  return status_of(::infermem_simd_select(name));
}

/* clang-format on */

}  // namespace infermem

#endif
