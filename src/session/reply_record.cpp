#include "session/reply_record.hpp"

namespace parley {

void ReplyRecord::give(const Utterance& utterance, const Sink& sink) {
  ChatMessage message;
  message.role = ChatRole::assistant;
  message.text = utterance.heard();
  message.interrupted = message.text != utterance.text();
  if (!message.text.empty()) sink(std::move(message));
}

void ReplyRecord::give(const ToolRun& run, const Sink& sink) {
  sink(run.call());
  sink(run.output());
}

void ReplyRecord::flush(const Sink& sink) {
  while (!entries_.empty()) {
    if (auto* utterance = std::get_if<Utterance*>(&entries_.front())) {
      if (!(*utterance)->over()) return;
      give(**utterance, sink);
    } else {
      const auto& run = std::get<std::shared_ptr<ToolRun>>(entries_.front());
      if (!run->done()) return;
      give(*run, sink);
    }
    entries_.pop_front();
  }
}

void ReplyRecord::flush_all(ToolRunner& tools, const Sink& sink) {
  for (auto& entry : entries_) {
    if (auto* utterance = std::get_if<Utterance*>(&entry)) {
      give(**utterance, sink);
      continue;
    }
    auto& run = *std::get<std::shared_ptr<ToolRun>>(entry);
    if (run.done()) {
      give(run, sink);
    } else if (!tools.abandon(run)) {
      sink(run.call());
      sink(FunctionCallOutput{.call_id = run.call().id, .name = run.call().name, .output = "interrupted before it was done", .is_error = true});
    }
  }
  entries_.clear();
}

std::vector<ChatItem> ReplyRecord::pending() const {
  std::vector<ChatItem> items;
  const auto add = [&](ChatItem item) { items.push_back(std::move(item)); };
  for (const auto& entry : entries_) {
    if (auto* const* utterance = std::get_if<Utterance*>(&entry)) {
      ChatMessage message;
      message.role = ChatRole::assistant;
      message.text = (*utterance)->text();
      if (!message.text.empty()) add(std::move(message));
    } else if (const auto& run = *std::get<std::shared_ptr<ToolRun>>(entry); run.done()) {
      give(run, add);
    }
  }
  return items;
}

}  // namespace parley
