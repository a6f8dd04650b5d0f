// What caches of fewer bits cost in quality: how far attention's output is from that over an F32 cache, by the type of
// keys and of values, with and without rotation.
//
//     kv_quality MODEL
//
// The rows are those that the example decoder makes of a model, and two kinds made here: plain ones, and ones with a
// few large channels in the keys, which is how published measurements describe those of language models (KIVI, Liu et
// al. 2024; KVQuant, Hooper et al. 2024). Queries are random, as large as the keys; in rows made here, of variance 1.
// All of it is seeded. Exits with 1 when something goes wrong.
#include <infermem.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

extern "C" {
#include "llama.h"
}

namespace {

using Floats = std::vector<float>;

// Rows to store, and queries for them: of the last n_queries tokens, [token][query head][head_dim].
struct Rows {
  size_t layers, heads, query_heads, head_dim, tokens, n_queries;
  // Query heads that share a head of keys and values may be for a part of it alone, and are zero elsewhere: of head h
  // that is part h / (query heads in a part) % parts.
  size_t parts;
  std::vector<Floats> k, v, q;  // by layer

  size_t row() const { return heads * head_dim; }
  size_t part() const { return head_dim / parts; }
  size_t part_of(size_t query_head) const { return query_head / (query_heads / (heads * parts)) % parts; }
};

struct Random {  // splitmix64
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double normal() { return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform()); }
};

// Ends the program when a call of the library fails.
void need(int32_t status) {
  if (status == INFERMEM_OK) return;
  std::fprintf(stderr, "kv_quality: %s\n", infermem_error_detail()->message);
  std::exit(1);
}

void add_queries(Rows *rows, size_t layer, double size, Random *random) {
  Floats q(rows->n_queries * rows->query_heads * rows->head_dim);
  for (size_t i = 0; i < q.size(); ++i) {
    const size_t h = i / rows->head_dim % rows->query_heads, part = i % rows->head_dim / rows->part();
    const double value = size * random->normal();
    if (part == rows->part_of(h)) q[i] = static_cast<float>(value);
  }
  rows->q[layer] = std::move(q);
}

// Normal numbers; with outliers, in 4 channels of each head of the keys 10 to 50 times as large, each about a mean of
// its own.
Rows make_rows(bool has_outliers) {
  Random random{7};
  Rows rows = {1, 8, 32, 128, 2048, 16, 1, std::vector<Floats>(1), std::vector<Floats>(1), std::vector<Floats>(1)};
  Floats size(rows.row(), 0);
  for (size_t h = 0; h < rows.heads && has_outliers; ++h)
    for (int i = 0; i < 4; ++i)
      size[h * rows.head_dim + random.next() % rows.head_dim] =
          static_cast<float>((10 + 40 * random.uniform()) * (random.next() % 2 == 0 ? 1 : -1));
  for (size_t i = 0; i < rows.tokens * rows.row(); ++i) {
    const double channel = size[i % rows.row()], z = random.normal();
    rows.k[0].push_back(static_cast<float>(channel != 0 ? channel * (1 + 0.25 * z) : z));
    rows.v[0].push_back(static_cast<float>(random.normal()));
  }
  add_queries(&rows, 0, 1, &random);
  return rows;
}

// What the example decoder has in its cache after 240 tokens. Its heads are of 16 elements, half a block: two heads are
// stored, and rotated, as one of 32.
Rows model_rows(const char *path) {
  static llama model;
  infermem_model *file = nullptr;
  need(model_open(path, nullptr, &file));
  Rows rows = {0, 0, 0, 0, 240, 16, 0, {}, {}, {}};
  need(llama_load(&model, file, rows.tokens));
  uint32_t token = 1;
  for (size_t t = 0; t < rows.tokens; ++t) {
    const float *logits = nullptr;
    need(llama_forward(&model, token, &logits));
    token = static_cast<uint32_t>(std::max_element(logits, logits + model.config.vocab) - logits);
  }
  const auto size = [](uint64_t n) { return static_cast<size_t>(n); };
  rows.parts = std::max<size_t>(1, 32 / size(model.config.head_dim_k));
  rows.layers = size(model.config.n_layers);
  rows.heads = size(model.config.n_kv_heads) / rows.parts;
  rows.query_heads = size(model.config.n_heads);
  rows.head_dim = size(model.config.head_dim_k) * rows.parts;
  for (std::vector<Floats> *all : {&rows.k, &rows.v, &rows.q}) all->resize(rows.layers);
  Random random{8};
  for (size_t i = 0; i < rows.layers; ++i) {
    const size_t n = rows.tokens * rows.row();
    rows.k[i].resize(n);
    rows.v[i].resize(n);
    need(kv_read(model.kv, i, INFERMEM_KV_K, 0, rows.tokens, rows.k[i].data(), n));
    need(kv_read(model.kv, i, INFERMEM_KV_V, 0, rows.tokens, rows.v[i].data(), n));
    double squares = 0;
    for (const float x : rows.k[i]) squares += static_cast<double>(x) * static_cast<double>(x);
    add_queries(&rows, i, std::sqrt(squares / static_cast<double>(n)), &random);
  }
  llama_free(&model);
  model_free(file);
  return rows;
}

