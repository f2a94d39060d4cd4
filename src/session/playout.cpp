#include "session/playout.hpp"

#include <utility>

namespace parley {

Result<UtteranceId> Playout::begin(Listener listener) {
  auto id = mixer_.speech().begin();
  if (id) listeners_.emplace(*id, std::move(listener));
  return id;
}

void Playout::cut(UtteranceId id, TimePoint now) {
  if (const auto event = mixer_.cut(id, now)) tell(*event);  // the next tick tells it again, to nobody
}

void Playout::cut_all(TimePoint now) {
  for (const auto& event : mixer_.cut_all(now)) tell(event);
  mixer_.speech().resume();
}

void Playout::tick(Transport& transport, TimePoint now) {
  auto output = mixer_.tick(now, transport.can_deliver());
  for (const auto& frame : output.frames) transport.send(frame, now);
  for (const auto& event : output.events) tell(event);
}

void Playout::tell(const MixerEvent& event) {
  if (event.kind == MixerEvent::Kind::position || event.kind == MixerEvent::Kind::started) ++progress_;
  const auto it = listeners_.find(event.utterance);
  if (it == listeners_.end()) return;
  const bool last = event.kind == MixerEvent::Kind::finished || event.kind == MixerEvent::Kind::cut;
  // A copy: the listener may begin another utterance.
  const auto listener = it->second;
  if (last) listeners_.erase(it);
  listener(event);
}

}  // namespace parley
