#include "net/http_server.h"

#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "net/testing_socket.h"

namespace tombolo::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string repeat(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t index = 0; index < count; ++index) all += text;
  return all;
}

// Answers what it was asked.
void echo(HttpRequest&& request, HttpResponder responder) {
  HttpResponse response;
  response.headers.add("X-Method", request.method_name());
  response.headers.add("X-Target", request.target());
  response.body = request.body;
  responder.send(std::move(response));
}

class HttpServerTest : public testing::Test {
 protected:
  void start(HttpHandler handler = echo) {
    auto server = HttpServer::start(options_, std::move(handler), logger_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  TestingSocket connect() { return TestingSocket(server_->port()); }

  NullLogger logger_;
  HttpServerOptions options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersARequest) {
  start();
  auto client = connect();
  client.send("GET /v1/hello?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string response = client.read_response();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("X-Target: /v1/hello?x=1\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(response, HasSubstr("Date: "));
}

TEST_F(HttpServerTest, ShowsTheRequest) {
  std::promise<HttpRequest> seen;
  start([&seen](HttpRequest&& request, HttpResponder responder) {
    seen.set_value(std::move(request));
    responder.send({});
  });
  auto client = connect();
  client.send(
      "PATCH /a%20b/c?d=e&f HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one:  two \r\n"
      "Content-Length: 4\r\n\r\nbody");
  client.read_response();
  const HttpRequest request = seen.get_future().get();
  EXPECT_EQ(request.method(), HttpMethod::patch);
  EXPECT_EQ(request.path(), "/a%20b/c");
  EXPECT_EQ(request.query(), "d=e&f");
  EXPECT_EQ(request.headers.get("x-ONE"), "1");
  EXPECT_TRUE(request.headers.has_token("X-One", "TWO"));
  EXPECT_EQ(request.headers.get("X-Two"), std::nullopt);
  EXPECT_EQ(request.body, "body");
  EXPECT_EQ(request.remote_address, "127.0.0.1");
}

TEST_F(HttpServerTest, AnswersManyRequestsOfOneConnectionInOrder) {
  start();
  auto client = connect();
  for (int number = 0; number < 10; ++number) {
    const std::string path = "/" + std::to_string(number);
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.read_response(), HasSubstr("X-Target: " + path + "\r\n"));
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  auto client = connect();
  std::string requests;
  for (int number = 0; number < 1000; ++number) {
    requests += "GET /" + std::to_string(number) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  client.send(requests);
  for (int number = 0; number < 1000; ++number) {
    ASSERT_THAT(client.read_response(), HasSubstr("X-Target: /" + std::to_string(number) + "\r\n"));
  }
}

TEST_F(HttpServerTest, AnswersFromAnotherThreadInOrder) {
  start([](HttpRequest&& request, HttpResponder responder) {
    std::thread([request = std::move(request), responder = std::move(responder)]() mutable {
      echo(std::move(request), std::move(responder));
    }).detach();
  });
  auto client = connect();
  client.send(repeat("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 20) +
              "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  for (int number = 0; number < 20; ++number) {
    ASSERT_THAT(client.read_response(), HasSubstr("X-Target: /x\r\n"));
  }
  EXPECT_THAT(client.read_all(), HasSubstr("X-Target: /last\r\n"));
}

TEST_F(HttpServerTest, TakesARequestByteByByte) {
  start();
  auto client = connect();
  const std::string_view request =
      "POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n5;extension=1\r\ndefgh\r\n0\r\nTrailer: ignored\r\n\r\n";
  for (const char byte : request) client.send(std::string_view(&byte, 1));
  const std::string response = client.read_response();
  EXPECT_THAT(response, EndsWith("\r\n\r\nabcdefgh"));
}

TEST_F(HttpServerTest, SendsNoBodyToHead) {
  start([](HttpRequest&&, HttpResponder responder) {
    HttpResponse response;
    response.body = "twelve bytes";
    responder.send(std::move(response));
  });
  auto client = connect();
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string response = client.read_all();
  EXPECT_THAT(response, HasSubstr("Content-Length: 12\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, SendsNeitherBodyNorLengthWith304) {
  start([](HttpRequest&&, HttpResponder responder) {
    HttpResponse response;
    response.status = 304;
    response.body = "ignored";
    responder.send(std::move(response));
  });
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string response = client.read_all();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, Answers500WhenTheHandlerForgets) {
  start([](HttpRequest&&, HttpResponder) {});
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, RefusesAPortInUse) {
  start();
  options_.port = server_->port();
  for (const std::size_t threads : {1, 2}) {
    options_.threads = threads;
    const auto second = HttpServer::start(options_, echo, logger_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::already_exists);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(options_.port)));
  }
}

}  // namespace
}  // namespace tombolo::net
