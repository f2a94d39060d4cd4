// A WebSocket server by Beast, blocking, on a thread of its own: what the client is tested against.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace parley::net {

class WebSocketServer {
 public:
  struct Message {
    bool binary = false;
    std::string data;
  };
  // One connection, after its handshake.
  class Peer {
   public:
    virtual ~Peer() = default;
    virtual std::optional<Message> read() = 0;  // none: the connection has ended
    virtual bool write(const Message& message) = 0;
    virtual bool write_part(const std::string& part, bool last) = 0;  // of a text message
    virtual bool ping(const std::string& payload) = 0;
    virtual void close(int code, const std::string& reason) = 0;
    virtual std::string request_field(const std::string& name) const = 0;
    virtual const std::string& pong() const = 0;  // the last one that came
  };
  using Serve = std::function<void(Peer&)>;

  explicit WebSocketServer(Serve serve);
  ~WebSocketServer();
  WebSocketServer(const WebSocketServer&) = delete;
  WebSocketServer& operator=(const WebSocketServer&) = delete;

  std::uint16_t port() const;
  std::string url(const std::string& path = "/") const;

 private:
  struct Native;
  void run();

  std::unique_ptr<Native> native_;
  Serve serve_;
  std::thread thread_;
};

}  // namespace parley::net
