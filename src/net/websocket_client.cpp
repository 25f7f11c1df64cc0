#include "net/websocket_client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "net/dialer.h"
#include "net/http_parser.h"
#include "net/loop.h"
#include "net/output_queue.h"
#include "net/url.h"
#include "net/websocket_handshake.h"
#include "net/websocket_stream.h"
#include "os/entropy.h"

namespace tombolo::net {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

// The opening handshake of one client.
class Opening final : public LoopMember,
                      public Deadline,
                      public std::enable_shared_from_this<Opening> {
 public:
  using Done = std::function<void(Result<OpenedWebSocket>)>;

  Opening(std::shared_ptr<IoThread> thread, WebSocketConnectOptions options, Done done)
      : thread_(std::move(thread)), options_(std::move(options)), done_(std::move(done)) {}

  void start() {
    auto url = parse_url(options_.url);
    if (url && url->scheme != "ws" && url->scheme != "wss") {
      url = fail(ErrorCode::invalid_argument,
                 "the URL " + options_.url + " must begin with ws:// or wss://");
    }
    if (!url) return finish(fail(url));
    url_ = std::move(*url);
    thread_->loop().join(*this);
    thread_->loop().set_deadline(*this, options_.timeout_ms);
    dialer_ = std::make_shared<Dialer>(thread_, url_, options_.ca_file,
                                       [self = shared_from_this()](Result<StreamSocket> socket) {
                                         self->dialer_.reset();
                                         if (!socket) return self->finish(fail(socket));
                                         self->socket_.emplace(std::move(*socket));
                                         self->send_handshake();
                                       });
    dialer_->start(options_.timeout_ms);
  }

  void abort() override {
    const auto keep = shared_from_this();
    done_ = nullptr;
    DeadlineWheel::release(*this);
    thread_->loop().leave(*this);
    if (dialer_) std::exchange(dialer_, nullptr)->abort();
    if (socket_) socket_->close();
  }
  void wind_down() override { abort(); }
  std::shared_ptr<LoopMember> self() override { return shared_from_this(); }

  void on_deadline() override {
    finish(fail(ErrorCode::timeout,
                url_.authority() + " did not open the WebSocket in the time given"));
  }

 private:
  void send_handshake() {
    std::array<std::uint8_t, 16> nonce{};
    os::SystemRandom().fill(nonce);
    key_ = to_base64(std::string(nonce.begin(), nonce.end()));
    std::string head = "GET " + url_.target + " HTTP/1.1\r\nHost: " + url_.authority() +
                       "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
                       "\r\nSec-WebSocket-Key: " +
                       key_ + "\r\n";
    for (std::size_t index = 0; index < options_.subprotocols.size(); ++index) {
      head += (index == 0 ? "Sec-WebSocket-Protocol: " : ", ") + options_.subprotocols[index];
    }
    if (!options_.subprotocols.empty()) head += "\r\n";
    head += options_.headers.text();
    head += "\r\n";
    output_.append(head);
    flush();
    wait_readable();
  }

  void flush() {
    if (output_.flush(*socket_) != IoStatus::would_block) return;
    socket_->wait_writable([self = shared_from_this()](bool is_open) {
      if (is_open && self->done_) self->flush();
    });
  }

  void wait_readable() {
    socket_->wait_readable([self = shared_from_this()](bool is_open) {
      if (is_open && self->done_) self->on_readable();
    });
  }

  void on_readable() {
    std::vector<char>& buffer = thread_->loop().read_buffer;
    const IoResult result = socket_->read(buffer);
    if (result.status == IoStatus::would_block) return wait_readable();
    if (result.status != IoStatus::done) {
      return finish(fail(ErrorCode::unavailable,
                         url_.authority() + " closed the connection before it answered"));
    }
    input_.append(buffer.data(), result.bytes);
    const ParseOutcome outcome = parser_.feed(input_);
    input_.erase(0, outcome.used);
    if (outcome.kind == ParseOutcome::Kind::need_more) return wait_readable();
    if (outcome.kind == ParseOutcome::Kind::failed) {
      return finish(
          fail(ErrorCode::protocol, "the answer of " + url_.authority() +
                                        " cannot be taken: " + std::string(outcome.problem)));
    }
    judge(parser_.take_headers());
  }

  void judge(const HttpHeaders& headers) {
    const int status = parser_.status();
    if (status != 101) {
      const ErrorCode code = status == 401   ? ErrorCode::unauthenticated
                             : status == 403 ? ErrorCode::permission_denied
                             : status >= 500 ? ErrorCode::unavailable
                                             : ErrorCode::protocol;
      return finish(fail(code, url_.authority() + " answered " + std::to_string(status) + " " +
                                   std::string(reason_of(status)) + " instead of a WebSocket"));
    }
    const std::string_view chosen = headers.get("Sec-WebSocket-Protocol").value_or("");
    const bool is_offered = chosen.empty() || std::ranges::find(options_.subprotocols, chosen) !=
                                                  options_.subprotocols.end();
    if (!headers.has_token("Upgrade", "websocket") || !headers.has_token("Connection", "Upgrade") ||
        headers.get("Sec-WebSocket-Accept") != websocket_accept_of(key_) || !is_offered ||
        headers.contains("Sec-WebSocket-Extensions")) {
      return finish(fail(ErrorCode::protocol,
                         url_.authority() + " answered the WebSocket handshake wrongly"));
    }
    open(std::string(chosen));
  }

  void open(std::string subprotocol) {
    auto stream = std::make_shared<WebSocketStream>(thread_, std::move(*socket_),
                                                    protocol::WebSocketRole::client,
                                                    options_.connection, url_.host);
    socket_.reset();
    const std::string input = std::move(input_);
    stream->start({});
    finish(OpenedWebSocket{stream, std::move(subprotocol)});
    stream->receive(input);
  }

  void finish(Result<OpenedWebSocket> result) {
    const auto keep = shared_from_this();
    const Done done = std::exchange(done_, nullptr);
    abort();
    if (done) done(std::move(result));
  }

  const std::shared_ptr<IoThread> thread_;
  const WebSocketConnectOptions options_;
  Done done_;
  Url url_;
  std::string key_;
  std::shared_ptr<Dialer> dialer_;
  std::optional<StreamSocket> socket_;
  OutputQueue output_;
  std::string input_;
  ResponseParser parser_{kMaxHeaderBytes, 0, true};
};

}  // namespace

WebSocketConnect& WebSocketConnect::operator=(WebSocketConnect&& other) {
  cancel();
  cancel_ = std::exchange(other.cancel_, nullptr);
  return *this;
}

void WebSocketConnect::cancel() {
  if (Task cancel = std::exchange(cancel_, nullptr)) cancel();
}

WebSocketConnect connect_websocket(const std::shared_ptr<IoThread>& thread,
                                   WebSocketConnectOptions options,
                                   std::function<void(Result<OpenedWebSocket>)> done) {
  const auto opening = std::make_shared<Opening>(thread, std::move(options), std::move(done));
  thread->post([opening] { opening->start(); });
  return WebSocketConnect([thread, weak = std::weak_ptr(opening)] {
    thread->post([weak] {
      if (const auto alive = weak.lock()) alive->abort();
    });
  });
}

}  // namespace tombolo::net
