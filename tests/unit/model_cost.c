/* model_cost [FILE]: opens the model, whose instructions model_cost.py counts. */
#include <infermem.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc < 2) return 0;
  infermem_model *model = NULL;
  if (model_open(argv[1], NULL, &model) != INFERMEM_OK) {
    fprintf(stderr, "%s\n", infermem_error_detail()->message);
    return 1;
  }
  model_free(model);
  return 0;
}
