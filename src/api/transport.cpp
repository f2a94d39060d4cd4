#include <parley/transport.hpp>

namespace parley {

Task<Result<void>> Transport::transfer(std::string, Deadline) {
  co_return fail(Errc::refused, "this call cannot be passed on: the caller is not on a telephone");
}

Task<Result<void>> Transport::send_dtmf(std::string, Deadline) {
  co_return fail(Errc::refused, "keys cannot be pressed in this call: the other side is no telephone");
}

}  // namespace parley
