// What a reply leaves in the history, in the order in which it came about: what the caller heard of its words, the calls
// of its tools and what they brought. A call never stands there without its output, which no LLM would accept.
//
// Thread: the loop's only. Bound: the reply's own steps.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <variant>

#include <parley/chat.hpp>

#include "session/tool_runner.hpp"
#include "session/utterance.hpp"

namespace parley {

class ReplyRecord {
 public:
  using Sink = std::function<void(ChatItem)>;

  // The utterance must outlive the record.
  void add(Utterance& utterance) { entries_.emplace_back(&utterance); }
  void add(std::shared_ptr<ToolRun> run) { entries_.emplace_back(std::move(run)); }

  // Gives out what is settled, up to the first entry that is not.
  void flush(const Sink& sink);
  // The reply was broken off: gives out everything. Utterances are over by now; of tools that go on nothing is given out.
  void flush_all(ToolRunner& tools, const Sink& sink);

  // What the LLM must know for its next step, and the history does not have yet: words in full.
  std::vector<ChatItem> pending() const;

 private:
  using Entry = std::variant<Utterance*, std::shared_ptr<ToolRun>>;
  static void give(const Utterance& utterance, const Sink& sink);
  static void give(const ToolRun& run, const Sink& sink);

  std::list<Entry> entries_;
};

}  // namespace parley
