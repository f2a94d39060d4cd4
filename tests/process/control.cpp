#include "control.hpp"

#include <boost/json.hpp>

#include "ipc/socket_rendezvous.hpp"
#include "rooms.hpp"

namespace parley {

namespace {

namespace json = boost::json;

json::object failed(const Error& error) { return {{"error", to_string(error.code())}, {"message", error.message()}}; }

std::string text(const json::object& request, std::string_view key) {
  const auto* value = request.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

class Control {
 public:
  Control(RealLoop& loop, Scope& parent, worker::CallDesk& desk, ipc::StateDir dir, std::unique_ptr<ipc::SocketAcceptor> acceptor)
      : loop_(loop), desk_(desk), dir_(std::move(dir)), acceptor_(std::move(acceptor)), rooms_(parent, desk), scope_(parent, "control", 512) {
    (void)scope_.spawn("accept", accept());
  }

 private:
  Task<void> accept() {
    for (;;) {
      auto caller = co_await acceptor_->accept(Deadline::bounded_by_scope());
      if (caller) (void)scope_.spawn("serve", serve(std::move(caller->link)));
    }
  }

  Task<void> serve(std::unique_ptr<ipc::Link> link) {
    for (;;) {
      auto packet = co_await link->receive(Deadline::bounded_by_scope());
      if (!packet) co_return;
      const auto reply = co_await answer(json::parse(packet->bytes).get_object());
      (void)link->send(json::serialize(reply));
    }
  }

  Task<json::object> answer(json::object request) {
    const auto op = text(request, "op");
    const auto call = text(request, "call");
    if (op == "offer") {
      json::object metadata;
      if (const auto* given = request.if_contains("metadata")) metadata = given->get_object();
      auto answer = co_await desk_.offer(text(request, "sdp"), std::move(metadata), loop_.in(20s));
      if (!answer) co_return failed(answer.error());
      co_return json::object{{"call", answer->call_id}, {"sdp", answer->sdp}};
    }
    if (op == "reoffer") {
      auto answer = co_await desk_.reoffer(call, text(request, "sdp"), loop_.in(3s));
      if (!answer) co_return failed(answer.error());
      co_return json::object{{"call", answer->call_id}, {"sdp", answer->sdp}};
    }
    if (op == "hang_up") {
      auto done = desk_.hang_up(call);
      co_return done ? json::object{} : failed(done.error());
    }
    if (op == "events" || op == "wait_end") co_return co_await events(call, op == "wait_end");
    if (op == "status") co_return desk_.status();
    if (op == "assign") co_return rooms_.assign(text(request, "job"), request["metadata"]);
    if (op == "terminate") co_return rooms_.terminate(text(request, "job"));
    if (op == "rooms") co_return rooms_.told();
    if (op == "metrics") co_return json::object{{"text", desk_.metrics()}};
    co_return failed({Errc::invalid_argument, "no such op"});
  }

  Task<json::object> events(std::string call, bool to_end) {
    auto watch = desk_.watch(call, 0);
    if (!watch) co_return failed(watch.error());
    json::array events;
    for (;;) {
      auto event = co_await (*watch)->next(to_end ? loop_.in(60s) : loop_.in(1ms));
      if (!event) co_return json::object{{"events", std::move(events)}, {"stopped_by", to_string(event.error().code())}};
      events.push_back(json::object{{"id", event->id}, {"type", event->type}, {"data", json::parse(event->data)}});
    }
  }

  RealLoop& loop_;
  worker::CallDesk& desk_;
  ipc::StateDir dir_;
  std::unique_ptr<ipc::SocketAcceptor> acceptor_;
  Rooms rooms_;
  Scope scope_;
};

}  // namespace

Result<std::shared_ptr<void>> serve_control(RealLoop& loop, Scope& scope, worker::CallDesk& desk, const std::string& state_dir) {
  auto dir = ipc::StateDir::open(state_dir);
  if (!dir) return fail(dir.error());
  auto acceptor = ipc::SocketAcceptor::open(loop, *dir, "control.sock");
  if (!acceptor) return fail(acceptor.error());
  return std::make_shared<Control>(loop, scope, desk, std::move(*dir), std::move(*acceptor));
}

}  // namespace parley
