// An agent in C++: the reception desk of a restaurant, with a book of its own.
//
//   build/release/examples/reception/reception dev      then open the page that it prints
//
// Speech and dialogue are local here. With a language model instead of the dialogue file, only `llm` changes:
//   defaults.providers.llm = {{"openai", {{"base_url", "http://127.0.0.1:11434/v1"}, {"model", "llama3.2"}}}};
#include <fstream>

#include <boost/json/serialize.hpp>

#include <parley/parley.hpp>

using namespace parley;

namespace {

// A tool: the LLM sees its name, its description and its parameters.
Task<Result<std::string>> book_table(RunContext& call, std::string day, std::string time, int people, std::string name) {
  if (people > 12) co_return fail(Errc::refused, "our largest table has twelve seats");
  call.session().remember("booking", {{"day", day}, {"time", time}, {"people", people}, {"name", name}});
  co_return "booked";
}

// The work after the call: it gets the record alone, and is run again until it succeeds.
Task<Result<void>> write_book(boost::json::object record, EndHookContext context) {
  const auto* data = record.if_contains("data");
  if (!data || !data->as_object().contains("booking")) co_return Result<void>{};
  std::ofstream book("bookings.jsonl", std::ios::app);
  book << boost::json::serialize(boost::json::object{{"key", context.idempotency_key}, {"booking", data->at("booking")}}) << std::endl;
  if (!book) co_return fail(Errc::io, "bookings.jsonl cannot be written in this folder");
  co_return Result<void>{};
}

// Once for every call.
Task<void> answer(JobContext& job) {
  Agent agent{.name = "reception", .instructions = "You answer the telephone of Trattoria Roma. Be brief and warm."};
  agent.greeting = Greeting{.say = "Good evening, Trattoria Roma. How can I help you?"};
  agent.tools = {tool("book_table", "Books a table.", book_table, arg("day", "the day, as 2026-11-27"), arg("time", "as 19:30"),
                      arg("people", "how many").minimum(1), arg("name", "who books")),
                 end_call()};
  if (auto started = co_await job.start(std::move(agent)); !started) job.logger().error("{}", started.error().message());
}

}  // namespace

int main(int argc, char** argv) {
  App app(answer);
  app.name = "reception";
  app.on_end = {{"write_book", write_book}};
  return parley::main(argc, argv, std::move(app));
}
