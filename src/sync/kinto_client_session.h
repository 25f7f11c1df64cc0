// The client end of one exchange with a Kinto server (Kinto API 1.x), as a state machine without
// I/O, clock or randomness: answers go in, requests and effects come out through a host.
//
// An exchange asks what the server is, pulls what changed in each collection page by page, pushes
// what is pending in batches with preconditions, and pulls again until nothing is left on either
// side. Each page is applied with its cursor in one transaction, so that an exchange may be cut
// anywhere and the next one goes on. A write that the server refuses for good, or that makes it
// fail, never stops the others.
//
// A session is one exchange; make a new one for the next. The host's functions are called from
// within the session's, and must not call back into it. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/kinto_answers.h"

#include "tombolo/result.h"

namespace tombolo::sync {

struct KintoRequest {
  std::string method = "GET";
  std::string target;  // below the API's root: "/buckets/main/collections/todo/records?_limit=1000"
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};  // JSON, or nothing
};

struct KintoResponse {
  int status = 0;
  std::string_view etag;
  bool has_next_page = false;
  std::int64_t wait_ms = 0;  // of Backoff or Retry-After, the longer one
  std::string_view body;
};

// A record with changes that the server lacks, and what it should become there.
struct PendingRecord {
  std::int64_t key = 0;       // the host's, for the record
  std::int64_t found_at = 0;  // the position of the pending operation that it was found by
  std::int64_t position = 0;  // of the newest operation that `data` contains
  bool in_doubt = false;      // the same was sent before, and no answer came
  std::string collection;
  std::string id;
  std::optional<std::string> base_version;  // the living record that the server is known to have
  bool deleted = false;
  std::string data;  // JSON of the fields
};

// What became of a pushed record.
struct PushOutcome {
  enum class Kind {
    accepted,   // the server has it, as `remote`
    unneeded,   // it was made and deleted here: nothing had to be sent
    contested,  // the server has `remote` meanwhile
    gone,       // the server has no such record any more
    refused,    // for good, with `code` and `reason`
    undone,     // the server took nothing of it and said so: it stays pending
  };
  Kind kind = Kind::accepted;
  const PendingRecord* record = nullptr;
  protocol::kinto::ObjectAnswer remote = {};
  std::string code = {};
  std::string reason = {};
};

// How the records that a server which lost its history does not list any more are to be understood:
// those that are newer than its history it has lost, so they go up again; the others were deleted.
struct Recovery {
  std::set<std::string, std::less<>> listed;
  bool keep_all = false;        // it has nothing left: everything goes up again
  std::int64_t server_tag = 0;  // where its history ended when the listing began
};

// What is not to be pushed now.
struct PushBarriers {
  std::set<std::string, std::less<>> collections;
  std::set<std::int64_t> records;
  std::int64_t after = 0;  // the positions up to this one have been looked at
  std::int64_t until = 0;  // and those above it are too new
};

class KintoClientHost {
 public:
  virtual ~KintoClientHost() = default;

  // Sends a request, answered by one call of answered() or failed(), later.
  virtual void send(KintoRequest request) = 0;
  // The session is over. `wait_ms`: the server asks to be left alone for so long.
  virtual void ended(const Result<void>& result, std::int64_t wait_ms) = 0;

  // The collections to exchange, given those that the bucket has.
  virtual Result<std::vector<std::string>> collections(std::span<const std::string> found) = 0;
  // The tag up to which the collection was read; 0: never; negative: the server had lost history
  // when its time was this, and was not read anew to the end.
  virtual Result<std::int64_t> read_cursor(std::string_view collection) = 0;
  // Applies records in order and sets the cursor (not when `cursor` is 0), in one transaction.
  virtual Result<void> apply_page(std::string_view collection,
                                  std::span<const protocol::kinto::ObjectAnswer> records,
                                  std::int64_t cursor) = 0;
  // Decides about the records that a whole listing did not show, and sets the cursor.
  virtual Result<void> finish_recovery(std::string_view collection, const Recovery& recovery,
                                       std::int64_t cursor) = 0;
  // The position of the newest operation of all.
  virtual Result<std::int64_t> newest_position() = 0;
  // Records with pending operations, the oldest first.
  virtual Result<std::vector<PendingRecord>> read_pending(std::size_t max_records,
                                                          std::size_t max_bytes,
                                                          const PushBarriers& barriers) = 0;
  // Remembers what is about to be sent, and makes of `data` what the server is to get.
  virtual Result<void> prepare_push(std::span<PendingRecord> records) = 0;
  virtual Result<void> apply_outcomes(std::span<const PushOutcome> outcomes) = 0;
};

