// HTTP and WebSocket of one connection: what is asked for, and the conversation that answers.
#include <algorithm>
#include <array>
#include <charconv>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "fakes/chat.hpp"
#include "fakes/deepgram_ear.hpp"
#include "fakes/deepgram_voice.hpp"
#include "fakes/server.hpp"

namespace parley::fakes {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxBody = 4 * 1024 * 1024;
constexpr std::size_t kMaxMessage = 1024 * 1024;
constexpr auto kClosing = std::chrono::seconds(5);

using Request = http::request<http::string_body>;
using Socket = websocket::stream<tcp::socket, false>;

// What goes wrong on purpose: /fault/KIND[:N]/rest/of/the/path.
struct Fault {
  std::string kind;  // status, silent, cut, stall; empty: none
  int number = 0;    // the status, or how many messages are still said
};

struct Asked {
  std::string path;
  std::string query;
  Fault fault;

  std::string parameter(std::string_view name, std::string_view otherwise) const {
    for (std::string_view rest = query; !rest.empty();) {
      const auto end = std::min(rest.find('&'), rest.size());
      const auto pair = rest.substr(0, end);
      if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return std::string(pair.substr(name.size() + 1));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::string(otherwise);
  }
  int number(std::string_view name, int otherwise) const {
    const auto text = parameter(name, "");
    int value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
};

Asked asked_for(std::string_view target) {
  Asked asked;
  const auto question = std::min(target.find('?'), target.size());
  asked.path = target.substr(0, question);
  asked.query = target.substr(std::min(question + 1, target.size()));
  constexpr std::string_view kFault = "/fault/";
  if (!asked.path.starts_with(kFault)) return asked;
  const auto end = std::min(asked.path.find('/', kFault.size()), asked.path.size());
  const auto fault = asked.path.substr(kFault.size(), end - kFault.size());
  const auto colon = std::min(fault.find(':'), fault.size());
  asked.fault.kind = fault.substr(0, colon);
  if (colon < fault.size()) std::from_chars(fault.data() + colon + 1, fault.data() + fault.size(), asked.fault.number);
  asked.path.erase(0, end);
  return asked;
}

bool authorized(const Server& server, const Request& request) {
  const auto& key = server.options().api_key;
  if (key.empty()) return true;
  const auto given = request[http::field::authorization];
  return given == "Bearer " + key || given == "Token " + key;
}

// ---- HTTP ----

asio::awaitable<bool> reply(tcp::socket& socket, int status, std::string body, std::string_view type = "application/json",
                            std::string_view more_fields = {}) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  const auto wire = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n{}", status,
                                std::string_view(reason.data(), reason.size()), type, body.size(), more_fields, body);
  const auto [failed, count] = co_await asio::async_write(socket, asio::buffer(wire), kNoThrow);
  co_return !failed;
}

std::string error_body(std::string_view message) {
  return boost::json::serialize(boost::json::object{{"error", {{"message", message}, {"type", "invalid_request_error"}}}});
}

// Deepgram's way to say no.
std::string deepgram_error(std::string_view code, std::string_view message) {
  return boost::json::serialize(boost::json::object{{"err_code", code}, {"err_msg", message}, {"request_id", "fake"}});
}

asio::awaitable<void> sleep_until(TimePoint at) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_at(std::chrono::steady_clock::time_point(at.time_since_epoch()));
  co_await timer.async_wait(kNoThrow);
}

// True: the answer went out whole.
asio::awaitable<bool> stream_answer(tcp::socket& socket, ChatAnswer& answer, const Fault& fault) {
  std::string wire = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
  int said = 0;
  while (const auto due = answer.due()) {
    co_await sleep_until(*due);
    while (const auto data = answer.next(Server::now())) {
      if (fault.kind == "cut" && said >= fault.number) co_return false;
      if (fault.kind == "stall" && said >= fault.number) co_await sleep_until(TimePoint::max());
      const auto event = fmt::format("data: {}\n\n", *data);
      wire += fmt::format("{:x}\r\n{}\r\n", event.size(), event);
      ++said;
    }
    const auto [failed, count] = co_await asio::async_write(socket, asio::buffer(wire), kNoThrow);
    if (failed) co_return false;
    wire.clear();
  }
  const auto [failed, count] = co_await asio::async_write(socket, asio::buffer("0\r\n\r\n", 5), kNoThrow);
  co_return !failed;
}

