#include "scratch/scratch.hh"

#include <algorithm>
#include <cstring>

#include "base/checked.hh"
#include "base/dtype.hh"
#include "base/structs.hh"
#include "scratch/plan.hh"
#include "scratch/widths.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

constexpr size_t kAlign = 64;
constexpr size_t kQ8Block = 32;
constexpr size_t kQ8KBlock = 256;

// The steps of a pass at which a buffer is first and last in use. A layer's steps are those of all layers: what passes
// from one to the next, HIDDEN, is in use all the time. NORMED, and what it and ATTN_OUT are quantized to, are made twice
// in a layer and once more behind the last.
struct Uses {
  uint8_t first, last;
};
enum Step : uint8_t {
  kNorm,
  kProject,
  kSplit,
  kAttend,
  kProjectBack,
  kAdd,
  kGate,
  kActivate,
  kDown,
  kAddAgain,
  kLogits
};
constexpr Uses uses_of(int32_t which) {
  switch (which) {
    case INFERMEM_SCRATCH_QKV:
      return {kProject, kSplit};
    case INFERMEM_SCRATCH_Q:
    case INFERMEM_SCRATCH_K:
    case INFERMEM_SCRATCH_V:
      return {kProject, kAttend};
    case INFERMEM_SCRATCH_EXPANDED_V:
      return {kSplit, kAttend};
    case INFERMEM_SCRATCH_ATTN_OUT:
      return {kAttend, kProjectBack};
    case INFERMEM_SCRATCH_ATTN_PROJ:
      return {kProjectBack, kAdd};
    case INFERMEM_SCRATCH_FFN_UP:
    case INFERMEM_SCRATCH_FFN_GATE:
      return {kGate, kDown};
    case INFERMEM_SCRATCH_Q8K_INTER_SCALES:
    case INFERMEM_SCRATCH_Q8K_INTER_QUANTS:
      return {kActivate, kDown};
    case INFERMEM_SCRATCH_FFN_DOWN:
      return {kDown, kAddAgain};
    case INFERMEM_SCRATCH_LOGITS:
      return {kLogits, kLogits};
    default:
      return {kNorm, kLogits};
  }
}

}  // namespace

Status Scratch::open(const infermem_scratch_options &options, const Allocator &allocator,
                     const infermem_model_config *const &config) {
  constexpr uint32_t kFlags = INFERMEM_SCRATCH_OVERLAP | INFERMEM_SCRATCH_Q8 | INFERMEM_SCRATCH_EXPAND_V;
  if ((options.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_ARG, kFlags, options.flags, "flags are 0x%x, of which 0x%x are unknown", options.flags,
                options.flags & ~kFlags);
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  infermem_model_config read;
  INFERMEM_TRY(read_struct(config, &read, "config"));
  INFERMEM_TRY(infermem_config_validate(&read));
  batch_ = options.batch != 0 ? options.batch : 1;
  set_widths(read, options.flags);
  INFERMEM_TRY(set_places(options.flags, allocator));
  INFERMEM_TRY(store_.take(options.tape, total_bytes_, kAlign));
  if (store_.from_tape()) std::memset(store_.data(), 0, total_bytes_);  // a mapping reads as zero by itself
  return INFERMEM_OK;
}

void Scratch::set_widths(const infermem_model_config &config, uint32_t flags) {
  const ScratchWidths widths(config);
  for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; ++which) {
    const uint32_t needed = ScratchWidths::flag_of(which);
    buffers_[which].width = (flags & needed) == needed ? static_cast<size_t>(widths.of[which]) : 0;
    buffers_[which].type = widths.type[which];
  }
}

bool Scratch::bytes_of(const Buffer &buffer, size_t *out) const {
  return checked::product(out, buffer.width, batch_, buffer.type == INFERMEM_DTYPE_F32 ? sizeof(float) : size_t{1});
}

Status Scratch::set_places(uint32_t flags, const Allocator &allocator) {
  infermem_scratch_lifetime lifetimes[INFERMEM_SCRATCH_COUNT];
  for (int32_t i = 0; i < INFERMEM_SCRATCH_COUNT; ++i) {
    size_t bytes, aligned;
    if (!bytes_of(buffers_[i], &bytes) || !checked::align_up(bytes, kAlign, &aligned))
      return fail(INFERMEM_E_OVERFLOW, SIZE_MAX, batch_, "the buffers of %zu tokens do not fit the address range",
                  batch_);
    const Uses uses = (flags & INFERMEM_SCRATCH_OVERLAP) != 0 ? uses_of(i) : Uses{kNorm, kLogits};
    lifetimes[i] = {bytes, uses.first, uses.last};
  }
  infermem_scratch_plan_options options = {};
  options.align = kAlign;
  Plan plan;
  INFERMEM_TRY(plan.open(options, allocator, lifetimes, INFERMEM_SCRATCH_COUNT));
  if (plan.separate_bytes() > PTRDIFF_MAX)
    return fail(INFERMEM_E_OVERFLOW, PTRDIFF_MAX, plan.separate_bytes(),
                "the buffers of %zu tokens do not fit the address range", batch_);
  for (int32_t i = 0; i < INFERMEM_SCRATCH_COUNT; ++i) buffers_[i].offset = static_cast<size_t>(plan.offsets()[i]);
  total_bytes_ = static_cast<size_t>(plan.total_bytes());
  separate_bytes_ = static_cast<size_t>(plan.separate_bytes());
  return INFERMEM_OK;
}

