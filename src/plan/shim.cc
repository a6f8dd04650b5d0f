// The extern "C" functions of infermem/plan.h.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "model/model.hh"
#include "plan/estimate.hh"
#include "plan/text.hh"

using namespace infermem;

namespace {

// Calls `each` with every element of the caller's array, in a copy; what it writes goes back with `put`.
template <typename Measures, typename Each>
Status for_measures(const Plan &plan, Measures *measures, size_t n, Each each) {
  if (n == 0) return INFERMEM_OK;
  const size_t stride = measures->struct_size;
  if (stride < sizeof(infermem_plan_measure))
    return fail(INFERMEM_E_STRUCT, sizeof(infermem_plan_measure), stride, "measures->struct_size is %zu, below %zu",
                stride, sizeof(infermem_plan_measure));
  for (size_t i = 0; i < n; ++i) {
    auto *const at = reinterpret_cast<Measures *>(reinterpret_cast<uintptr_t>(measures) + i * stride);
    infermem_plan_measure measure;
    INFERMEM_TRY(read_struct(at, &measure, "measures"));
    if (measure.struct_size != stride)
      return fail(INFERMEM_E_STRUCT, stride, measure.struct_size,
                  "measure %zu has a struct_size of %zu, the first one of %zu", i, measure.struct_size, stride);
    INFERMEM_TRY(plan.audit(&measure));
    each(measure, at);
  }
  return INFERMEM_OK;
}

}  // namespace

extern "C" {

int32_t plan_device_from(const infermem_device_facts *facts, infermem_plan_device *out) {
  INFERMEM_NOT_NULL(facts);
  INFERMEM_NOT_NULL(out);
  infermem_device_facts read;
  INFERMEM_STEP(read_struct(facts, &read, "facts"));
  infermem_plan_device device = {};
  std::memcpy(device.name, read.name, std::min(sizeof device.name, sizeof read.name));
  device.name[sizeof device.name - 1] = '\0';
  device.total_bytes = read.total_bytes;
  device.free_bytes = read.free_known ? read.free_bytes : 0;
  if (read.is_unified) device.flags |= INFERMEM_PLAN_DEVICE_UNIFIED;
  INFERMEM_LEAVE(write_struct(device, out, "out"));
}

int32_t plan_new(const infermem_model *model, const infermem_model_config *config, const infermem_plan_device *devices,
                 size_t n_devices, const infermem_plan_options *options, infermem_plan **out) {
  INFERMEM_NOT_NULL(out);
  if (!model) INFERMEM_NOT_NULL(config);
  if (model) INFERMEM_HANDLE(model);
  if (n_devices != 0) INFERMEM_NOT_NULL(devices);
  INFERMEM_STEP(!model || !config ? INFERMEM_OK
                                  : fail(INFERMEM_E_ARG, 1, 2, "a model and a configuration are both given"));
  Plan::Subject subject = {nullptr, 0, config};
  if (model) subject = {&model->core.shape(), model->core.tensors().count(), nullptr};
  INFERMEM_LEAVE(new_handle(out, options, subject, devices, n_devices));
}

void plan_free(infermem_plan *plan) { free_handle(plan); }

int32_t plan_mode(const infermem_plan *plan) { return is(plan) ? plan->core.mode() : 0; }

int32_t plan_query(const infermem_plan *plan, uint32_t key, uint32_t place, uint64_t *out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.query(key, place, out));
}

size_t plan_term_count(const infermem_plan *plan) { return is(plan) ? plan->core.n_terms() : 0; }

int32_t plan_term(const infermem_plan *plan, size_t index, infermem_plan_term_facts *out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.term(index, out));
}

int32_t plan_layer(const infermem_plan *plan, uint64_t index, infermem_plan_layer_facts *out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.layer(index, out));
}

size_t plan_advice_count(const infermem_plan *plan) { return is(plan) ? plan->core.n_advice() : 0; }

