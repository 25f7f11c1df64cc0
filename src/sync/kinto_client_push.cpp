// The pushing half of an exchange with a Kinto server (kinto_client_session.h).
#include <algorithm>

#include "base/json.h"
#include "base/percent_encoding.h"
#include "sync/kinto_client_session.h"

namespace tombolo::sync {
namespace {

using protocol::kinto::BatchAnswer;
using Kind = PushOutcome::Kind;

constexpr int kMaxContests = 20;  // of one record in one exchange
constexpr int kMaxFailuresInARow = 3;

bool is_success(int status) {
  return status >= 200 && status < 300;
}

// The server, or who asks it at the moment, is the reason: the same request may succeed later.
bool is_temporary(int status) {
  return status >= 500 || status == 429 || status == 408;
}

// The whole batch was rolled back by it, whatever the other answers say (Kinto API: batch).
bool undoes_batch(int status) {
  return status == 409 || status >= 500;
}

std::string answer_text(std::string_view body) {
  const Result<Value> value = parse_json(body);
  return value ? protocol::kinto::error_text(*value) : std::string("no reason given");
}

// The server takes a path that contains "/batch" for a batch within the batch, whatever it names.
void hide_batch(std::string& target) {
  constexpr std::string_view kBatch = "/batch";
  for (std::size_t at = 0; (at = target.find(kBatch, at)) != std::string::npos;) {
    target.replace(at + 1, 1, "%62");
  }
}

// One request of a batch. A record that the server should have as we saw it is named by its
// version, a new one must not be there.
void append_push(std::string& text, const PendingRecord& record, std::string_view collection) {
  std::string target = std::string(collection) + "/records/" + percent_encode(record.id);
  hide_batch(target);
  text += R"({"method":")";
  text += record.deleted ? "DELETE" : "PUT";
  text += R"(","path":)";
  append_json_string(text, target);
  text += R"(,"headers":{)";
  if (record.base_version) {
    text += "\"If-Match\":";
    append_json_string(text, "\"" + *record.base_version + "\"");
  } else {
    text += R"("If-None-Match":"*")";
  }
  text += "}";
  if (!record.deleted) text += R"(,"body":{"data":)" + record.data + "}";
  text += "}";
}

bool is_unneeded(const PendingRecord& record) {
  return record.deleted && !record.base_version;
}

}  // namespace

// One phase looks at what is in the log now, from the oldest on: who keeps writing cannot keep it
// from its end.
void KintoClientSession::push() {
  if (read_only_) {
    barriers_.until = INT64_MAX;
    auto waiting = host_.read_pending(1, 1, barriers_);
    if (!waiting) return end(fail(waiting));
    if (!waiting->empty()) {
      troubles_[""] = {ErrorCode::unavailable, "the server is read-only at the moment"};
    }
    return finish();
  }
  const Result<std::int64_t> newest = host_.newest_position();
  if (!newest) return end(fail(newest));
  barriers_.until = *newest;
  barriers_.after = 0;
  barriers_.records.insert(suspects_.begin(), suspects_.end());
  push_next();
}

void KintoClientSession::push_next() {
  for (;;) {
    auto batch = host_.read_pending(batch_size_, options_.max_batch_bytes, barriers_);
    if (!batch) return end(fail(batch));
    batch_ = std::move(*batch);
    if (batch_.empty()) {
      if (begin_next_pass()) continue;
      return finish();
    }
    for (const PendingRecord& record : batch_) {
      if (!absent_.contains(record.collection)) continue;
      making_ = record.collection;
      return make_collection();
    }
    if (auto done = drop_unneeded(); !done) return end(done);
    if (!batch_.empty()) return send_batch();
  }
}

// False when nothing is left to be pushed. The suspects come when everybody else has passed.
bool KintoClientSession::begin_next_pass() {
  if (!pass_again_ && suspects_.empty()) return false;
  for (const std::int64_t key : suspects_) barriers_.records.erase(key);
  suspects_.clear();
  pass_again_ = false;
  barriers_.after = 0;
  return true;
}

