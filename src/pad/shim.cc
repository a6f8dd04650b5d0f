// The extern "C" functions of infermem/pad.h.
#include "pad/pad.hh"

using namespace infermem;

extern "C" {

int32_t pad_new(const infermem_pad_options *options, infermem_pad **out) {
  INFERMEM_NOT_NULL(options);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void pad_free(infermem_pad *pad) { free_handle(pad); }

int32_t pad_append(infermem_pad *pad, const void *row, size_t dim) {
  INFERMEM_HANDLE(pad);
  INFERMEM_NOT_NULL(row);
  INFERMEM_LEAVE(pad->core.append(row, 1, dim));
}

int32_t pad_append_rows(infermem_pad *pad, const void *rows, size_t n, size_t dim) {
  INFERMEM_HANDLE(pad);
  if (n != 0) INFERMEM_NOT_NULL(rows);
  INFERMEM_LEAVE(pad->core.append(rows, n, dim));
}

int32_t pad_append_f32(infermem_pad *pad, const float *rows, size_t n, size_t dim) {
  INFERMEM_HANDLE(pad);
  if (n != 0) INFERMEM_NOT_NULL(rows);
  INFERMEM_LEAVE(pad->core.append_f32(rows, n, dim));
}

int32_t pad_view(const infermem_pad *pad, infermem_view *out) {
  INFERMEM_HANDLE(pad);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(pad->core.view(out));
}

int32_t pad_truncate(infermem_pad *pad, size_t n) {
  INFERMEM_HANDLE(pad);
  INFERMEM_LEAVE(pad->core.truncate(n));
}

int32_t pad_clear(infermem_pad *pad) {
  INFERMEM_HANDLE(pad);
  INFERMEM_LEAVE(pad->core.clear());
}

size_t pad_len(const infermem_pad *pad) { return is(pad) ? pad->core.length() : 0; }

size_t pad_capacity(const infermem_pad *pad) { return is(pad) ? pad->core.capacity() : 0; }

size_t pad_dim(const infermem_pad *pad) { return is(pad) ? pad->core.dim() : 0; }

int32_t pad_is_empty(const infermem_pad *pad) { return pad_len(pad) == 0; }

uint64_t pad_generation(const infermem_pad *pad) { return is(pad) ? pad->core.generation() : 0; }

int32_t pad_text(const infermem_pad *pad, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(pad);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(pad->core.text(buffer, capacity, out_length));
}

}  // extern "C"
