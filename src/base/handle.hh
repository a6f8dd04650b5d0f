// Handles: what an opaque pointer at the border points to.
//
// Each is a struct with a `Head head` first, its C++ object as `core`, the allocator that it came from, and its kind as
// kKind. The head's word tells a handle of another kind, or one already freed, wherever that word can still be read.
#pragma once

#include "base/allocator.hh"
#include "base/error.hh"
#include "base/structs.hh"

namespace infermem {

// Four letters a kind, for a reader with a debugger.
enum class Kind : uint32_t {
  kFreed = 0,
  kTape = 0x45504154,         // "TAPE"
  kLayout = 0x4f59414c,       // "LAYO"
  kPad = 0x20444150,          // "PAD "
  kKv = 0x4843564b,           // "KVCH"
  kQuant = 0x4e415551,        // "QUAN"
  kNeuron = 0x5255454e,       // "NEUR"
  kNeuronStore = 0x53574f52,  // "ROWS"
  kModel = 0x45444f4d,        // "MODE"
  kPlan = 0x4e414c50,         // "PLAN"
  kDevice = 0x49564544,       // "DEVI"
  kScratch = 0x41524353,      // "SCRA"
  kScratchPlan = 0x4e4c5053,  // "SPLN"
  kDispatch = 0x50534944,     // "DISP"
};

struct Head {
  explicit Head(Kind k) : kind(k) {}
  ~Head() { *const_cast<volatile Kind *>(&kind) = Kind::kFreed; }
  Head(const Head &) = delete;
  Head &operator=(const Head &) = delete;
  Kind kind;
};

[[gnu::cold]] Status fail_handle(const char *name, Kind expected, Kind got);

template <typename Handle>
inline bool is(const Handle *handle) {
  return handle != nullptr && handle->head.kind == Handle::kKind;
}

template <typename Handle>
inline Status check_handle(const Handle *handle, const char *name) {
  if (__builtin_expect(is(handle), 1)) return INFERMEM_OK;
  return handle == nullptr ? fail_null(name) : fail_handle(name, Handle::kKind, handle->head.kind);
}

// The body of every X_new: reads the options (NULL stands for all defaults), makes the handle from their allocator, and
// opens its core with them and the remaining arguments. *out changes only on success.
template <typename Handle, typename Options, typename... Arguments>
Status new_handle(Handle **out, const Options *options, const Arguments &...arguments) {
  Options read = {};
  if (options) INFERMEM_TRY(read_struct(options, &read, "options"));
  Allocator allocator;
  INFERMEM_TRY(Allocator::from(read.allocator, &allocator));
  Handle *handle = nullptr;
  INFERMEM_TRY(allocator.make(&handle));
  handle->allocator = allocator;
  const Status status = handle->core.open(read, allocator, arguments...);
  if (status == INFERMEM_OK)
    *out = handle;
  else
    allocator.destroy(handle);
  return status;
}

// The body of every X_free.
template <typename Handle>
void free_handle(Handle *handle) {
  if (is(handle)) handle->allocator.destroy(handle);
}

}  // namespace infermem

// Ends an extern "C" function early when a handle argument is NULL or of another kind.
#define INFERMEM_HANDLE(handle) INFERMEM_STEP(::infermem::check_handle((handle), #handle))
