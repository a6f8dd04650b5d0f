/* dispatch.h: which backend did the work, and how long it took: counts and latencies, recorded by many threads.
 *
 *     infermem_dispatch *dispatch;
 *     if (dispatch_new(NULL, &dispatch) != INFERMEM_OK) return 1;    // two backends: CPU and GPU
 *     const uint64_t started_ns = dispatch_timer_start();
 *     work();
 *     dispatch_timer_stop(dispatch, INFERMEM_DISPATCH_CPU, started_ns);
 *     INFERMEM_STRUCT(infermem_dispatch_stats, stats);
 *     dispatch_snapshot(dispatch, INFERMEM_DISPATCH_CPU, &stats);    // stats.p99_ns, stats.mean_ns, ...
 *     dispatch_free(dispatch);
 *
 * Recording takes no lock and allocates nothing. Each of the first 64 threads that record has memory of its own for it,
 * which another thread takes over once that thread has ended; further threads, a signal handler that interrupts a
 * recording, and all threads while somebody reads, share what they record to, by atomic instructions. Nothing is
 * registered with the system that would outlive the library: it may be unloaded once its handles are freed.
 *
 * A signal handler may record. Where it may have interrupted a record, a reading or a reset of the same object by its own
 * thread, it must not read or reset: these wait for one another, here for ever.
 *
 * What is read is consistent: every record is in it as a whole or not at all, however many threads are recording. Of two
 * readings, one after the other and without a reset between them, the later has all that the earlier had.
 *
 * Latencies are nanoseconds, counted in buckets that are a hundredth of the latency wide at most, so that a percentile
 * is off by half a percent at most. The buckets' edges are round decimal numbers, and what is exactly on an edge is counted
 * apart: any bound of two significant digits, such as 2.5 ms, parts the latencies exactly. Counts, sums, minima, maxima,
 * means and variances are computed from exact integers, of fewer than 2^64 latencies.
 *
 * In the child of a fork an object is as after a reset, but that its time goes on. Where the system lacks
 * MADV_WIPEONFORK (Linux before 4.14), the child may only free it.
 */
#ifndef INFERMEM_DISPATCH_H
#define INFERMEM_DISPATCH_H

#include "alloc.h"
#include "error.h"

#define INFERMEM_DISPATCH_MAX_BACKENDS 32
#define INFERMEM_DISPATCH_MAX_NAME 63    /* bytes of a backend's name */
#define INFERMEM_DISPATCH_MAX_BOUNDS 256 /* of dispatch_histogram */

/* The two backends of an object that is made without options. */
enum { INFERMEM_DISPATCH_CPU = 0, INFERMEM_DISPATCH_GPU = 1 };

/* Counts and latencies by backend; see dispatch_new. */
typedef struct infermem_dispatch infermem_dispatch;

/* How one is made. Zero in any field means the default. */
typedef struct infermem_dispatch_options {
  size_t struct_size;
  uint32_t n_backends; /* 0 means 2 */
  /* A bucket is at most a resolution-th of its latencies wide. 10 to 1000: with 10, bounds of one digit are exact, with
   * 1000, of three. 0 means 100. */
  uint32_t resolution;
  /* n_backends of them, copied: UTF-8, different, 1 to 63 bytes. NULL means "CPU", "GPU", "backend2", ... */
  const char *const *names;
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
} infermem_dispatch_options;

/* What one backend did. All but dispatches is about those whose latency was recorded, and 0 where none was. */
typedef struct infermem_dispatch_stats {
  size_t struct_size;
  uint64_t dispatches; /* with and without a latency */
  uint64_t latencies;  /* with one */
  uint64_t sum_ns;     /* 2^64 - 1 when it is more than that, which is 584 years */
  uint64_t min_ns;
  uint64_t max_ns;
  /* Percentiles: the latency of rank ceil(p / 100 * latencies), to within its bucket, min_ns and max_ns. */
  uint64_t p50_ns;
  uint64_t p90_ns;
  uint64_t p95_ns;
  uint64_t p99_ns;
  uint64_t p999_ns;
  double mean_ns;           /* within min_ns and max_ns */
  double variance_ns2;      /* of all latencies as the population */
  double deviation_ns;      /* standard deviation */
  double variation_percent; /* 100 * deviation_ns / mean_ns; 0 when the mean is below 1 ns */
} infermem_dispatch_stats;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* Makes an object that has recorded nothing; free it with dispatch_free.
 *   options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: out, or one of the names, is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_LIMIT: n_backends exceeds
 * INFERMEM_DISPATCH_MAX_BACKENDS, or a name INFERMEM_DISPATCH_MAX_NAME.  INFERMEM_E_ARG: resolution is not within 10 to
 * 1000; a name is empty, no UTF-8, or there twice; or the allocator lacks a function.  INFERMEM_E_NOMEM.
 * Thread: any.  Memory: one handle from the allocator; one mapping, by default of 17 MiB of address range a backend,
 * of which pages are committed as latencies need them: a few a thread, backend and decade of latencies.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_new(const infermem_dispatch_options *options, infermem_dispatch **out)
    INFERMEM_AS(dispatch_new);

