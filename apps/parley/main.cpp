// The program itself: every command, and for `dev` and `start` the built-in agent, the reception desk of a restaurant.
#include <parley/parley.hpp>

namespace {

parley::Task<void> answer(parley::JobContext& job) {
  parley::Agent agent{.name = "reception", .instructions = "You answer the telephone of Trattoria Roma. Be brief and warm."};
  agent.greeting = parley::Greeting{.say = "Good evening, Trattoria Roma. How can I help you?"};
  agent.tools = {parley::end_call()};
  if (auto started = co_await job.start(std::move(agent)); !started) job.logger().error("{}", started.error().message());
}

}  // namespace

int main(int argc, char** argv) {
  parley::App app(answer);
  app.name = "reception";
  return parley::main(argc, argv, std::move(app));
}