asio::awaitable<bool> chat(Server& server, tcp::socket& socket, const std::string& body, const Fault& fault) {
  auto wish = ChatWish::parse(body);
  if (!wish) {
    ++server.stats().errors;
    co_return co_await reply(socket, 400, error_body(wish.error()));
  }
  auto& stats = server.stats();
  struct Open {
    Stats& counts;
    bool whole = false;
    ~Open() {
      --counts.chats_open;
      if (!whole) ++counts.chats_cut;
    }
  } open{stats};
  ++stats.chats_open;
  const bool streams = wish->stream;
  ChatAnswer answer(server.options(), std::move(*wish), ++stats.chats, Server::now());
  if (answer.calls_tool()) ++stats.tool_calls;
  if (streams) {
    open.whole = co_await stream_answer(socket, answer, fault);
  } else {
    co_await sleep_until(answer.whole_due());
    open.whole = co_await reply(socket, 200, answer.whole());
  }
  co_return open.whole;
}

// False: the connection is to be closed.
asio::awaitable<bool> answer(Server& server, tcp::socket& socket, const Request& request) {
  const auto asked = asked_for({request.target().data(), request.target().size()});
  if (asked.path == "/stats") co_return co_await reply(socket, 200, server.stats_json());
  if (asked.fault.kind == "silent") co_await sleep_until(TimePoint::max());
  if (asked.fault.kind == "status") {
    co_return co_await reply(socket, asked.fault.number, error_body("as you wish"), "application/json",
                             asked.fault.number == 429 ? "Retry-After: 1\r\n" : "");
  }
  if (!authorized(server, request)) co_return co_await reply(socket, 401, error_body("Incorrect API key provided"));
  if (asked.path == "/v1/chat/completions") {
    if (request.method() == http::verb::post) co_return co_await chat(server, socket, request.body(), asked.fault);
    co_return co_await reply(socket, 405, error_body("POST it"));
  }
  if (asked.path == "/v1/models") co_return co_await reply(socket, 200, R"({"object":"list","data":[{"id":"fake","object":"model"}]})");
  ++server.stats().errors;
  co_return co_await reply(socket, 404, error_body("there is no such path"));
}

// ---- WebSocket ----

// A conversation and its socket, shared by the coroutine that reads and the one that writes.
struct Talk {
  Talk(tcp::socket s, std::unique_ptr<Conversation> c) : socket(std::move(s)), conversation(std::move(c)), alarm(socket.get_executor()) {}

  Socket socket;
  std::unique_ptr<Conversation> conversation;
  asio::steady_timer alarm;
  TimePoint alarm_at = TimePoint::max();
  bool over = false;

  void wake_writer_if_due_earlier() {
    if (const auto due = conversation->due(); due && *due < alarm_at) alarm.cancel();
  }
};

asio::awaitable<void> write_all(std::shared_ptr<Talk> talk, Fault fault) {
  auto& conversation = *talk->conversation;
  int said = 0;
  while (!talk->over) {
    if (auto message = conversation.next(Server::now())) {
      if (fault.kind == "cut" && said >= fault.number) break;
      if (fault.kind == "stall" && said >= fault.number) co_return;
      talk->socket.binary(message->binary);
      const auto [failed, count] = co_await talk->socket.async_write(asio::buffer(message->data), kNoThrow);
      if (failed) co_return;
      ++said;
      continue;
    }
    if (const auto& end = conversation.end()) {
      websocket::close_reason why(static_cast<websocket::close_code>(end->code), end->reason);
      co_await talk->socket.async_close(why, kNoThrow);
      co_return;
    }
    talk->alarm_at = conversation.due().value_or(TimePoint::max());
    talk->alarm.expires_at(std::chrono::steady_clock::time_point(talk->alarm_at.time_since_epoch()));
    co_await talk->alarm.async_wait(kNoThrow);
    talk->alarm_at = TimePoint::max();
  }
  boost::system::error_code ignored;
  talk->socket.next_layer().close(ignored);
}

