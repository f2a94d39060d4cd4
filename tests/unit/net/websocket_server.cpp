#include "websocket_server.hpp"

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket.hpp>

namespace parley::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class BeastPeer final : public WebSocketServer::Peer {
 public:
  explicit BeastPeer(tcp::socket socket) : ws_(std::move(socket)) {
    ws_.control_callback([this](websocket::frame_type kind, beast::string_view payload) {
      if (kind == websocket::frame_type::pong) pong_.assign(payload.data(), payload.size());
    });
    ws_.read_message_max(0);
  }

  bool accept() {
    error_code failed;
    beast::flat_buffer buffer;
    http::read(ws_.next_layer(), buffer, request_, failed);
    if (!failed) ws_.accept(request_, failed);
    return !failed;
  }

  std::optional<WebSocketServer::Message> read() override {
    beast::flat_buffer buffer;
    error_code failed;
    ws_.read(buffer, failed);
    if (failed) return std::nullopt;
    return WebSocketServer::Message{ws_.got_binary(), beast::buffers_to_string(buffer.data())};
  }
  bool write(const WebSocketServer::Message& message) override {
    error_code failed;
    ws_.binary(message.binary);
    ws_.write(asio::buffer(message.data), failed);
    return !failed;
  }
  bool write_part(const std::string& part, bool last) override {
    error_code failed;
    ws_.binary(false);
    ws_.write_some(last, asio::buffer(part), failed);
    return !failed;
  }
  bool ping(const std::string& payload) override {
    error_code failed;
    ws_.ping(websocket::ping_data(payload), failed);
    return !failed;
  }
  void close(int code, const std::string& reason) override {
    error_code failed;
    ws_.close(websocket::close_reason(static_cast<websocket::close_code>(code), reason), failed);
  }
  std::string request_field(const std::string& name) const override {
    const auto value = request_[name];
    return {value.data(), value.size()};
  }
  const std::string& pong() const override { return pong_; }

 private:
  websocket::stream<tcp::socket> ws_;
  http::request<http::string_body> request_;
  std::string pong_;
};

}  // namespace

struct WebSocketServer::Native {
  asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::atomic<int> connection = -1;  // the descriptor of the present one
  std::atomic<bool> over = false;
};

WebSocketServer::WebSocketServer(Serve serve) : native_(std::make_unique<Native>()), serve_(std::move(serve)), thread_([this] { run(); }) {}

WebSocketServer::~WebSocketServer() {
  native_->over = true;
  ::shutdown(native_->acceptor.native_handle(), SHUT_RDWR);  // wakes the accept
  if (const int fd = native_->connection; fd >= 0) ::shutdown(fd, SHUT_RDWR);
  thread_.join();
}

std::uint16_t WebSocketServer::port() const { return native_->acceptor.local_endpoint().port(); }

std::string WebSocketServer::url(const std::string& path) const { return "ws://127.0.0.1:" + std::to_string(port()) + path; }

void WebSocketServer::run() {
  while (!native_->over) {
    error_code failed;
    tcp::socket socket(native_->io);
    native_->acceptor.accept(socket, failed);
    if (failed) return;
    native_->connection = socket.native_handle();
    if (native_->over) return;
    BeastPeer peer(std::move(socket));
    if (peer.accept()) serve_(peer);
    native_->connection = -1;
  }
}

}  // namespace parley::net
