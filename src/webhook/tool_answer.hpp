// What a tool's server answers: {result: <any JSON>, actions: [{say: "..."}, {end_call: {}}, {transfer: {to: "..."}},
// {handoff: {agent: "..."}}]}.
//
// `result` must be there, `actions` may be left out, anything else is a mistake: one that is told is found sooner than one that
// is overlooked. end_call, transfer and handoff end the agent's part, so that one of them, once, is the last action.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

namespace parley::webhook {

struct SayAction {
  std::string words;
};
struct EndCallAction {};
struct TransferAction {
  std::string to;  // "tel:..." or "sip:..."
};
struct HandoffAction {
  std::string agent;
};
using ToolAction = std::variant<SayAction, EndCallAction, TransferAction, HandoffAction>;

struct ToolAnswer {
  static constexpr std::size_t kMaxBytes = 256 * KiB;
  static constexpr std::size_t kMaxActions = 8;
  static constexpr std::size_t kMaxWords = 4 * KiB;     // bytes, of one say
  static constexpr std::size_t kMaxTarget = 256;        // bytes, of a transfer's or handoff's

  boost::json::value result;
  std::vector<ToolAction> actions;
};

// Errc::protocol says what is wrong and where: 'actions[1]: ...'.
Result<ToolAnswer> read_tool_answer(std::string_view body);

}  // namespace parley::webhook
