// What both of Deepgram's sockets say: JSON objects, one a text message.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include <parley/base/result.hpp>

namespace parley::deepgram {

// Errc::protocol: it is none.
Result<boost::json::object> read_message(std::string_view message);

// A text of it, valid as long as it; empty: there is none.
std::string_view text_at(const boost::json::object& object, std::string_view key) noexcept;

}  // namespace parley::deepgram
