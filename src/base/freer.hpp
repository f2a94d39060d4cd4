// What C libraries hand out and want back: std::unique_ptr<SSL, Freer<SSL_free>>.
#pragma once

namespace parley {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

}  // namespace parley
