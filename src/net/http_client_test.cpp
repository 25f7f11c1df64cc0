#include "net/http_client.h"

#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/testing_socket.h"

namespace tombolo::net {
namespace {

using testing::HasSubstr;

class HttpClientTest : public testing::Test {
 protected:
  ~HttpClientTest() override {
    client_.reset();
    thread_->stop();
  }

  void serve(HttpHandler handler, HttpServerOptions options = {}) {
    auto server = HttpServer::start(options, std::move(handler), logger_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  std::string url(const std::string& target) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + target;
  }
  Result<ClientResponse> send(ClientRequest request) {
    std::promise<Result<ClientResponse>> done;
    client_->send(std::move(request), [&](auto result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }

  NullLogger logger_;
  std::unique_ptr<HttpServer> server_;
  std::shared_ptr<IoThread> thread_ = IoThread::start();
  std::unique_ptr<HttpClient> client_ = make_http_client(thread_);
};

void echo(HttpRequest&& request, HttpResponder responder) {
  HttpResponse response;
  response.status = 201;
  response.headers.add("X-Request", std::string(request.method_name()) + " " +
                                        std::string(request.target()) + " " +
                                        std::string(request.headers.get("X-One").value_or("-")));
  response.body = request.body;
  responder.send(std::move(response));
}

TEST_F(HttpClientTest, SendsAndReceives) {
  serve(echo);
  ClientRequest request{.method = "POST", .url = url("/a?b"), .headers = {}, .body = "text"};
  request.headers.add("X-One", "1");
  const auto response = send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers.get("x-request"), "POST /a?b 1");
  EXPECT_EQ(response->body, "text");
}

TEST_F(HttpClientTest, UsesAConnectionAgain) {
  serve(echo);
  for (int turn = 0; turn < 5; ++turn) ASSERT_TRUE(send({.url = url("/")}));
  EXPECT_EQ(server_->connection_count(), 1U);
}

TEST_F(HttpClientTest, OpensNoMoreConnectionsThanAllowed) {
  client_ = make_http_client(thread_, HttpClientOptions{.connections_per_host = 2});
  serve(echo);
  std::vector<std::promise<void>> done(50);
  for (auto& each : done) {
    client_->send({.url = url("/")}, [&each](Result<ClientResponse> result) {
      EXPECT_TRUE(result) << result.error().message;
      each.set_value();
    });
  }
  for (auto& each : done) each.get_future().get();
  EXPECT_LE(server_->connection_count(), 2U);
}

TEST_F(HttpClientTest, RepeatsARequestThatMetAClosingConnection) {
  serve(echo, {.limits = {.idle_timeout_ms = 1}});
  ASSERT_TRUE(send({.url = url("/")}));
  const std::uint16_t port = server_->port();
  server_.reset();
  serve(echo, {.port = port});
  EXPECT_TRUE(send({.url = url("/")}));
}

TEST_F(HttpClientTest, SaysWhyItCannotConnect) {
  serve(echo);
  const std::string gone = url("/");
  server_.reset();
  const auto refused = send({.url = gone});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("refused"));
  EXPECT_EQ(send({.url = "nonsense"}).error().code, ErrorCode::invalid_argument);
}

TEST_F(HttpClientTest, GivesUpInTime) {
  std::vector<HttpResponder> kept;
  serve([&kept](HttpRequest&&, HttpResponder responder) { kept.push_back(std::move(responder)); });
  EXPECT_EQ(send({.url = url("/"), .timeout_ms = 100}).error().code, ErrorCode::timeout);
  server_->stop(0);
}

TEST_F(HttpClientTest, CanBeCancelled) {
  std::vector<HttpResponder> kept;
  std::promise<void> arrived;
  serve([&](HttpRequest&&, HttpResponder responder) {
    kept.push_back(std::move(responder));
    arrived.set_value();
  });
  std::promise<ErrorCode> done;
  const RequestId id = client_->send({.url = url("/")},
                                     [&done](auto result) { done.set_value(result.error().code); });
  arrived.get_future().get();
  client_->cancel(id);
  EXPECT_EQ(done.get_future().get(), ErrorCode::cancelled);
  server_->stop(0);
}

TEST_F(HttpClientTest, RefusesABodyBeyondItsLimit) {
  serve([](HttpRequest&&, HttpResponder responder) {
    responder.send({.status = 200, .headers = {}, .body = std::string(1001, 'x')});
  });
  EXPECT_TRUE(send({.url = url("/"), .max_body_bytes = 1001}));
  EXPECT_EQ(send({.url = url("/"), .max_body_bytes = 1000}).error().code,
            ErrorCode::limit_exceeded);
}

TEST_F(HttpClientTest, FailsClearlyWhenTheAnswerBreaksOff) {
  TestingListener listener;
  std::thread peer([&listener] {
    auto connection = listener.accept();
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const auto broken = send({.url = "http://127.0.0.1:" + std::to_string(listener.port())});
  peer.join();
  EXPECT_EQ(broken.error().code, ErrorCode::unavailable);
}

TEST_F(HttpClientTest, FailsClearlyWhenTheAnswerIsNotHttp) {
  TestingListener listener;
  std::thread peer([&listener] {
    auto connection = listener.accept();
    connection.read_until("\r\n\r\n");
    connection.send("220 mail.example.org ESMTP\r\n\r\n");
  });
  const auto broken = send({.url = "http://127.0.0.1:" + std::to_string(listener.port())});
  peer.join();
  EXPECT_EQ(broken.error().code, ErrorCode::protocol);
}

TEST_F(HttpClientTest, ReadsABodyThatLastsUntilTheEnd) {
  TestingListener listener;
  std::thread peer([&listener] {
    auto connection = listener.accept();
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  });
  const auto response = send({.url = "http://127.0.0.1:" + std::to_string(listener.port())});
  peer.join();
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "until the end");
}

}  // namespace
}  // namespace tombolo::net
