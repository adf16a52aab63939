#include "file_lock.h"

#ifdef _WIN32
#include <windows.h>

// Of libuv, whose headers do not come with those of Node-API: Node's descriptors are its own, and errors are told as it
// tells them.
extern "C" {
HANDLE uv_get_osfhandle(int descriptor);
int uv_translate_sys_error(int error);
}
#else
#include <sys/file.h>

#include <cerrno>
#endif

namespace ocsp::binding {

namespace {

#ifdef _WIN32

// One byte far behind the content, which others may go on to read.
OVERLAPPED locked_byte() {
  OVERLAPPED where = {};
  where.OffsetHigh = 0x40000000;
  return where;
}

int lock(int descriptor) {
  OVERLAPPED where = locked_byte();
  const DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
  if (LockFileEx(uv_get_osfhandle(descriptor), flags, 0, 1, 0, &where)) return 0;
  const DWORD error = GetLastError();
  const bool held = error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING;
  constexpr int kAgain = -4088;  // UV_EAGAIN
  return held ? kAgain : uv_translate_sys_error(static_cast<int>(error));
}

void unlock(int descriptor) {
  OVERLAPPED where = locked_byte();
  UnlockFileEx(uv_get_osfhandle(descriptor), 0, 1, 0, &where);
}

#else

int lock(int descriptor) {
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

void unlock(int descriptor) { flock(descriptor, LOCK_UN); }

#endif

// (descriptor): 0, or the error code of libuv
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), lock(info[0].As<Napi::Number>().Int32Value()));
}

// (descriptor)
Napi::Value unlock_file(const Napi::CallbackInfo& info) {
  unlock(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

}  // namespace

void define_file_lock_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("lockFile", Napi::Function::New(env, lock_file, "lockFile"));
  exports.Set("unlockFile", Napi::Function::New(env, unlock_file, "unlockFile"));
}

}  // namespace ocsp::binding
