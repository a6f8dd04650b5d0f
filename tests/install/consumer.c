/* A program that is linked with the installed library. */
#include <infermem.h>
#include <stdio.h>

int main(void) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 1 << 20;
  infermem_tape *tape = NULL;
  void *p = NULL;
  if (tape_new(&options, &tape) != INFERMEM_OK) return 1;
  if (tape_alloc(tape, 100, 64, &p) != INFERMEM_OK || tape_used(tape) != 100) return 2;
  if (tape_alloc(tape, 0, 64, &p) != INFERMEM_E_ARG || infermem_error_detail()->code != INFERMEM_E_ARG) return 3;
  tape_free(tape);
  printf("  linked with infermem %s\n", infermem_version_string());
  return 0;
}
