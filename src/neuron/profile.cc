// Saved profiles: a header, then of each layer its state, its counts and its bits. The format is told in
// doc/neuron_file.md.
//
// A header is checked by making the object that it describes and comparing with the header that this one has; its size
// is compared with the file's before any memory is taken.
#include <algorithm>
#include <cstring>

#include "base/checked.hh"
#include "base/checksum.hh"
#include "base/file.hh"
#include "base/output.hh"
#include "base/saved.hh"
#include "neuron/neuron.hh"
#include "simd/kernels.hh"

namespace infermem {

struct ProfileHeader {
  char magic[16];
  uint32_t version;
  uint32_t flags;
  uint64_t file_bytes;
  uint32_t n_layers;
  uint32_t n_neurons;
  float threshold;
  uint32_t interval;
  uint32_t half_life;
  uint32_t budget_count;
  float budget_fraction;
  float hysteresis;
  uint64_t budget_bytes;
  uint64_t row_bytes;
  uint64_t reserved[4];
  uint64_t data_checksum;  // of all the bytes after the header
  uint64_t checksum;       // of all the bytes before
};

namespace {

constexpr SavedFormat kFormat = {"infermem neuron\n", 1, "profile", 128};
static_assert(sizeof(ProfileHeader) == kFormat.header && offsetof(ProfileHeader, checksum) == kFormat.summed());
static_assert(offsetof(ProfileHeader, file_bytes) == offsetof(SavedHead, file_bytes));
// More than are ever counted, and few enough that sums of some do not wrap.
constexpr uint64_t kMostEvents = uint64_t{1} << 62;

// Whether these are a saved profile of this version, all of it and no more. Of what is shorter than a header, the
// header is what there is, and zeros.
Status check_header(const ProfileHeader &header, uint64_t size) {
  INFERMEM_TRY(check_saved_header(kFormat, &header, size));
  INFERMEM_TRY(check_saved_size(kFormat, &header, size));
  const uint64_t layer = (uint64_t{header.n_neurons} + 15) / 16 * 64 + (uint64_t{header.n_neurons} + 511) / 512 * 64;
  uint64_t due;
  if (!checked::mul<uint64_t>(header.n_layers, 64 + layer, &due) || !checked::add<uint64_t>(due, sizeof header, &due) ||
      due != size)
    return fail(INFERMEM_E_FORMAT, size, header.n_neurons, "%u layers of %u neurons do not take %llu bytes",
                header.n_layers, header.n_neurons, wide(size));
  if ((header.flags & ~uint32_t{INFERMEM_NEURON_STRICT}) != 0)
    return fail(INFERMEM_E_UNSUPPORTED, INFERMEM_NEURON_STRICT, header.flags,
                "the saved profile has flags 0x%x, of which 0x%x are unknown", header.flags,
                header.flags & ~uint32_t{INFERMEM_NEURON_STRICT});
  return INFERMEM_OK;
}

Status check_options(const infermem_neuron_options &options) {
  infermem_neuron_options others = options;
  others.struct_size = 0;
  others.tape = nullptr;
  others.allocator = nullptr;
  const infermem_neuron_options none = {};
  if (std::memcmp(&others, &none, sizeof none) == 0) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, 0, options.n_neurons, "options for loading hold n_neurons %u, or another field, not 0",
              options.n_neurons);
}

// What a header says that cannot be is the file's fault, whatever argument it would be in another call.
Status blame_file(Status status) {
  if (status == INFERMEM_OK) return status;
  const infermem_error error = *infermem_error_detail();
  return fail(INFERMEM_E_FORMAT, error.expected, error.got, "a saved profile cannot be so: %s", error.message);
}

}  // namespace

void Neuron::describe(ProfileHeader *out) const {
  static_assert(sizeof(State) == 64);
  ProfileHeader header = {};
  std::memcpy(header.magic, kFormat.magic, sizeof header.magic);
  header.version = kFormat.version;
  header.flags = form_.flags;
  header.file_bytes = sizeof header + n_layers_ * (sizeof(State) + row_ * sizeof(uint32_t) + bits_bytes_);
  header.n_layers = form_.n_layers;
  header.n_neurons = form_.n_neurons;
  header.threshold = form_.threshold;
  header.interval = form_.interval;
  header.half_life = form_.half_life;
  header.budget_count = form_.budget_count;
  header.budget_fraction = form_.budget_fraction;
  header.hysteresis = form_.hysteresis;
  header.budget_bytes = form_.budget_bytes;
  header.row_bytes = form_.row_bytes;
  *out = header;
}

