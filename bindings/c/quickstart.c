/* quickstart: weights in 4 bits, a KV cache and attention over it, in one page.
 *
 *     cc quickstart.c $(pkg-config --cflags --libs infermem) -o quickstart && ./quickstart
 */
#include <infermem.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADS = 4, HEAD_DIM = 64, WIDTH = HEADS * HEAD_DIM, TOKENS = 8 };

/* Says what went wrong, and ends. */
static void check(int32_t status) {
  if (status == INFERMEM_OK) return;
  const infermem_error *error = infermem_error_detail();
  fprintf(stderr, "%s: %s\n", error->function, error->message);
  exit(1);
}

int main(void) {
  static float weights[WIDTH * WIDTH];
  for (size_t i = 0; i < WIDTH * WIDTH; i++) weights[i] = (float)(i * 37 % 101) / 100.0f - 0.5f;

  INFERMEM_STRUCT(infermem_quant_options, few_bits);
  few_bits.bits = 4;
  few_bits.group = 64;
  infermem_quant *matrix = NULL;
  check(quant_from_f32(weights, WIDTH * WIDTH, WIDTH, WIDTH, &few_bits, &matrix));
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  check(quant_error(matrix, weights, WIDTH * WIDTH, &errors));
  printf("matrix   %zu bytes instead of %zu, off by %.4f on average\n", quant_bytes(matrix), sizeof weights,
         errors.mean);

  INFERMEM_STRUCT(infermem_kv_options, shape);
  shape.n_layers = 1;
  shape.n_kv_heads = HEADS;
  shape.head_dim = HEAD_DIM;
  shape.max_tokens = 4096;
  shape.k_type = shape.v_type = INFERMEM_DTYPE_Q8_0;
  infermem_kv *kv = NULL;
  check(kv_new(&shape, &kv));

  float x[WIDTH], key[WIDTH], out[WIDTH];
  for (size_t i = 0; i < WIDTH; i++) x[i] = (float)(i % 7) / 7.0f;
  for (size_t token = 0; token < TOKENS; token++) {
    check(quant_gemv(matrix, 0, WIDTH, x, WIDTH, key, WIDTH)); /* key = matrix * x */
    check(kv_append(kv, 0, key, WIDTH, x, WIDTH, 1));
    check(kv_attend(kv, 0, NULL, 0, HEADS, key, WIDTH, out, WIDTH)); /* this token attends to all up to itself */
    check(kv_advance(kv, 1));
    x[token] += out[token] / 2;
  }
  printf("cache    %zu of %zu tokens, %zu bytes committed of %zu reserved\n", kv_len(kv), kv_max(kv),
         kv_memory_committed(kv), kv_memory_reserved(kv));
  printf("out      %.4f %.4f %.4f ...\n", (double)out[0], (double)out[1], (double)out[2]);

  /* What is wrong is told with the numbers in it, and changes nothing. */
  const int32_t status = kv_append(kv, 0, key, WIDTH - 1, x, WIDTH, 1);
  printf("error    %s: %s\n", infermem_error_name(status), infermem_error_detail()->message);
  kv_free(kv);
  quant_free(matrix);
  return 0;
}
