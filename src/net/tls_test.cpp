// The clients over TLS: to whom they talk, to whom not and why, and that all bytes arrive.
#include <csignal>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/testing_tls.h"
#include "net/websocket_client.h"
#include "os/files.h"

namespace tombolo::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    // A peer that is gone must not end the process of the test, as in a server.
    std::signal(SIGPIPE, SIG_IGN);
    ca_file_ = save("ca.pem", authority_.pem());
  }
  ~TlsTest() override {
    client_.reset();
    thread_->stop();
    front_.reset();
  }

  std::string save(const std::string& name, std::string_view text) {
    const std::string path = directory_->path() + "/" + name;
    EXPECT_TRUE(os::write_file(path, text));
    return path;
  }
  void serve(const TestingSubject& subject = {}, TestingTlsSettings settings = {}) {
    serve_with(issue_certificate(subject, &authority_), settings);
  }
  void serve_with(const TestingCertificate& certificate, TestingTlsSettings settings = {}) {
    auto server = HttpServer::start(
        {},
        [](HttpRequest&& request, HttpResponder responder) {
          if (request.headers.contains("Upgrade")) return echo_messages(std::move(responder));
          HttpResponse response;
          response.body = request.body.empty() ? "hello" : request.body;
          responder.send(std::move(response));
        },
        logger_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    front_ = std::make_unique<TestingTlsFront>(certificate, server_->port(), settings);
  }
  static void echo_messages(HttpResponder responder) {
    responder.upgrade({}, [](const std::shared_ptr<WebSocketConnection>& socket) {
      WebSocketCallbacks callbacks;
      callbacks.on_text = [weak = std::weak_ptr(socket)](std::string_view text) {
        weak.lock()->send_text(text);
      };
      socket->set_callbacks(std::move(callbacks));
    });
  }

  std::string authority_of(std::uint16_t port, const std::string& host = "127.0.0.1") const {
    return host + ":" + std::to_string(port);
  }
  std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + authority_of(front_->port(), host) + "/";
  }
  void trust(const std::string& ca_file) {
    client_ = make_http_client(thread_, HttpClientOptions{.ca_file = ca_file});
  }
  Result<ClientResponse> send(ClientRequest request) {
    if (!client_) trust(ca_file_);
    std::promise<Result<ClientResponse>> done;
    client_->send(std::move(request), [&](auto result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
  Error failure_of(const std::string& url) {
    const auto result = send({.url = url});
    EXPECT_FALSE(result) << "it was answered";
    return result ? Error{} : result.error();
  }
  // The failure of a request to a peer that does what it likes with its connection.
  Error failure_with(const std::function<void(TestingSocket)>& peer) {
    TestingListener listener;
    std::thread thread([&] { peer(listener.accept()); });
    const Error failure = failure_of("https://" + authority_of(listener.port()));
    thread.join();
    return failure;
  }

  NullLogger logger_;
  Result<os::TemporaryDirectory> directory_ = os::TemporaryDirectory::make();
  TestingCertificate authority_ = make_authority();
  std::string ca_file_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<TestingTlsFront> front_;
  std::shared_ptr<IoThread> thread_ = IoThread::start();
  std::unique_ptr<HttpClient> client_;
};

TEST_F(TlsTest, TalksToAServerThatItsAuthorityVouchesFor) {
  serve();
  const auto response = send({.url = url()});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "hello");
}

TEST_F(TlsTest, TakesTls12) {
  serve({}, {.greatest_version = TLS1_2_VERSION});
  const auto response = send({.url = url()});
  EXPECT_TRUE(response) << response.error().message;
}

TEST_F(TlsTest, RefusesOlderVersions) {
  serve({}, {.least_version = TLS1_VERSION, .greatest_version = TLS1_1_VERSION});
  const Error failure = failure_of(url());
  EXPECT_EQ(failure.code, ErrorCode::protocol);
  EXPECT_THAT(failure.message, HasSubstr("no version of TLS from 1.2 on"));
}

TEST_F(TlsTest, TellsTheServerTheNameItAsksFor) {
  TestingListener listener;
  const auto context = make_server_context(issue_certificate({}, &authority_));
  std::string name;
  std::thread peer([&] {
    TestingTlsSocket connection(context.get(), listener.accept());
    name = connection.server_name();
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const auto response = send({.url = "https://" + authority_of(listener.port(), "localhost")});
  peer.join();
  EXPECT_TRUE(response) << response.error().message;
  EXPECT_EQ(name, "localhost");
}

TEST_F(TlsTest, RefusesACertificateForAnotherHost) {
  serve({.alternatives = "DNS:sync.example.org,DNS:*.example.net,IP:127.0.0.2"});
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const Error failure = failure_of(url(host));
    EXPECT_EQ(failure.code, ErrorCode::unavailable);
    EXPECT_THAT(failure.message,
                AllOf(HasSubstr(std::string("not for ") + host),
                      HasSubstr("but for sync.example.org, *.example.net, 127.0.0.2")));
  }
}

TEST_F(TlsTest, RefusesACertificateThatNamesNoHostInItsAlternatives) {
  serve({.name = "localhost", .alternatives = "email:root@localhost"});
  EXPECT_THAT(failure_of(url()).message, HasSubstr("for no host at all"));
}

TEST_F(TlsTest, RefusesAnExpiredCertificateAndSaysSinceWhen) {
  serve({.begins = -3 * kTestingDay, .ends = -2 * kTestingDay});
  const Error failure = failure_of(url());
  EXPECT_EQ(failure.code, ErrorCode::unavailable);
  EXPECT_THAT(failure.message,
              AllOf(HasSubstr("expired on 20"), HasSubstr("must be renewed at the server")));
}

TEST_F(TlsTest, RefusesACertificateOfTheFuture) {
  serve({.begins = kTestingDay, .ends = 2 * kTestingDay});
  EXPECT_THAT(failure_of(url()).message, HasSubstr("is not valid before 20"));
}

TEST_F(TlsTest, RefusesAnUnknownAuthorityAndNamesIt) {
  const TestingCertificate stranger = make_authority("A Stranger\nwith a line");
  serve_with(issue_certificate({}, &stranger));
  const Error failure = failure_of(url());
  EXPECT_EQ(failure.code, ErrorCode::unavailable);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("unknown authority, \"CN=A Stranger\\0Awith a line"),
                                     HasSubstr("ca_file")));
}

