// The extern "C" functions of infermem/scratch.h.
#include "scratch/plan.hh"
#include "scratch/scratch.hh"

using namespace infermem;

extern "C" {

int32_t scratch_new(const infermem_model_config *config, const infermem_scratch_options *options,
                    infermem_scratch **out) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, config));
}

void scratch_free(infermem_scratch *scratch) { free_handle(scratch); }

int32_t scratch_f32(const infermem_scratch *scratch, int32_t which, float **out, size_t *out_n) {
  INFERMEM_HANDLE(scratch);
  INFERMEM_NOT_NULL(out);
  INFERMEM_NOT_NULL(out_n);
  INFERMEM_LEAVE(scratch->core.f32(which, out, out_n));
}

int32_t scratch_i8(const infermem_scratch *scratch, int32_t which, int8_t **out, size_t *out_n) {
  INFERMEM_HANDLE(scratch);
  INFERMEM_NOT_NULL(out);
  INFERMEM_NOT_NULL(out_n);
  INFERMEM_LEAVE(scratch->core.i8(which, out, out_n));
}

int32_t scratch_view(const infermem_scratch *scratch, int32_t which, infermem_view *out) {
  INFERMEM_HANDLE(scratch);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(scratch->core.view(which, out));
}

int32_t scratch_reset(infermem_scratch *scratch) {
  INFERMEM_HANDLE(scratch);
  INFERMEM_LEAVE(scratch->core.reset());
}

int32_t scratch_reset_all(infermem_scratch *scratch) {
  INFERMEM_HANDLE(scratch);
  INFERMEM_LEAVE(scratch->core.reset_all());
}

size_t scratch_total_bytes(const infermem_scratch *scratch) { return is(scratch) ? scratch->core.total_bytes() : 0; }

size_t scratch_separate_bytes(const infermem_scratch *scratch) {
  return is(scratch) ? scratch->core.separate_bytes() : 0;
}

int32_t scratch_quantize_q8k(infermem_scratch *scratch, int32_t which, size_t row, const float *values, size_t n) {
  INFERMEM_HANDLE(scratch);
  if (n != 0) INFERMEM_NOT_NULL(values);
  INFERMEM_LEAVE(scratch->core.quantize_q8k(which, row, values, n));
}

int32_t scratch_quantize_q8(infermem_scratch *scratch, size_t row, const float *values, size_t n) {
  INFERMEM_HANDLE(scratch);
  if (n != 0) INFERMEM_NOT_NULL(values);
  INFERMEM_LEAVE(scratch->core.quantize_q8(row, values, n));
}

int32_t scratch_plan_new(const infermem_scratch_lifetime *lifetimes, size_t n,
                         const infermem_scratch_plan_options *options, infermem_scratch_plan **out) {
  if (n != 0) INFERMEM_NOT_NULL(lifetimes);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, lifetimes, n));
}

void scratch_plan_free(infermem_scratch_plan *plan) { free_handle(plan); }

int32_t scratch_plan_offsets(const infermem_scratch_plan *plan, const uint64_t **out, size_t *out_n) {
  INFERMEM_HANDLE(plan);
  INFERMEM_NOT_NULL(out);
  INFERMEM_NOT_NULL(out_n);
  *out = plan->core.offsets();
  *out_n = plan->core.count();
  return INFERMEM_OK;
}

uint64_t scratch_plan_total_bytes(const infermem_scratch_plan *plan) { return is(plan) ? plan->core.total_bytes() : 0; }

uint64_t scratch_plan_separate_bytes(const infermem_scratch_plan *plan) {
  return is(plan) ? plan->core.separate_bytes() : 0;
}

}  // extern "C"
