// A mutex, a lock of it by scope, and a condition to wait for.
#pragma once

#include <pthread.h>

namespace infermem {

class Mutex {
 public:
  constexpr Mutex() = default;
  Mutex(const Mutex &) = delete;
  Mutex &operator=(const Mutex &) = delete;

  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  friend class Condition;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

class Locked {
 public:
  explicit Locked(Mutex *mutex) : mutex_(mutex) { mutex_->lock(); }
  ~Locked() { mutex_->unlock(); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;

 private:
  Mutex *const mutex_;
};

class Condition {
 public:
  Condition() = default;
  Condition(const Condition &) = delete;
  Condition &operator=(const Condition &) = delete;

  // The mutex is locked before and after; others may lock it meanwhile.
  void wait(Mutex *mutex) { pthread_cond_wait(&condition_, &mutex->mutex_); }
  void wake_all() { pthread_cond_broadcast(&condition_); }

 private:
  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
};

}  // namespace infermem