TEST_F(TlsTest, RefusesAStrangerWhenTheSystemIsToDecide) {
  serve();
  trust("");
  EXPECT_THAT(failure_of(url()).message, HasSubstr("unknown authority"));
}

TEST_F(TlsTest, RefusesASelfSignedCertificateUnlessItIsNamed) {
  const TestingCertificate own = issue_certificate({}, nullptr);
  serve_with(own);
  EXPECT_THAT(failure_of(url()).message, HasSubstr("self-signed"));
  trust(save("own.pem", own.pem()));
  const auto response = send({.url = url()});
  EXPECT_TRUE(response) << response.error().message;
}

TEST_F(TlsTest, ReadsTheCaFileAgainAfterARefusal) {
  const TestingCertificate other = make_authority("Other");
  serve_with(issue_certificate({}, &other));
  EXPECT_EQ(failure_of(url()).code, ErrorCode::unavailable);
  save("ca.pem", authority_.pem() + other.pem());
  const auto response = send({.url = url()});
  EXPECT_TRUE(response) << response.error().message;
}

TEST_F(TlsTest, SaysWhatIsWrongWithTheCaFile) {
  serve();
  trust(directory_->path() + "/missing.pem");
  EXPECT_THAT(failure_of(url()).message,
              AllOf(HasSubstr("missing.pem"), HasSubstr("No such file")));
  trust(save("empty.pem", "nothing here"));
  EXPECT_EQ(failure_of(url()).code, ErrorCode::invalid_argument);
  EXPECT_THAT(failure_of(url()).message, HasSubstr("empty.pem holds no certificate"));
  trust(save("damaged.pem",
             authority_.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_THAT(failure_of(url()).message, HasSubstr("damaged.pem is damaged"));
}

TEST_F(TlsTest, KnowsAPeerThatSpeaksPlainText) {
  const Error failure = failure_with([](TestingSocket peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.is_ended();
  });
  EXPECT_EQ(failure.code, ErrorCode::protocol);
  EXPECT_THAT(failure.message, HasSubstr("does not speak TLS"));
}

TEST_F(TlsTest, SurvivesAPeerThatLeavesDuringTheHandshake) {
  const Error failure = failure_with([](TestingSocket peer) { peer.read(5); });
  EXPECT_EQ(failure.code, ErrorCode::unavailable);
  EXPECT_THAT(failure.message, HasSubstr("handshake"));
}

TEST_F(TlsTest, GivesUpOnAPeerThatNeverShakesHands) {
  client_ =
      make_http_client(thread_, HttpClientOptions{.connect_timeout_ms = 100, .ca_file = ca_file_});
  const Error failure = failure_with([](TestingSocket peer) { peer.read_all(); });
  EXPECT_EQ(failure.code, ErrorCode::timeout);
  EXPECT_THAT(failure.message, HasSubstr("TLS handshake"));
}

// What lasts until the end of the stream could have been cut short by anybody.
TEST_F(TlsTest, TakesAnEndWithoutFarewellForABreak) {
  for (const bool is_polite : {true, false}) {
    TestingListener listener;
    const auto context = make_server_context(issue_certificate({}, &authority_));
    std::thread peer([&] {
      TestingTlsSocket connection(context.get(), listener.accept());
      connection.read_until("\r\n\r\n");
      connection.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
      if (is_polite) connection.say_goodbye();
    });
    const auto response = send({.url = "https://" + authority_of(listener.port())});
    peer.join();
    EXPECT_EQ(response.has_value(), is_polite);
    if (!response) {
      EXPECT_EQ(response.error().code, ErrorCode::unavailable);
    }
  }
}

TEST_F(TlsTest, CarriesLargeBodiesBothWays) {
  serve();
  std::string body(8'000'000, '\0');
  for (std::size_t index = 0; index < body.size(); ++index) {
    body[index] = static_cast<char>(index * 31 + index / 4096);
  }
  const auto response = send({.method = "POST", .url = url(), .headers = {}, .body = body});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(response->body == body);
}

TEST_F(TlsTest, UsesAConnectionAgain) {
  serve();
  for (int turn = 0; turn < 5; ++turn) ASSERT_TRUE(send({.url = url()}));
  EXPECT_EQ(front_->connection_count(), 1);
}

TEST_F(TlsTest, TakesUpAnEarlierSession) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    serve({}, {.greatest_version = version});
    for (int turn = 0; turn < 3; ++turn) {
      trust(ca_file_);  // a new client has no connection yet
      ASSERT_TRUE(send({.url = url()}));
    }
    EXPECT_EQ(front_->connection_count(), 3);
    EXPECT_EQ(front_->resumed_count(), 2);
    client_.reset();
  }
}

