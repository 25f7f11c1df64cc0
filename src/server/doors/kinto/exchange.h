// One request to Kinto's API and what it is answered in: what the endpoints share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"
#include "protocol/kinto_body.h"
#include "protocol/kinto_error.h"
#include "protocol/kinto_precondition.h"
#include "protocol/kinto_query.h"
#include "protocol/kinto_route.h"
#include "server/door.h"

namespace tombolo::server::kinto {

namespace api = protocol::kinto;

// A request, of its own or carried by a batch. All that can be read from its text alone is read on
// the I/O thread; what was wrong there is told once the permissions are known.
struct Call {
  net::HttpMethod method = net::HttpMethod::get;
  std::string path;  // of a request in a batch: decoded, or as sent when that is no text
  api::Route route;
  bool in_default_bucket = false;  // the path said "default"; `route` has the real bucket
  net::HttpHeaders headers;
  std::shared_ptr<const Identity> identity;
  std::string host;  // what the request calls this server, e.g. "localhost:8888"; empty for none
  api::Checked<std::vector<api::Parameter>> parameters;
  api::Checked<api::Preconditions> preconditions;
  api::PatchKind patch_kind = api::PatchKind::shallow;
  api::Checked<Value> body;

  bool is_read() const { return method == net::HttpMethod::get || method == net::HttpMethod::head; }
};

// Where an endpoint works: in a snapshot on the I/O thread, or in the writer's transaction.
class Scope {
 public:
  Scope(const DoorContext& door, ReadTransaction& transaction)
      : door_(door), transaction_(transaction) {}
  Scope(const DoorContext& door, WriteContext& writing)
      : door_(door), transaction_(writing.transaction()), writing_(&writing) {}

  const DoorContext& door() const { return door_; }
  const KintoSection& settings() const { return door_.configuration.kinto; }
  ReadTransaction& transaction() { return transaction_; }
  std::int64_t now_ms() const { return writing_ ? writing_->now_ms() : door_.clock.wall_ms(); }

  // Null in a snapshot. An endpoint that finds out that it must write asks for the writer and
  // gives up; it is then run again there.
  WriteContext* writing() { return writing_; }
  std::unexpected<api::ApiError> ask_for_writer();
  bool asked_for_writer() const { return asked_for_writer_; }

  // Much work may be done in parts (server/writer.h), except within a batch. An endpoint that has
  // more to do asks for another part and gives up; what it has written so far is committed, and it
  // is run again.
  enum class Part { only, first, later };
  void set_part(Part part) { part_ = part; }
  Part part() const { return part_; }
  std::unexpected<api::ApiError> ask_for_another_part();
  bool asked_for_another_part() const { return asked_for_another_part_; }

 private:
  const DoorContext& door_;
  ReadTransaction& transaction_;
  WriteContext* writing_ = nullptr;
  bool asked_for_writer_ = false;
  Part part_ = Part::only;
  bool asked_for_another_part_ = false;
};

// The address that the client used: "http://host:port", unless the settings say otherwise.
std::string origin_of(const KintoSection& settings, const Call& call);

using Answer = api::Checked<net::HttpResponse>;

// The refusal for an error of the storage: 503, its text for the log.
api::ApiError storage_failure(const Error& error);
template <typename T>
std::unexpected<api::ApiError> storage_failure(const Result<T>& result) {
  return api::refuse(storage_failure(result.error()));
}

// 401 for who is not authenticated, else 403.
std::unexpected<api::ApiError> not_permitted(const Call& call);

net::HttpResponse json_answer(int status, std::string body);
void set_timestamp(net::HttpResponse& response, std::int64_t timestamp);  // ETag, Last-Modified
net::HttpResponse error_answer(const Call& call, const KintoSection& settings,
                               const api::ApiError& error);

ListPath list_path(const api::Route& route);
ObjectPath object_path(const api::Route& route);
ObjectPath collection_path(const api::Route& route);

}  // namespace tombolo::server::kinto