struct KintoClientOptions {
  std::string bucket = "default";
  bool discover = false;  // ask the bucket for its collections
  std::size_t page_size = 1'000;
  std::size_t max_batch_bytes = 1024 * 1024;
  std::set<std::int64_t> suspects = {};  // records that had to wait last time: pushed after others
};

class KintoClientSession {
 public:
  KintoClientSession(KintoClientHost& host, KintoClientOptions options)
      : host_(host), options_(std::move(options)), page_size_(options_.page_size) {}

  void start();
  void answered(const KintoResponse& response);
  void failed(const Error& error);  // no answer came

  bool over() const { return step_ == Step::over; }
  // The records that had to wait: the suspects of the next exchange.
  const std::set<std::int64_t>& put_off() const { return barriers_.records; }

 private:
  enum class Step { idle, hello, discover, pull, push, make_collection, make_bucket, over };

  void send(Step step, KintoRequest request);
  void end(const Result<void>& result);
  bool is_dead_end(const KintoResponse& response);

  void hello_answered(const KintoResponse& response);
  void discover();
  void discovered(const KintoResponse& response);
  void begin(std::span<const std::string> found);

  void pull_next();
  void pull_page();
  void pulled(const KintoResponse& response);
  void page_received(std::vector<protocol::kinto::ObjectAnswer> records,
                     const KintoResponse& response);
  void collection_done();
  void skip_collection(Error trouble);
  void collection_missing(const KintoResponse& response);
  void begin_recovery();
  bool has_lost_history(std::span<const protocol::kinto::ObjectAnswer> records,
                        const KintoResponse& response) const;

  void push();
  void push_next();
  bool begin_next_pass();
  Result<void> drop_unneeded();
  void send_batch();
  void pushed(const KintoResponse& response);
  void judge(const PendingRecord& record, protocol::kinto::BatchAnswer answer,
             std::vector<PushOutcome>& outcomes);
  void judge_contest(const PendingRecord& record, const Value& existing,
                     std::vector<PushOutcome>& outcomes);
  void put_off(const PendingRecord& record, const std::string& why);
  void batch_failed(int status, const std::string& why);
  void push_failed(const Error& error);
  void settle(std::span<const PushOutcome> outcomes);

  void make_collection();
  void collection_made(const KintoResponse& response);
  void bucket_made(const KintoResponse& response);
  void collection_refused(const KintoResponse& response);
  void lost_collection_made(bool made_anew);
  void finish();

  std::string collection_target(std::string_view collection) const;

  KintoClientHost& host_;
  const KintoClientOptions options_;
  Step step_ = Step::idle;
  std::int64_t wait_ms_ = 0;
  bool read_only_ = false;
  std::size_t batch_limit_ = 1;
  std::size_t batch_size_ = 1;  // at most batch_limit_; smaller after a batch was refused
  std::string discovery_query_;
  std::vector<std::string> found_;
  std::optional<Error> hidden_bucket_;

  std::vector<std::string> collections_;
  std::size_t current_ = 0;  // of collections_, while pulling
  std::int64_t cursor_ = 0;
  std::size_t page_size_ = 1;  // at most options_.page_size; smaller after a page was too large
  bool first_page_ = true;
  bool holds_cursor_ = false;  // something that could not be kept lies behind it
  bool recovering_ = false;
  std::int64_t recovered_to_ = 0;  // the last tag of the listing so far
  Recovery recovery_;

  std::vector<PendingRecord> batch_;
  bool pushed_any_ = false;
  bool contested_any_ = false;    // since the last pull
  bool pass_again_ = false;       // something before PushBarriers::after has to be pushed again
  bool unauthenticated_ = false;  // the server did not take the credentials for a record
  std::set<std::int64_t> suspects_;
  int rounds_ = 0;
  std::set<std::string, std::less<>> absent_;  // collections that cannot be read
  std::set<std::string, std::less<>> made_;    // and those that were made for that
  std::string making_;                         // the one that is being made
  bool making_lost_ = false;                   // because the server had it once
  bool bucket_tried_ = false;
  int failures_in_a_row_ = 0;
  PushBarriers barriers_;
  std::map<std::int64_t, int> contests_;  // how often a record was contested
  std::set<std::int64_t> unanswered_;     // records that were sent, perhaps taken, and not answered
  // What keeps the exchange from success, by the collection or record that it is about.
  std::map<std::string, Error, std::less<>> troubles_;
};

}  // namespace tombolo::sync
