/* error.h: the status codes every fallible function returns, the record of what went wrong, and the log hook.
 *
 * A function that can fail returns int32_t: INFERMEM_OK is 0, every error is negative, and a number once given keeps
 * its meaning for ever. A call that fails changes nothing: the objects and the out-parameters are as they were.
 */
#ifndef INFERMEM_ERROR_H
#define INFERMEM_ERROR_H

#include "abi.h"

/* X(name, number, sentence): the one list of codes. */
#define INFERMEM_STATUS_LIST(X)                                                               \
  X(OK, 0, "success")                                                                         \
  X(E_NULL, -1, "a pointer that must not be NULL is NULL")                                    \
  X(E_ARG, -2, "an argument has a value that the function does not take")                     \
  X(E_HANDLE, -3, "a handle is of another kind, or was freed")                                \
  X(E_STRUCT, -4, "an option struct has a struct_size or unknown fields of no known release") \
  X(E_OVERFLOW, -5, "a size does not fit the machine's address range")                        \
  X(E_NOMEM, -6, "an allocation failed")                                                      \
  X(E_SYSTEM, -7, "the operating system refused a request")                                   \
  X(E_UNSUPPORTED, -8, "this build, object or machine cannot do that")                        \
  X(E_FULL, -9, "no room is left")                                                            \
  X(E_SEALED, -10, "the tape is sealed")                                                      \
  X(E_STALE, -11, "a mark or an object is from before its memory was given back")             \
  X(E_STATE, -12, "the object's state does not allow the call")                               \
  X(E_SHAPE, -13, "a length or a shape is not the one required")                              \
  X(E_RANGE, -14, "an index lies outside its range")                                          \
  X(E_TYPE, -15, "a value has another type than the one asked for")                           \
  X(E_NOT_FOUND, -16, "nothing has that name")                                                \
  X(E_NOT_FINITE, -17, "a value is NaN or infinite")                                          \
  X(E_INCOMPLETE, -18, "a step was not finished in every layer")                              \
  X(E_BUFFER, -19, "the caller's buffer is too small")                                        \
  X(E_IO, -20, "reading or writing a file failed")                                            \
  X(E_FORMAT, -21, "a file is not of the format, or breaks its rules")                        \
  X(E_TRUNCATED, -22, "a file ends before what it declares")                                  \
  X(E_VERSION, -23, "a file is of a version that cannot be read")                             \
  X(E_LIMIT, -24, "a value is beyond a published limit")                                      \
  X(E_CORRUPT, -25, "a file's bytes are not those that were saved")                           \
  X(E_FINGERPRINT, -26, "what was saved is of another model")

enum {
#define INFERMEM_STATUS_ENTRY(name, number, sentence) INFERMEM_##name = (number),
  INFERMEM_STATUS_LIST(INFERMEM_STATUS_ENTRY)
#undef INFERMEM_STATUS_ENTRY
};

/* What the last failed call of this thread was. Fixed size, held in thread-local storage: reporting an error never
 * allocates. Calls that succeed leave it alone. */
typedef struct infermem_error {
  int32_t code;         /* one of the codes above; INFERMEM_OK when no call of this thread has failed yet */
  int32_t os_error;     /* the errno of the operating system's refusal, or 0 */
  uint64_t expected;    /* the value, limit or length required, where the message has one; else 0 */
  uint64_t got;         /* what there was instead */
  const char *function; /* the function that failed, "tape_alloc"; static storage */
  char message[192];    /* a sentence with the numbers in it, NUL-terminated */
} infermem_error;

/* How much a log line matters. */
enum { INFERMEM_LOG_DEBUG = 1, INFERMEM_LOG_INFO = 2, INFERMEM_LOG_WARN = 3 };

/* A log hook: level is one of the above, message a NUL-terminated line without its line end, valid during the call.
 * It may be called from any thread that calls the library, and must not call the library. */
typedef void (*infermem_log_function)(void *context, int32_t level, const char *message);

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* The record of this thread's last failed call; never NULL, and valid until the thread ends.
 * Thread: any; each thread has its own.  Memory: none.  Since: 0.1 */
INFERMEM_FN const infermem_error *infermem_error_detail(void);

/* Forgets this thread's last failure: the record's code becomes INFERMEM_OK and its message empty.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN void infermem_error_clear(void);

/* The name of a code, "INFERMEM_E_FULL", or "unknown"; static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *infermem_error_name(int32_t code);

/* The sentence of a code, "no room is left", or "unknown status code"; static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *infermem_error_text(int32_t code);

/* Sets the process-wide log hook for lines of at least min_level; a NULL function turns logging off, which is how the
 * library starts. The library itself never writes to stdout or stderr. A line that another thread is logging at this
 * moment may still reach the former hook, or none.
 * Errors: INFERMEM_E_ARG: min_level is not one of INFERMEM_LOG_*.
 * Thread: any.  Memory: none; the context is the caller's and must outlive its hook.  Since: 0.1 */
INFERMEM_FN int32_t infermem_log_set(infermem_log_function function, void *context, int32_t min_level);

INFERMEM_END_DECLS
#endif

#endif
