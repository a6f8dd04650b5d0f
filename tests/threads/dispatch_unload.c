/* The library can be unloaded while threads that recorded live on: nothing of it is left to run when they end.
 *
 *   dispatch_unload LIBRARY */
#define INFERMEM_NO_PROTOTYPES
#include <dlfcn.h>
#include <infermem.h>
#include <pthread.h>
#include <stdio.h>

enum { kThreads = 8, kRounds = 3 };

static const infermem_api_table *api;
static infermem_dispatch *dispatch;
static pthread_barrier_t recorded, unloaded;

static void *record(void *argument) {
  for (int i = 0; i < 1000; i++)
    if (api->dispatch_record(dispatch, INFERMEM_DISPATCH_CPU, i) != INFERMEM_OK) *(int *)argument = 1;
  pthread_barrier_wait(&recorded);
  pthread_barrier_wait(&unloaded);
  return NULL;
}

/* The same again, with new threads. Returns 0 when all is as it should be. */
static int round_of(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  infermem_api_function get;
  *(void **)&get = dlsym(library, "infermem_api");
  api = get ? get(INFERMEM_VERSION_MAJOR) : NULL;
  if (!api || api->dispatch_new(NULL, &dispatch) != INFERMEM_OK) return fprintf(stderr, "no table, or no object\n"), 1;
  pthread_barrier_init(&recorded, NULL, kThreads + 1);
  pthread_barrier_init(&unloaded, NULL, kThreads + 1);
  pthread_t threads[kThreads];
  int wrong[kThreads] = {0}, any = 0;
  for (int i = 0; i < kThreads; i++)
    if (pthread_create(&threads[i], NULL, record, &wrong[i]) != 0) return 1;
  pthread_barrier_wait(&recorded);
  INFERMEM_STRUCT(infermem_dispatch_stats, stats);
  any |= api->dispatch_snapshot(dispatch, INFERMEM_DISPATCH_CPU, &stats) != INFERMEM_OK;
  any |= stats.latencies != kThreads * 1000 || stats.max_ns != 999;
  api->dispatch_free(dispatch);
  any |= dlclose(library) != 0;
  any |= dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL; /* it is gone */
  pthread_barrier_wait(&unloaded);
  for (int i = 0; i < kThreads; i++) {
    pthread_join(threads[i], NULL);
    any |= wrong[i];
  }
  pthread_barrier_destroy(&recorded);
  pthread_barrier_destroy(&unloaded);
  return any;
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  for (int i = 0; i < kRounds; i++)
    if (round_of(argv[1]) != 0) return fprintf(stderr, "round %d failed\n", i), 1;
  printf("loaded and unloaded %d times, with %d threads each\n", kRounds, kThreads);
  return 0;
}