TEST_F(TlsTest, RefusesAUrlOfTheWrongKind) {
  EXPECT_EQ(failure_of("wss://localhost/").code, ErrorCode::invalid_argument);
}

class TlsWebSocketTest : public TlsTest {
 protected:
  std::string socket_url() const { return "wss://" + authority_of(front_->port()) + "/socket"; }
};

TEST_F(TlsWebSocketTest, CarriesManySmallMessagesAndALargeOne) {
  constexpr int kMessages = 5'000;
  serve();
  std::promise<void> closed;
  int received = 0;
  bool is_in_order = true;
  const std::string large(3'000'000, 'x');
  const auto attempt = connect_websocket(
      thread_, {.url = socket_url(), .ca_file = ca_file_}, [&](Result<OpenedWebSocket> result) {
        ASSERT_TRUE(result) << result.error().message;
        const auto socket = result->connection;
        WebSocketCallbacks callbacks;
        callbacks.on_text = [&, weak = std::weak_ptr(socket)](std::string_view text) {
          is_in_order &= text == (received < kMessages ? std::to_string(received) : large);
          if (++received > kMessages) weak.lock()->close(kCloseNormal, "all came");
        };
        callbacks.on_close = [&](std::uint16_t code, std::string_view) {
          EXPECT_EQ(code, kCloseNormal);
          closed.set_value();
        };
        socket->set_callbacks(std::move(callbacks));
        for (int index = 0; index < kMessages; ++index) socket->send_text(std::to_string(index));
        socket->send_text(large);
      });
  closed.get_future().get();
  EXPECT_EQ(received, kMessages + 1);
  EXPECT_TRUE(is_in_order);
}

TEST_F(TlsWebSocketTest, RefusesAServerThatItCannotTrust) {
  serve({.alternatives = "DNS:elsewhere.example.org"});
  std::promise<Error> failed;
  const auto attempt =
      connect_websocket(thread_, {.url = socket_url(), .ca_file = ca_file_},
                        [&](auto result) { failed.set_value(result ? Error{} : result.error()); });
  const Error failure = failed.get_future().get();
  EXPECT_EQ(failure.code, ErrorCode::unavailable);
  EXPECT_THAT(failure.message, HasSubstr("but for elsewhere.example.org"));
}

TEST_F(TlsWebSocketTest, LearnsThatTheServerIsGone) {
  serve();
  std::promise<std::uint16_t> closed;
  const auto attempt = connect_websocket(
      thread_, {.url = socket_url(), .ca_file = ca_file_}, [&](Result<OpenedWebSocket> result) {
        ASSERT_TRUE(result) << result.error().message;
        WebSocketCallbacks callbacks;
        callbacks.on_close = [&](std::uint16_t code, std::string_view) { closed.set_value(code); };
        result->connection->set_callbacks(std::move(callbacks));
        thread_->post([this] { server_->stop(0); });
      });
  EXPECT_EQ(closed.get_future().get(), kCloseAbnormal);
}

}  // namespace
}  // namespace tombolo::net
