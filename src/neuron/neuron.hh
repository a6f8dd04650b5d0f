// Activation counts a layer, and the classification of its neurons into hot and cold.
//
// Everything lives in one Store: the layers' heads, then for each layer its counts, its two lists, and one bit a neuron
// that is set while the neuron is hot. The lists and the bits always say the same: the result of the last
// classification.
//
// Where counts fade, an activation adds more the later it comes, from 256 up to twice that in half_life events; then
// all counts are halved, and it begins anew. Relative to each other, counts fade smoothly, and recording costs what it
// does without.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/allocator.hh"
#include "base/handle.hh"
#include "infermem/neuron.h"
#include "layout/store.hh"
#include "simd/counts.hh"

namespace infermem {

// What neuron_load is given.
struct ProfilePath {
  const char *path;
};
struct ProfileHeader;  // neuron/profile.cc

class Neuron {
 public:
  // Takes and clears the memory, or fills it from a saved profile. One of these is called once.
  Status open(const infermem_neuron_options &options, const Allocator &allocator);
  Status open(const infermem_neuron_options &options, const Allocator &allocator, const ProfilePath &saved);

  Status record(size_t layer, const uint32_t *indices, size_t n);
  Status record_mask(size_t layer, const uint8_t *mask, size_t n_bytes);
  Status record_values(size_t layer, const float *values, size_t n, float cutoff);
  Status reclassify(size_t layer);
  Status hot(size_t layer, const uint32_t **out, size_t *out_n) const;
  Status cold(size_t layer, const uint32_t **out, size_t *out_n) const;
  // Of no such layer or neuron these two leave *out alone; they fail only when the tape took the memory back.
  Status is_hot(size_t layer, uint32_t index, bool *out) const;
  Status frequency(size_t layer, uint32_t index, double *out) const;
  Status describe(size_t layer, infermem_neuron_counts *out) const;
  Status coverage(size_t layer, const double *fractions, size_t n, double *out) const;
  Status clear();

  Status save(const char *path) const;
  // Adds what n others counted.
  Status merge(const infermem_neuron *const *others, size_t n);

  // The frequencies of all neurons of all layers, layer by layer; n is how many there are.
  Status frequencies(size_t n, double *out) const;

 private:
  // What is saved of a layer besides its counts and bits.
  struct State {
    uint64_t events;
    uint64_t next;    // the number of the event that brings the next automatic classification
    uint64_t weight;  // of all events, as an activation in each of them would count
    uint64_t phase;   // events since counts were halved
    uint64_t out_of_range;
    uint64_t nans;
    uint64_t reclassifications;
    uint64_t reserved;
  };

  struct alignas(64) Layer {
    State state;
    uint32_t n_hot;
    uint32_t bound;  // no count is larger
    uint32_t *counts;
    uint32_t *hot;   // n_hot of them
    uint32_t *cold;  // the rest
  };

  // The largest of some values that are to be hot, and those that equal a limit.
  struct Cut {
    uint32_t limit;  // what is above is in
    size_t n_above;  // at most as many as were asked for; of those that equal the limit, as many as lack
  };

  Status set_form(const infermem_neuron_options &options);
  Status take(const infermem_tape *tape);
  Status check_layer(size_t layer) const;
  // The layer exists and its memory is there; and can be written.
  Status check(size_t layer) const;
  Status check_writable(size_t layer) const;
  Status check_indices(size_t layer, const uint32_t *indices, size_t n) const;
  Layer &at(size_t layer) const { return reinterpret_cast<Layer *>(store_.data())[layer]; }
  uint64_t *bits(const Layer &layer) const { return reinterpret_cast<uint64_t *>(layer.cold + row_); }
  void reset(Layer *layer);

  // What an activation counts in the next event.
  uint32_t weight_of(const Layer &layer) const;
  void end_event(Layer *layer, uint32_t weight);

  void classify(Layer *layer);
  Split by_threshold(const Layer &layer) const;
  Split by_budget(const uint32_t *values) const;
  uint32_t with_bonus(uint32_t count) const;
  Cut cut(const uint32_t *values, size_t k) const;

  void describe(ProfileHeader *out) const;
  Status read_layers(const class File &file, const ProfileHeader &header);
  Status check_saved(size_t index) const;
  void list_bits(Layer *layer);
  Status check_mergeable(const infermem_neuron *const *others, size_t n) const;
  void merge_layer(Layer *layer, const Layer &other);

  Store store_;
  size_t n_layers_ = 0;
  size_t row_ = 0;         // entries from one array of a layer to the next: the neurons, rounded up to a cache line
  size_t bits_bytes_ = 0;  // rounded up, too
  uint32_t n_ = 0;         // neurons of a layer
  uint32_t budget_ = 0;    // how many are hot at most; 0 where a threshold tells
  infermem_neuron_options form_ = {};  // with the defaults filled in, and without what belongs to the handle
};

}  // namespace infermem

struct infermem_neuron {
  static constexpr infermem::Kind kKind = infermem::Kind::kNeuron;
  infermem::Head head{kKind};
  infermem::Neuron core;
  infermem::Allocator allocator;
};
