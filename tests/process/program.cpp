#include "program.hpp"

#include <csignal>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/async/event.hpp>

namespace parley {

namespace {

[[noreturn]] void spin() {
  for (volatile bool on = true; on;) {
  }
  std::abort();
}

class TestProgram final : public job::JobProgram {
 public:
  explicit TestProgram(job::JobContext& job) : job_(job), scope_(job.scope(), "program") {
    if (asked("on_start", "throw")) throw std::runtime_error("told to");
    if (const auto* talk = job.call().metadata.if_contains("talk")) (void)scope_.spawn("talk", this->talk(talk->to_number<int>()));
    if (const auto* kept = job.call().metadata.if_contains("remember")) job.remember("test", *kept);
  }

  Task<Result<std::string>> answer(std::string offer, Deadline) override {
    ++answers_;
    if (answers_ == 1) {
      if (asked("on_answer", "refuse")) co_return fail(Errc::invalid_argument, "told to refuse");
      if (asked("on_answer", "throw")) throw std::runtime_error("told to throw");
      if (asked("on_answer", "block")) spin();
      if (asked("on_answer", "crash")) std::abort();
      if (asked("on_answer", "hang")) co_await sleep_for(1h);
    } else if (offer == "go") {
      misbehave();
    } else if (offer == "end") {
      job_.end_call({StopCause::agent_hung_up, "the agent said goodbye"});
    }
    job_.emit("answered", {{"n", answers_}});
    co_return "answer to " + offer;
  }

  Task<Result<void>> join(Deadline) override {
    if (asked("on_join", "gone")) co_return fail(Errc::not_found, "nobody is in the room");
    if (asked("on_join", "crash")) std::abort();
    if (asked("on_join", "hang")) co_await sleep_for(1h);
    job_.linked("sip_15550100", "sip");
    job_.emit("joined", {{"room", job_.call().room->room_name}, {"url", job_.call().room->url}});
    co_return Result<void>{};
  }

  void request_stop(StopReason, bool) noexcept override { scope_.request_stop({StopCause::owner_closed, {}}); }

  Task<CloseReport> close(Deadline, Deadline deadline) override {
    if (asked("on_close", "throw")) throw 42;
    if (asked("on_close", "block")) spin();
    while (asked("on_close", "hang")) co_await sleep_for(1s);
    co_return co_await scope_.close(deadline);
  }

  Task<CloseReport> dispose(Deadline) override {
    if (asked("on_dispose", "block")) spin();
    while (asked("on_dispose", "hang")) co_await sleep_for(1s);
    co_return CloseReport{};
  }

  void kill() noexcept override { scope_.kill(); }
  boost::json::object summary() override { return {{"usage", boost::json::object{{"answers", answers_}}}}; }

 private:
  bool asked(std::string_view when, std::string_view what) const {
    const auto* value = job_.call().metadata.if_contains(when);
    return value && value->is_string() && value->get_string() == what;
  }

  void misbehave() {
    if (asked("in_call", "block")) spin();
    if (asked("in_call", "crash")) std::abort();
    if (asked("in_call", "exit")) ::_exit(5);
    if (asked("in_call", "eat")) eaten_.assign(200u << 20, 'x');
    if (asked("in_call", "swallow_term")) {
      // As libraries do that bring their own signal handlers.
      ::signal(SIGTERM, SIG_IGN);
      spin();
    }
  }

  Task<void> talk(int each_second) {
    for (int n = 0;; ++n) {
      co_await sleep_for(1000ms / each_second);
      job_.emit("said", {{"n", n}});
    }
  }

  job::JobContext& job_;
  int answers_ = 0;
  std::string eaten_;
  Scope scope_;
};

void append_line(const std::string& path, const std::string& line) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  (void)!::write(fd, line.data(), line.size());
  ::close(fd);
}

// What the call remembered for its hooks: {"hook": "crash" | "hang"}; the second try does it.
std::string wish(const boost::json::object& record) {
  const auto* data = record.if_contains("data");
  const auto* test = data && data->is_object() ? data->get_object().if_contains("test") : nullptr;
  const auto* hook = test && test->is_object() ? test->get_object().if_contains("hook") : nullptr;
  return hook && hook->is_string() ? std::string(hook->get_string()) : std::string();
}

}  // namespace

job::ProgramFactory test_program() {
  return [](job::JobContext& job) { return std::make_unique<TestProgram>(job); };
}

std::shared_ptr<const job::HookRegistry> test_hooks(std::string folder) {
  auto hooks = std::make_shared<job::HookRegistry>();
  (void)hooks->add("first", [folder](boost::json::object, job::HookContext context) -> Task<Result<void>> {
    append_line(folder + "/hook.log", fmt::format("{} {}\n", context.key, context.try_number));
    co_return Result<void>{};
  });
  (void)hooks->add("second", [folder](boost::json::object record, job::HookContext context) -> Task<Result<void>> {
    append_line(folder + "/hook.log", fmt::format("{} {}\n", context.key, context.try_number));
    if (context.try_number == 1 && wish(record) == "crash") ::kill(::getpid(), SIGKILL);
    if (context.try_number == 1 && wish(record) == "fail") co_return fail(Errc::unavailable, "told to fail");
    co_return Result<void>{};
  });
  return hooks;
}

}  // namespace parley