// The output of attention over a cache that stores the rows so.
std::vector<Floats> attend(const Rows &rows, int32_t k_type, int32_t v_type, uint32_t flags) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = rows.layers;
  options.n_kv_heads = rows.heads;
  options.head_dim = rows.head_dim;
  options.max_tokens = rows.tokens;
  options.k_type = k_type;
  options.v_type = v_type;
  options.flags = flags;
  infermem_kv *kv = nullptr;
  need(kv_new(&options, &kv));
  INFERMEM_STRUCT(infermem_kv_attend_options, how);
  how.n_q_heads = rows.query_heads;
  how.n_q_tokens = rows.n_queries;
  how.scale = 1 / std::sqrt(static_cast<float>(rows.part()));
  std::vector<Floats> out(rows.layers);
  for (size_t i = 0; i < rows.layers; ++i) {
    need(kv_append(kv, i, rows.k[i].data(), rows.k[i].size(), rows.v[i].data(), rows.v[i].size(), rows.tokens));
    out[i].resize(rows.q[i].size());
    need(kv_attend(kv, i, &how, 0, rows.heads, rows.q[i].data(), rows.q[i].size(), out[i].data(), out[i].size()));
  }
  kv_free(kv);
  return out;
}

// The root of the mean squared difference, relative to that of the exact output.
double error(const Rows &rows, const std::vector<Floats> &exact, const std::vector<Floats> &got) {
  double squares = 0, all = 0;
  for (size_t layer = 0; layer < rows.layers; ++layer) {
    for (size_t i = 0; i < exact[layer].size(); ++i) {
      const size_t h = i / rows.head_dim % rows.query_heads;
      if (i % rows.head_dim / rows.part() != rows.part_of(h)) continue;
      const double a = exact[layer][i], b = got[layer][i];
      squares += (a - b) * (a - b);
      all += a * a;
    }
  }
  return std::sqrt(squares / all);
}

void print(const char *what, const Rows &rows) {
  constexpr int32_t kF32 = INFERMEM_DTYPE_F32;
  constexpr uint32_t kBoth = INFERMEM_KV_ROTATE_K | INFERMEM_KV_ROTATE_V;
  const std::vector<Floats> exact = attend(rows, kF32, kF32, 0);
  std::printf("\n%s: %zu layers, %zu tokens\n", what, rows.layers, rows.tokens);
  std::printf("%-6s %10s %10s %10s %10s %10s %10s\n", "type", "K", "K rotated", "V", "V rotated", "both", "rotated");
  for (const int32_t type :
       {INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16, INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_1, INFERMEM_DTYPE_Q4_0}) {
    std::printf("%-6s", infermem_dtype_name(type));
    for (int kind = 0; kind < 6; ++kind) {
      const int32_t k = kind / 2 == 1 ? kF32 : type, v = kind / 2 == 0 ? kF32 : type;
      std::printf(" %9.4f%%", 100 * error(rows, exact, attend(rows, k, v, kind % 2 == 1 ? kBoth : 0)));
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: kv_quality MODEL\n"), 1;
  std::printf("error of attention's output against an F32 cache, by what K, V, or both are stored as\n");
  print("rows of the model", model_rows(argv[1]));
  print("normal rows", make_rows(false));
  print("normal rows, 4 of a key's 128 channels 10 to 50 times as large", make_rows(true));
  return 0;
}
