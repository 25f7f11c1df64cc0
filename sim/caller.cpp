#include "sim/caller.h"

#include <charconv>
#include <utility>

namespace tombolo::sim {
namespace {

// "123" in quotes.
std::optional<std::int64_t> version_in(std::optional<std::string_view> etag) {
  if (!etag || etag->size() < 3) return std::nullopt;
  std::int64_t version = 0;
  std::from_chars(etag->data() + 1, etag->data() + etag->size() - 1, version);
  return version;
}

Object data_of(const net::ClientResponse& response) {
  const auto body = Value::parse(response.body);
  if (!body || body->if_object() == nullptr) return {};
  const Value* data = body->if_object()->find("data");
  return data != nullptr && data->if_object() != nullptr ? *data->if_object() : Object();
}

}  // namespace

Caller::Caller(World& world, Internet& internet, const Plan& plan, const CallerPlan& own,
               History& history)
    : Machine(world, own.name),
      internet_(internet),
      plan_(plan),
      own_(own),
      history_(history),
      chance_(random_for(world.seed(), own.name + " application")) {
  internet.wires().set_conditions(own.name, own.wires);
}

Caller::~Caller() {
  die(Death::killed);
}

bool Caller::start() {
  http_ = internet_.network_of(*this)->http_client({});
  schedule_act();
  return true;
}

void Caller::schedule_act() {
  const auto wait_ms = chance_.below(static_cast<std::uint64_t>(2 * plan_.write_every_ms));
  process()->schedule(static_cast<std::int64_t>(wait_ms), [this] {
    if (writes_) act();
    schedule_act();
  });
}

RecordName Caller::pick() {
  const std::vector<std::string> names = plan_.collection_names();
  return {names[chance_.below(names.size())],
          "r" + std::to_string(chance_.below(static_cast<std::uint64_t>(plan_.records)))};
}

void Caller::act() {
  const RecordName record = pick();
  switch (chance_.below(8)) {
    case 0:
      return read(record);
    case 1:
      return create(record);
    case 2:
    case 3:
      return patch(record);
    case 4:
      return change(record, true);
    default:
      return change(record, false);
  }
}

void Caller::request(Call call, const Value& data, Answered answered) {
  call.caller = name();
  call.sent_us = world().now_us();
  net::ClientRequest request;
  request.method = call.method;
  request.url = std::string("http://") + kServer + "/v1/buckets/" + kBucket + "/collections/" +
                call.record.collection + "/records/" + call.record.id;
  request.headers.add("Authorization", "Bearer token-of-" + own_.user);
  if (call.if_match) {
    request.headers.add("If-Match", "\"" + std::to_string(*call.if_match) + "\"");
  }
  if (call.if_none) request.headers.add("If-None-Match", "*");
  if (!data.is_null()) {
    request.headers.add("Content-Type", "application/json");
    request.body = Value(Object{{"data", data}}).to_json();
  }
  const std::size_t index = history_.calls.size();
  history_.calls.push_back(call);
  world().note(name(), call.method + " " + call.record.text() + " " + request.body);
  http_->send(std::move(request), [this, index, answered = std::move(answered)](
                                      Result<net::ClientResponse> response) {
    Call& done = history_.calls[index];
    if (!response) return world().note(name(), "no answer: " + response.error().message);
    done.answered_us = world().now_us();
    done.status = response->status;
    done.version = version_in(response->headers.get("ETag"));
    world().note(name(), std::to_string(done.status) + " " + done.method + " " +
                             done.record.text() + " " + std::to_string(done.version.value_or(0)));
    const Call copy = done;
    answered(copy, *response);
  });
}

void Caller::read(const RecordName& record) {
  request({.method = "GET", .record = record}, {}, [](const Call&, const net::ClientResponse&) {});
}

void Caller::create(const RecordName& record) {
  const Token token = history_.begin_write(name(), record, "x", world().now_us());
  request({.method = "PUT", .record = record, .if_match = {}, .if_none = true},
          Object{{"x", token}}, [this, token](const Call& call, const net::ClientResponse&) {
            if (call.status == 201) history_.promise(token);
          });
}

void Caller::patch(const RecordName& record) {
  const Token token = history_.begin_write(name(), record, "y", world().now_us());
  request({.method = "PATCH", .record = record}, Object{{"y", token}},
          [this, token](const Call& call, const net::ClientResponse&) {
            if (call.status == 200) history_.promise(token);
          });
}

void Caller::change(const RecordName& record, bool removes) {
  request({.method = "GET", .record = record}, {},
          [this, record, removes](const Call& call, const net::ClientResponse& response) {
            if (call.status != 200 || !call.version) return;
            Object data = data_of(response);
            data.erase("id");
            data.erase("last_modified");
            if (removes) {
              remove(record, data, *call.version);
            } else {
              replace(record, std::move(data), *call.version);
            }
          });
}

void Caller::replace(const RecordName& record, Object data, std::int64_t version) {
  std::set<Token> seen;
  if (const Value* before = data.find("z")) collect_tokens(*before, seen);
  const Token token = history_.begin_write(name(), record, "z", world().now_us());
  data.set("z", token);
  request({.method = "PUT", .record = record, .if_match = version}, std::move(data),
          [this, token, seen](const Call& call, const net::ClientResponse&) {
            if (call.status != 200) return;
            history_.promise(token);
            history_.overwritten(seen);
          });
}

void Caller::remove(const RecordName& record, const Object& data, std::int64_t version) {
  std::set<Token> seen;
  collect_tokens(data, seen);
  // It may be done though nobody is told.
  const std::size_t removal =
      history_.removed({.author = name(), .record = record, .seen = std::move(seen)});
  request({.method = "DELETE", .record = record, .if_match = version}, {},
          [this, removal](const Call& call, const net::ClientResponse&) {
            if (call.status == 200) history_.promise_removal(removal);
          });
}

}  // namespace tombolo::sim
