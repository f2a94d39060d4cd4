// An agent for the tests of faults: the metadata of a call decides what the call meets.
//
//   {"llm": ["http://127.0.0.1:1/v1", ...], "replies": 4, "end": true, "retries": 1, "interval": 0.1, "timeout": 1,
//    "ask_after": 2, "hang_up_after": 4, "longest": 5, "greeting": "...", "writes": 20}      durations in seconds
#include <parley/parley.hpp>

using namespace parley;

namespace {

class Wishes {
 public:
  explicit Wishes(const boost::json::object& metadata) : metadata_(metadata) {}

  void set(std::string_view name, Duration& duration) const {
    if (const auto* value = metadata_.if_contains(name)) {
      duration = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value->to_number<double>()));
    }
  }
  std::int64_t count(std::string_view name, std::int64_t otherwise) const {
    const auto* value = metadata_.if_contains(name);
    return value ? value->to_number<std::int64_t>() : otherwise;
  }
  std::string text(std::string_view name) const {
    const auto* value = metadata_.if_contains(name);
    return value ? std::string(value->as_string()) : std::string();
  }
  std::vector<ProviderSpec> llm() const {
    std::vector<ProviderSpec> chain;
    const auto* urls = metadata_.if_contains("llm");
    if (!urls) return chain;
    for (const auto& url : urls->as_array()) chain.emplace_back("openai", boost::json::object{{"base_url", url}, {"model", "test"}});
    return chain;
  }

 private:
  const boost::json::object& metadata_;
};

void apply(const Wishes& wishes, SessionOptions& options) {
  if (auto llm = wishes.llm(); !llm.empty()) options.providers.llm = std::move(llm);
  options.retry.retries = static_cast<int>(wishes.count("retries", options.retry.retries));
  wishes.set("interval", options.retry.interval);
  wishes.set("timeout", options.retry.timeout);
  wishes.set("ask_after", options.limits.silence->ask_after);
  wishes.set("hang_up_after", options.limits.silence->hang_up_after);
  wishes.set("longest", *options.limits.max_duration);
}

Task<void> answer(JobContext& job) {
  const Wishes wishes(job.call().metadata);
  apply(wishes, job.options());
  Agent agent{.name = "faults", .instructions = "Answer in one sentence."};
  if (auto words = wishes.text("greeting"); !words.empty()) agent.greeting = Greeting{.say = std::move(words)};
  agent.tools = {end_call()};
  if (auto started = co_await job.start(std::move(agent)); !started) co_return;  // the call has failed, and its log says why
  for (auto left = wishes.count("replies", 0); left > 0; --left) {
    const auto reply = job.session().generate_reply();
    (void)co_await reply.wait(Deadline::bounded_by_scope());
  }
  for (auto left = wishes.count("writes", 0); left > 0; --left) {
    job.remember("written", boost::json::value(boost::json::string(1000, 'x')));
    co_await sleep_for(200ms);
  }
  if (wishes.count("end", 0) != 0) job.session().end();
}

}  // namespace

int main(int argc, char** argv) {
  App app(answer);
  app.name = "faults";
  return parley::main(argc, argv, std::move(app));
}
