// Which of a fixed number of slots a thread has to itself, for as long as it lives.
//
// A slot is marked with its owner's process and thread number. Nothing runs when a thread ends: whoever looks for a slot
// and finds none free asks the system which owners are still there. That needs no destructor of the thread's, which a
// library that may be unloaded could not leave behind.
#pragma once

#include <cstdint>

namespace infermem {

constexpr uint32_t kSlots = 64;

// The calling thread's slot: kSlots when all had living owners, more than that as long as it has not asked. Initial-exec
// as the error record is: nothing is allocated when a thread comes here first. (Of thread_local, another file would
// have to assume that it needs a constructor.)
#ifdef __GLIBC__
[[gnu::tls_model("initial-exec")]]
#endif
extern __thread uint32_t my_slot;

// Finds one, of a thread that has not asked before.
void claim_slot();

// No slot from this one on was ever claimed.
uint32_t slots_used();

}  // namespace infermem
