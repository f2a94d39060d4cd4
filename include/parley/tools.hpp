// Tools: what an agent can do besides talking. A C++ function, and what the LLM needs to know to call it.
//
//   tool("book_table", "Books a table.",
//        [](RunContext& call, std::string day, int people) -> Task<Result<std::string>> { ... },
//        arg("day", "e.g. Friday"), arg("people", "how many").minimum(1))
//
// The JSON schema is made from the function's own parameters. What the LLM sends is checked against it first; the function
// is never called with anything else, and the LLM is told what was wrong.
//
// Thread: the loop's, where everything of the call runs: a tool waits by co_await and never blocks (run_blocking is for what
// does). It may be destroyed at any of its waits: by its timeout, an interruption, the end of the call.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include <parley/async/task.hpp>
#include <parley/base/bytes.hpp>
#include <parley/llm.hpp>
#include <parley/speech.hpp>

namespace parley {

struct Agent;
class Session;

// What a tool knows of the call it runs in. Lives until the tool has ended.
class RunContext {
 public:
  virtual ~RunContext() = default;

  virtual Session& session() noexcept = 0;
  virtual const std::string& tool_call_id() const noexcept = 0;
  // The reply that called the tool.
  virtual SpeechHandle speech() = 0;
  // Words of the tool's own, spoken behind what the reply has said so far; where the reply is over (the caller interrupted, and
  // the tool survived it) as a speech of their own. Errc::closing: the call ends.
  virtual Result<void> say(std::string words) = 0;
  // Until what the reply said before the call, and the tool's own words, have been played (or cut).
  virtual Task<void> wait_for_playout() = 0;
};

// What the LLM is told, and what happens besides.
struct ToolResult {
  boost::json::value value = nullptr;          // a string is told as it is, anything else as JSON
  bool reply = true;                           // false: nothing is said about it
  bool end_call = false;                       // the call ends once the agent has finished speaking
  std::shared_ptr<const Agent> handoff{};      // this agent goes on from here
};

// The result of a tool that hands the call over.
ToolResult hand_off_to(Agent agent);

// `arguments` have been checked against the tool's schema. An exception out of it is logged, and the LLM told as of an error.
using ToolFunction = std::function<Task<Result<ToolResult>>(RunContext& context, boost::json::object arguments)>;

// What tool() makes. Errors become something that the LLM can read: fail(Errc::refused, "we are closed on Monday").
struct Tool {
  static constexpr Duration kDefaultTimeout = 30s;
  static constexpr std::size_t kMaxArguments = 32 * KiB;  // of JSON, as the LLM wrote it
  static constexpr std::size_t kMaxResult = 64 * KiB;     // of text; a longer one is cut and says so

  ToolDefinition definition;
  ToolFunction run;
  Duration timeout_after = kDefaultTimeout;  // then it is destroyed where it waits, and the LLM is told
  // Runs to its end though the caller talks over it. Its result enters the history and is not answered by itself; end_call
  // and handoff are done all the same, behind what is said by then.
  bool outlives_interruption = false;
  std::string words_while_waiting{};         // said when the tool begins and the LLM said nothing

  Tool timeout(Duration d) && {
    timeout_after = d;
    return std::move(*this);
  }
  Tool survives_interruption() && {
    outlives_interruption = true;
    return std::move(*this);
  }
  Tool say_while_waiting(std::string words) && {
    words_while_waiting = std::move(words);
    return std::move(*this);
  }
};

// Ends the call once the agent has said what it was saying.
Tool end_call();
// Passes the caller on to one of these ("tel:+15550100", "sip:desk@example.com"), once the agent has said what it was
// saying. At least one; the LLM chooses where there are more.
Tool transfer(std::vector<std::string> to);
// Presses keys for the other side's machine.
Tool send_dtmf();
// Hands the call over to one of these agents, by name. At least one; the LLM chooses where there are more.
Tool handoff(std::vector<std::string> to, std::function<Result<Agent>(const std::string& name)> agent);

// One parameter of a tool, as the LLM sees it.
class Arg {
 public:
  Arg(std::string name, std::string description);
  Arg minimum(double value) && { return std::move(*this).with("minimum", value); }
  Arg maximum(double value) && { return std::move(*this).with("maximum", value); }
  Arg one_of(boost::json::array values) && { return std::move(*this).with("enum", std::move(values)); }
  Arg max_length(std::int64_t characters) && { return std::move(*this).with("maxLength", characters); }

  const std::string& name() const noexcept { return name_; }
  const boost::json::object& schema() const noexcept { return schema_; }

