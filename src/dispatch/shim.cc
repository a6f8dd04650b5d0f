// The extern "C" functions of infermem/dispatch.h.
#include "base/structs.hh"
#include "dispatch/dispatch.hh"

using namespace infermem;

namespace {

// What is not one thread's writing to its own memory, each in a function of its own: so those that are called all the time
// have nothing to keep across calls.
[[gnu::cold, gnu::noinline]] Status record(const infermem_dispatch *dispatch, uint32_t backend, int64_t latency_ns,
                                           const char *function) {
  const Status status = check_handle(dispatch, "dispatch");
  return leave(status != INFERMEM_OK ? status : dispatch->core.record(backend, latency_ns), function);
}

[[gnu::cold, gnu::noinline]] Status count(const infermem_dispatch *dispatch, uint32_t backend, const char *function) {
  const Status status = check_handle(dispatch, "dispatch");
  return leave(status != INFERMEM_OK ? status : dispatch->core.count(backend), function);
}

// Whether there are the object and the backend; the error record says why not.
bool has(const infermem_dispatch *dispatch, uint32_t backend, const char *function) {
  if (leave(check_handle(dispatch, "dispatch"), function) != INFERMEM_OK) return false;
  return leave(dispatch->core.check_backend(backend), function) == INFERMEM_OK;
}

}  // namespace

extern "C" {

int32_t dispatch_new(const infermem_dispatch_options *options, infermem_dispatch **out) {
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void dispatch_free(infermem_dispatch *dispatch) { free_handle(dispatch); }

// Aligned as processors fetch instructions: it is so short that a worse place in its line costs a tenth.
[[gnu::aligned(64)]] int32_t dispatch_record(const infermem_dispatch *dispatch, uint32_t backend, int64_t latency_ns) {
  if (__builtin_expect(is(dispatch) && dispatch->core.try_record(backend, latency_ns), 1)) return INFERMEM_OK;
  return record(dispatch, backend, latency_ns, __func__);
}

int32_t dispatch_count_only(const infermem_dispatch *dispatch, uint32_t backend) {
  if (__builtin_expect(is(dispatch) && dispatch->core.try_count(backend), 1)) return INFERMEM_OK;
  return count(dispatch, backend, __func__);
}

uint64_t dispatch_timer_start(void) { return monotonic_ns(); }

int32_t dispatch_timer_stop(const infermem_dispatch *dispatch, uint32_t backend, uint64_t started_ns) {
  const uint64_t now = monotonic_ns();
  if (started_ns > now) INFERMEM_LEAVE(fail(INFERMEM_E_ARG, now, started_ns, "started_ns is later than now"));
  const auto latency_ns = static_cast<int64_t>(now - started_ns);
  if (__builtin_expect(is(dispatch) && dispatch->core.try_record(backend, latency_ns), 1)) return INFERMEM_OK;
  return record(dispatch, backend, latency_ns, __func__);
}

int32_t dispatch_reset(const infermem_dispatch *dispatch) {
  INFERMEM_HANDLE(dispatch);
  dispatch->core.reset();
  return INFERMEM_OK;
}

int32_t dispatch_snapshot(const infermem_dispatch *dispatch, uint32_t backend, infermem_dispatch_stats *out) {
  INFERMEM_HANDLE(dispatch);
  INFERMEM_NOT_NULL(out);
  INFERMEM_STEP(dispatch->core.check_backend(backend));
  infermem_dispatch_stats stats = {};
  dispatch->core.describe(backend, &stats);
  INFERMEM_LEAVE(write_struct(stats, out, "out"));
}

int32_t dispatch_histogram(const infermem_dispatch *dispatch, uint32_t backend, const uint64_t *bounds_ns, size_t n,
                           uint64_t *out_counts) {
  INFERMEM_HANDLE(dispatch);
  if (n != 0) INFERMEM_NOT_NULL(bounds_ns);
  INFERMEM_NOT_NULL(out_counts);
  INFERMEM_STEP(dispatch->core.check_backend(backend));
  INFERMEM_LEAVE(dispatch->core.histogram(backend, bounds_ns, n, out_counts));
}

double dispatch_ratio(const infermem_dispatch *dispatch, uint32_t backend) {
  return has(dispatch, backend, __func__) ? dispatch->core.ratio(backend) : 0;
}

double dispatch_speedup(const infermem_dispatch *dispatch, uint32_t slow, uint32_t fast) {
  return has(dispatch, slow, __func__) && has(dispatch, fast, __func__) ? dispatch->core.speedup(slow, fast) : 0;
}

uint64_t dispatch_elapsed_ns(const infermem_dispatch *dispatch) {
  return is(dispatch) ? dispatch->core.elapsed_ns() : 0;
}

double dispatch_throughput(const infermem_dispatch *dispatch) { return is(dispatch) ? dispatch->core.throughput() : 0; }

int32_t dispatch_prometheus(const infermem_dispatch *dispatch, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(dispatch);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(dispatch->core.prometheus(buffer, capacity, out_length));
}

int32_t dispatch_json(const infermem_dispatch *dispatch, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(dispatch);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(dispatch->core.json(buffer, capacity, out_length));
}

}  // extern "C"
