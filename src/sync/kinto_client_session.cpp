#include "sync/kinto_client_session.h"

#include <algorithm>

#include "base/json.h"
#include "base/percent_encoding.h"

namespace tombolo::sync {
namespace {

using protocol::kinto::BatchAnswer;
using protocol::kinto::ObjectAnswer;

constexpr std::size_t kMaxBatchRequests = 1'000;  // whatever the server offers
constexpr int kMaxRounds = 100;
constexpr int kMaxContests = 20;  // of one record in one exchange
constexpr int kMaxFailuresInARow = 3;

bool is_success(int status) {
  return status >= 200 && status < 300;
}

// The server, not the request, is the reason: the same request may succeed later.
bool is_temporary(int status) {
  return status >= 500 || status == 429 || status == 408;
}

std::string quoted(std::int64_t tag) {
  return "\"" + std::to_string(tag) + "\"";
}

std::string answer_text(std::string_view body) {
  const Result<Value> value = parse_json(body);
  return value ? protocol::kinto::error_text(*value) : std::string("no reason given");
}

// One request of a batch. A record that the server should have as we saw it is named by its
// version, a new one must not be there.
void append_push(std::string& text, const PendingRecord& record, std::string_view target) {
  text += R"({"method":")";
  text += record.deleted ? "DELETE" : "PUT";
  text += R"(","path":)";
  append_json_string(text, std::string(target) + "/records/" + percent_encode(record.id));
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

}  // namespace

std::string KintoClientSession::collection_target(std::string_view collection) const {
  return "/buckets/" + percent_encode(options_.bucket) + "/collections/" +
         percent_encode(collection);
}

void KintoClientSession::send(Step step, KintoRequest request) {
  step_ = step;
  host_.send(std::move(request));
}

void KintoClientSession::end(const Result<void>& result) {
  if (step_ == Step::over) return;
  step_ = Step::over;
  host_.ended(result, wait_ms_);
}

void KintoClientSession::start() {
  send(Step::hello, {.target = "/"});
}

void KintoClientSession::failed(const Error& error) {
  end(std::unexpected(error));
}

void KintoClientSession::answered(const KintoResponse& response) {
  wait_ms_ = std::max(wait_ms_, response.wait_ms);
  if (is_dead_end(response)) return;
  switch (step_) {
    case Step::hello:
      return hello_answered(response);
    case Step::discover:
      return discovered(response);
    case Step::pull:
      return pulled(response);
    case Step::push:
      return pushed(response);
    case Step::make_collection:
      return collection_made(response);
    case Step::make_bucket:
      return bucket_made(response);
    case Step::idle:
    case Step::over:
      return;
  }
}

// Answers that end the exchange, whatever was asked.
bool KintoClientSession::is_dead_end(const KintoResponse& response) {
  if (response.status == 401) {
    end(fail(ErrorCode::unauthenticated,
             "the server does not take the credentials: " + answer_text(response.body)));
    return true;
  }
  const bool one_batch = step_ == Step::push && response.status != 503 && response.status != 429;
  if (!is_temporary(response.status) || one_batch) return false;
  end(fail(ErrorCode::unavailable, "the server answers " + std::to_string(response.status) + ": " +
                                       answer_text(response.body)));
  return true;
}

void KintoClientSession::hello_answered(const KintoResponse& response) {
  if (!is_success(response.status)) {
    return end(fail(ErrorCode::unsupported,
                    "the root of the API answers " + std::to_string(response.status) +
                        ": is this the URL of a Kinto server, ending in /v1?"));
  }
  const auto hello = protocol::kinto::read_hello(response.body);
  if (!hello) return end(fail(hello));
  read_only_ = hello->read_only;
  batch_limit_ = static_cast<std::size_t>(
      std::min<std::int64_t>(hello->batch_max_requests, kMaxBatchRequests));
  batch_size_ = batch_limit_;
  if (!options_.discover) return begin({});
  discover();
}

