#include <parley/base/exception.hpp>

#include <exception>

namespace parley {

std::string describe_current_exception() {
  try {
    throw;
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace parley
