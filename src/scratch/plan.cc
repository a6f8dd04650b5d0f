#include "scratch/plan.hh"

#include <cinttypes>

#include "scratch/search.hh"

namespace infermem {

Status Plan::open(const infermem_scratch_plan_options &options, const Allocator &allocator,
                  const infermem_scratch_lifetime *lifetimes, size_t n) {
  constexpr uint64_t kDefaultAlign = 64;
  if (n > INFERMEM_SCRATCH_PLAN_MAX)
    return fail(INFERMEM_E_LIMIT, INFERMEM_SCRATCH_PLAN_MAX, n, "n is %zu, more than %d buffers", n,
                INFERMEM_SCRATCH_PLAN_MAX);
  const uint64_t align = options.align != 0 ? options.align : kDefaultAlign;
  if (!checked::is_power_of_two(align))
    return fail(INFERMEM_E_ARG, kDefaultAlign, align, "align is %" PRIu64 ", no power of two", align);

  Vec<Buffer> buffers(allocator);
  Vec<uint64_t> places(allocator);
  offsets_.use(allocator);
  INFERMEM_TRY(buffers.reserve(n));
  for (size_t i = 0; i < n; ++i) {
    const infermem_scratch_lifetime &l = lifetimes[i];
    if (l.first_use > l.last_use)
      return fail(INFERMEM_E_ARG, l.last_use, l.first_use,
                  "lifetimes[%zu] begins at step %" PRIu64 ", after it ends at %" PRIu64, i, l.first_use, l.last_use);
    uint64_t bytes;
    if (!checked::align_up(l.bytes, align, &bytes) || !checked::add(separate_bytes_, bytes, &separate_bytes_))
      return fail(INFERMEM_E_OVERFLOW, UINT64_MAX, l.bytes, "the sum of the buffers' bytes does not fit 64 bits");
    if (bytes != 0) INFERMEM_TRY(buffers.push({bytes, l.first_use, l.last_use}));
  }
  INFERMEM_TRY(offsets_.resize(n, 0));
  INFERMEM_TRY(places.resize(buffers.size(), 0));
  if (buffers.empty()) return INFERMEM_OK;
  Search search;
  INFERMEM_TRY(search.run(buffers.data(), buffers.size(), allocator, places.data(), &total_bytes_));
  const uint64_t *place = places.data();
  for (size_t i = 0; i < n; ++i)
    if (lifetimes[i].bytes != 0) offsets_[i] = *place++;
  return INFERMEM_OK;
}

}  // namespace infermem
