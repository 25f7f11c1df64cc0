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

// Sent alone on a connection, `bytes` are answered with `status`, and the connection ends.
struct BadRequest {
  std::string name;
  std::string bytes;
  int status;
};

TEST_F(HttpServerTest, RefusesWhatIsMalformedOrTooLarge) {
  options_.limits.header_bytes = 4096;
  options_.limits.header_fields = 10;
  options_.limits.target_bytes = 1000;
  options_.limits.body_bytes = 100;
  start();
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string put = "PUT / HTTP/1.1\r\nHost: a\r\n";
  const BadRequest cases[] = {
      {"no HTTP at all", "\x16\x03\x01\r\n\r\n", 400},
      {"another version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", get + "Host: b\r\n\r\n", 400},
      {"a space before the colon", get + "X : 1\r\n\r\n", 400},
      {"a header without a colon", get + "nonsense\r\n\r\n", 400},
      {"a control character in a header", get + "X: a\x01z\r\n\r\n", 400},
      {"a length that is no number", put + "Content-Length: x\r\n\r\n", 400},
      {"a negative length", put + "Content-Length: -1\r\n\r\n", 400},
      {"two lengths", put + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"length and chunked", put + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"another coding", put + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"another coding in chunks", put + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"a bad chunk size", put + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"a long target", "GET /" + std::string(1000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"large headers", get + "X: " + std::string(5000, 'x') + "\r\n\r\n", 431},
      {"headers without an end", get + std::string(5000, 'x'), 431},
      {"many headers", get + repeat("X: 1\r\n", 20) + "\r\n", 431},
      {"a large body", put + "Content-Length: 101\r\n\r\n", 413},
      {"a large body in chunks", put + "Transfer-Encoding: chunked\r\n\r\n65\r\n", 413},
  };
  for (const BadRequest& each : cases) {
    auto client = connect();
    client.send(each.bytes);
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 " + std::to_string(each.status) + " "))
        << each.name;
  }
}

TEST_F(HttpServerTest, AnswersOneWhoKeepsSendingABodyThatIsTooLarge) {
  options_.limits.body_bytes = 1000;
  start();
  auto client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  client.send(std::string(1'000'000, 'x'));
  client.finish_writing();
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, AsksForTheBodyWhenThePeerWaits) {
  start();
  auto client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_THAT(client.read_response(), EndsWith("body"));
}

TEST_F(HttpServerTest, AnswersOneWhoHasFinishedWriting) {
  start();
  auto client = connect();
  client.send("GET /half-open HTTP/1.1\r\nHost: a\r\n\r\n");
  client.finish_writing();
  EXPECT_THAT(client.read_all(), HasSubstr("X-Target: /half-open\r\n"));
}

TEST_F(HttpServerTest, ClosesIdleConnectionsAndAnswersSlowOnes408) {
  options_.limits.idle_timeout_ms = 100;
  options_.limits.header_timeout_ms = 100;
  options_.limits.body_timeout_ms = 100;
  start();
  auto idle = connect();
  auto slow_header = connect();
  auto slow_body = connect();
  slow_header.send("GET / HTTP/1.1\r\nHo");
  slow_body.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_TRUE(idle.is_ended());
  EXPECT_THAT(slow_header.read_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(slow_body.read_all(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, SurvivesResetsInEveryState) {
  start();
  for (const char* bytes : {"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"}) {
    auto client = connect();
    client.send(bytes);
    client.reset();
  }
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, SendsALargeBodyToASlowReader) {
  const auto large = std::make_shared<const std::string>(std::string(8'000'000, 'x'));
  start([large](HttpRequest&&, HttpResponder responder) {
    responder.send({.status = 200, .headers = {}, .body = large});
  });
  TestingSocket client(server_->port(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(client.read_all() == *large);
}

TEST_F(HttpServerTest, HoldsManyConnectionsAndRefusesMoreThanAllowed) {
  options_.max_connections = 200;
  options_.threads = 2;
  start();
  std::vector<TestingSocket> clients;
  for (int count = 0; count < 200; ++count) {
    clients.push_back(connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_THAT(clients.back().read_response(), StartsWith("HTTP/1.1 200 "));
  }
  EXPECT_EQ(server_->connection_count(), 200U);
  auto one_more = connect();
  EXPECT_TRUE(one_more.is_ended());
}

TEST_F(HttpServerTest, FinishesTheRequestInProgressWhenItStops) {
  std::promise<HttpResponder> asked;
  start(
      [&asked](HttpRequest&&, HttpResponder responder) { asked.set_value(std::move(responder)); });
  auto busy = connect();
  auto idle = connect();
  busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpResponder responder = asked.get_future().get();
  std::thread stopper([this] { server_->stop(10'000); });
  EXPECT_TRUE(idle.is_ended());  // the stop has begun
  responder.send({.status = 200, .headers = {}, .body = "finished"});
  const std::string response = busy.read_all();
  EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(response, EndsWith("finished"));
  stopper.join();
  EXPECT_FALSE(connect().is_connected());
}

TEST_F(HttpServerTest, CutsWhatDoesNotFinishInTime) {
  std::promise<HttpResponder> asked;
  start(
      [&asked](HttpRequest&&, HttpResponder responder) { asked.set_value(std::move(responder)); });
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpResponder late = asked.get_future().get();
  server_->stop(50);
  EXPECT_TRUE(client.is_ended());
  late.send({});  // goes nowhere
}

TEST_F(HttpServerTest, DeliversABatchFromAnotherThread) {
  std::mutex mutex;
  std::vector<HttpResponder> waiting;
  std::promise<void> all_are_there;
  options_.threads = 2;
  start([&](HttpRequest&&, HttpResponder responder) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
    if (waiting.size() == 20) all_are_there.set_value();
  });
  std::vector<TestingSocket> clients;
  for (int count = 0; count < 20; ++count) {
    clients.push_back(connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  all_are_there.get_future().get();
  DeliveryBatch batch;
  for (auto& responder : waiting) {
    const auto executor = responder.executor();
    batch.add(executor, [responder = std::move(responder)]() mutable {
      responder.send({.status = 200, .headers = {}, .body = "together"});
    });
  }
  batch.deliver();
  for (auto& client : clients) EXPECT_THAT(client.read_response(), EndsWith("together"));
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