// The removal of what the server never had; but it may have what was sent without an answer, which
// the next exchange finds out.
Result<void> KintoClientSession::drop_unneeded() {
  std::vector<PushOutcome> outcomes;
  for (const PendingRecord& record : batch_) {
    if (!is_unneeded(record)) continue;
    if (unanswered_.contains(record.key)) {
      put_off(record, "the server may have it");
    } else {
      outcomes.push_back({.kind = Kind::unneeded, .record = &record});
    }
  }
  if (!outcomes.empty()) {
    if (auto done = host_.apply_outcomes(outcomes); !done) return done;
  }
  std::erase_if(batch_, is_unneeded);
  return {};
}

void KintoClientSession::send_batch() {
  if (auto done = host_.prepare_push(batch_); !done) return end(done);
  std::string body = R"({"requests":[)";
  for (const PendingRecord& record : batch_) {
    if (body.back() != '[') body += ',';
    append_push(body, record, collection_target(record.collection));
  }
  body += "]}";
  KintoRequest request{.method = "POST", .target = "/batch", .body = std::move(body)};
  request.headers.emplace_back("Content-Type", "application/json");
  send(Step::push, std::move(request));
}

void KintoClientSession::pushed(const KintoResponse& response) {
  if (!is_success(response.status)) {
    return batch_failed(response.status, answer_text(response.body));
  }
  auto answers = protocol::kinto::read_batch_answers(response.body, batch_.size());
  if (!answers) return end(fail(answers));
  for (const BatchAnswer& answer : *answers) {
    if (!undoes_batch(answer.status)) continue;
    std::vector<PushOutcome> undone;
    for (const PendingRecord& record : batch_) {
      undone.push_back({.kind = Kind::undone, .record = &record});
    }
    if (auto done = host_.apply_outcomes(undone); !done) return end(done);
    return batch_failed(answer.status, protocol::kinto::error_text(answer.body));
  }
  failures_in_a_row_ = 0;
  batch_size_ = std::min(batch_limit_, batch_size_ * 2);
  std::vector<PushOutcome> outcomes;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    judge(batch_[i], std::move((*answers)[i]), outcomes);
  }
  barriers_.after = batch_.back().found_at;
  settle(outcomes);
}

// What is not among the outcomes stays pending.
void KintoClientSession::judge(const PendingRecord& record, BatchAnswer answer,
                               std::vector<PushOutcome>& outcomes) {
  const int status = answer.status;
  if (status == 401) {
    unauthenticated_ = true;
    return;
  }
  if (status == 412) return judge_contest(record, answer.body["details"]["existing"], outcomes);
  if (status == 404 && !record.deleted && !made_.contains(record.collection)) {
    absent_.insert(record.collection);  // it has gone since it was read
    pass_again_ = true;
    return;
  }
  if (status == 404 && record.deleted) {
    outcomes.push_back({.kind = Kind::gone, .record = &record});
    return;
  }
  if (is_success(status)) {
    auto object = protocol::kinto::read_object(answer.body["data"]);
    if (object && object->deleted != record.deleted) {
      if (object->deleted) object->fields.set("deleted", true);  // a field of that name
      if (record.deleted) object->fields = {};
      object->deleted = record.deleted;
    }
    const bool fits = object && object->id == record.id && object->unusable.empty();
    if (!fits) return put_off(record, "the server's answer to it makes no sense");
    outcomes.push_back({.kind = Kind::accepted, .record = &record, .remote = std::move(*object)});
    return;
  }
  if (is_temporary(status) || status < 400) {
    return put_off(record, "the server answers " + std::to_string(status));
  }
  outcomes.push_back({.kind = Kind::refused,
                      .record = &record,
                      .code = "HTTP_" + std::to_string(status),
                      .reason = protocol::kinto::error_text(answer.body)});
}

void KintoClientSession::judge_contest(const PendingRecord& record, const Value& existing,
                                       std::vector<PushOutcome>& outcomes) {
  if (++contests_[record.key] > kMaxContests) return put_off(record, "others keep changing it");
  if (!existing.is_object() && !record.base_version) {
    outcomes.push_back({.kind = Kind::refused,
                        .record = &record,
                        .code = "HTTP_412",
                        .reason = "the id is taken by a record that may not be seen"});
    return;
  }
  contested_any_ = true;
  pass_again_ = true;
  if (!existing.is_object()) {
    outcomes.push_back({.kind = Kind::gone, .record = &record});
    return;
  }
  auto object = protocol::kinto::read_object(existing);
  if (!object || object->id != record.id) {
    return put_off(record, "the server's answer to it makes no sense");
  }
  if (!object->unusable.empty()) return put_off(record, object->unusable);
  outcomes.push_back({.kind = Kind::contested, .record = &record, .remote = std::move(*object)});
}

