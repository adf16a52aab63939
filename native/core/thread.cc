#include "thread.h"

#include <utility>

#ifdef _WIN32
#include <windows.h>

#include <process.h>
#else
#include <pthread.h>
#endif

namespace ocsp {

struct Thread::Running {
  std::function<void()> work;
#ifdef _WIN32
  HANDLE handle = nullptr;

  static unsigned __stdcall run(void* self) {
    static_cast<Running*>(self)->work();
    return 0;
  }
  bool start() {
    handle = reinterpret_cast<HANDLE>(_beginthreadex(nullptr, 0, run, this, 0, nullptr));
    return handle != nullptr;
  }
  void join() const {
    WaitForSingleObject(handle, INFINITE);
    CloseHandle(handle);
  }
#else
  pthread_t handle = {};

  static void* run(void* self) {
    static_cast<Running*>(self)->work();
    return nullptr;
  }
  bool start() { return pthread_create(&handle, nullptr, run, this) == 0; }
  void join() const { pthread_join(handle, nullptr); }
#endif
};

Thread::Thread() = default;
Thread::Thread(Thread&&) noexcept = default;

Thread& Thread::operator=(Thread&& other) noexcept {
  join();
  running_ = std::move(other.running_);
  return *this;
}

Thread::~Thread() { join(); }

bool Thread::start(std::function<void()> work) {
  join();
  auto running = std::make_unique<Running>();
  running->work = std::move(work);
  if (!running->start()) return false;
  running_ = std::move(running);
  return true;
}

void Thread::join() {
  if (!running_) return;
  running_->join();
  running_.reset();
}

}  // namespace ocsp
