#include "plan/plan.hh"

#include <algorithm>

#include "base/dtype.hh"
#include "base/structs.hh"

namespace infermem {
namespace {

constexpr uint64_t kTensorsOfLayer = 32;  // where no file tells

// Bits of 256 elements.
uint64_t width(int32_t type) {
  Block block = {1, 1};
  dtype_block(type, &block);  // which the request has checked
  return 2048 / block.elements * block.bytes;
}

int32_t narrower(int32_t asked, int32_t candidate) { return width(candidate) < width(asked) ? candidate : asked; }

// The least n up to `most` for which `is_enough` is true, which it stays from there on and is at `most`.
template <typename Enough>
uint64_t least(uint64_t from, uint64_t most, Enough is_enough) {
  while (from < most) {
    const uint64_t middle = from + (most - from) / 2;
    if (is_enough(middle))
      most = middle;
    else
      from = middle + 1;
  }
  return most;
}

}  // namespace

Status Plan::open(const infermem_plan_options &options, const Allocator &allocator, const Subject &subject,
                  const infermem_plan_device *devices, size_t n_devices) {
  allocator_ = allocator;
  request_.use(allocator);
  sizes_.use(allocator);
  INFERMEM_TRY(request_.read(options, devices, n_devices));
  Shape made;
  made.use(allocator);
  const Shape *shape = subject.shape;
  if (shape) {
    INFERMEM_TRY(infermem_config_validate(&shape->config));
  } else {
    infermem_model_config config;
    INFERMEM_TRY(read_struct(subject.config, &config, "config"));
    INFERMEM_TRY(infermem_config_validate(&config));
    INFERMEM_TRY(shape_of(config, &made));
    shape = &made;
  }
  INFERMEM_TRY(request_.settle_context(shape->config));
  INFERMEM_TRY(sizes_.open(request_, *shape));
  n_tensors_ = subject.shape ? subject.n_tensors : sizes_.n_layers() * kTensorsOfLayer;
  INFERMEM_TRY(sizes_.check(request_.asked()));
  return plan();
}

// ---- The ladder ----

bool Plan::could(Step step) const {
  const bool has_host = !request_.is_pool() && request_.host_known();
  switch (step) {
    case kFull:
      return true;
    case kExperts:
      return has_host && sizes_.has_experts();
    case kSome:
      return !request_.is_unified && sizes_.n_loaded() > 1;
    case kAll:
      return !request_.is_unified;
    case kHost:
      return has_host;
  }
  return false;
}

uint32_t Plan::bit_of(Step step) {
  constexpr uint32_t kBits[kSteps] = {0, INFERMEM_PLAN_STEP_HOST_EXPERTS, INFERMEM_PLAN_STEP_SOME_LAYERS,
                                      INFERMEM_PLAN_STEP_ALL_LAYERS, INFERMEM_PLAN_STEP_HOST};
  return kBits[step];
}

bool Plan::may(Step step) const { return could(step) && (step == kFull || request_.may(bit_of(step))); }

int32_t Plan::mode_of(Step step) const {
  switch (step) {
    case kFull:
      return request_.n_devices == 0 ? INFERMEM_PLAN_HOST : INFERMEM_PLAN_FULL_CACHE;
    case kExperts:
    case kSome:
      return INFERMEM_PLAN_PARTIAL;
    case kAll:
      return INFERMEM_PLAN_LAYER_STREAMING;
    case kHost:
      break;
  }
  return INFERMEM_PLAN_HOST;
}

size_t Plan::cache_forms(uint64_t context, Caches *out) const {
  const Caches asked = {context, request_.options.k_type, request_.options.v_type};
  size_t n = 0;
  out[n++] = asked;
  if (!request_.may(INFERMEM_PLAN_STEP_QUANTIZE_KV)) return n;
  for (const int32_t type : {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0}) {
    const Caches form = {context, narrower(asked.k_type, type), narrower(asked.v_type, type)};
    const bool is_new = form.k_type != out[n - 1].k_type || form.v_type != out[n - 1].v_type;
    if (is_new && sizes_.allows(form)) out[n++] = form;
  }
  return n;
}

bool Plan::take(const Split &split, Step step, const Caches &caches, Way *out) const {
  const uint64_t n = sizes_.n_loaded();
  switch (step) {
    case kFull:
      *out = {caches, n, 0, false};
      return split.fits(*out);
    case kExperts: {
      const auto with = [&](uint64_t experts) { return Way{caches, n, experts, false}; };
      if (!split.fits_devices(with(n))) return false;
      *out = with(least(0, n, [&](uint64_t experts) { return split.fits_devices(with(experts)); }));
      return split.fits_host(*out);
    }
    case kSome:
      *out = {caches, split.most_resident(caches), 0, false};
      return out->n_resident != 0;
    case kAll:
      *out = {caches, 0, 0, false};
      return split.fits(*out);
    case kHost:
      *out = {caches, n, 0, true};
      return split.fits(*out);
  }
  return false;
}

template <typename Fits>
uint64_t Plan::longest(uint64_t from, uint64_t most, Fits fits) const {
  const uint64_t step = request_.context_step();
  if (!fits(from)) return 0;
  return from + step * least(0, (most - from) / step, [&](uint64_t n) { return !fits(from + (n + 1) * step); });
}

bool Plan::choose(const Split &split, Step *out_step, Way *out) const {
  for (int i = 0; i < kSteps; ++i) {
    const Step step = static_cast<Step>(i);
    if (!may(step)) continue;
    Caches forms[kCacheForms];
    const size_t n = cache_forms(request_.options.context, forms);
    for (size_t form = 0; form < n; ++form) {
      Caches caches = forms[form];
      const auto fits = [&](uint64_t context) {
        caches.context = context;
        return take(split, step, caches, out);
      };
      caches.context = fits(request_.options.context)
                           ? request_.options.context
                           : longest(request_.options.min_context, request_.options.context, fits);
      if (caches.context == 0) continue;
      *out_step = step;
      return take(split, step, caches, out);
    }
  }
  return false;
}

bool Plan::fits_somehow(const Split &split) const {
  for (int i = 0; i < kSteps; ++i) {
    Caches forms[kCacheForms];
    const size_t n = cache_forms(request_.options.min_context, forms);
    Way way;
    for (size_t form = 0; form < n && may(static_cast<Step>(i)); ++form)
      if (take(split, static_cast<Step>(i), forms[form], &way)) return true;
  }
  return false;
}

template <typename Fits>
uint64_t Plan::least_free(Fits fits) const {
  Split split(request_, sizes_);
  const auto is_enough = [&](uint64_t bytes) {
    split.set_largest(bytes);
    return fits(split);
  };
  return is_enough(UINT64_MAX) ? least(1, UINT64_MAX, is_enough) : 0;
}

Status Plan::plan() {
  const Split split(request_, sizes_);
  Step step = kFull;
  Way as_asked = {};
  const bool is_as_asked = take(split, kFull, request_.asked(), &as_asked);
  const bool fits = choose(split, &step, &way_);
  if (!fits) {
    way_ = as_asked;
    step = kFull;
  }
  mode_ = fits ? mode_of(step) : INFERMEM_PLAN_INSUFFICIENT;
  is_everything_here_ = request_.is_pool() || way_.on_host;

  const auto full = [&](const Split &s) {
    Way way;
    return take(s, kFull, request_.asked(), &way);
  };
  full_needs_ = least_free(full);
  needs_ = least_free([&](const Split &s) { return fits_somehow(s); });
  n_resident_ = way_.n_resident;
  if (fits)
    max_context_ = longest(way_.caches.context, INFERMEM_PLAN_MAX_CONTEXT, [&](uint64_t context) {
      Way way = way_;
      way.caches.context = context;
      return split.fits(way);
    });
  else
    settle_refusal(split);

  size_t head = 0;
  split.place(way_, sizes_.layers(), &head);
  uint64_t n = 0;
  for (size_t i = 0; i < sizes_.n_layers(); ++i) {
    PlanLayer &layer = sizes_.layer(i);
    if (!layer.is_loaded) continue;
    layer.is_resident = n < n_resident_;
    layer.has_host_experts = n < way_.n_host_experts && layer.experts != 0;
    request_.places[layer.place].n_resident += layer.is_resident;
    n_host_expert_layers_ += layer.has_host_experts;
    ++n;
  }
  if (fits && way_.n_resident < sizes_.n_loaded()) settle_stream(split);
  settle_notes(split);
  INFERMEM_TRY(fill_ledger(head));
  if (!is_as_asked) settle_advice(split);
  return INFERMEM_OK;
}

void Plan::settle_refusal(const Split &split) {
  const uint64_t step = request_.context_step();
  for (int i = 0; i < kSteps; ++i) {
    if (!may(static_cast<Step>(i))) continue;
    Caches forms[kCacheForms];
    const size_t n = cache_forms(step, forms);
    for (size_t form = 0; form < n; ++form) {
      const uint64_t found = longest(step, request_.options.context, [&](uint64_t context) {
        Way way;
        return take(split, static_cast<Step>(i), {context, forms[form].k_type, forms[form].v_type}, &way);
      });
      if (found > max_context_) {
        max_context_ = found;
        max_context_mode_ = mode_of(static_cast<Step>(i));
      }
    }
  }
  Split cut = split;
  const uint64_t n = sizes_.n_loaded();
  const auto fits = [&](uint64_t layers) {
    cut.cut_to(layers);
    return cut.fits(way_);
  };
  n_resident_ = fits(1) ? least(1, n, [&](uint64_t layers) { return layers == n || !fits(layers + 1); }) : 0;
}

void Plan::settle_stream(const Split &split) {
  stream_source_ = split.can_keep_streamed(way_) ? INFERMEM_PLAN_SOURCE_HOST : INFERMEM_PLAN_SOURCE_FILE;
  const uint64_t file = stream_source_ == INFERMEM_PLAN_SOURCE_FILE ? request_.options.file_bytes_per_s : 0;
  double seconds = 0;
  bool is_known = true;
  for (size_t i = 0; i < sizes_.n_layers(); ++i) {
    const PlanLayer &layer = sizes_.layer(i);
    if (!layer.is_loaded || layer.is_resident) continue;
    stream_bytes_ += layer.streamed;  // of which the sum is known to fit: it is below that of the weights
    uint64_t rate = request_.places[layer.place].link_bytes_per_s;  // 0 of the host
    if (rate == 0 || (file != 0 && file < rate)) rate = file;
    is_known = is_known && rate != 0;
    if (rate != 0) seconds += static_cast<double>(layer.streamed) / static_cast<double>(rate);
  }
  const double rate = is_known && seconds > 0 ? 1000 / seconds : 0;
  milli_tokens_ = rate < 0x1p63 ? static_cast<uint64_t>(rate) : UINT64_MAX;
}

void Plan::settle_notes(const Split &split) {
  uint32_t notes = 0;
  const Caches asked = request_.asked();
  if (way_.caches.context < asked.context) notes |= INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED;
  if (way_.caches.k_type != asked.k_type || way_.caches.v_type != asked.v_type)
    notes |= INFERMEM_PLAN_NOTE_KV_QUANTIZED;
  const bool is_split = way_.n_host_experts != 0 || way_.n_resident < sizes_.n_loaded() || request_.n_devices > 1;
  if (request_.options.profile == INFERMEM_PLAN_BLOCKS ||
      (request_.options.profile == INFERMEM_PLAN_CELLS && (is_split || sizes_.has_latent())))
    notes |= INFERMEM_PLAN_NOTE_ROUGH_COMPUTE;
  if (!request_.host_known() && !request_.is_pool()) notes |= INFERMEM_PLAN_NOTE_HOST_UNKNOWN;
  for (size_t i = 0; i < sizes_.n_layers(); ++i) {
    const PlanLayer &layer = sizes_.layer(i);
    if (layer.owns_kv && (sizes_.type(layer, way_.caches.k_type) != way_.caches.k_type ||
                          sizes_.type(layer, way_.caches.v_type) != way_.caches.v_type))
      notes |= INFERMEM_PLAN_NOTE_WINDOW_F16;
  }
  if (sizes_.leaves_out_nextn()) notes |= INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT;
  if (!split.fits_host({asked, sizes_.n_loaded(), 0, false})) notes |= INFERMEM_PLAN_NOTE_HOST_LACKS;
  request_.notes |= notes;
}

// ---- What to change ----

void Plan::add_advice(uint32_t code, int32_t mode, uint64_t value) {
  if (n_advice_ < kMostAdvice) advice_[n_advice_++] = {code, mode, value};
}

void Plan::settle_advice(const Split &split) {
  const int32_t best = mode_of(kFull);
  const Caches asked = request_.asked();
  Way way;
  if (mode_ != best) {
    const uint64_t context = longest(request_.context_step(), asked.context, [&](uint64_t tokens) {
      return take(split, kFull, {tokens, asked.k_type, asked.v_type}, &way);
    });
    if (context != 0) add_advice(INFERMEM_PLAN_ADVICE_CONTEXT, best, context);
  }
  if (is_refusal() && max_context_ != 0 && max_context_mode_ != best)
    add_advice(INFERMEM_PLAN_ADVICE_CONTEXT, max_context_mode_, max_context_);
  for (const int32_t type : {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0}) {
    const Caches form = {asked.context, narrower(asked.k_type, type), narrower(asked.v_type, type)};
    if ((form.k_type == asked.k_type && form.v_type == asked.v_type) || !sizes_.allows(form)) continue;
    if (!take(split, kFull, form, &way)) continue;
    add_advice(INFERMEM_PLAN_ADVICE_KV_TYPE, best, static_cast<uint64_t>(type));
    break;
  }
  if (is_refusal()) {
    for (const Step step : {kExperts, kSome, kAll, kHost}) {
      if (may(step) || !could(step) || !take(split, step, asked, &way)) continue;
      add_advice(INFERMEM_PLAN_ADVICE_ALLOW, mode_of(step), bit_of(step));
      break;
    }
  }
  const Way full = {asked, sizes_.n_loaded(), 0, false};
  if (!split.fits_host(full) && split.fits_devices(full))
    add_advice(INFERMEM_PLAN_ADVICE_HOST_MEMORY, best, split.host_bytes(full).or_most());
  if (full_needs_ != 0) {
    add_advice(INFERMEM_PLAN_ADVICE_MEMORY, best, full_needs_);
    const uint64_t lacking = full_needs_ - std::min(full_needs_, split.largest());
    const uint64_t here = sizes_.weights_beside(request_.is_pool());
    if (request_.n_devices <= 1 && lacking < here) {
      // Of what stronger quantization saves, only that part counts.
      __extension__ typedef unsigned __int128 Wide;
      const Wide left = static_cast<Wide>(sizes_.total_weights()) * (here - lacking) / here;
      add_advice(INFERMEM_PLAN_ADVICE_WEIGHTS, best, static_cast<uint64_t>(left));
    }
  }
  if (is_refusal() && needs_ != 0 && needs_ != full_needs_) {
    Split with = split;
    with.set_largest(needs_);
    Step step = kFull;
    if (choose(with, &step, &way)) add_advice(INFERMEM_PLAN_ADVICE_MEMORY, mode_of(step), needs_);
  }
  if (is_refusal() && n_resident_ != 0) add_advice(INFERMEM_PLAN_ADVICE_LAYERS, best, n_resident_);
}

// ---- The ledger ----

Status Plan::add(size_t place, uint32_t kind, Size bytes, uint32_t confidence) {
  PlanPlace &at = request_.places[place];
  uint64_t sum = 0;
  INFERMEM_TRY((bytes + at.bytes[kind]).give(term_name(kind), &sum));
  if (sum == at.bytes[kind]) return INFERMEM_OK;
  at.bytes[kind] = sum;
  at.confidence[kind] = std::max(at.confidence[kind], confidence);  // the less sure one
  return INFERMEM_OK;
}

Status Plan::fill_ledger(size_t head) {
  const uint32_t weights = sizes_.weights_confidence();
  const size_t host = request_.n_devices;
  bool is_used[INFERMEM_PLAN_MAX_DEVICES + 1] = {};
  bool has_slots[INFERMEM_PLAN_MAX_DEVICES + 1] = {};
  is_used[head] = true;
  for (size_t i = 0; i < sizes_.n_layers(); ++i) {
    const PlanLayer &layer = sizes_.layer(i);
    if (!layer.is_loaded) continue;
    const size_t at = layer.place;
    is_used[at] = true;
    const uint64_t apart = layer.has_host_experts ? layer.experts : 0;
    if (is_refusal() || layer.is_resident) {
      INFERMEM_TRY(add(at, INFERMEM_PLAN_WEIGHTS, layer.weights - apart, layer.weights_confidence));
      INFERMEM_TRY(add(host, INFERMEM_PLAN_WEIGHTS, apart, layer.weights_confidence));
      INFERMEM_TRY(add(at, INFERMEM_PLAN_DEQUANT, layer.dequant, INFERMEM_CONFIDENCE_MODELLED));
    } else {
      has_slots[at] = true;
      if (stream_source_ == INFERMEM_PLAN_SOURCE_HOST)
        INFERMEM_TRY(add(host, INFERMEM_PLAN_WEIGHTS, layer.weights, layer.weights_confidence));
    }
    INFERMEM_TRY(add(at, layer.has_window ? INFERMEM_PLAN_KV_WINDOW : INFERMEM_PLAN_KV_GLOBAL,
                     sizes_.kv(layer, way_.caches), layer.kv_confidence));
    INFERMEM_TRY(add(at, INFERMEM_PLAN_RECURRENT, layer.state, layer.kv_confidence));
  }
  const bool is_here = is_everything_here_;
  const bool is_rough = (request_.notes & INFERMEM_PLAN_NOTE_ROUGH_COMPUTE) != 0;
  const uint32_t compute = is_rough ? uint32_t{INFERMEM_CONFIDENCE_ROUGH} : sizes_.compute_confidence();
  INFERMEM_TRY(add(head, INFERMEM_PLAN_WEIGHTS, sizes_.head(is_here), weights));
  for (size_t i = 0; i <= host; ++i) {
    if (!is_used[i]) continue;
    const PlanPlace &place = request_.places[i];
    const Size buffers = is_here ? sizes_.pool_compute(way_.caches) : sizes_.compute(way_.caches, i == head);
    INFERMEM_TRY(add(i, INFERMEM_PLAN_COMPUTE, buffers, compute));
    if (has_slots[i]) INFERMEM_TRY(add(i, INFERMEM_PLAN_STAGING, sizes_.staging(), weights));
    INFERMEM_TRY(add(i, INFERMEM_PLAN_DRIVER_CONTEXT, place.driver, INFERMEM_CONFIDENCE_ROUGH));
    INFERMEM_TRY(add(i, INFERMEM_PLAN_MARGIN_LEFT, place.margin, INFERMEM_CONFIDENCE_EXACT));
  }
  const bool is_cells = request_.options.profile == INFERMEM_PLAN_CELLS;
  INFERMEM_TRY(
      add(is_cells && !is_here ? host : head, INFERMEM_PLAN_OUTPUT, sizes_.output(), INFERMEM_CONFIDENCE_MODELLED));
  if (!is_here) {
    INFERMEM_TRY(add(host, INFERMEM_PLAN_HOST_EMBEDDING, sizes_.embedding(false), weights));
    INFERMEM_TRY(add(host, INFERMEM_PLAN_COMPUTE, sizes_.host_compute(way_.caches), compute));
    if (request_.host_known() && request_.host().total() != 0)
      INFERMEM_TRY(add(host, INFERMEM_PLAN_MARGIN_LEFT, request_.host().margin, INFERMEM_CONFIDENCE_EXACT));
  }
  Size total;
  for (const PlanPlace &place : request_.places)
    for (const uint64_t bytes : place.bytes) total += bytes;
  return total.give("plan", &total_);
}

}  // namespace infermem
