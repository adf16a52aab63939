// Threads, and what becomes of work when the system has none to give.
#include "core/thread.h"

#include <atomic>
#include <vector>

#ifdef __GLIBC__
#include <pthread.h>
#endif

#include "check.h"

namespace {

using ocsp::Thread;

Checks check;

void test_running() {
  std::atomic<int> count = 0;
  {
    std::vector<Thread> threads(8);
    for (Thread& thread : threads) check(thread.start([&] { ++count; }), "starts");
  }
  check(count == 8, "the end of a thread waits for its work");
  Thread first;
  first.join();
  check(first.start([&] { ++count; }), "starts after joining nothing");
  Thread second = std::move(first);
  second.join();
  second.join();
  check(count == 9, "what is moved is joined where it went");
  check(second.start([&] { ++count; }), "starts again");
  second = Thread();
  check(count == 10, "what is replaced is waited for");
}

#ifdef __GLIBC__
void test_none_to_give() {
  pthread_attr_t usual;
  pthread_attr_t impossible;
  check(pthread_getattr_default_np(&usual) == 0 && pthread_attr_init(&impossible) == 0 &&
            pthread_attr_setstacksize(&impossible, std::size_t{1} << 47) == 0 &&
            pthread_setattr_default_np(&impossible) == 0,
        "every thread wants more memory for its stack than there are addresses");
  bool ran = false;
  Thread thread;
  check(!thread.start([&] { ran = true; }), "says so");
  thread.join();
  check(!ran, "does not run");
  check(pthread_setattr_default_np(&usual) == 0 && thread.start([&] { ran = true; }), "starts when it can");
  thread.join();
  check(ran, "runs");
  pthread_attr_destroy(&impossible);
  pthread_attr_destroy(&usual);
}
#endif

}  // namespace

int main() {
  test_running();
#ifdef __GLIBC__
  test_none_to_give();
#endif
  return check.finish();
}
