// What every native class shares: a type tag, so that a method called on a foreign object is refused, not misread.
#pragma once

#include <napi.h>

#include <memory>

#include "errors.h"

namespace ocsp::binding {

// Random per load and class: two copies of the addon in one process must not take each other's objects.
napi_type_tag random_type_tag();

template <typename T>
const napi_type_tag& type_tag() {
  static const napi_type_tag tag = random_type_tag();
  return tag;
}

// The native object behind `value`, or nullptr when it is not a T of this addon.
template <typename T>
T* unwrap(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const Napi::Object object = value.As<Napi::Object>();
  return object.CheckTypeTag(&type_tag<T>()) ? T::Unwrap(object) : nullptr;
}

// Base of every native class, in place of ObjectWrap.
template <typename T>
class NativeClass : public Napi::ObjectWrap<T> {
 public:
  using Napi::ObjectWrap<T>::ObjectWrap;

  // What DefineClass registers for T. ObjectWrap's own forgets its object where napi_wrap() fails without an exception:
  // when a worker is terminated at that moment.
  static napi_value ConstructorCallbackWrapper(napi_env env, napi_callback_info raw) {
    const Napi::CallbackInfo info(env, raw);
    if (!info.IsConstructCall()) return Napi::ObjectWrap<T>::OnCalledAsFunction(info);
    auto object = std::make_unique<T>(info);
    if (info.Env().IsExceptionPending()) {
      // Its destructor removes the wrap, which cannot be done while an exception is pending.
      const Napi::Error error = info.Env().GetAndClearPendingException();
      object.reset();
      error.ThrowAsJavaScriptException();
    } else if (!object->IsEmpty()) {
      static_cast<void>(object.release());  // its finalizer deletes it
    }
    return info.This();
  }
};

// A method of T as a raw Node-API callback that checks its receiver first. (ObjectWrap's own InstanceMethod does not.)
template <typename T, Napi::Value (T::*Method)(const Napi::CallbackInfo&)>
napi_value checked_method(napi_env env, napi_callback_info raw) {
  const Napi::CallbackInfo info(env, raw);
  T* receiver = unwrap<T>(info.This());
  if (receiver == nullptr) return throw_illegal_invocation(env);
  return (receiver->*Method)(info);
}

template <typename T, Napi::Value (T::*Method)(const Napi::CallbackInfo&)>
napi_property_descriptor method(const char* name) {
  return {name, nullptr, checked_method<T, Method>, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

template <typename T, Napi::Value (T::*Getter)(const Napi::CallbackInfo&)>
napi_property_descriptor getter(const char* name) {
  return {name, nullptr, nullptr, checked_method<T, Getter>, nullptr, nullptr, napi_default, nullptr};
}

}  // namespace ocsp::binding
