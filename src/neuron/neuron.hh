// Activation counts a layer, and the classification of its neurons into hot and cold.
//
// Everything lives in one Store: the layers' heads, then for each layer its counts, its two lists, and one bit a neuron
// that is set while the neuron is hot. The lists and the bits always say the same: the result of the last
// classification.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/allocator.hh"
#include "base/handle.hh"
#include "infermem/neuron.h"
#include "layout/store.hh"

namespace infermem {

class Neuron {
 public:
  // Takes and clears the memory. Called once.
  Status open(const infermem_neuron_options &options, const Allocator &allocator);

  Status record(size_t layer, const uint32_t *indices, size_t n);
  Status reclassify(size_t layer);
  Status hot(size_t layer, const uint32_t **out, size_t *out_n) const;
  Status cold(size_t layer, const uint32_t **out, size_t *out_n) const;
  // Of no such layer or neuron these two leave *out alone; they fail only when the tape took the memory back.
  Status is_hot(size_t layer, uint32_t index, bool *out) const;
  Status frequency(size_t layer, uint32_t index, double *out) const;
  Status describe(size_t layer, infermem_neuron_counts *out) const;
  Status clear();

 private:
  struct alignas(64) Layer {
    uint64_t events;
    uint64_t next;  // the number of the event that brings the next automatic classification
    uint64_t out_of_range;
    uint64_t reclassifications;
    uint32_t n_hot;
    uint32_t bound;  // no count is larger
    uint32_t *counts;
    uint32_t *hot;   // n_hot of them
    uint32_t *cold;  // the rest
  };

  Status check_layer(size_t layer) const;
  // The layer exists and its memory is there; and can be written.
  Status check(size_t layer) const;
  Status check_writable(size_t layer) const;
  Status check_indices(size_t layer, const uint32_t *indices, size_t n) const;
  Layer &at(size_t layer) const { return reinterpret_cast<Layer *>(store_.data())[layer]; }
  uint64_t *bits(const Layer &layer) const { return reinterpret_cast<uint64_t *>(layer.cold + row_); }
  void reset(Layer *layer);
  void classify(Layer *layer);

  Store store_;
  size_t n_layers_ = 0;
  size_t row_ = 0;  // entries from one array of a layer to the next: the neurons, rounded up to a cache line
  uint32_t n_ = 0;  // neurons of a layer
  uint32_t interval_ = 0;
  double threshold_ = 0;
  bool strict_ = false;
};

}  // namespace infermem

struct infermem_neuron {
  static constexpr infermem::Kind kKind = infermem::Kind::kNeuron;
  infermem::Head head{kKind};
  infermem::Neuron core;
  infermem::Allocator allocator;
};
