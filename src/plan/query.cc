// What a plan answers: numbers by key, terms, layers, advice, and the audit.
#include <algorithm>

#include "plan/plan.hh"

namespace infermem {

const char *term_name(uint32_t kind) {
  constexpr const char *kNames[kKinds] = {"unknown",   "weights",         "host embedding", "KV global",
                                          "KV window", "recurrent state", "compute",        "output",
                                          "staging",   "dequant cache",   "driver context", "margin"};
  return kNames[kind < kKinds ? kind : 0];
}

const char *Plan::formula(uint32_t kind, size_t place) const {
  const uint32_t profile = request_.options.profile;
  const bool is_device = place < request_.n_devices;
  switch (kind) {
    case INFERMEM_PLAN_WEIGHTS:
      return sizes_.weights_confidence() == INFERMEM_CONFIDENCE_EXACT ? "the bytes of the tensors"
                                                                      : "the configuration's formula";
    case INFERMEM_PLAN_HOST_EMBEDDING:
      return "the token embedding, which is looked up on the host";
    case INFERMEM_PLAN_KV_GLOBAL:
    case INFERMEM_PLAN_KV_WINDOW:
      if (profile == INFERMEM_PLAN_CELLS) return "row(type, heads * dim) * cells * streams, keys and values, a layer";
      return profile == INFERMEM_PLAN_BLOCKS ? "row(type, heads * dim) * 16 * pages, keys and values, a layer"
                                             : "kv_memory_bytes of a cache a sequence";
    case INFERMEM_PLAN_RECURRENT:
      return "(conv_elements + state_elements) * 4 * sequences * (1 + snapshots) a layer";
    case INFERMEM_PLAN_COMPUTE:
      if (profile == INFERMEM_PLAN_PLAIN) return "the buffers of a pass over ubatch tokens";
      if (profile == INFERMEM_PLAN_BLOCKS) return "16-bit activations of ubatch tokens";
      return is_device ? "(vocab * outputs + 2 * hidden * ubatch) * 4, or the scores" : "masks and inputs";
    case INFERMEM_PLAN_OUTPUT:
      return profile == INFERMEM_PLAN_CELLS ? "(vocab + hidden) * 4 a sequence" : "vocab * 4 a sequence";
    case INFERMEM_PLAN_STAGING:
      return "slots * the largest layer";
    case INFERMEM_PLAN_DEQUANT:
      return "1 or 2 bytes an element of the resident layers";
    case INFERMEM_PLAN_DRIVER_CONTEXT:
      return "driver_bytes";
    case INFERMEM_PLAN_MARGIN_LEFT:
      return is_device ? "the larger of margin_bytes and margin_fraction" : "host_margin_bytes";
    default:
      return "unknown";
  }
}

Status Plan::find_place(uint32_t place, size_t *out) const {
  if (place == INFERMEM_PLAN_PLACE_HOST) {
    *out = request_.n_devices;
    return INFERMEM_OK;
  }
  if (place >= request_.n_devices)
    return fail(INFERMEM_E_RANGE, request_.n_devices, place, "place %u is none of %zu devices", place,
                request_.n_devices);
  *out = place;
  return INFERMEM_OK;
}

uint64_t Plan::sum(uint32_t kind) const {
  uint64_t sum = 0;  // at most total_, which is known to fit
  for (const PlanPlace &place : request_.places) sum += place.bytes[kind];
  return sum;
}

uint64_t Plan::number(uint32_t key) const {
  switch (key) {
    case INFERMEM_PLAN_LAYERS:
      return sizes_.n_loaded();
    case INFERMEM_PLAN_STREAMED_LAYERS:
      return is_refusal() ? 0 : sizes_.n_loaded() - way_.n_resident;
    case INFERMEM_PLAN_HOST_EXPERT_LAYERS:
      return n_host_expert_layers_;
    case INFERMEM_PLAN_CONTEXT:
      return way_.caches.context;
    case INFERMEM_PLAN_MAX_CONTEXT_FITS:
      return max_context_;
    case INFERMEM_PLAN_CONTEXT_STEP:
      return request_.context_step();
    case INFERMEM_PLAN_K_TYPE:
      return static_cast<uint64_t>(way_.caches.k_type);
    case INFERMEM_PLAN_V_TYPE:
      return static_cast<uint64_t>(way_.caches.v_type);
    case INFERMEM_PLAN_LARGEST_TERM: {
      uint32_t largest = INFERMEM_PLAN_WEIGHTS;
      for (uint32_t kind = largest + 1; kind < kKinds; ++kind)
        if (sum(kind) > sum(largest)) largest = kind;
      return largest;
    }
    case INFERMEM_PLAN_LARGEST_LAYER_BYTES:
      return sizes_.largest_layer();
    case INFERMEM_PLAN_SLOTS:
      return sum(INFERMEM_PLAN_STAGING) != 0 ? request_.options.slots : 0;
    case INFERMEM_PLAN_STREAM_SOURCE:
      return stream_source_;
    case INFERMEM_PLAN_STREAM_BYTES:
      return stream_bytes_;
    case INFERMEM_PLAN_MILLI_TOKENS:
      return milli_tokens_;
    case INFERMEM_PLAN_FULL_NEEDS_BYTES:
      return full_needs_;
    case INFERMEM_PLAN_NEEDS_BYTES:
      return needs_;
    default:
      return request_.notes;
  }
}

Status Plan::query(uint32_t key, uint32_t place, uint64_t *out) const {
  const bool is_kind = key > 0 && key < kKinds;
  const bool has_place = is_kind || key == INFERMEM_PLAN_TOTAL_BYTES || key == INFERMEM_PLAN_FREE_BYTES ||
                         key == INFERMEM_PLAN_RESIDENT_LAYERS;
  if (!has_place && (key < INFERMEM_PLAN_LAYERS || key > INFERMEM_PLAN_NOTES))
    return fail(INFERMEM_E_ARG, INFERMEM_PLAN_NOTES, key, "there is no key %u", key);
  if (!has_place) {
    if (place != INFERMEM_PLAN_PLACE_ALL)
      return fail(INFERMEM_E_ARG, INFERMEM_PLAN_PLACE_ALL, place, "key %u takes no place, and %u was given", key,
                  place);
    *out = number(key);
    return INFERMEM_OK;
  }
  size_t first = 0, last = n_places() - 1;
  if (place != INFERMEM_PLAN_PLACE_ALL) {
    INFERMEM_TRY(find_place(place, &first));
    last = first;
  }
  Size sum;
  for (size_t i = first; i <= last; ++i) {
    const PlanPlace &at = request_.places[i];
    sum += is_kind                            ? at.bytes[key]
           : key == INFERMEM_PLAN_TOTAL_BYTES ? at.total()
           : key == INFERMEM_PLAN_FREE_BYTES  ? at.free_bytes
                                              : at.n_resident;
  }
  *out = sum.or_most();  // what is free may be more than fits
  return INFERMEM_OK;
}

size_t Plan::n_terms() const {
  size_t n = 0;
  for (const PlanPlace &place : request_.places)
    for (const uint64_t bytes : place.bytes) n += bytes != 0;
  return n;
}

Status Plan::term(size_t index, infermem_plan_term_facts *out) const {
  size_t n = 0;
  for (uint32_t kind = 1; kind < kKinds; ++kind) {
    for (size_t i = 0; i < n_places(); ++i) {
      const PlanPlace &at = request_.places[i];
      if (at.bytes[kind] == 0 || n++ != index) continue;
      infermem_plan_term_facts facts = {};
      facts.kind = kind;
      facts.place = number_of(i);
      facts.bytes = at.bytes[kind];
      facts.confidence = at.confidence[kind];
      facts.name = term_name(kind);
      facts.formula = formula(kind, i);
      return write_struct(facts, out, "out");
    }
  }
  return fail(INFERMEM_E_RANGE, n, index, "term %zu is not below the %zu there are", index, n);
}

Status Plan::layer(uint64_t index, infermem_plan_layer_facts *out) const {
  if (index >= sizes_.n_layers())
    return fail(INFERMEM_E_RANGE, sizes_.n_layers(), index, "layer %llu is not below the %zu layers", wide(index),
                sizes_.n_layers());
  const PlanLayer &layer = sizes_.layer(index);
  infermem_plan_layer_facts facts = {};
  facts.place = number_of(layer.place);
  facts.is_loaded = layer.is_loaded;
  facts.is_resident = layer.is_resident;
  facts.host_experts = layer.has_host_experts;
  facts.weight_bytes = layer.weights;
  facts.kv_bytes = sizes_.kv(layer, way_.caches).or_most();  // which was added up
  facts.recurrent_bytes = layer.is_loaded ? layer.state : 0;
  facts.kv_index = UINT64_MAX;
  if (layer.kv_source < sizes_.n_layers() && layer.is_loaded && sizes_.layer(layer.kv_source).owns_kv) {
    facts.kv_index = 0;
    for (uint64_t i = 0; i < layer.kv_source; ++i) facts.kv_index += sizes_.layer(i).owns_kv;
  }
  return write_struct(facts, out, "out");
}

Status Plan::advice(size_t index, infermem_plan_advice_facts *out) const {
  if (index >= n_advice_)
    return fail(INFERMEM_E_RANGE, n_advice_, index, "advice %zu is not below the %zu there are", index, n_advice_);
  infermem_plan_advice_facts facts = {};
  facts.code = advice_[index].code;
  facts.mode = advice_[index].mode;
  facts.value = advice_[index].value;
  return write_struct(facts, out, "out");
}

Status Plan::audit(infermem_plan_measure *measure) const {
  const bool is_total = measure->kind == INFERMEM_PLAN_TOTAL_BYTES;
  if (!is_total && (measure->kind == 0 || measure->kind >= kKinds))
    return fail(INFERMEM_E_ARG, INFERMEM_PLAN_KINDS, measure->kind, "there is no kind of term %u", measure->kind);
  uint64_t planned = 0, margin = 0;
  INFERMEM_TRY(query(measure->kind, measure->place, &planned));
  INFERMEM_TRY(query(INFERMEM_PLAN_MARGIN_LEFT, measure->place, &margin));
  measure->predicted_bytes = is_total ? planned - margin : planned;
  const uint64_t measured = measure->measured_bytes;
  const uint64_t apart = std::max(measured, measure->predicted_bytes) - std::min(measured, measure->predicted_bytes);
  __extension__ typedef unsigned __int128 Wide;
  const Wide parts = measured == 0 ? Wide{0} : (static_cast<Wide>(apart) * 1000000 + measured - 1) / measured;
  if (measured == 0 || parts > UINT64_MAX)
    measure->per_million = apart == 0 ? 0 : UINT64_MAX;
  else
    measure->per_million = static_cast<uint64_t>(parts);
  return INFERMEM_OK;
}

}  // namespace infermem
