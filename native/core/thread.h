// A thread that may fail to start. std::thread says so by an exception, which no one could catch here.
#pragma once

#include <functional>
#include <memory>

namespace ocsp {

class Thread {
 public:
  Thread();
  Thread(Thread&&) noexcept;
  Thread& operator=(Thread&&) noexcept;
  // Waits for it.
  ~Thread();

  // Runs `work` on a thread of its own; false when the system has none to give.
  bool start(std::function<void()> work);
  // Returns when `work` has; at once when it was never started.
  void join();

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace ocsp
