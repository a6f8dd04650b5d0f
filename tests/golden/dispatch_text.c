/* Prints metrics with every kind of number and name in them, for check_metrics.py.
 *
 *   dispatch_text prometheus|json */
#include <infermem.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const char *const kNames[] = {
    "CPU", "GPU 0", "quo\"te", "back\\slash", "new\nline", "\x01\x7f", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "none"};
enum { kBackends = sizeof kNames / sizeof *kNames };

int main(int argc, char **argv) {
  static char text[65536];
  size_t length = 0;
  setlocale(LC_ALL, ""); /* whatever the decimal point is there */
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = kBackends;
  options.names = kNames;
  infermem_dispatch *dispatch = NULL;
  if (argc != 2 || dispatch_new(&options, &dispatch) != INFERMEM_OK) return 1;
  for (uint32_t backend = 0; backend + 1 < kBackends; backend++) {
    for (int64_t latency_ns = 1; latency_ns < INT64_MAX / 30; latency_ns *= 7 + 2 * backend)
      if (dispatch_record(dispatch, backend, latency_ns) != INFERMEM_OK) return 1;
    if (dispatch_record(dispatch, backend, 100000) != INFERMEM_OK) return 1; /* on a bound */
    if (dispatch_count_only(dispatch, backend) != INFERMEM_OK) return 1;
  }
  for (int i = 0; i < 5; i++)
    if (dispatch_record(dispatch, 0, INT64_MAX) != INFERMEM_OK) return 1; /* more than 64 bits in all */
  const int is_json = strcmp(argv[1], "json") == 0;
  const int32_t status = is_json ? dispatch_json(dispatch, text, sizeof text, &length)
                                 : dispatch_prometheus(dispatch, text, sizeof text, &length);
  if (status != INFERMEM_OK) return 1;
  fwrite(text, 1, length, stdout);
  dispatch_free(dispatch);
  return 0;
}
