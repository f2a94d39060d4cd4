#include "job/http_mirror.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/base/exception.hpp>
#include <parley/base/ids.hpp>

#include "net/url.hpp"

namespace parley::job {

namespace {

bool worth_another_try(int status) noexcept { return status < 400 || status >= 500 || status == 408 || status == 425 || status == 429; }

// Read to its end, so that its connection serves the next request; a longer one costs the connection.
Task<void> read_away(net::ResponseStream& answer, Deadline deadline) {
  for (std::size_t bytes = 0; bytes <= HttpMirror::kMaxAnswerBytes;) {
    auto piece = co_await answer.read(deadline);
    if (!piece || piece->empty()) co_return;
    bytes += piece->size();
  }
}

}  // namespace

HttpMirror::HttpMirror(Scope& parent, std::shared_ptr<net::HttpClient> client, std::string url)
    : logger_(parent.loop().logger().with(log_field::kComponent, "mirror")),
      loop_(parent.loop()),
      client_(std::move(client)),
      url_(std::move(url)),
      stream_(make_id(loop_.random(), "MR_")),
      scope_(parent, "mirror") {
  const auto parsed = net::parse_url(url_);
  shown_ = parsed ? parsed->shown() : "the mirror";
  idle_.set();
  (void)scope_.spawn("send", send_all());
}

HttpMirror::~HttpMirror() { scope_.kill(); }

void HttpMirror::add(std::string_view record) {
  if (ended_) return lose(1, "the process ends");
  if (queued_bytes_ + record.size() > kMaxQueuedBytes) return lose(1, "more waits than is kept");
  queue_.emplace_back(record);
  queued_bytes_ += record.size();
  idle_.reset();
  came_.set();
}

Task<void> HttpMirror::flush(Deadline deadline) {
  flushing_ = true;  // and what is added meanwhile is flushed too
  hurry_.set();
  (void)co_await idle_.wait(deadline);
  ended_ = true;
  scope_.kill();
  lose(std::exchange(in_flight_, 0) + queue_.size(), "the process ends");
  queue_.clear();
  queued_bytes_ = 0;
  idle_.set();
}

Task<void> HttpMirror::send_all() {
  for (;;) {
    (void)co_await came_.wait(Deadline::bounded_by_scope());
    came_.reset();
    while (!queue_.empty()) co_await send(next_batch());
    idle_.set();
  }
}

HttpMirror::Batch HttpMirror::next_batch() {
  Batch batch;
  while (!queue_.empty() && (batch.records == 0 || batch.body.size() + queue_.front().size() < kMaxBatchBytes)) {
    batch.body += queue_.front();
    batch.body += '\n';
    ++batch.records;
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
  }
  batch.key = fmt::format("{}/{}", stream_, next_batch_++);
  return batch;
}

Task<void> HttpMirror::send(Batch batch) {
  in_flight_ = batch.records;
  const auto until = loop_.now() + kKeepTrying;
  auto pause = kFirstPause;
  for (;;) {
    const auto outcome = co_await post(batch);
    if (outcome == Outcome::taken) {
      health_.records += batch.records;
      worked();
      break;
    }
    if (outcome == Outcome::refused || loop_.now() + pause > until) {
      lose(batch.records, outcome == Outcome::refused ? "they were refused" : "nobody took them in time");
      break;
    }
    // Spread, so that a box full of jobs does not ask in the same millisecond.
    const auto wait = pause / 2 + Duration(loop_.random().below(static_cast<std::uint64_t>(pause.count())));
    pause = std::min<Duration>(pause * 2, flushing_ ? kFirstPause : kLongestPause);
    if (co_await hurry_.wait(loop_.in(wait))) hurry_.reset();
  }
  in_flight_ = 0;
}

Task<HttpMirror::Outcome> HttpMirror::post(const Batch& batch) {
  const auto deadline = loop_.in(kPatience);
  net::ClientRequest request{.method = "POST", .url = url_, .fields = {}, .body = batch.body};
  request.fields.add("Content-Type", "application/x-ndjson");
  request.fields.add("Idempotency-Key", batch.key);
  auto answer = co_await client_->open(std::move(request), deadline);
  if (!answer) {
    failed(answer.error().message());
    co_return answer.error().code() == Errc::invalid_argument ? Outcome::refused : Outcome::failed;
  }
  const int status = (*answer)->head().status;
  co_await read_away(**answer, deadline);
  if (status >= 200 && status < 300) co_return Outcome::taken;
  failed(fmt::format("{} answered {}", shown_, status));
  co_return worth_another_try(status) ? Outcome::failed : Outcome::refused;
}

void HttpMirror::lose(std::size_t records, std::string_view why) {
  if (records == 0) return;
  health_.lost += records;
  if (std::exchange(told_lost_, true)) return;
  logger_.error("{} records of journals are not at {}: {}; more of that is counted, and not told", records, shown_, why);
}

void HttpMirror::failed(std::string why) {
  ++health_.failures;
  health_.last_error = std::move(why);
  if (std::exchange(health_.trouble, true)) return;
  logger_.warn("journals are not mirrored just now: {}", health_.last_error);
}

void HttpMirror::worked() {
  if (!std::exchange(health_.trouble, false)) return;
  told_lost_ = false;
  logger_.info("journals are mirrored to {} again; {} records were lost so far", shown_, health_.lost);
}

}  // namespace parley::job
