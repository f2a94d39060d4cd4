#include "worker/zygote_client.hpp"

#include <csignal>
#include <utility>

namespace parley::worker {

ZygoteClient::ZygoteClient(Scope& parent, System& system)
    : system_(system), loop_(parent.loop()), scope_(parent, "zygote") {}

void ZygoteClient::start() {
  (void)scope_.spawn("keep_alive", keep_alive());
  (void)scope_.spawn("watch_answers", watch_answers());
}

Task<Result<void>> ZygoteClient::wait_event(Event& event, Deadline deadline) { co_return co_await event.wait(deadline); }

Task<void> ZygoteClient::keep_alive() {
  for (;;) {
    const auto began = loop_.now();
    auto zygote = system_.start_zygote();
    if (zygote) {
      process_ = std::move(zygote->process);
      co_await serve(*zygote->link);
      ready_.reset();
      link_ = nullptr;
      fail_pending();
      zygote->link->close();
      process_->signal(SIGKILL);
      (void)co_await process_->wait(loop_.in(5s));
      process_.reset();
    } else {
      loop_.logger().error("the zygote could not be started: {}", zygote.error().message());
    }
    const auto pause = budget_.after(loop_.now() - began);
    loop_.logger().warn("the zygote is gone; the next one starts in {:.0f} ms", to_ms(pause));
    co_await sleep_for(pause);
  }
}

// Until the zygote is gone, or is not to be relied on any more.
Task<void> ZygoteClient::serve(ipc::Link& link) {
  const auto warm = loop_.in(kWarmUp);
  for (;;) {
    auto packet = co_await link.receive(ready_.is_set() ? Deadline::bounded_by_scope() : warm);
    if (!packet) co_return;
    auto message = ipc::parse_from_zygote(packet->bytes);
    if (!message) {
      loop_.logger().error("the zygote is replaced: {}", message.error().message());
      co_return;
    }
    if (const auto* ready = std::get_if<ipc::Ready>(&*message)) {
      if (!ready->forks) loop_.logger().warn("jobs are started by exec: the zygote has more than one thread ({})", ready->thread_names);
      link_ = &link;
      ready_.set();
    } else if (auto* spawned = std::get_if<ipc::Spawned>(&*message)) {
      on_spawned(*spawned, std::move(packet->handles));
    }
  }
}

TimePoint ZygoteClient::patience_ends(const Pending& pending) const noexcept {
  return pending.asked_at + (system_.crowded() ? kBusyPatience : kSpawnPatience);
}

Task<void> ZygoteClient::watch_answers() {
  for (;;) {
    if (pending_.empty()) {
      asked_.reset();
      (void)co_await asked_.wait(Deadline::bounded_by_scope());
      continue;
    }
    if (const auto ends = patience_ends(*pending_.begin()->second); ends > loop_.now()) {
      co_await sleep_until(ends);
      continue;
    }
    loop_.logger().error("the zygote does not answer and is replaced");
    fail_pending();
    process_->signal(SIGKILL);
    link_->close();  // a process that it made may hold the other end
  }
}

void ZygoteClient::on_spawned(const ipc::Spawned& spawned, ipc::Handles handles) {
  const auto it = pending_.find(spawned.request);
  if (it == pending_.end()) return;  // that zygote was given up; the job sees the end of its link
  const auto pending = it->second;
  pending_.erase(it);
  if (!spawned.error.empty()) {
    pending->result = fail(Errc::io, "the zygote could not start a job: " + spawned.error);
  } else if (handles.empty()) {
    pending->result = fail(Errc::protocol, "the zygote sent no process");
  } else {
    pending->result = system_.job_process(spawned.pid, std::move(handles.front()));
  }
  pending->done.set();
}

void ZygoteClient::fail_pending() {
  for (auto& [request, pending] : std::exchange(pending_, {})) pending->done.set();
}

Task<Result<std::unique_ptr<Process>>> ZygoteClient::spawn(ipc::JobKind kind, std::string call_id, std::string attempt_id,
                                                           std::unique_ptr<ipc::Handle> link, Deadline deadline) {
  if (auto ready = co_await ready_.wait(deadline); !ready) co_return fail(Errc::timeout, "no zygote was ready in time to start a job");
  if (!link_) co_return fail(Errc::unavailable, "the zygote died");
  if (pending_.size() >= kMaxPending) co_return fail(Errc::overloaded, "too many jobs are being started");
  const auto request = next_request_++;
  const auto pending = std::make_shared<Pending>(Pending{.asked_at = loop_.now()});
  pending_.emplace(request, pending);
  asked_.set();
  ipc::Handles handles;
  handles.push_back(std::move(link));
  auto bytes = ipc::serialize(ipc::ToZygote(ipc::Spawn{request, kind, std::move(call_id), std::move(attempt_id)}));
  const auto sent = bytes ? link_->send(std::move(*bytes), std::move(handles)) : Result<void>(fail(bytes.error()));
  if (!sent) {
    pending_.erase(request);
    co_return fail(sent.error().within("the zygote"));
  }
  if (!co_await pending->done.wait(deadline)) co_return fail(Errc::unavailable, "the zygote did not answer in time");
  co_return std::move(pending->result);
}

}  // namespace parley::worker
