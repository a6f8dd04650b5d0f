// Attention of query rows over the rows that a cache stores, however it lays them out.
#pragma once

#include <cstddef>

#include "base/error.hh"
#include "simd/attend.hh"

namespace infermem {

// One side of a layer: the rows of all heads of consecutive tokens.
struct HeadRows {
  int32_t type;
  const char *data;
  size_t stride;      // bytes from token to token
  size_t head_bytes;  // a head's part of a row
  size_t dim;         // its elements
  size_t run;         // those rotated together; 1 where nothing is
};

struct Attention {
  HeadRows keys, values;
  size_t n_kv_heads;              // of a row, all of which q and out have
  size_t group;                   // query heads that share a head of keys and values
  size_t first_head, n_heads;     // of keys and values: those attended to
  size_t first_token, end_token;  // those attended to
  size_t n_q_tokens;
  size_t position;  // of the first query token, where the first stored token has 0
  size_t window;    // tokens that a query token sees, itself included; 0 means all up to itself
  float scale;
  float cap;        // 0 means none
  const float *q;   // [n_q_tokens][n_kv_heads * group][keys.dim]
  float *out;       // [n_q_tokens][n_kv_heads * group][values.dim], and 2 more in a partial result
  bool is_partial;  // whether to write weighted sums, their largest score and the sum of their weights
};

// Uses some 100 KiB of stack.
void attend(const Attention &a);

constexpr size_t kPartExtra = 2;  // floats of a partial result's row beside the values

// Combines n_parts partial results of n_rows rows each.
void merge(const float *parts, size_t n_parts, size_t n_rows, size_t dim, float *out);

// Checks what kv_attend_merge is given, and merges.
Status attend_merge(const float *parts, size_t n_floats, size_t n_parts, size_t n_rows, size_t dim, float *out,
                    size_t n_out);

}  // namespace infermem
