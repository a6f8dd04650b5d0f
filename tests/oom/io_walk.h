/* io_walk.h: what is saved and loaded when the system refuses: each system call failing, interrupted, short, or the last
 * that the process makes. A program with io_walk.c in it defines the calls itself, and the dynamic linker sends the
 * library's there. */
#ifndef IO_WALK_H
#define IO_WALK_H

#include "files.h"

enum io_call { kNone, kOpen, kStat, kMode, kWrite, kSync, kRename, kUnlink, kClose, kRead, kMap, kMapNothing };

/* What happens to the calls. */
struct io_walk {
  int watching;          /* calls are counted */
  int calls;             /* since then */
  int at;                /* the number of the one to meet something, from 1; 0 is none */
  int for_ever;          /* and all after it */
  int reason;            /* its errno; 0 fails none */
  int is_death;          /* the process is killed before it */
  int is_nothing;        /* it reads or writes nothing */
  int is_short;          /* all reads and writes move one byte */
  enum io_call met;      /* what it was */
  enum io_call refused;  /* the last that failed */
  enum io_call made[64]; /* the first calls */
};
extern struct io_walk io;

void io_nothing_happens(void);

/* What is saved: two objects, and the files that they give. */
struct io_subject {
  const char *function; /* its name, for the error record */
  int32_t (*save)(int which, const char *path);
  struct bytes files[2];
};
extern struct io_subject io_subject;

/* The tests of saving. They save the one object over the file of the other, or where there is none. */
void a_file_is_on_the_disk_before_it_has_its_name_and_so_is_the_name_after(void **state);
void every_call_may_fail(void **state);
void a_directory_that_has_no_sync_needs_none(void **state);
void an_interrupted_call_is_made_again(void **state);
void short_writes_are_continued(void **state);
void a_disk_may_be_full_at_any_byte(void **state);
void a_process_killed_at_any_call_leaves_the_one_file_or_the_other(void **state);

#define IO_TESTS_OF_SAVING                                                                               \
  cmocka_unit_test(a_file_is_on_the_disk_before_it_has_its_name_and_so_is_the_name_after),               \
      cmocka_unit_test(every_call_may_fail), cmocka_unit_test(a_directory_that_has_no_sync_needs_none),  \
      cmocka_unit_test(an_interrupted_call_is_made_again), cmocka_unit_test(short_writes_are_continued), \
      cmocka_unit_test(a_disk_may_be_full_at_any_byte),                                                  \
      cmocka_unit_test(a_process_killed_at_any_call_leaves_the_one_file_or_the_other)

#endif