int32_t plan_advice(const infermem_plan *plan, size_t index, infermem_plan_advice_facts *out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.advice(index, out));
}

int32_t plan_text(const infermem_plan *plan, uint32_t flags, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_STEP(
      (flags & ~uint32_t{INFERMEM_PLAN_TEXT_UTF8}) == 0
          ? INFERMEM_OK
          : fail(INFERMEM_E_ARG, INFERMEM_PLAN_TEXT_UTF8, flags, "flags are 0x%x, of which some are unknown", flags));
  INFERMEM_LEAVE(write_text(buffer, capacity, out_length, [&](Writer &writer) {
    write_table(plan->core, (flags & INFERMEM_PLAN_TEXT_UTF8) != 0, writer);
  }));
}

int32_t plan_json(const infermem_plan *plan, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(write_text(buffer, capacity, out_length, [&](Writer &writer) { write_json(plan->core, writer); }));
}

int32_t plan_build_layout(const infermem_plan *plan, infermem_layout **out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.build_layout(out));
}

int32_t plan_build_scratch(const infermem_plan *plan, const infermem_tape *tape, infermem_scratch **out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.build_scratch(tape, out));
}

int32_t plan_build_kv(const infermem_plan *plan, const infermem_tape *tape, infermem_kv **out) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(plan->core.build_kv(tape, out));
}

int32_t plan_audit(const infermem_plan *plan, infermem_plan_measure *measures, size_t n) {
  INFERMEM_HANDLE(plan);
  if (n != 0) INFERMEM_NOT_NULL(measures);
  INFERMEM_STEP(for_measures(plan->core, measures, n, [](const infermem_plan_measure &, infermem_plan_measure *) {}));
  INFERMEM_LEAVE(
      for_measures(plan->core, measures, n, [](const infermem_plan_measure &measure, infermem_plan_measure *at) {
        at->predicted_bytes = measure.predicted_bytes;
        at->per_million = measure.per_million;
      }));
}

int32_t plan_audit_text(const infermem_plan *plan, const infermem_plan_measure *measures, size_t n, char *buffer,
                        size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(plan);
  if (n != 0) INFERMEM_NOT_NULL(measures);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_STEP(
      for_measures(plan->core, measures, n, [](const infermem_plan_measure &, const infermem_plan_measure *) {}));
  INFERMEM_LEAVE(write_text(buffer, capacity, out_length, [&](Writer &writer) {
    Audit audit(plan->core, writer);
    for_measures(plan->core, measures, n,
                 [&](const infermem_plan_measure &measure, const infermem_plan_measure *) { audit.row(measure); });
    audit.end();
  }));
}

int32_t plan_estimate_layer(const infermem_model_config *config, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.layer(out_bytes));
}

int32_t plan_estimate_kv(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.kv(n_tokens, out_bytes));
}

int32_t plan_estimate_full(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.full(n_tokens, out_bytes));
}

int32_t plan_estimate_streaming(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.streaming(n_tokens, out_bytes));
}

int32_t plan_estimate_prefill_cache(const infermem_model_config *config, int32_t fp8, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.prefill_cache(fp8, out_bytes));
}

int32_t plan_estimate_mode(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                           int32_t *out_mode) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_mode);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.mode(n_tokens, free_bytes, out_mode));
}

int32_t plan_should_stream(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, int32_t *out) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out);
  Estimate estimate;
  int32_t mode = 0;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_STEP(estimate.mode(n_tokens, free_bytes, &mode));
  *out = mode == INFERMEM_PLAN_LAYER_STREAMING;
  return INFERMEM_OK;
}

const char *plan_mode_text(int32_t mode) { return mode_text(mode); }

int32_t plan_estimate_text(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                           uint64_t total_bytes, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_length);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.text(n_tokens, free_bytes, total_bytes, buffer, capacity, out_length));
}

}  // extern "C"