void KintoClientSession::settle(std::span<const PushOutcome> outcomes) {
  if (auto done = host_.apply_outcomes(outcomes); !done) return end(done);
  if (!outcomes.empty()) pushed_any_ = true;
  if (unauthenticated_) return finish();
  push_next();
}

// Leaves the record for a later exchange, so that it does not stop the others.
void KintoClientSession::put_off(const PendingRecord& record, const std::string& why) {
  barriers_.records.insert(record.key);
  troubles_[record.collection + "/" + record.id] = {
      ErrorCode::unavailable,
      "record \"" + record.id + "\" of \"" + record.collection + "\" has to wait: " + why};
}

void KintoClientSession::push_failed(const Error& error) {
  if (error.code == ErrorCode::cancelled) return end(std::unexpected(error));
  batch_failed(0, error.message);
}

// The batch as a whole was refused, rolled back, or made the server fail: smaller ones show which
// record it is, and let the others pass. `status` is 0 when no answer came.
void KintoClientSession::batch_failed(int status, const std::string& why) {
  const bool no_batches = status == 404 || status == 405 || status == 410 || status == 501;
  if (no_batches) {
    return end(fail(ErrorCode::protocol,
                    "the batch endpoint answers " + std::to_string(status) + ": " + why));
  }
  if (status == 0 || status >= 500) {
    for (const PendingRecord& record : batch_) unanswered_.insert(record.key);
  }
  if (batch_.size() > 1) {
    batch_size_ = status == 413 ? batch_.size() / 2 : 1;
    return push_next();
  }
  const PendingRecord& record = batch_.front();
  // Another writer was in the way at the same moment.
  if (status == 409 && ++contests_[record.key] <= kMaxContests) return push_next();
  barriers_.after = record.found_at;
  if (status == 400 || status == 413) {
    batch_size_ = std::min(batch_limit_, batch_size_ * 2);
    const PushOutcome refused{.kind = Kind::refused,
                              .record = &record,
                              .code = "HTTP_" + std::to_string(status),
                              .reason = why};
    return settle({&refused, 1});
  }
  put_off(record, status == 0 ? why : "the server answers " + std::to_string(status) + ": " + why);
  if (++failures_in_a_row_ < kMaxFailuresInARow) return push_next();
  end(std::unexpected(troubles_[record.collection + "/" + record.id]));
}

void KintoClientSession::make_collection() {
  KintoRequest request{.method = "PUT", .target = collection_target(making_)};
  request.headers.emplace_back("If-None-Match", "*");
  send(Step::make_collection, std::move(request));
}

void KintoClientSession::collection_made(const KintoResponse& response) {
  if (is_success(response.status) || response.status == 412) {
    absent_.erase(making_);
    made_.insert(making_);
    if (making_lost_) return lost_collection_made(response.status != 412);
    troubles_.erase(making_);
    pushed_any_ = true;  // what others put there is to be read
    return push_next();
  }
  const bool no_bucket = response.status == 403 || response.status == 404;
  if (!no_bucket || bucket_tried_) return collection_refused(response);
  bucket_tried_ = true;
  KintoRequest request{.method = "PUT", .target = "/buckets/" + percent_encode(options_.bucket)};
  request.headers.emplace_back("If-None-Match", "*");
  send(Step::make_bucket, std::move(request));
}

void KintoClientSession::bucket_made(const KintoResponse& response) {
  if (!is_success(response.status)) return collection_refused(response);
  make_collection();
}

// The writes stay pending until somebody makes the collection, or lets us in.
void KintoClientSession::collection_refused(const KintoResponse& response) {
  Error trouble{ErrorCode::permission_denied,
                "collection \"" + making_ + "\" is not on the server and cannot be made there (" +
                    std::to_string(response.status) + ": " + answer_text(response.body) + ")"};
  if (is_temporary(response.status)) trouble.code = ErrorCode::unavailable;
  barriers_.collections.insert(making_);
  if (making_lost_) {
    making_lost_ = false;
    return skip_collection(std::move(trouble));
  }
  troubles_[making_] = std::move(trouble);
  push_next();
}

}  // namespace tombolo::sync