Status Neuron::save(const char *path) const {
  INFERMEM_TRY(store_.check());
  ProfileHeader header;
  describe(&header);
  Output output;
  INFERMEM_TRY(output.open(path));
  output.skip(sizeof header);
  for (size_t i = 0; i < n_layers_; ++i) {
    const Layer &layer = at(i);
    INFERMEM_TRY(output.write(&layer.state, sizeof layer.state));
    INFERMEM_TRY(output.write(layer.counts, row_ * sizeof(uint32_t)));
    INFERMEM_TRY(output.write(bits(layer), bits_bytes_));
  }
  header.data_checksum = output.take_checksum();
  header.checksum = checksum_of(&header, kFormat.summed());
  INFERMEM_TRY(output.write_at(0, &header, sizeof header));
  return output.commit();
}

Status Neuron::open(const infermem_neuron_options &options, const Allocator &, const ProfilePath &saved) {
  INFERMEM_TRY(check_options(options));
  File file;
  INFERMEM_TRY(file.open(saved.path));
  ProfileHeader header = {};
  INFERMEM_TRY(file.read_at(0, &header, static_cast<size_t>(std::min<uint64_t>(sizeof header, file.size()))));
  INFERMEM_TRY(check_header(header, file.size()));
  infermem_neuron_options form = {};
  form.n_layers = header.n_layers;
  form.n_neurons = header.n_neurons;
  form.threshold = header.threshold;
  form.interval = header.interval;
  form.flags = header.flags;
  form.half_life = header.half_life;
  form.budget_count = header.budget_count;
  form.budget_fraction = header.budget_fraction;
  form.budget_bytes = header.budget_bytes;
  form.row_bytes = header.row_bytes;
  form.hysteresis = header.hysteresis;
  INFERMEM_TRY(blame_file(set_form(form)));
  INFERMEM_TRY(take(options.tape));
  const Status status = read_layers(file, header);
  if (status != INFERMEM_OK) store_.give_back();
  return status;
}

Status Neuron::read_layers(const File &file, const ProfileHeader &header) {
  ProfileHeader due;
  describe(&due);
  due.data_checksum = header.data_checksum;
  INFERMEM_TRY(check_saved_due(kFormat, &header, &due));
  Checksum checksum;
  uint64_t offset = sizeof header;
  const auto read = [&](void *to, size_t n) {
    INFERMEM_TRY(file.read_at(offset, to, n));
    checksum.add(to, n);
    offset += n;
    return Status{INFERMEM_OK};
  };
  for (size_t i = 0; i < n_layers_; ++i) {
    Layer &layer = at(i);
    INFERMEM_TRY(read(&layer.state, sizeof layer.state));
    INFERMEM_TRY(read(layer.counts, row_ * sizeof(uint32_t)));
    INFERMEM_TRY(read(bits(layer), bits_bytes_));
  }
  const uint64_t sum = checksum.take();
  if (sum != header.data_checksum)
    return fail_checksum("layers", sizeof header, offset - sizeof header, header.data_checksum, sum);
  for (size_t i = 0; i < n_layers_; ++i) {
    INFERMEM_TRY(check_saved(i));
    list_bits(&at(i));
  }
  return INFERMEM_OK;
}

// Whether a layer's state can be, and what is beyond the neurons is zero.
Status Neuron::check_saved(size_t index) const {
  const Layer &layer = at(index);
  const State &s = layer.state;
  const auto bad = [&](const char *what, uint64_t got) {
    return fail(INFERMEM_E_FORMAT, 0, got, "a saved profile cannot be so: in layer %zu, %s is %llu", index, what,
                wide(got));
  };
  if (s.events > kMostEvents) return bad("the number of events", s.events);
  if (s.next <= s.events || s.next - s.events > form_.interval) return bad("the next classification", s.next);
  if (s.weight > kMostEvents || (form_.half_life == 0 && s.weight != s.events))
    return bad("the weight of the events", s.weight);
  if (form_.half_life == 0 ? s.phase != 0 : s.phase >= form_.half_life) return bad("the phase", s.phase);
  if (s.out_of_range > kMostEvents) return bad("the number out of range", s.out_of_range);
  if (s.nans > kMostEvents) return bad("the number of NaNs", s.nans);
  if (s.reclassifications > kMostEvents) return bad("the number of classifications", s.reclassifications);
  if (s.reserved != 0) return bad("a reserved field", s.reserved);
  for (size_t i = n_; i < row_; ++i)
    if (layer.counts[i] != 0) return bad("a count beyond the last", layer.counts[i]);
  for (size_t i = n_; i < bits_bytes_ * 8; ++i)
    if ((bits(layer)[i / 64] >> (i % 64) & 1) != 0) return bad("a bit beyond the last", i);
  return INFERMEM_OK;
}