void KintoClientSession::discover() {
  const std::string bucket = "/buckets/" + percent_encode(options_.bucket);
  send(Step::discover, {.target = bucket + "/collections?_sort=last_modified&_limit=" +
                                  std::to_string(options_.page_size) + discovery_query_});
}

// A bucket that is not there, or does not show its collections, has none for us.
void KintoClientSession::discovered(const KintoResponse& response) {
  if (response.status == 403) {
    hidden_bucket_ = Error{ErrorCode::permission_denied,
                           "bucket \"" + options_.bucket +
                               "\" is not there or may not be read: " + answer_text(response.body)};
  }
  if (!is_success(response.status)) return begin(found_);
  const auto page = protocol::kinto::read_list(response.body);
  if (!page) return end(fail(page));
  for (const ObjectAnswer& collection : *page) {
    if (!collection.deleted) found_.push_back(collection.id);
  }
  if (!response.has_next_page || page->empty()) return begin(found_);
  discovery_query_ = "&_since=%22" + std::to_string(page->back().last_modified) + "%22";
  discover();
}

void KintoClientSession::begin(std::span<const std::string> found) {
  auto collections = host_.collections(found);
  if (!collections) return end(fail(collections));
  collections_ = std::move(*collections);
  if (collections_.empty() && hidden_bucket_) return end(std::unexpected(*hidden_bucket_));
  pull_next();
}

void KintoClientSession::pull_next() {
  if (current_ == collections_.size()) return push();
  const Result<std::int64_t> cursor = host_.read_cursor(collections_[current_]);
  if (!cursor) return end(fail(cursor));
  cursor_ = *cursor;
  first_page_ = true;
  recovering_ = false;
  pull_page();
}

// Everything is read anew; the cursor stays until that is complete.
void KintoClientSession::begin_recovery() {
  recovering_ = true;
  recovered_to_ = 0;
  recovery_ = {};
  pull_page();
}

// In the order of change, so that whatever is changed meanwhile comes behind what was read, and the
// last tag of a page is the place where the next one begins.
void KintoClientSession::pull_page() {
  KintoRequest request;
  request.target = collection_target(collections_[current_]) +
                   "/records?_sort=last_modified&_limit=" + std::to_string(options_.page_size);
  const std::int64_t since = recovering_ ? recovered_to_ : cursor_;
  if (since > 0) request.target += "&_since=%22" + std::to_string(since) + "%22";
  if (since > 0 && first_page_ && !recovering_) {
    request.headers.emplace_back("If-None-Match", quoted(since));
  }
  send(Step::pull, std::move(request));
}

void KintoClientSession::pulled(const KintoResponse& response) {
  const std::string& collection = collections_[current_];
  if (response.status == 403 || response.status == 404) {
    absent_.insert(collection);
    if (response.status == 403) {
      troubles_[collection] = {
          ErrorCode::permission_denied,
          "collection \"" + collection +
              "\" is not there or may not be read: " + answer_text(response.body)};
    }
    ++current_;
    return pull_next();
  }
  absent_.erase(collection);
  troubles_.erase(collection);
  if (response.status == 304) {
    ++current_;
    return pull_next();
  }
  if (!is_success(response.status)) {
    return end(fail(ErrorCode::protocol, "reading collection \"" + collection + "\" was answered " +
                                             std::to_string(response.status) + ": " +
                                             answer_text(response.body)));
  }
  auto records = protocol::kinto::read_list(response.body);
  if (!records) return end(fail(records));
  if (response.has_next_page && records->empty()) {
    return end(fail(ErrorCode::protocol, "the server answers an empty page with another behind"));
  }
  page_received(std::move(*records), response);
}

// The server's time lies before ours, or it moved without leaving a record or a tombstone: it was
// flushed, restored from a backup, or made anew.
bool KintoClientSession::has_lost_history(std::span<const ObjectAnswer> records,
                                          const KintoResponse& response) const {
  if (recovering_ || !first_page_ || cursor_ == 0) return false;
  const std::int64_t tag = protocol::kinto::read_tag(response.etag);
  if (tag == 0) return false;
  return tag < cursor_ || (tag > cursor_ && records.empty() && !response.has_next_page);
}

