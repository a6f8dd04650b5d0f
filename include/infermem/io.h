/* io.h: where objects go and come from when that is no file: functions of the caller's, over a socket, an archive or
 * memory.
 *
 * They are called in the thread of the call that they are given to, one after the other; those that write and read are
 * given bytes in sequence. What is saved or loaded may not be used by them.
 */
#ifndef INFERMEM_IO_H
#define INFERMEM_IO_H

#include "abi.h"

INFERMEM_BEGIN_DECLS

/* Takes the next n bytes, n more than 0, or the first of them: returns how many, from 1 to n, and is called again with
 * the rest. Any other number ends the call that it was given to, with INFERMEM_E_IO. */
typedef int64_t (*infermem_write_function)(void *context, const void *bytes, size_t n);

/* Writes the next n bytes, n more than 0, or the first of them, to out: returns how many, from 1 to n, and is called
 * again for the rest; 0 where there are no more. Any other number ends the call that it was given to, with
 * INFERMEM_E_IO. */
typedef int64_t (*infermem_read_function)(void *context, void *out, size_t n);

/* Reads up to n bytes, of at least 1, of a file from the offset on: returns how many it read, 0 where the file has ended,
 * or an errno, made negative, where reading failed. It must not call the library. */
typedef int64_t (*infermem_read_at_function)(void *context, uint64_t offset, void *out, size_t n);

INFERMEM_END_DECLS

#endif