Status Scratch::find(int32_t which, const Buffer **out) const {
  if (which < 0 || which >= INFERMEM_SCRATCH_COUNT)
    return fail(INFERMEM_E_RANGE, INFERMEM_SCRATCH_COUNT, static_cast<uint64_t>(which), "buffer is %d, of %d buffers",
                which, INFERMEM_SCRATCH_COUNT);
  if (buffers_[which].width == 0)
    return fail(INFERMEM_E_STATE, 0, static_cast<uint64_t>(which), "the scratch was made without buffer %d", which);
  INFERMEM_TRY(store_.check());
  *out = &buffers_[which];
  return INFERMEM_OK;
}

Status Scratch::find(int32_t which, int32_t type, const Buffer **out) const {
  const Buffer *buffer = nullptr;
  INFERMEM_TRY(find(which, &buffer));
  if (buffer->type != type)
    return fail(INFERMEM_E_TYPE, static_cast<uint64_t>(buffer->type), static_cast<uint64_t>(type),
                "buffer %d is of %s, not %s", which, infermem_dtype_name(buffer->type), infermem_dtype_name(type));
  *out = buffer;
  return INFERMEM_OK;
}

Status Scratch::f32(int32_t which, float **out, size_t *out_n) const {
  const Buffer *buffer = nullptr;
  INFERMEM_TRY(find(which, INFERMEM_DTYPE_F32, &buffer));
  *out = reinterpret_cast<float *>(store_.data() + buffer->offset);
  *out_n = buffer->width * batch_;
  return INFERMEM_OK;
}

Status Scratch::i8(int32_t which, int8_t **out, size_t *out_n) const {
  const Buffer *buffer = nullptr;
  INFERMEM_TRY(find(which, INFERMEM_DTYPE_I8, &buffer));
  *out = reinterpret_cast<int8_t *>(store_.data() + buffer->offset);
  *out_n = buffer->width * batch_;
  return INFERMEM_OK;
}

Status Scratch::view(int32_t which, infermem_view *out) const {
  const Buffer *buffer = nullptr;
  INFERMEM_TRY(find(which, &buffer));
  const size_t element = buffer->type == INFERMEM_DTYPE_F32 ? sizeof(float) : 1;
  infermem_view view = {};
  view.data = store_.data() + buffer->offset;
  view.dtype = buffer->type;
  view.n_dims = 2;
  view.bytes = batch_ * buffer->width * element;
  std::fill(view.shape, view.shape + INFERMEM_MAX_DIMS, 1);
  view.shape[0] = batch_;
  view.shape[1] = buffer->width;
  view.strides[0] = static_cast<int64_t>(buffer->width * element);
  view.strides[1] = static_cast<int64_t>(element);
  *out = view;
  return INFERMEM_OK;
}

void Scratch::clear(int32_t which) {
  const Buffer &buffer = buffers_[which];
  std::memset(store_.data() + buffer.offset, 0, buffer.width * batch_ * sizeof(float));
}

Status Scratch::reset() {
  INFERMEM_TRY(store_.check_writable());
  clear(INFERMEM_SCRATCH_HIDDEN);
  clear(INFERMEM_SCRATCH_NORMED);
  return INFERMEM_OK;
}

Status Scratch::reset_all() {
  INFERMEM_TRY(store_.check_writable());
  std::memset(store_.data(), 0, total_bytes_);
  return INFERMEM_OK;
}

Status Scratch::quantize_q8k(int32_t which, size_t row, const float *values, size_t n) {
  if (which == INFERMEM_SCRATCH_Q8K_HIDDEN)
    return quantize(INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, kQ8KBlock, row, values, n);
  if (which == INFERMEM_SCRATCH_Q8K_INTER)
    return quantize(INFERMEM_SCRATCH_Q8K_INTER_SCALES, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, kQ8KBlock, row, values, n);
  return fail(INFERMEM_E_RANGE, INFERMEM_SCRATCH_Q8K_INTER, static_cast<uint64_t>(which),
              "which is %d, neither Q8K_HIDDEN nor Q8K_INTER", which);
}

Status Scratch::quantize_q8(size_t row, const float *values, size_t n) {
  return quantize(INFERMEM_SCRATCH_Q8_SCALES, INFERMEM_SCRATCH_Q8_QUANTS, kQ8Block, row, values, n);
}

Status Scratch::quantize(int32_t scales, int32_t levels, size_t block, size_t row, const float *values, size_t n) {
  const Buffer *to_scales = nullptr, *to_levels = nullptr;
  INFERMEM_TRY(find(scales, &to_scales));
  INFERMEM_TRY(find(levels, &to_levels));
  INFERMEM_TRY(store_.check_writable());
  if (row >= batch_) return fail(INFERMEM_E_RANGE, batch_, row, "row is %zu, of %zu rows", row, batch_);
  if (n > to_levels->width)
    return fail(INFERMEM_E_SHAPE, to_levels->width, n, "%zu values do not fit a row of %zu", n, to_levels->width);
  const Kernels &k = kernels();
  const size_t odd = k.find_not_finite(values, n);
  if (odd != n) return fail(INFERMEM_E_NOT_FINITE, 0, odd, "values[%zu] is NaN or infinite", odd);
  auto *const scale = reinterpret_cast<float *>(store_.data() + to_scales->offset) + row * to_scales->width;
  auto *const level = reinterpret_cast<int8_t *>(store_.data() + to_levels->offset) + row * to_levels->width;
  const size_t whole = n / block * block;
  k.stored->to_levels(values, block, whole, level, scale);
  if (whole == n) return INFERMEM_OK;
  float last[kQ8KBlock] = {};
  std::copy(values + whole, values + n, last);
  k.stored->to_levels(last, block, block, level + whole, scale + whole / block);
  return INFERMEM_OK;
}

}  // namespace infermem