/* Frees the object. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void dispatch_free(infermem_dispatch *dispatch) INFERMEM_AS(dispatch_free);

/* ---- Recording --------------------------------------------------------------------------------------------------- */

/* Records one dispatch and its latency.
 *   backend: below n_backends.  latency_ns: 0 or more.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such backend.  INFERMEM_E_ARG: the latency
 * is negative, as that of a clock that was set back.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_record(const infermem_dispatch *dispatch, uint32_t backend, int64_t latency_ns)
    INFERMEM_AS(dispatch_record);

/* Records one dispatch of which the latency is not known.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such backend.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_count_only(const infermem_dispatch *dispatch, uint32_t backend)
    INFERMEM_AS(dispatch_count_only);

/* Nanoseconds of the system's monotonic clock, for dispatch_timer_stop.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t dispatch_timer_start(void) INFERMEM_AS(dispatch_timer_start);

/* Records one dispatch whose latency is from started_ns, which dispatch_timer_start returned, until now.
 * Errors: those of dispatch_record; INFERMEM_E_ARG: started_ns is later than now.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_timer_stop(const infermem_dispatch *dispatch, uint32_t backend, uint64_t started_ns)
    INFERMEM_AS(dispatch_timer_stop);

/* Forgets everything that was recorded, and starts the time anew. A record that another thread is making meanwhile is
 * forgotten, too, or counts as new.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_reset(const infermem_dispatch *dispatch) INFERMEM_AS(dispatch_reset);

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* Fills *out, whose struct_size the caller has set, with what a backend did.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is no such backend.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_snapshot(const infermem_dispatch *dispatch, uint32_t backend, infermem_dispatch_stats *out)
    INFERMEM_AS(dispatch_snapshot);

/* Counts a backend's latencies between bounds: those below the first, from each on and below the next, and from the last
 * on. A latency that equals a bound is in the bucket above it. The classic bounds are 100, 500, 1000 and 5000 us.
 *   bounds_ns: n of them, ascending, none twice; may be NULL when n is 0. A bound of more than two significant digits
 *   is rounded down to its bucket's edge.  out_counts: room for n + 1; their sum is stats.latencies.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such backend.  INFERMEM_E_ARG: the bounds
 * do not ascend.  INFERMEM_E_LIMIT: n exceeds INFERMEM_DISPATCH_MAX_BOUNDS.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_histogram(const infermem_dispatch *dispatch, uint32_t backend, const uint64_t *bounds_ns,
                                       size_t n, uint64_t *out_counts) INFERMEM_AS(dispatch_histogram);

/* The share of all dispatches that a backend did, 0 to 1; 0 when there were none. 0 also where there is no such backend,
 * of NULL, and of a handle of another kind (the error record then says so).
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN double dispatch_ratio(const infermem_dispatch *dispatch, uint32_t backend) INFERMEM_AS(dispatch_ratio);

/* How many times faster one backend is than another: the mean latency of slow, divided by that of fast. 0 when the latter
 * is below 1 ns, and in the cases of dispatch_ratio.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN double dispatch_speedup(const infermem_dispatch *dispatch, uint32_t slow, uint32_t fast)
    INFERMEM_AS(dispatch_speedup);

/* Nanoseconds since the object was made or reset, by the system's monotonic clock. 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t dispatch_elapsed_ns(const infermem_dispatch *dispatch) INFERMEM_AS(dispatch_elapsed_ns);

/* Dispatches a second, of all backends, since the object was made or reset; 0 while that is less than 1 ms ago. 0 of NULL
 * or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN double dispatch_throughput(const infermem_dispatch *dispatch) INFERMEM_AS(dispatch_throughput);

/* ---- For programs that collect metrics --------------------------------------------------------------------------- */

/* Writes all backends' figures in the text format of Prometheus, version 0.0.4, and a NUL, to a buffer of capacity bytes:
 * the counter infermem_dispatches_total, and the histogram infermem_dispatch_latency_seconds with the classic bounds,
 * both labelled with the backend's name. *out_length is the length without the NUL. A NULL buffer of capacity 0 asks
 * for the length alone, which may have grown by the next call.
 * Errors: INFERMEM_E_NULL: dispatch or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
 * INFERMEM_E_BUFFER: capacity is too small; the error's `expected` is the capacity needed.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_prometheus(const infermem_dispatch *dispatch, char *buffer, size_t capacity,
                                        size_t *out_length) INFERMEM_AS(dispatch_prometheus);

/* Writes the same as JSON: {"elapsed_ns": n, "backends": [{"name": "CPU", ...}, ...]}, where a backend has the fields of
 * infermem_dispatch_stats, but for variance_ns2, and "buckets": [{"below_ns": 100000, "count": n}, ...], the last with
 * "below_ns": null. As dispatch_prometheus.
 * Errors: those of dispatch_prometheus.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t dispatch_json(const infermem_dispatch *dispatch, char *buffer, size_t capacity, size_t *out_length)
    INFERMEM_AS(dispatch_json);

INFERMEM_END_DECLS
#endif

#endif
