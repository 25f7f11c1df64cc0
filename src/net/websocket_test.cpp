// WebSockets over loopback: our server against raw bytes, and our client against our server.
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/testing_socket.h"
#include "net/websocket_client.h"
#include "protocol/websocket_frame.h"

namespace tombolo::net {
namespace {

using protocol::WebSocketOpcode;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kHandshake =
    "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// What a client sends.
std::string masked(WebSocketOpcode opcode, std::string_view payload) {
  std::string frame;
  protocol::append_websocket_frame(frame, opcode, payload, protocol::WebSocketMask{1, 2, 3, 4});
  return frame;
}

// What the server sends.
std::string plain(WebSocketOpcode opcode, std::string_view payload) {
  std::string frame;
  protocol::append_websocket_frame(frame, opcode, payload, std::nullopt);
  return frame;
}

std::string close_frame(std::uint16_t code) {
  return plain(WebSocketOpcode::close, protocol::websocket_close_payload(code, ""));
}

class WebSocketTest : public testing::Test {
 protected:
  using Opened = std::function<void(std::shared_ptr<WebSocketConnection>)>;

  void SetUp() override { start(echo_to); }

  void start(Opened opened) {
    server_.reset();
    auto server = HttpServer::start(
        server_options_,
        [this, opened](HttpRequest&&, HttpResponder responder) {
          responder.upgrade(
              options_, [opened](std::shared_ptr<WebSocketConnection> socket) { opened(socket); });
        },
        logger_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  static void echo_to(const std::shared_ptr<WebSocketConnection>& socket) {
    const std::weak_ptr<WebSocketConnection> weak = socket;
    WebSocketCallbacks callbacks;
    callbacks.on_text = [weak](std::string_view text) { weak.lock()->send_text(text); };
    callbacks.on_binary = [weak](std::string_view bytes) { weak.lock()->send_binary(bytes); };
    socket->set_callbacks(std::move(callbacks));
  }

  TestingSocket connect() {
    TestingSocket client(server_->port());
    client.send(kHandshake);
    EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 101 "));
    return client;
  }

  // The server answers these bytes by a close frame with `code`, and ends.
  void expect_refused(std::string_view bytes, std::uint16_t code) {
    auto client = connect();
    client.send(bytes);
    const std::string answer = client.read_all();
    ASSERT_GE(answer.size(), 4U);
    EXPECT_EQ(answer[0], '\x88');
    const int high = static_cast<std::uint8_t>(answer[2]);
    const int low = static_cast<std::uint8_t>(answer[3]);
    EXPECT_EQ(high << 8 | low, code);
  }

  NullLogger logger_;
  HttpServerOptions server_options_;
  WebSocketOptions options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(WebSocketTest, ShakesHandsAsTheExampleOfTheRfc) {
  TestingSocket client(server_->port());
  client.send(kHandshake);
  EXPECT_THAT(client.read_until("\r\n\r\n"),
              HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

TEST_F(WebSocketTest, RefusesWhatIsNoHandshake) {
  TestingSocket client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(WebSocketTest, NamesItsVersionToAnother) {
  TestingSocket client(server_->port());
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const std::string response = client.read_response();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 426 "));
  EXPECT_THAT(response, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
}

TEST_F(WebSocketTest, EchoesMessagesOfEverySize) {
  auto client = connect();
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 1'000'000}) {
    const std::string payload(size, 'x');
    client.send(masked(WebSocketOpcode::binary, payload));
    const std::string expected = plain(WebSocketOpcode::binary, payload);
    ASSERT_TRUE(client.read(expected.size()) == expected) << size;
  }
}

TEST_F(WebSocketTest, TakesFramesThatCameWithTheHandshake) {
  TestingSocket client(server_->port());
  client.send(std::string(kHandshake) + masked(WebSocketOpcode::text, "early"));
  client.read_until("\r\n\r\n");
  EXPECT_EQ(client.read(7), plain(WebSocketOpcode::text, "early"));
}

TEST_F(WebSocketTest, TakesAMessageByteByByteInFragments) {
  auto client = connect();
  std::string bytes = masked(WebSocketOpcode::text, "one ");
  bytes[0] = '\x01';  // not final
  bytes += masked(WebSocketOpcode::ping, "between");
  bytes += masked(WebSocketOpcode::continuation, "two");
  for (const char byte : bytes) client.send(std::string_view(&byte, 1));
  const std::string expected =
      plain(WebSocketOpcode::pong, "between") + plain(WebSocketOpcode::text, "one two");
  EXPECT_EQ(client.read(expected.size()), expected);
}

TEST_F(WebSocketTest, AnswersACloseAndEnds) {
  auto client = connect();
  client.send(masked(WebSocketOpcode::close, protocol::websocket_close_payload(4001, "bye")));
  EXPECT_EQ(client.read_all(), close_frame(4001));
}

TEST_F(WebSocketTest, ClosesOnEveryBreachWithItsCode) {
  expect_refused(plain(WebSocketOpcode::text, "unmasked"), kCloseProtocolError);
  expect_refused(masked(WebSocketOpcode::continuation, "of nothing"), kCloseProtocolError);
  expect_refused(masked(static_cast<WebSocketOpcode>(3), ""), kCloseProtocolError);
  expect_refused(masked(WebSocketOpcode::ping, std::string(126, 'x')), kCloseProtocolError);
  expect_refused(masked(WebSocketOpcode::close, "x"), kCloseProtocolError);
  expect_refused(masked(WebSocketOpcode::close, protocol::websocket_close_payload(1005, "")),
                 kCloseProtocolError);
  expect_refused(masked(WebSocketOpcode::text, "\xC3\x28"), kCloseInvalidPayload);
}

TEST_F(WebSocketTest, RefusesAMessageThatIsTooBigBeforeItCame) {
  options_.max_message_bytes = 1000;
  std::string frame = masked(WebSocketOpcode::binary, std::string(1001, 'x'));
  expect_refused(frame.substr(0, 8), kCloseMessageTooBig);
}

TEST_F(WebSocketTest, DropsAReaderThatIsTooSlow) {
  options_.max_buffered_bytes = 64 * 1024;
  std::promise<std::uint16_t> closed;
  start([&closed](const std::shared_ptr<WebSocketConnection>& socket) {
    WebSocketCallbacks callbacks;
    callbacks.on_text = [&socket = *socket](std::string_view) {
      const auto frame = make_binary_frame(std::string(100'000, 'x'));
      while (socket.is_open()) socket.send_frame(frame);
    };
    callbacks.on_close = [&closed](std::uint16_t code, std::string_view) {
      closed.set_value(code);
    };
    socket->set_callbacks(std::move(callbacks));
  });
  auto client = connect();
  client.send(masked(WebSocketOpcode::text, "go"));
  EXPECT_EQ(closed.get_future().get(), kCloseTryAgainLater);
}

TEST_F(WebSocketTest, TellsWhenTheBufferHasDrained) {
  std::promise<std::size_t> held_back;
  std::promise<void> drained;
  start([&](const std::shared_ptr<WebSocketConnection>& socket) {
    WebSocketCallbacks callbacks;
    callbacks.on_drained = [&drained] { drained.set_value(); };
    socket->set_callbacks(std::move(callbacks));
    // More than the kernel's buffers take on both sides while the client does not read.
    socket->send_frame(make_binary_frame(std::string(7'900'000, 'x')));
    socket->flush();
    held_back.set_value(socket->buffered_bytes());
  });
  TestingSocket client(server_->port(), 4096);
  client.send(kHandshake);
  ASSERT_GT(held_back.get_future().get(), 0U);
  client.read_until("\r\n\r\n");
  client.read(7'900'000);
  drained.get_future().get();
}

TEST_F(WebSocketTest, PingsASilentPeerAndDropsItAtLast) {
  options_.ping_interval_ms = 100;
  options_.idle_timeout_ms = 500;
  auto client = connect();
  EXPECT_THAT(client.read_all(), StartsWith(plain(WebSocketOpcode::ping, "")));
}

TEST_F(WebSocketTest, TellsThatThePeerAnsweredAPing) {
  std::promise<void> answered;
  start([&answered](const std::shared_ptr<WebSocketConnection>& socket) {
    WebSocketCallbacks callbacks;
    callbacks.on_heartbeat = [&answered] { answered.set_value(); };
    socket->set_callbacks(std::move(callbacks));
    socket->ping();
  });
  auto client = connect();
  const std::string ping = plain(WebSocketOpcode::ping, "");
  EXPECT_EQ(client.read(ping.size()), ping);
  client.send(masked(WebSocketOpcode::pong, ""));
  answered.get_future().get();
}

TEST_F(WebSocketTest, KnowsWhatTheKernelStillHolds) {
  std::promise<std::size_t> held;
  start([&held](const std::shared_ptr<WebSocketConnection>& socket) {
    WebSocketCallbacks callbacks;
    callbacks.on_drained = [&held, &socket = *socket] {
      EXPECT_EQ(socket.buffered_bytes(), 0U);
      held.set_value(socket.unacknowledged_bytes());
    };
    socket->set_callbacks(std::move(callbacks));
    socket->send_frame(make_binary_frame(std::string(7'900'000, 'x')));
  });
  TestingSocket client(server_->port(), 4096);
  client.send(kHandshake);
  client.read_until("\r\n\r\n");
  // What it has not read by then stays in the server's kernel: there is no room for it here.
  auto known = held.get_future();
  while (known.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    ASSERT_EQ(client.read(20'000).size(), 20'000U) << "all was read, and nothing was told";
  }
  EXPECT_GT(known.get(), 0U);
}

TEST_F(WebSocketTest, ClosesWith1001WhenTheServerStops) {
  auto client = connect();
  std::thread stopper([this] { server_->stop(5'000); });
  const std::string frame = client.read_until("stops");
  EXPECT_EQ(frame.substr(2, 2), std::string("\x03\xE9", 2));  // 1001
  client.send(masked(WebSocketOpcode::close, protocol::websocket_close_payload(1001, "")));
  EXPECT_TRUE(client.is_ended());
  stopper.join();
}

// What a client's connection told, for the test's thread.
struct Inbox {
  std::promise<std::shared_ptr<WebSocketConnection>> opened;
  std::promise<std::string> text;
  std::promise<std::uint16_t> closed;

  auto done() {
    return [this](Result<OpenedWebSocket> result) {
      ASSERT_TRUE(result) << result.error().message;
      WebSocketCallbacks callbacks;
      callbacks.on_text = [this](std::string_view message) {
        text.set_value(std::string(message));
      };
      callbacks.on_close = [this](std::uint16_t code, std::string_view) { closed.set_value(code); };
      result->connection->set_callbacks(std::move(callbacks));
      opened.set_value(result->connection);
    };
  }
};

class WebSocketClientTest : public WebSocketTest {
 protected:
  ~WebSocketClientTest() override { thread_->stop(); }
  std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(server_->port()) + "/socket";
  }

  // The error of an attempt that must fail.
  Error failure_of(WebSocketConnectOptions options) {
    std::promise<Error> failed;
    const auto attempt = connect_websocket(thread_, std::move(options), [&](auto result) {
      failed.set_value(result ? Error{} : result.error());
    });
    return failed.get_future().get();
  }

  std::shared_ptr<IoThread> thread_ = IoThread::start();
};

TEST_F(WebSocketClientTest, TalksToTheServer) {
  Inbox inbox;
  const auto attempt = connect_websocket(thread_, {.url = url()}, inbox.done());
  const auto socket = inbox.opened.get_future().get();
  thread_->post([socket] { socket->send_text("hello"); });
  EXPECT_EQ(inbox.text.get_future().get(), "hello");
  thread_->post([socket] { socket->close(kCloseNormal, "done"); });
  EXPECT_EQ(inbox.closed.get_future().get(), kCloseNormal);
}

TEST_F(WebSocketClientTest, LearnsThatTheServerIsGone) {
  Inbox inbox;
  const auto attempt = connect_websocket(thread_, {.url = url()}, inbox.done());
  const auto socket = inbox.opened.get_future().get();
  server_->stop(0);
  EXPECT_EQ(inbox.closed.get_future().get(), kCloseAbnormal);
}

TEST_F(WebSocketClientTest, SaysWhyItCannotConnect) {
  const std::string url_of_server = url();
  server_->stop(0);
  const Error refused = failure_of({.url = url_of_server});
  EXPECT_EQ(refused.code, ErrorCode::unavailable);
  EXPECT_THAT(refused.message, HasSubstr("refused"));
  EXPECT_EQ(failure_of({.url = "ws//x"}).code, ErrorCode::invalid_argument);
}

TEST_F(WebSocketClientTest, GivesUpOnAServerThatDoesNotAnswer) {
  server_.reset();
  const auto kept = std::make_shared<std::vector<HttpResponder>>();
  auto silent = HttpServer::start(
      server_options_,
      [kept](HttpRequest&&, HttpResponder responder) { kept->push_back(std::move(responder)); },
      logger_);
  server_ = std::move(*silent);
  EXPECT_EQ(failure_of({.url = url(), .timeout_ms = 100}).code, ErrorCode::timeout);
  server_->stop(0);
  kept->clear();  // a responder holds its connection, which holds this handler
}

TEST_F(WebSocketClientTest, TellsARefusalByItsStatus) {
  server_.reset();
  auto strict = HttpServer::start(
      server_options_,
      [](HttpRequest&&, HttpResponder responder) {
        HttpResponse response;
        response.status = 401;
        response.body = "who are you?";
        responder.send(std::move(response));
      },
      logger_);
  server_ = std::move(*strict);
  EXPECT_EQ(failure_of({.url = url()}).code, ErrorCode::unauthenticated);
}

}  // namespace
}  // namespace tombolo::net
