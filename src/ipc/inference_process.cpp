#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>

#include <parley/async/callback.hpp>

#include "async/real_loop.hpp"
#include "ipc/inference_server.hpp"
#include "ipc/inference_socket.hpp"

namespace parley::ipc {

namespace {

constexpr Duration kOrphanLook = 1s;

// Tasks of a process that has nothing else to do: end it when asked to, when stuck, when nobody needs it any more.
class InferenceProcess {
 public:
  InferenceProcess(RealLoop& loop, const InferenceConfig& config, std::unique_ptr<Acceptor> acceptor, Recognize model)
      : loop_(loop),
        config_(config),
        signals_(loop.io(), SIGTERM, SIGINT),
        supervisor_(loop.io()),
        scope_(loop, "inference process"),
        server_(scope_, std::move(acceptor), std::move(model), config.limits) {
    if (config.supervisor_fd < 0) return;
    supervisor_.assign(config.supervisor_fd);
    supervisor_.non_blocking(true);
  }

  int run() {
    (void)scope_.spawn("signals", wait_for_signal());
    (void)scope_.spawn("stuck", wait_until_stuck());
    if (supervisor_.is_open()) (void)scope_.spawn("supervisor", wait_until_orphaned());
    server_.start();
    if (config_.on_ready) config_.on_ready();
    loop_.run();
    return code_;
  }

 private:
  Task<void> wait_for_signal() {
    (void)co_await from_callback<int>(Deadline::bounded_by_scope(), [this](Callback<int> came) {
      signals_.async_wait([came](const boost::system::error_code& error, int number) {
        if (!error) came(number);
      });
    });
    server_.request_stop({StopCause::shutdown, "told to end"});
    (void)co_await server_.close(loop_.in(config_.limits.drain));
    end(kInferenceEnded);
  }

  Task<void> wait_until_stuck() {
    (void)co_await server_.stuck().wait(Deadline::bounded_by_scope());
    end(kInferenceStuck);
  }

  Task<void> wait_until_orphaned() {
    // Whatever it says is not for us; its end is.
    for (char ignored[64]; ::read(supervisor_.native_handle(), ignored, sizeof ignored) != 0;) {
      (void)co_await from_callback<bool>(Deadline::bounded_by_scope(), [this](Callback<bool> came) {
        supervisor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               [came](const boost::system::error_code& error) { came(!error); });
      });
    }
    const auto since = loop_.now();
    loop_.logger().info("the supervisor is gone; ending when no call needs this process any more");
    while (server_.clients() > 0 || loop_.now() - std::max(since, server_.idle_since()) < config_.limits.orphaned) {
      co_await sleep_for(std::min(kOrphanLook, config_.limits.orphaned));
    }
    end(kInferenceOrphaned);
  }

  void end(int code) {
    code_ = code;
    loop_.stop();
  }

  RealLoop& loop_;
  const InferenceConfig& config_;
  boost::asio::signal_set signals_;
  boost::asio::posix::stream_descriptor supervisor_;
  int code_ = kInferenceEnded;
  Scope scope_;
  InferenceServer server_;
};

void let_signals_in() {
  sigset_t ending;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGTERM);
  ::sigaddset(&ending, SIGINT);
  ::pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
}

}  // namespace

int run_inference(InferenceConfig config, RecognizerFactory load) {
  const auto& logger = config.logger;
  auto model = load();
  if (!model) {
    logger.error("{}", model.error().message());
    return kInferenceCannotStart;
  }
  RealLoop loop("inference", logger);
  auto acceptor = InferenceAcceptor::open(loop, config.socket_path);
  if (!acceptor) {
    logger.error("{}", acceptor.error().message());
    return kInferenceCannotStart;
  }
  let_signals_in();
  return InferenceProcess(loop, config, *std::move(acceptor), *std::move(model)).run();
}

}  // namespace parley::ipc
