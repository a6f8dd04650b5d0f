// A plan: the step of the ladder that was taken, and the ledger of what it takes.
#pragma once

#include "base/handle.hh"
#include "base/size.hh"
#include "plan/split.hh"

namespace infermem {

// What a change would lead to.
struct Advice {
  uint32_t code;
  int32_t mode;
  uint64_t value;
};

class Plan {
 public:
  // What is planned: the shape of a model and how many tensors it has, or a configuration. None of it is kept.
  struct Subject {
    const Shape *shape;
    size_t n_tensors;
    const infermem_model_config *config;  // where shape is NULL
  };
  // Called once.
  Status open(const infermem_plan_options &options, const Allocator &allocator, const Subject &subject,
              const infermem_plan_device *devices, size_t n_devices);

  int32_t mode() const { return mode_; }
  bool is_refusal() const { return mode_ == INFERMEM_PLAN_INSUFFICIENT; }
  Status query(uint32_t key, uint32_t place, uint64_t *out) const;
  size_t n_terms() const;
  Status term(size_t index, infermem_plan_term_facts *out) const;
  Status layer(uint64_t index, infermem_plan_layer_facts *out) const;
  size_t n_advice() const { return n_advice_; }
  Status advice(size_t index, infermem_plan_advice_facts *out) const;
  Status audit(infermem_plan_measure *measure) const;

  Status build_layout(infermem_layout **out) const;
  Status build_scratch(const infermem_tape *tape, infermem_scratch **out) const;
  Status build_kv(const infermem_tape *tape, infermem_kv **out) const;

  // For what shows a plan, and what is built from it.
  const Request &request() const { return request_; }
  const Sizes &sizes() const { return sizes_; }
  const Caches &caches() const { return way_.caches; }
  size_t n_places() const { return request_.places.size(); }
  const PlanPlace &place(size_t i) const { return request_.places[i]; }
  // Its number to the caller.
  uint32_t number_of(size_t i) const {
    return i == request_.n_devices ? INFERMEM_PLAN_PLACE_HOST : static_cast<uint32_t>(i);
  }
  const Advice &advice_at(size_t i) const { return advice_[i]; }
  uint64_t number(uint32_t key) const;  // of a key that takes no place
  uint64_t sum(uint32_t kind) const;    // over all places
  uint64_t total() const { return total_; }
  uint64_t n_resident() const { return n_resident_; }
  uint32_t notes() const { return request_.notes; }

 private:
  // A step of the ladder, in its order.
  enum Step { kFull, kExperts, kSome, kAll, kHost };
  static constexpr int kSteps = kHost + 1;
  static constexpr size_t kCacheForms = 3;  // as asked, Q8_0, Q4_0
  static constexpr size_t kMostAdvice = 8;

  bool could(Step step) const;  // there is such a step with this model and these places
  bool may(Step step) const;    // and it is allowed
  static uint32_t bit_of(Step step);
  int32_t mode_of(Step step) const;
  // How the caches could be stored: the first as asked, then what is smaller and can be. Returns how many there are.
  size_t cache_forms(uint64_t context, Caches *out) const;
  // Whether the step fits with such caches, and then how.
  bool take(const Split &split, Step step, const Caches &caches, Way *out) const;
  // The longest context from `from` to `most` with which it does, or 0; `fits` is asked for a context.
  template <typename Fits>
  uint64_t longest(uint64_t from, uint64_t most, Fits fits) const;
  bool choose(const Split &split, Step *out_step, Way *out) const;
  bool fits_somehow(const Split &split) const;
  // The least free memory of the largest room with which `fits` is true; 0 where none is enough.
  template <typename Fits>
  uint64_t least_free(Fits fits) const;

  Status plan();
  void settle_refusal(const Split &split);
  void settle_stream(const Split &split);
  void settle_notes(const Split &split);
  void settle_advice(const Split &split);
  void add_advice(uint32_t code, int32_t mode, uint64_t value);
  Status fill_ledger(size_t head);
  Status add(size_t place, uint32_t kind, Size bytes, uint32_t confidence);
  // The index in places of a place's number; records E_RANGE.
  Status find_place(uint32_t place, size_t *out) const;
  const char *formula(uint32_t kind, size_t place) const;

  Request request_;
  Sizes sizes_;
  Allocator allocator_;
  int32_t mode_ = 0;
  Way way_ = {};
  size_t n_tensors_ = 0;
  bool is_everything_here_ = false;  // in the host's memory, or in the pool
  uint64_t total_ = 0;
  uint64_t n_resident_ = 0;
  uint64_t n_host_expert_layers_ = 0;
  uint64_t max_context_ = 0;
  int32_t max_context_mode_ = 0;  // of a refusal
  uint64_t full_needs_ = 0;
  uint64_t needs_ = 0;
  uint32_t stream_source_ = INFERMEM_PLAN_SOURCE_NONE;
  uint64_t stream_bytes_ = 0;
  uint64_t milli_tokens_ = 0;
  Advice advice_[kMostAdvice] = {};
  size_t n_advice_ = 0;
};

// "weights", or "unknown".
const char *term_name(uint32_t kind);

}  // namespace infermem

struct infermem_plan {
  static constexpr infermem::Kind kKind = infermem::Kind::kPlan;
  infermem::Head head{kKind};
  infermem::Plan core;
  infermem::Allocator allocator;
};
