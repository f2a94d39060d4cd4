// What a fake says on one connection, without a socket or a clock: input and time in, output when it is asked for.
//
// Output is pulled, so that nothing is made before the other side takes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <parley/base/time.hpp>

namespace parley::fakes {

struct Message {
  bool binary = false;
  std::string data;
};

class Conversation {
 public:
  struct End {
    int code = 1000;  // RFC 6455, 7.4.1
    std::string reason;
  };

  virtual ~Conversation() = default;

  virtual void on_text(std::string_view text, TimePoint now) = 0;
  virtual void on_binary(std::string_view bytes, TimePoint now) = 0;

  // The next message that is due; none: not before due(), or not before more input.
  virtual std::optional<Message> next(TimePoint now) = 0;
  virtual std::optional<TimePoint> due() const = 0;

  // Set when the server is to close the connection, once next() has nothing more.
  virtual const std::optional<End>& end() const = 0;
};

}  // namespace parley::fakes
