#include "layout/layout.hh"

#include <cstdio>

#include "base/checked.hh"
#include "base/text.hh"

namespace infermem {

Status Layout::open(const infermem_layout_options &options, const Allocator &allocator) {
  const size_t sizes[kLifetimes] = {options.weights_size, options.scratch_size, options.history_size};
  const uint32_t flags[kLifetimes] = {options.weights_flags, options.scratch_flags, options.history_flags};
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  size_t sum = 0;
  for (const size_t size : sizes) {
    size_t rounded;
    if (!checked::align_up(size, page_size(), &rounded) || !checked::add(sum, rounded, &sum))
      return fail(INFERMEM_E_OVERFLOW, 0, size, "the sizes %zu, %zu and %zu together do not fit", sizes[kWeights],
                  sizes[kScratch], sizes[kHistory]);
  }
  if (sum == 0) return fail(INFERMEM_E_ARG, 1, 0, "all three sizes are 0");

  for (const Lifetime lifetime : {kWeights, kScratch, kHistory}) {
    if (sizes[lifetime] == 0) {
      if (flags[lifetime] == 0) continue;
      return fail(INFERMEM_E_ARG, 0, flags[lifetime], "a tape of size 0 has the flags 0x%x", flags[lifetime]);
    }
    infermem_tape_options tape = {};
    tape.size = sizes[lifetime];
    tape.flags = flags[lifetime];
    if (lifetime == kWeights && !(tape.flags & INFERMEM_TAPE_LAZY)) tape.flags |= INFERMEM_TAPE_WARM;
    tape.numa_nodes = options.numa_nodes;
    INFERMEM_TRY(tapes_[lifetime].core.open(tape, allocator));
    tapes_[lifetime].of_layout = true;
    present_[lifetime] = true;
  }
  tapes_[kWeights].core.keep_for_ever();
  return INFERMEM_OK;
}

Status Layout::clear_pass() { return present_[kScratch] ? tapes_[kScratch].core.clear() : INFERMEM_OK; }

Status Layout::clear_talk() {
  // Both are asked before either is cleared.
  for (const Lifetime lifetime : {kHistory, kScratch})
    if (present_[lifetime]) INFERMEM_TRY(tapes_[lifetime].core.check_clearable());
  if (present_[kHistory]) INFERMEM_TRY(tapes_[kHistory].core.clear());
  return clear_pass();
}

TapeUsage Layout::usage_of(Lifetime lifetime) const {
  return present_[lifetime] ? tapes_[lifetime].core.usage() : TapeUsage();
}

size_t Layout::total() const { return usage_of(kWeights).total + usage_of(kScratch).total + usage_of(kHistory).total; }

void Layout::usage(infermem_layout_usage *out) const {
  const TapeUsage w = usage_of(kWeights), s = usage_of(kScratch), h = usage_of(kHistory);
  *out = {sizeof *out, w.used, w.total, w.peak, s.used, s.total, s.peak, h.used, h.total, h.peak};
}

Status Layout::text(char *buffer, size_t capacity, size_t *out_length) const {
  const TapeUsage w = usage_of(kWeights), s = usage_of(kScratch), h = usage_of(kHistory);
  char line[192];  // three pairs of 20 digits at most, and 50 bytes of words
  const int length =
      std::snprintf(line, sizeof line, "weights: %zu/%zu MB | scratch: %zu/%zu MB | history: %zu/%zu MB", w.used >> 20,
                    w.total >> 20, s.used >> 20, s.total >> 20, h.used >> 20, h.total >> 20);
  return put_text(line, static_cast<size_t>(length), buffer, capacity, out_length);
}

}  // namespace infermem