asio::awaitable<void> converse(tcp::socket socket, const Request& request, std::unique_ptr<Conversation> conversation, Fault fault) {
  const auto talk = std::make_shared<Talk>(std::move(socket), std::move(conversation));
  auto& ws = talk->socket;
  ws.set_option(websocket::stream_base::timeout{kClosing, websocket::stream_base::none(), false});
  ws.read_message_max(kMaxMessage);
  if (const auto [failed] = co_await ws.async_accept(request, kNoThrow); failed) co_return;
  asio::co_spawn(co_await asio::this_coro::executor, write_all(talk, std::move(fault)), asio::detached);
  beast::flat_buffer buffer;
  for (;;) {
    const auto [failed, count] = co_await ws.async_read(buffer, kNoThrow);
    if (failed) break;
    const std::string_view data(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (ws.got_binary()) {
      talk->conversation->on_binary(data, Server::now());
    } else {
      talk->conversation->on_text(data, Server::now());
    }
    buffer.clear();
    talk->wake_writer_if_due_earlier();
  }
  talk->over = true;
  talk->alarm.cancel();
}

// What the socket is for; null, after an answer that says so, if for nothing.
asio::awaitable<std::unique_ptr<Conversation>> conversation_for(Server& server, tcp::socket& socket, const Asked& asked) {
  auto& stats = server.stats();
  const int rate = asked.number("sample_rate", asked.path == "/v1/listen" ? 16000 : 24000);
  constexpr std::array kRates = {8000, 16000, 24000, 32000, 48000};
  const bool known = std::ranges::find(kRates, rate) != kRates.end();
  if (known && asked.parameter("encoding", "linear16") == "linear16") {
    if (asked.path == "/v1/listen") {
      const DeepgramEar::Format format{.sample_rate = rate,
                                       .interim_results = asked.parameter("interim_results", "false") == "true",
                                       .vad_events = asked.parameter("vad_events", "false") == "true"};
      co_return std::make_unique<DeepgramEar>(server.options(), stats, format, stats.stt + 1, Server::now());
    }
    if (asked.path == "/v1/speak") {
      co_return std::make_unique<DeepgramVoice>(server.options(), stats, server.syllables(rate),
                                                asked.parameter("model", "aura-2-andromeda-en"), stats.tts + 1);
    }
  }
  ++stats.errors;
  co_await reply(socket, asked.path.starts_with("/v1/") ? 400 : 404, deepgram_error("INVALID_QUERY_PARAMETER", "only linear16 at a usual rate"),
                 "application/json", "dg-error: INVALID_QUERY_PARAMETER\r\n");
  co_return nullptr;
}

asio::awaitable<void> upgrade(Server& server, tcp::socket socket, const Request& request) {
  auto asked = asked_for({request.target().data(), request.target().size()});
  if (asked.fault.kind == "silent") co_await sleep_until(TimePoint::max());
  if (asked.fault.kind == "status") {
    co_await reply(socket, asked.fault.number, deepgram_error("AS_YOU_WISH", "as you wish"), "application/json",
                   asked.fault.number == 429 ? "Retry-After: 1\r\n" : "");
    co_return;
  }
  if (!authorized(server, request)) {
    co_await reply(socket, 401, deepgram_error("INVALID_AUTH", "Invalid credentials."), "application/json", "dg-error: Invalid credentials.\r\n");
    co_return;
  }
  auto conversation = co_await conversation_for(server, socket, asked);
  if (conversation) co_await converse(std::move(socket), request, std::move(conversation), std::move(asked.fault));
}

}  // namespace

asio::awaitable<void> serve(Server& server, tcp::socket socket) {
  beast::flat_buffer buffer;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxBody);
    const auto [failed, count] = co_await http::async_read(socket, buffer, parser, kNoThrow);
    if (failed) co_return;
    const auto request = parser.release();
    if (websocket::is_upgrade(request)) co_return co_await upgrade(server, std::move(socket), request);
    const bool goes_on = co_await answer(server, socket, request);
    if (!goes_on || !request.keep_alive()) co_return;
  }
}

}  // namespace parley::fakes
