#include "server.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include "base/json.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "protocol/operation_json.h"
#include "server/storage/sqlite_storage.h"
#include "server/storage/storage.h"

namespace tombolo::chaos {

namespace {

constexpr const char* kBucket = "main";
constexpr std::int64_t kStart_ms = 60'000;
constexpr std::int64_t kEnd_ms = 60'000;
constexpr std::int64_t kAllOperations = 1'000'000;

LoggedOperation logged(const core::Operation& operation) {
  LoggedOperation entry;
  entry.id = operation.id;
  entry.stamp = operation.timestamp;
  entry.increments = static_cast<int>(operation.atomic.size());
  const std::string key = operation.collection + "/" + operation.record;
  if (key.starts_with(kNotes)) {
    const bool is_delete = operation.type == core::OperationType::remove;
    entry.writes[key] = is_delete ? kDeleted : kPresent;
  } else if (key.starts_with(kDrafts) && operation.type == core::OperationType::remove) {
    entry.writes[key + "/v"] = kDeleted;
  } else if (!key.starts_with(kCounters) && operation.data) {
    for (const Member& member : *operation.data) {
      entry.writes[key + "/" + member.key] = member.value.as_string();
    }
  }
  return entry;
}

// The records of one collection, into both forms.
Result<void> read_records(server::ReadTransaction& snapshot, std::string_view scope, Object& all,
                          Contents& contents) {
  const std::string collection(scope.substr(0, scope.size() - 1));
  server::ListQuery query;
  query.list = server::ListPath::records(kBucket, collection);
  Object records;
  auto done = snapshot.list(query, [&](const server::ObjectView& object) {
    Value record = Value::parse(object.data).value_or(Value());
    const std::string id(object.id);
    const std::string key = std::string(scope) + id;
    record["id"] = id;
    if (scope == kNotes) {
      contents[key] = kPresent;
    } else if (scope == kCounters) {
      contents[key] = std::to_string(record["n"].as_integer());
    } else {
      for (const Member& member : *record.if_object()) {
        if (member.key != "id") contents[key + "/" + member.key] = member.value.as_string();
      }
    }
    records.set(id, std::move(record));
    return true;
  });
  all.set(scope, std::move(records));
  return done;
}

Result<void> read_snapshot(server::ReadTransaction& snapshot, History& history) {
  std::optional<Error> error;
  auto done = snapshot.operations_after(
      kBucket, 0, kAllOperations, [&](const server::LoggedOperation& operation) {
        const auto read = protocol::parse_operation_json(operation.body);
        if (!read) error = read.error();
        if (read) history.log.push_back(logged(*read));
        return !error;
      });
  if (!done) return done;
  if (error) return std::unexpected(*error);
  Replica replica;
  replica.name = "the server";
  Object all;
  for (const std::string_view scope : kScopes) {
    done = read_records(snapshot, scope, all, replica.contents);
    if (!done) return done;
  }
  replica.json = canonical_json(all);
  history.replicas.insert(history.replicas.begin(), std::move(replica));
  return {};
}

Result<void> read_database(const std::string& path, History& history) {
  const os::SystemClock clock;
  os::SystemRandom random;
  server::SqliteStorageOptions options;
  options.path = path;
  auto storage = server::open_sqlite_storage(options, clock, random);
  if (!storage) return fail(storage);
  auto reader = (*storage)->open_reader();
  if (!reader) return fail(reader);
  auto snapshot = (*reader)->begin();
  if (!snapshot) return fail(snapshot);
  return read_snapshot(**snapshot, history);
}

}  // namespace

Server::Server(std::string program, std::string folder, std::string address, std::uint16_t port,
               Recorder& recorder)
    : program_path_(std::move(program)),
      folder_(std::move(folder)),
      address_(std::move(address)),
      port_(port),
      recorder_(recorder) {}

std::string Server::url() const {
  return "ws://" + address_ + ":" + std::to_string(port_) + "/v1/buckets/" + kBucket + "/stream";
}

bool Server::start() {
  auto program = cli::JsonProgram::start(
      "the server",
      {.command = {program_path_, "serve", "--json", "--address", address_, "--port",
                   std::to_string(port_), "--database", file(), "--log-level", "warning"},
       .error_file = folder_ + "/server.errors"});
  auto said = program ? program->read(kStart_ms) : fail(program);
  if (!said) {
    recorder_.complain({"the server starts", said.error().message, {}});
    return false;
  }
  port_ = static_cast<std::uint16_t>((*said)["port"].as_integer());
  program_ = *std::move(program);
  return true;
}

// The files are read as a copy: the next server must find them as the killed one left them.
void Server::kill() {
  if (!program_) return;
  Event event;
  event.kind = Event::Kind::server_killed;
  event.session = "the server";
  event.invoked_ms = os::SystemClock().monotonic_ms();
  const os::ExitStatus status = program_->process().stop(SIGKILL, kEnd_ms);
  program_.reset();
  event.completed_ms = os::SystemClock().monotonic_ms();
  if (status.signal != SIGKILL) {
    recorder_.complain({"the server ends only when it is told to", "it " + status.text(), {}});
  }
  const std::filesystem::path copy = folder_ + "/killed";
  std::filesystem::create_directory(copy);
  for (const char* ending : {"", "-wal"}) {
    std::error_code missing;
    std::filesystem::remove(copy / ("server.db" + std::string(ending)), missing);
    std::filesystem::copy_file(file() + ending, copy / ("server.db" + std::string(ending)),
                               missing);
  }
  History left;
  if (auto done = read_database((copy / "server.db").string(), left); !done) {
    recorder_.complain(
        {"a killed server leaves a file that can be read", done.error().message, {}});
  }
  for (LoggedOperation& operation : left.log) event.log_ids.push_back(std::move(operation.id));
  std::error_code ignored;
  std::filesystem::remove_all(copy, ignored);
  recorder_.note(std::move(event));
}

void Server::pause() {
  if (program_) program_->process().send_signal(SIGSTOP);
}

void Server::resume() {
  if (program_) program_->process().send_signal(SIGCONT);
}

void Server::stop() {
  if (!program_) return;
  const os::ExitStatus status = program_->process().stop(SIGTERM, kEnd_ms);
  if (status.exit_code != 0) {
    recorder_.complain(
        {"the server ends only when it is told to", "told to end, it " + status.text(), {}});
  }
  program_.reset();
}

Result<void> Server::read_file(History& history) const {
  return read_database(file(), history);
}

}  // namespace tombolo::chaos
