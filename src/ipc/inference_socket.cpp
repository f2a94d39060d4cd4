#include "ipc/inference_socket.hpp"

#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <fmt/format.h>

#include <parley/async/event.hpp>

namespace parley::ipc {

namespace {

// A directory, and a name in it. Sockets are named through the directory's descriptor, because a state directory's path
// may be longer than a socket's name can be.
struct Place {
  Fd directory;
  std::string name;

  sockaddr_un address(std::string_view file) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = fmt::format("/proc/self/fd/{}/{}", directory.get(), file);
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
  }
};

Result<Place> open_place(const std::string& path) {
  const std::filesystem::path whole(path);
  const auto directory = whole.has_parent_path() ? whole.parent_path() : std::filesystem::path(".");
  Fd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error(fmt::format("open {}", directory.string()), errno));
  return Place{.directory = std::move(fd), .name = whole.filename().string()};
}

Result<Fd> make_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(errno_error("socket", errno));
  return fd;
}

bool is_ours(int fd) noexcept {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == ::geteuid();
}

}  // namespace

Result<std::unique_ptr<Link>> InferenceDialer::dial() {
  const auto place = open_place(path_);
  if (!place) return fail(Errc::unavailable, place.error().message());
  auto fd = make_socket();
  if (!fd) return fail(fd.error());
  const auto address = place->address(place->name);
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Errc::unavailable, errno_error("reach the inference process", errno).message());
  }
  return std::make_unique<SocketLink>(loop_, *std::move(fd));
}

struct InferenceAcceptor::Shared : std::enable_shared_from_this<Shared> {
  Shared(RealLoop& loop, Fd fd) : descriptor(loop.io(), fd.release()) {}

  void wait_readable() {
    readable.reset();
    if (std::exchange(waiting, true)) return;
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code&) {
                            self->waiting = false;
                            self->readable.set();
                          });
  }

  boost::asio::posix::stream_descriptor descriptor;
  bool waiting = false;
  Event readable;
};

InferenceAcceptor::InferenceAcceptor(RealLoop& loop, std::shared_ptr<Shared> shared)
    : loop_(loop), shared_(std::move(shared)) {}

InferenceAcceptor::~InferenceAcceptor() {
  boost::system::error_code ignored;
  shared_->descriptor.close(ignored);
}

Result<std::unique_ptr<InferenceAcceptor>> InferenceAcceptor::open(RealLoop& loop, const std::string& path) {
  const auto place = open_place(path);
  if (!place) return fail(place.error());
  auto fd = make_socket();
  if (!fd) return fail(fd.error());
  const auto fresh = fmt::format("{}.{}", place->name, ::getpid());
  const int directory = place->directory.get();
  (void)::unlinkat(directory, fresh.c_str(), 0);
  const auto address = place->address(fresh);
  const bool ready = ::bind(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     ::fchmodat(directory, fresh.c_str(), 0600, 0) == 0 && ::listen(fd->get(), kBacklog) == 0 &&
                     ::renameat(directory, fresh.c_str(), directory, place->name.c_str()) == 0;
  if (!ready) {
    auto error = errno_error(fmt::format("listen on {}", path), errno);
    (void)::unlinkat(directory, fresh.c_str(), 0);
    return fail(std::move(error));
  }
  return std::unique_ptr<InferenceAcceptor>(
      new InferenceAcceptor(loop, std::make_shared<Shared>(loop, *std::move(fd))));
}

Task<Result<Acceptor::Caller>> InferenceAcceptor::accept(Deadline deadline) {
  const auto shared = shared_;
  for (;;) {
    Fd fd(::accept4(shared->descriptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd && is_ours(fd.get())) co_return Caller{.link = std::make_unique<SocketLink>(loop_, std::move(fd))};
    if (fd || errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) co_return fail(errno_error("accept a job", errno));
    shared->wait_readable();
    if (auto waited = co_await shared->readable.wait(deadline); !waited) co_return fail(waited.error());
  }
}

}  // namespace parley::ipc