void KintoClientSession::page_received(std::vector<ObjectAnswer> records,
                                       const KintoResponse& response) {
  if (has_lost_history(records, response)) return begin_recovery();
  const std::string& collection = collections_[current_];
  const std::int64_t tag = protocol::kinto::read_tag(response.etag);
  const std::int64_t last = records.empty() ? 0 : records.back().last_modified;
  const std::int64_t reached = response.has_next_page ? last : std::max(tag, last);
  auto applied = host_.apply_page(collection, records, recovering_ ? 0 : reached);
  if (!applied) return end(applied);
  if (recovering_) {
    if (first_page_) recovery_.server_tag = tag;
    for (ObjectAnswer& record : records) {
      if (!record.deleted) recovery_.listed.insert(std::move(record.id));
    }
    recovered_to_ = reached;
  } else {
    cursor_ = std::max(cursor_, reached);
  }
  first_page_ = false;
  if (response.has_next_page) return pull_page();
  if (recovering_) {
    recovery_.keep_all = recovery_.listed.empty();
    auto finished = host_.finish_recovery(collection, recovery_, recovered_to_);
    if (!finished) return end(finished);
    recovery_ = {};
    recovering_ = false;
  }
  ++current_;
  pull_next();
}

void KintoClientSession::push() {
  if (read_only_) {
    auto waiting = host_.read_pending(1, 1, barriers_);
    if (!waiting) return end(fail(waiting));
    if (!waiting->empty()) {
      troubles_[""] = {ErrorCode::unavailable, "the server is read-only at the moment"};
    }
    return finish();
  }
  auto batch = host_.read_pending(batch_size_, options_.max_batch_bytes, barriers_);
  if (!batch) return end(fail(batch));
  batch_ = std::move(*batch);
  if (batch_.empty()) return finish();
  for (const PendingRecord& record : batch_) {
    if (!absent_.contains(record.collection)) continue;
    making_ = record.collection;
    return make_collection();
  }
  push_batch();
}

// What was pushed comes back with the next pull, together with what others wrote meanwhile.
void KintoClientSession::finish() {
  if (pushed_any_) {
    pushed_any_ = false;
    if (++rounds_ >= kMaxRounds) {
      return end(fail(ErrorCode::unavailable,
                      "others keep changing the same records; the exchange is broken off for now"));
    }
    current_ = 0;
    return pull_next();
  }
  if (!troubles_.empty()) return end(std::unexpected(troubles_.begin()->second));
  end({});
}

void KintoClientSession::push_batch() {
  std::vector<PushOutcome> unneeded;
  std::string body = R"({"requests":[)";
  for (const PendingRecord& record : batch_) {
    if (record.deleted && !record.base_version) {
      unneeded.push_back({.kind = PushOutcome::Kind::unneeded, .record = &record});
      continue;
    }
    if (body.back() != '[') body += ',';
    append_push(body, record, collection_target(record.collection));
  }
  if (!unneeded.empty()) {
    if (auto done = host_.apply_outcomes(unneeded); !done) return end(done);
    std::erase_if(
        batch_, [](const PendingRecord& record) { return record.deleted && !record.base_version; });
    if (batch_.empty()) return push();
  }
  body += "]}";
  KintoRequest request{.method = "POST", .target = "/batch", .body = std::move(body)};
  request.headers.emplace_back("Content-Type", "application/json");
  send(Step::push, std::move(request));
}

