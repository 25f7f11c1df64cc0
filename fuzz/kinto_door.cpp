// Requests of every kind, in any order, to the kinto door of a real server on a simulated machine:
// each is answered, never with an error of the server's, and with JSON where it says so; and what
// its lists show in the end can be read alone, and is the same.
#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "odd_values.h"
#include "sim/server_machine.h"
#include "target.h"

namespace tombolo {
namespace {

constexpr int kMaxRequests = 24;
constexpr std::array<const char*, 7> kMethods{"GET",   "HEAD",   "PUT",    "POST",
                                              "PATCH", "DELETE", "OPTIONS"};
constexpr std::array<const char*, 7> kIds{"main", "default", "c", "r1", "r2", "new", "%FF"};
constexpr std::array<const char*, 7> kRoots{
    "/v1/", "/v1/batch", "/v1", "/v1/permissions", "/v1/__heartbeat__", "/", "/v1/contribute.json"};
constexpr std::array<const char*, 4> kLists{"collections", "groups", "records", "history"};
constexpr std::array<const char*, 20> kParameters{"_since",  "_before",    "_to",
                                                  "_limit",  "_sort",      "_token",
                                                  "_fields", "min_n",      "max_n",
                                                  "in_id",   "exclude_id", "like_x",
                                                  "has_x",   "not_n",      "gt_last_modified",
                                                  "lt_n",    "contains_x", "contains_any_x",
                                                  "id",      "x.y"};
constexpr std::array<const char*, 4> kTypes{"application/json", "application/merge-patch+json",
                                            "application/json-patch+json", "text/plain"};

// What a client could know from the answers so far.
struct Known {
  std::string etag = "\"1\"";
  std::string next_page;  // its query string
};

std::string escaped(std::string_view text) {
  std::string out;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code > 0x20 && code < 0x7F && byte != '%' && byte != '#' && byte != '&') {
      out += byte;
    } else {
      out += {'%', kDigits[code >> 4], kDigits[code & 15]};
    }
  }
  return out;
}

std::string path_of(fuzz::Choices& choices) {
  const auto id = [&choices] {
    const unsigned choice = choices.below(8);
    return choice < kIds.size() ? std::string(kIds[choice]) : escaped(fuzz::odd_text(choices));
  };
  const unsigned depth = choices.below(8);
  if (depth == 0) return kRoots[choices.below(kRoots.size())];
  std::string path = "/v1/buckets";
  if (depth == 1) return path;
  path += "/" + (choices.below(4) == 0 ? id() : std::string("main"));
  if (depth == 2) return path;
  if (depth == 3 || choices.below(8) == 0) {
    path += "/" + std::string(kLists[choices.below(kLists.size())]);
    return choices.below(2) == 0 ? path : path + "/" + id();
  }
  path += "/collections/" + (choices.below(4) == 0 ? id() : std::string("c")) + "/records";
  return depth < 6 ? path : path + "/" + id();
}

std::string query_of(fuzz::Choices& choices, const Known& known) {
  std::string query;
  for (unsigned left = choices.below(4); left > 0; --left) {
    query += query.empty() ? "?" : "&";
    const unsigned name = choices.below(24);
    if (name == 23) {
      query += known.next_page;
      continue;
    }
    query += name < kParameters.size() ? kParameters[name] : escaped(fuzz::odd_text(choices));
    query += "=";
    const Value value = fuzz::odd_value(choices, 1);
    query += choices.below(4) == 0 ? escaped(known.etag)
             : value.is_string()   ? escaped(value.as_string())
                                   : escaped(value.to_json());
  }
  return query;
}

Value object_body(fuzz::Choices& choices) {
  Object body;
  const unsigned what = choices.below(8);
  if (what < 6) {
    Object data{{"n", 1}, {"x", "text"}};
    Value spoiled(std::move(data));
    for (unsigned left = choices.below(3); left > 0; --left) fuzz::spoil(spoiled, choices);
    body.set("data", std::move(spoiled));
  }
  if (what >= 5) {
    Value permissions(Object{{"write", Array{"token:bob"}}, {"read", Array{"system.Everyone"}}});
    if (choices.below(2) == 0) fuzz::spoil(permissions, choices);
    body.set("permissions", std::move(permissions));
  }
  return body;
}

Value patch_body(fuzz::Choices& choices) {
  Array patch;
  for (unsigned left = choices.below(4); left > 0; --left) {
    Value step(Object{{"op", "add"}, {"path", "/data/x"}, {"value", 1}});
    if (choices.below(4) != 0) fuzz::spoil(step, choices);
    patch.push_back(std::move(step));
  }
  return patch;
}

Value batch_body(fuzz::Choices& choices, const Known& known) {
  Array requests;
  for (unsigned left = choices.below(4); left > 0; --left) {
    Object one{{"method", kMethods[choices.below(kMethods.size())]},
               {"path", path_of(choices) + query_of(choices, known)}};
    if (choices.below(2) == 0) one.set("body", object_body(choices));
    requests.emplace_back(std::move(one));
  }
  Value batch(Object{{"requests", std::move(requests)}});
  if (choices.below(2) == 0) {
    batch["defaults"] = Object{{"headers", Object{{"If-None-Match", "*"}}}};
  }
  if (choices.below(4) == 0) fuzz::spoil(batch, choices);
  return batch;
}

