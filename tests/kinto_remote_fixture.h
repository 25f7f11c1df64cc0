// For tests of kinto remotes: two devices, the real server, and a proxy between them that meddles.
#pragma once

#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/test_database.h"
#include "kinto/test_server.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/stream_logger.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::testing {

inline constexpr std::int64_t kPatienceMs = 20'000;

// Passes requests on. `meddle` may answer in the server's place, before or after the server saw the
// request.
class Proxy {
 public:
  enum class Fate { pass, lose_request, lose_answer };

  explicit Proxy(kinto_cases::TestServer& server) : server_(&server) {
    auto started = net::HttpServer::start(
        {},
        [this](net::HttpRequest&& request, net::HttpResponder responder) {
          handle(request, std::move(responder));
        },
        logger_);
    http_ = std::move(started.value());
  }
  ~Proxy() { http_->stop(0); }

  void lead_to(kinto_cases::TestServer& server) { server_ = &server; }
  void meddle(std::function<Fate(const net::HttpRequest&)> meddle) { meddle_ = std::move(meddle); }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(http_->port()); }
  int requests() const { return requests_; }

 private:
  void handle(const net::HttpRequest& request, net::HttpResponder responder) {
    ++requests_;
    const Fate fate = meddle_ ? meddle_(request) : Fate::pass;
    if (fate == Fate::lose_request) return responder.send({.status = 503});
    net::ClientRequest passed;
    passed.method = request.method_name();
    passed.url = server_.load()->origin() + std::string(request.target());
    passed.body = request.body;
    for (const char* name : {"Authorization", "If-Match", "If-None-Match", "Content-Type"}) {
      if (const auto value = request.headers.get(name)) passed.headers.add(name, *value);
    }
    const auto answer = server_.load()->send(std::move(passed));
    if (!answer || fate == Fate::lose_answer) return responder.send({.status = 503});
    net::HttpResponse response{.status = answer->status, .body = answer->body};
    for (const char* name : {"ETag", "Next-Page", "Content-Type", "Backoff"}) {
      if (const auto value = answer->headers.get(name)) response.headers.add(name, *value);
    }
    responder.send(std::move(response));
  }

  std::atomic<kinto_cases::TestServer*> server_;
  std::function<Fate(const net::HttpRequest&)> meddle_;
  std::atomic<int> requests_ = 0;
  os::SystemClock clock_;
  os::StreamLogger logger_{clock_, os::LogFormat::human, LogLevel::error};
  std::unique_ptr<net::HttpServer> http_;
};

class KintoRemote : public TwoDevicesFixture {
 protected:
  Remote connect(Database& database, ConflictPolicy policy = ConflictPolicy::merge,
                 const std::string& user = "alice") {
    return database
        .connect({.url = proxy_.origin() + "/v1/buckets/main",
                  .name = "server",
                  .authentication = BasicCredentials{user, "secret"},
                  .collections = {"c"},
                  .conflict_policy = policy,
                  .automatic = false})
        .value();
  }
  // Exchanges whenever something is written here.
  Remote stay_connected(Database& database) {
    return database
        .connect({.url = proxy_.origin() + "/v1/buckets/main",
                  .name = "server",
                  .authentication = BasicCredentials{"alice", "secret"},
                  .collections = {"c"},
                  .poll_interval_ms = 0})
        .value();
  }
  // Exchanges once, as a device that comes online for a moment.
  static void sync(Remote remote) {
    const auto done = remote.wait_until_synced(kPatienceMs);
    EXPECT_TRUE(done) << done.error().message;
    const auto status = remote.status();
    ASSERT_TRUE(status);
    EXPECT_TRUE(status->synced);
    EXPECT_EQ(status->pending, 0);
    remote.disconnect();
  }
  void sync(Database& database, ConflictPolicy policy = ConflictPolicy::merge) {
    sync(connect(database, policy));
  }
  static Object contents(const Database& database) {
    Object all;
    const auto records = database.collection("c").order_by("id").all().value();
    for (const Record& record : records) all.set(record.id(), record.fields());
    return all;
  }
  // The records as the server lists them, without the tags.
  Object on_server(kinto_cases::TestServer& server) {
    const auto answer = send(server, "GET", "/records");
    Object all;
    const Value list = Value::parse(answer.body).value();
    for (const Value& record : *list["data"].if_array()) {
      Object fields = *record.if_object();
      const std::string id(record["id"].as_string());
      fields.erase("id");
      fields.erase("last_modified");
      all.set(id, fields);
    }
    return all;
  }
  Object on_server() { return on_server(server_); }
  net::ClientResponse send(kinto_cases::TestServer& server, const std::string& method,
                           const std::string& below, const std::string& body = "") {
    net::ClientRequest request{.method = method,
                               .url = server.origin() + "/v1/buckets/main/collections/c" + below,
                               .body = body};
    request.headers.add("Authorization", "Basic YWxpY2U6c2VjcmV0");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    return server.send(std::move(request)).value();
  }
  static void create(const Database& database, Object record) {
    ASSERT_TRUE(database.collection("c").create(std::move(record)));
  }
  // One record that both devices hold as the server does.
  void share(Object record) {
    create(db(), std::move(record));
    sync(db());
    sync(other());
  }
  // The server takes what is pending, and the device does not hear of it.
  void send_unanswered(Database& database) {
    std::atomic<bool> is_cut_off = false;
    proxy_.meddle([&](const net::HttpRequest& request) {
      if (is_cut_off) return Proxy::Fate::lose_request;
      is_cut_off = request.target().ends_with("/batch");
      return is_cut_off ? Proxy::Fate::lose_answer : Proxy::Fate::pass;
    });
    Remote remote = connect(database);
    EXPECT_FALSE(remote.wait_until_synced(300));
    remote.disconnect();
    proxy_.meddle({});
  }
  // By somebody who has seen it.
  void remove_elsewhere(const std::string& id) {
    sync(other());
    ASSERT_TRUE(other().collection("c").remove(id));
    sync(other());
  }
  static std::vector<Loss> losses(const Database& database) { return database.losses().value(); }

  kinto_cases::TestServer server_{{{"kinto.flush_enabled", "true"}}};
  Proxy proxy_{server_};
};

}  // namespace tombolo::testing