// What the bits say, as lists.
void Neuron::list_bits(Layer *layer) {
  layer->n_hot = 0;
  for (uint32_t i = 0; i < n_; ++i) {
    if ((bits(*layer)[i / 64] >> (i % 64) & 1) != 0)
      layer->hot[layer->n_hot++] = i;
    else
      layer->cold[i - layer->n_hot] = i;
  }
  layer->bound = kernels().counts->largest(layer->counts, n_);
}

// ---- Merging ----

Status Neuron::check_mergeable(const infermem_neuron *const *others, size_t n) const {
  if (!others && n != 0) return fail_null("others");
  for (size_t i = 0; i < n; ++i) {
    INFERMEM_TRY(check_handle(others[i], "others[i]"));
    const Neuron &other = others[i]->core;
    if (&other == this) return fail(INFERMEM_E_ARG, 0, i, "others[%zu] is the one to add to", i);
    if (other.n_layers_ != n_layers_ || other.n_ != n_)
      return fail(INFERMEM_E_SHAPE, n_, other.n_, "others[%zu] has %zu layers of %u neurons, not %zu of %u", i,
                  other.n_layers_, other.n_, n_layers_, n_);
    if (other.form_.half_life != form_.half_life)
      return fail(INFERMEM_E_ARG, form_.half_life, other.form_.half_life, "others[%zu] has the half-life %u, not %u", i,
                  other.form_.half_life, form_.half_life);
    INFERMEM_TRY(other.store_.check());
  }
  const auto most_of = [](const State &s) { return std::max({s.events, s.weight, s.out_of_range, s.nans}); };
  // No sum may exceed what can be saved and loaded; weights may double on the way.
  for (size_t layer = 0; layer < n_layers_; ++layer) {
    uint64_t left = kMostEvents - std::min(kMostEvents, most_of(at(layer).state));
    for (size_t i = 0; i < n; ++i) {
      const uint64_t more = most_of(others[i]->core.at(layer).state);
      if (more > left / 2)
        return fail(INFERMEM_E_LIMIT, left / 2, more, "the events of others[%zu] and those before are more than 2^62",
                    i);
      left -= 2 * more;
    }
  }
  return INFERMEM_OK;
}

void Neuron::merge_layer(Layer *layer, const Layer &other) {
  // Where counts fade, each has a unit of its own.
  const uint64_t mine = weight_of(*layer), theirs = weight_of(other);
  for (uint32_t i = 0; i < n_; ++i) {
    const uint64_t sum = layer->counts[i] + other.counts[i] * mine / theirs;
    layer->counts[i] = static_cast<uint32_t>(std::min<uint64_t>(sum, UINT32_MAX));
  }
  State &state = layer->state;
  state.events += other.state.events;
  state.weight += other.state.weight / theirs * mine + other.state.weight % theirs * mine / theirs;
  state.out_of_range += other.state.out_of_range;
  state.nans += other.state.nans;
}

Status Neuron::merge(const infermem_neuron *const *others, size_t n) {
  INFERMEM_TRY(store_.check_writable());
  INFERMEM_TRY(check_mergeable(others, n));
  for (size_t layer = 0; layer < n_layers_; ++layer) {
    Layer &l = at(layer);
    for (size_t i = 0; i < n; ++i) merge_layer(&l, others[i]->core.at(layer));
    l.bound = kernels().counts->largest(l.counts, n_);
    l.state.next = l.state.events - l.state.events % form_.interval + form_.interval;
    classify(&l);
  }
  return INFERMEM_OK;
}

}  // namespace infermem
