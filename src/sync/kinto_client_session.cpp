#include "sync/kinto_client_session.h"

#include <algorithm>

#include "base/json.h"
#include "base/percent_encoding.h"

namespace tombolo::sync {
namespace {

using protocol::kinto::ObjectAnswer;

constexpr std::size_t kMaxBatchRequests = 1'000;  // whatever the server offers
constexpr std::size_t kMaxCollections = 10'000;   // of a bucket
constexpr int kMaxRounds = 20;
constexpr std::size_t kPageShrink = 8;

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

// A page that is too large, or takes too long, is asked for in parts.
void KintoClientSession::failed(const Error& error) {
  if (step_ == Step::push) return push_failed(error);
  const bool too_large =
      error.code == ErrorCode::limit_exceeded || error.code == ErrorCode::timeout;
  if (step_ != Step::pull || !too_large) return end(std::unexpected(error));
  if (page_size_ > 1) {
    page_size_ = std::max<std::size_t>(1, page_size_ / kPageShrink);
    return pull_page();
  }
  if (error.code == ErrorCode::timeout) return end(std::unexpected(error));
  skip_collection(error);
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
  if (!is_temporary(response.status)) return false;
  const bool overloaded = response.status == 503 || response.status == 429;
  if (step_ == Step::push && response.status != 429) return false;
  if (step_ != Step::hello && step_ != Step::discover && !overloaded) return false;
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
  suspects_ = options_.suspects;
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
  if (response.status == 403 || response.status == 404) return begin(found_);
  if (!is_success(response.status)) {
    return end(fail(ErrorCode::protocol, "the list of collections was answered " +
                                             std::to_string(response.status) + ": " +
                                             answer_text(response.body)));
  }
  const auto page = protocol::kinto::read_list(response.body);
  if (!page) return end(fail(page));
  for (const ObjectAnswer& collection : *page) {
    if (!collection.deleted) found_.push_back(collection.id);
  }
  if (!response.has_next_page || page->empty()) return begin(found_);
  std::string query = "&_since=%22" + std::to_string(page->back().last_modified) + "%22";
  if (query == discovery_query_ || found_.size() > kMaxCollections) {
    return end(fail(ErrorCode::protocol, "the server's list of collections has no end"));
  }
  discovery_query_ = std::move(query);
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
  cursor_ = std::max<std::int64_t>(0, *cursor);
  page_size_ = options_.page_size;
  first_page_ = true;
  holds_cursor_ = false;
  recovering_ = false;
  if (*cursor >= 0) return pull_page();
  begin_recovery();
  recovery_.server_tag = -*cursor;
  pull_page();
}

// Everything is read anew; the cursor stays until that is complete.
void KintoClientSession::begin_recovery() {
  recovering_ = true;
  recovered_to_ = 0;
  recovery_ = {};
}

// In the order of change, so that whatever is changed meanwhile comes behind what was read, and the
// last tag of a page is the place where the next one begins.
void KintoClientSession::pull_page() {
  KintoRequest request;
  request.target = collection_target(collections_[current_]) +
                   "/records?_sort=last_modified&_limit=" + std::to_string(page_size_);
  const std::int64_t since = recovering_ ? recovered_to_ : cursor_;
  if (since > 0) request.target += "&_since=%22" + std::to_string(since) + "%22";
  if (since > 0 && first_page_ && !recovering_) {
    request.headers.emplace_back("If-None-Match", quoted(since));
  }
  send(Step::pull, std::move(request));
}

void KintoClientSession::pulled(const KintoResponse& response) {
  const std::string& collection = collections_[current_];
  if (response.status == 403 || response.status == 404) return collection_missing(response);
  absent_.erase(collection);
  if (response.status == 304) return collection_done();
  if (!is_success(response.status)) {
    const bool temporary = is_temporary(response.status);
    return skip_collection({temporary ? ErrorCode::unavailable : ErrorCode::protocol,
                            "reading collection \"" + collection + "\" was answered " +
                                std::to_string(response.status) + ": " +
                                answer_text(response.body)});
  }
  auto records = protocol::kinto::read_list(response.body);
  if (!records) return skip_collection(records.error());
  page_received(std::move(*records), response);
}

// A collection that nobody made is empty. One that was read before has gone, with all that was in
// it, unless it can be made anew.
void KintoClientSession::collection_missing(const KintoResponse& response) {
  const std::string& collection = collections_[current_];
  absent_.insert(collection);
  if (response.status == 404 && (cursor_ > 0 || recovering_) && !read_only_) {
    making_ = collection;
    making_lost_ = true;
    return make_collection();
  }
  if (response.status == 403) {
    return skip_collection({ErrorCode::permission_denied,
                            "collection \"" + collection + "\" is not there or may not be read: " +
                                answer_text(response.body)});
  }
  collection_done();
}

void KintoClientSession::lost_collection_made(bool made_anew) {
  making_lost_ = false;
  const std::string& collection = collections_[current_];
  if (!made_anew) {
    return skip_collection(
        {ErrorCode::protocol, "collection \"" + collection + "\" is there and not there"});
  }
  const Recovery everything{.listed = {}, .keep_all = true, .server_tag = 0};
  if (auto done = host_.finish_recovery(collection, everything, 0); !done) return end(done);
  collection_done();
}

void KintoClientSession::collection_done() {
  if (!holds_cursor_) troubles_.erase(collections_[current_]);
  ++current_;
  pull_next();
}

// Leaves the collection as it is for now, so that it does not stop the others.
void KintoClientSession::skip_collection(Error trouble) {
  troubles_[collections_[current_]] = std::move(trouble);
  ++current_;
  pull_next();
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
  if (has_lost_history(records, response)) {
    begin_recovery();
    return pull_page();
  }
  const std::string& collection = collections_[current_];
  const bool in_order = std::is_sorted(records.begin(), records.end(),
                                       [](const ObjectAnswer& left, const ObjectAnswer& right) {
                                         return left.last_modified < right.last_modified;
                                       });
  std::int64_t last = 0;
  for (const ObjectAnswer& record : records) last = std::max(last, record.last_modified);
  const bool ends = !response.has_next_page;
  if (!ends && (!in_order || last <= (recovering_ ? recovered_to_ : cursor_))) {
    return skip_collection({ErrorCode::protocol, "the pages of collection \"" + collection +
                                                     "\" do not come in the order of change"});
  }
  const std::int64_t tag = protocol::kinto::read_tag(response.etag);
  const std::int64_t reached = ends ? std::max(tag, last) : last;
  if (recovering_ && first_page_) {
    const std::int64_t known = recovery_.server_tag;
    recovery_.server_tag = known == 0 ? tag : std::min(known, tag);
  }
  if (recovering_) {
    for (const ObjectAnswer& record : records) {
      if (!record.deleted) recovery_.listed.insert(record.id);
    }
  }
  std::erase_if(records, [&](const ObjectAnswer& record) {
    if (record.unusable.empty()) return false;
    holds_cursor_ = true;
    troubles_[collection] = {
        ErrorCode::limit_exceeded,
        "a record of collection \"" + collection + "\" cannot be kept here: " + record.unusable};
    return true;
  });
  std::int64_t cursor = holds_cursor_ ? 0 : reached;
  if (recovering_) cursor = first_page_ && !ends ? -recovery_.server_tag : 0;
  if (auto done = host_.apply_page(collection, records, cursor); !done) return end(done);
  if (recovering_) {
    recovered_to_ = reached;
  } else {
    cursor_ = std::max(cursor_, reached);
  }
  first_page_ = false;
  if (!ends) return pull_page();
  if (recovering_) {
    recovery_.keep_all = recovery_.listed.empty();
    auto done = host_.finish_recovery(collection, recovery_, holds_cursor_ ? 0 : recovered_to_);
    if (!done) return end(done);
    recovery_ = {};
    recovering_ = false;
  }
  collection_done();
}

// What was pushed comes back with the next pull, together with what others wrote meanwhile.
void KintoClientSession::finish() {
  if (unauthenticated_) {
    return end(fail(ErrorCode::unauthenticated, "the server does not take the credentials"));
  }
  const bool enough = ++rounds_ >= kMaxRounds;
  if (enough && contested_any_) {
    return end(fail(ErrorCode::unavailable,
                    "others keep changing the same records; the exchange is broken off for now"));
  }
  contested_any_ = false;
  if (pushed_any_ && !enough) {  // enough: only what is written here while we push is left
    pushed_any_ = false;
    current_ = 0;
    return pull_next();
  }
  if (!troubles_.empty()) return end(std::unexpected(troubles_.begin()->second));
  end({});
}

}  // namespace tombolo::sync