std::string body_of(fuzz::Choices& choices, const Known& known) {
  switch (choices.below(8)) {
    case 0:
      return {};
    case 1:
      return patch_body(choices).to_json();
    case 2:
      return batch_body(choices, known).to_json();
    case 3:
      return fuzz::odd_value(choices).to_json();
    case 4:
      return fuzz::odd_text(choices);
    default:
      return object_body(choices).to_json();
  }
}

void add_headers(net::HttpHeaders& headers, fuzz::Choices& choices, const Known& known) {
  const auto version = [&]() -> std::string {
    switch (choices.below(4)) {
      case 0:
        return "*";
      case 1:
        return fuzz::odd_text(choices);
      default:
        return known.etag;
    }
  };
  const unsigned who = choices.below(8);
  if (who < 5) headers.add("Authorization", "Bearer token-of-alice");
  if (who == 5) headers.add("Authorization", "Bearer token-of-bob");
  if (who == 6) headers.add("Authorization", fuzz::odd_text(choices));
  const unsigned type = choices.below(6);
  headers.add("Content-Type", type < kTypes.size() ? kTypes[type] : "application/json");
  const unsigned condition = choices.below(8);
  if (condition == 1) headers.add("If-Match", version());
  if (condition == 2) headers.add("If-None-Match", version());
  if (condition == 3) headers.add("Origin", fuzz::odd_text(choices));
  if (condition == 4) headers.add("Response-Behavior", choices.below(2) == 0 ? "light" : "diff");
}

class Door {
 public:
  Door() : internet_(world_), plan_(sim::usual_plan()), server_(world_, internet_, plan_) {
    sim::seed_sqlite(1);
    server_.boot();
    for (const char* target : {"/v1/buckets/main", "/v1/buckets/main/collections/c",
                               "/v1/buckets/main/collections/c/records/r1"}) {
      TOMBOLO_CHECK(
          server_.ask("PUT", target, "token-of-alice", R"({"data":{"n":1}})").status < 300,
          "the server can be set up");
    }
  }
  ~Door() { world_.clear(); }

  void send(fuzz::Choices& choices) {
    const char* const method = kMethods[choices.below(kMethods.size())];
    net::HttpRequest request(method, path_of(choices) + query_of(choices, known_));
    add_headers(request.headers, choices, known_);
    request.body = body_of(choices, known_);
    const bool bodiless = request.method() == net::HttpMethod::head;
    exchange_ = std::string(method) + " " + std::string(request.target()) + "\n" +
                std::string(request.headers.text()) + request.body + "\n";
    learn(answer_to(std::move(request)), bodiless);
    if (choices.below(8) == 0) world_.run_for_ms(choices.below(2) == 0 ? 7 : 90'000'000);
  }

  // Every record that the list has can be read alone, and is the same.
  void check_records() {
    const std::string list = "/v1/buckets/main/collections/c/records";
    const net::HttpResponse all = server_.ask("GET", list, "token-of-alice");
    if (all.status != 200) return;  // its owner took it away, or gave it away
    const Value body = Value::parse(all.body.view()).value();
    for (const Value& record : *body["data"].if_array()) {
      const net::HttpResponse one =
          server_.ask("GET", list + "/" + std::string(record["id"].as_string()), "token-of-alice");
      TOMBOLO_CHECK(one.status == 200, "a record that is listed can be read");
      TOMBOLO_CHECK(Value::parse(one.body.view()).value()["data"] == record,
                    "a record is the same in the list and alone");
    }
  }

 private:
  net::HttpResponse answer_to(net::HttpRequest request) {
    int answers = 0;
    net::HttpResponse answer;
    server_.core()->handle(std::move(request),
                           net::HttpResponder::to([&](net::HttpResponse response) {
                             ++answers;
                             answer = std::move(response);
                           }));
    while (answers == 0 && server_.core()->writer().commit_pending()) {
    }
    TOMBOLO_CHECK(answers == 1, "a request is answered");
    return answer;
  }

  // Shows what was asked and answered when it fails.
  void claim(bool holds, const char* what) const {
    if (!holds) std::fprintf(stderr, "%s\n", exchange_.c_str());
    TOMBOLO_CHECK(holds, what);
  }

  void learn(const net::HttpResponse& answer, bool bodiless) {
    exchange_ += std::to_string(answer.status) + "\n" + std::string(answer.headers.text()) +
                 std::string(answer.body.view());
    claim(answer.status >= 200 && answer.status < 500, "no request is beyond the server");
    const auto type = answer.headers.get("Content-Type");
    if (!bodiless && type && type->starts_with("application/json") && answer.body.size() > 0) {
      claim(Value::parse(answer.body.view()).has_value(), "what is called JSON is JSON");
    }
    if (const auto etag = answer.headers.get("ETag")) known_.etag = *etag;
    if (const auto next = answer.headers.get("Next-Page")) {
      const std::size_t mark = next->find('?');
      if (mark != std::string_view::npos) known_.next_page = next->substr(mark + 1);
    }
  }

  sim::World world_{1};
  sim::Internet internet_;
  const sim::Plan plan_;
  sim::ServerMachine server_;
  Known known_;
  std::string exchange_;  // the last
};

}  // namespace
}  // namespace tombolo

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tombolo::fuzz::Choices choices(tombolo::fuzz::text_of(data, size));
  tombolo::Door door;
  for (int i = 0; i < tombolo::kMaxRequests && !choices.done(); ++i) door.send(choices);
  door.check_records();
  return 0;
}