void KintoClientSession::pushed(const KintoResponse& response) {
  if (!is_success(response.status)) return batch_failed(response);
  auto answers = protocol::kinto::read_batch_answers(response.body, batch_.size());
  if (!answers) return end(fail(answers));
  failures_in_a_row_ = 0;
  batch_size_ = std::min(batch_limit_, batch_size_ * 2);
  std::vector<PushOutcome> outcomes;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const PendingRecord& record = batch_[i];
    const int status = (*answers)[i].status;
    if (is_temporary(status)) {
      put_off(record, "the server failed with " + std::to_string(status));
      continue;
    }
    if (status == 404 && !record.deleted && !made_.contains(record.collection)) {
      absent_.insert(record.collection);  // it has gone since it was read
      continue;
    }
    if (status == 412 && ++contests_[record.key] > kMaxContests) {
      put_off(record, "others keep changing it");
      continue;
    }
    outcomes.push_back(outcome_of(record, std::move((*answers)[i])));
  }
  settle(std::move(outcomes));
}

PushOutcome KintoClientSession::outcome_of(const PendingRecord& record, BatchAnswer answer) {
  using Kind = PushOutcome::Kind;
  PushOutcome outcome{.record = &record};
  if (answer.status == 412) {
    const Value& existing = answer.body["details"]["existing"];
    outcome.kind = existing.is_object() ? Kind::contested : Kind::gone;
    if (outcome.kind == Kind::gone && record.base_version) return outcome;
    if (auto object = protocol::kinto::read_object(existing); object && object->id == record.id) {
      outcome.remote = std::move(*object);
      return outcome;
    }
  } else if (answer.status == 404 && record.deleted) {
    outcome.kind = Kind::gone;
    return outcome;
  } else if (is_success(answer.status)) {
    auto object = protocol::kinto::read_object(answer.body["data"]);
    if (object && object->id == record.id) {
      outcome.remote = std::move(*object);
      return outcome;
    }
  }
  // Also a new record whose id is taken by one that we may not see.
  outcome.kind = Kind::refused;
  outcome.code = "HTTP_" + std::to_string(answer.status);
  outcome.reason = protocol::kinto::error_text(answer.body);
  return outcome;
}

void KintoClientSession::settle(std::vector<PushOutcome> outcomes) {
  if (auto done = host_.apply_outcomes(outcomes); !done) return end(done);
  pushed_any_ = true;
  push();
}

// Leaves the record for a later exchange, so that it does not stop the others.
void KintoClientSession::put_off(const PendingRecord& record, const std::string& why) {
  barriers_.records.insert(record.key);
  troubles_[record.collection + "/" + record.id] = {
      ErrorCode::unavailable,
      "record \"" + record.id + "\" of \"" + record.collection + "\" has to wait: " + why};
}

// The batch as a whole was refused, or made the server fail: smaller ones show which record it is,
// and let the others pass.
void KintoClientSession::batch_failed(const KintoResponse& response) {
  const bool by_content =
      response.status == 400 || response.status == 413 || is_temporary(response.status);
  if (!by_content) {
    return end(fail(ErrorCode::protocol, "the batch endpoint answers " +
                                             std::to_string(response.status) + ": " +
                                             answer_text(response.body)));
  }
  if (batch_.size() > 1) {
    batch_size_ = response.status == 413 ? batch_.size() / 2 : 1;
    return push();
  }
  if (!is_temporary(response.status)) return refuse_alone(response);
  put_off(batch_.front(), "the server failed with " + std::to_string(response.status) + ": " +
                              answer_text(response.body));
  if (++failures_in_a_row_ >= kMaxFailuresInARow) {
    return end(std::unexpected(troubles_.begin()->second));
  }
  push();
}

void KintoClientSession::refuse_alone(const KintoResponse& response) {
  batch_size_ = std::min(batch_limit_, batch_size_ * 2);
  settle({{.kind = PushOutcome::Kind::refused,
           .record = &batch_.front(),
           .code = "HTTP_" + std::to_string(response.status),
           .reason = answer_text(response.body)}});
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
    troubles_.erase(making_);
    pushed_any_ = true;  // what others put there is to be read
    return push();
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
  troubles_[making_] = {
      ErrorCode::permission_denied,
      "collection \"" + making_ + "\" is not on the server and cannot be made there (" +
          std::to_string(response.status) + ": " + answer_text(response.body) + ")"};
  barriers_.collections.insert(making_);
  push();
}

}  // namespace tombolo::sync