 private:
  Arg with(std::string_view key, boost::json::value value) &&;
  std::string name_;
  boost::json::object schema_;
};
inline Arg arg(std::string name, std::string description = {}) { return {std::move(name), std::move(description)}; }

// Checks `arguments` (JSON text, from an LLM) against a schema. The error names the place and what is wrong there.
class ArgumentChecker {
 public:
  // Errc::invalid_argument: `schema` is no JSON schema of an object.
  static Result<ArgumentChecker> create(const boost::json::object& schema);
  Result<boost::json::object> check(std::string_view arguments) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

namespace detail {

template <class T>
inline constexpr bool IsResult = false;
template <class T>
inline constexpr bool IsResult<Result<T>> = true;

// How a C++ type looks in a JSON schema.
template <class T>
struct JsonType;
template <>
struct JsonType<std::string> {
  static boost::json::object schema() { return {{"type", "string"}}; }
};
template <>
struct JsonType<bool> {
  static boost::json::object schema() { return {{"type", "boolean"}}; }
};
template <std::integral T>
struct JsonType<T> {
  static boost::json::object schema() { return {{"type", "integer"}}; }
};
template <std::floating_point T>
struct JsonType<T> {
  static boost::json::object schema() { return {{"type", "number"}}; }
};
template <class T>
struct JsonType<std::vector<T>> {
  static boost::json::object schema() { return {{"type", "array"}, {"items", JsonType<T>::schema()}}; }
};
template <>
struct JsonType<boost::json::object> {
  static boost::json::object schema() { return {{"type", "object"}}; }
};

template <class T>
struct Parameter {
  static constexpr bool required = true;
  using Value = T;
};
template <class T>
struct Parameter<std::optional<T>> {
  static constexpr bool required = false;
  using Value = T;
};

// Throws what boost::json::value_to throws: the schema said yes, so that only numbers out of range do.
template <class T>
T take_argument(const boost::json::object& arguments, std::string_view name) {
  const auto* value = arguments.if_contains(name);
  if constexpr (Parameter<T>::required) {
    if constexpr (std::same_as<T, boost::json::object>) return value->as_object();
    else return boost::json::value_to<T>(*value);
  } else {
    if (!value || value->is_null()) return std::nullopt;
    return take_argument<typename Parameter<T>::Value>(arguments, name);
  }
}

inline ToolResult as_tool_result(ToolResult result) { return result; }
template <class T>
  requires(!std::same_as<T, ToolResult>)
ToolResult as_tool_result(T&& value) {
  return {.value = boost::json::value_from(std::forward<T>(value))};
}

// Whatever a tool returns, as what the session wants.
template <class T>
Result<ToolResult> normalised(Result<T> result) {
  if (!result) return fail(std::move(result.error()));
  if constexpr (std::is_void_v<T>) return ToolResult{.value = "done"};
  else return as_tool_result(std::move(*result));
}
template <class T>
  requires(!IsResult<T>)
Result<ToolResult> normalised(T value) {
  return as_tool_result(std::move(value));
}

template <class Function>
struct Signature : Signature<decltype(&Function::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Return = R;
  using Arguments = std::tuple<A...>;
};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};

template <class Tuple>
struct WithoutContext;
template <class... A>
struct WithoutContext<std::tuple<A...>> {
  static constexpr bool wants_context = false;
  using Values = std::tuple<std::remove_cvref_t<A>...>;
};
template <class... A>
struct WithoutContext<std::tuple<RunContext&, A...>> {
  static constexpr bool wants_context = true;
  using Values = std::tuple<std::remove_cvref_t<A>...>;
};

template <class Function>
struct ToolShape {
  using Return = typename Signature<std::decay_t<Function>>::Return;
  using Stripped = WithoutContext<typename Signature<std::decay_t<Function>>::Arguments>;
  using Values = typename Stripped::Values;
  static constexpr std::size_t arity = std::tuple_size_v<Values>;
};

template <class Function>
Task<Result<ToolResult>> run_tool(Function& function, RunContext& context, typename ToolShape<Function>::Values values) {
  using Shape = ToolShape<Function>;
  auto call = [&](auto&... value) {
    if constexpr (Shape::Stripped::wants_context) return function(context, std::move(value)...);
    else return function(std::move(value)...);
  };
  if constexpr (IsTask<typename Shape::Return>::value) {
    if constexpr (std::is_void_v<typename Shape::Return::value_type>) {
      co_await std::apply(call, values);
      co_return ToolResult{.value = "done"};
    } else {
      co_return normalised(co_await std::apply(call, values));
    }
  } else if constexpr (std::is_void_v<typename Shape::Return>) {
    std::apply(call, values);
    co_return ToolResult{.value = "done"};
  } else {
    co_return normalised(std::apply(call, values));
  }
}

inline Task<Result<ToolResult>> refuse(std::string why) { co_return fail(Errc::invalid_argument, std::move(why)); }

boost::json::object make_schema(std::vector<std::pair<boost::json::object, bool>> types, const std::vector<Arg>& args);

template <class... T>
std::vector<std::pair<boost::json::object, bool>> parameter_types(std::tuple<T...>*) {
  return {{JsonType<typename Parameter<T>::Value>::schema(), Parameter<T>::required}...};
}

}  // namespace detail

// A tool from a function (or a lambda): `RunContext&` first if it wants one, then one parameter for each Arg: strings,
// numbers, bools, std::vector or boost::json::object of them, std::optional where the LLM may leave one out. It returns
// what the LLM is told: nothing, any JSON-able value, a ToolResult, a Result or a Task of those.
template <class Function, class... Args>
  requires(std::same_as<Args, Arg> && ...)
Tool tool(std::string name, std::string description, Function function, Args... args) {
  using Shape = detail::ToolShape<Function>;
  static_assert(Shape::arity == sizeof...(Args), "a tool needs one arg() for each of its function's parameters");
  const std::vector<Arg> described{std::move(args)...};
  std::vector<std::string> names;
  for (const auto& each : described) names.push_back(each.name());
  auto run = [function = std::make_shared<Function>(std::move(function)), names = std::move(names)](
                 RunContext& context, boost::json::object arguments) -> Task<Result<ToolResult>> {
    try {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return detail::run_tool(
            *function, context,
            typename Shape::Values{detail::take_argument<std::tuple_element_t<I, typename Shape::Values>>(arguments, names[I])...});
      }(std::make_index_sequence<Shape::arity>());
    } catch (const std::exception& error) {
      return detail::refuse(error.what());
    }
  };
  auto schema = detail::make_schema(detail::parameter_types(static_cast<typename Shape::Values*>(nullptr)), described);
  return {.definition = {std::move(name), std::move(description), std::move(schema)}, .run = std::move(run)};
}

}  // namespace parley
