// A remote: a server that a Database exchanges its changes with, in the background.
//
//   auto remote = db.connect({.url = "ws://sync.example.org/v1/buckets/main/stream",
//                             .authentication = Token{"secret"}});
//   remote->wait_until_synced(10'000);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tombolo/result.h"

namespace tombolo {

namespace client {
class Engine;
class Connector;
}  // namespace client

enum class RemoteKind {
  stream,  // Tombolo's own protocol over a WebSocket (ws), understood by Kora servers too
  kinto,   // any server with the Kinto HTTP API 1.x (http)
};

// What becomes of a record that was changed here and at a kinto remote. Whatever loses goes to the
// loss ledger. (A stream remote always merges, by the collection's schema.)
enum class ConflictPolicy {
  merge,             // field by field, as the schema says; of one field the change made here stays
  server_wins,       // the remote's record
  client_wins,       // our record
  last_writer_wins,  // the record that was changed last
};

struct Token {
  std::string token;  // sent as "Authorization: Bearer" (kinto) or in the handshake (stream)
};
struct BasicCredentials {  // for kinto remotes alone
  std::string user;
  std::string password;
};
struct NoAuthentication {};
// Asked before each connection (stream) or request series (kinto), on the Database's network
// thread; a failure is reported and asked again with the usual backoff.
using CredentialsCallback =
    std::function<Result<std::variant<NoAuthentication, Token, BasicCredentials>>()>;
using Authentication = std::variant<NoAuthentication, Token, BasicCredentials, CredentialsCallback>;

struct RemoteOptions {
  // stream: ws://host/v1/buckets/main/stream; kinto: http://host/v1 (the user's default bucket) or
  // http://host/v1/buckets/main.
  std::string url;
  std::optional<RemoteKind> kind = {};  // by the URL's scheme when not given
  // The remote's name in this database: what was exchanged is remembered under it. The URL when
  // empty.
  std::string name = {};
  Authentication authentication = NoAuthentication{};
  // What to exchange. Empty: all (stream), or those that exist here or in the bucket (kinto).
  // A collection belongs to at most one kinto remote, and then to no stream remote.
  std::vector<std::string> collections = {};
  ConflictPolicy conflict_policy = ConflictPolicy::merge;
  // How often a kinto remote is asked for news; 0: only by sync_now() and after local writes.
  std::int64_t poll_interval_ms = 60'000;
  // Off: exchanges only when sync_now() or wait_until_synced() is called.
  bool automatic = true;
  // wss and https: a file of PEM certificates to trust, and no others. Empty: those of the system.
  std::string ca_file = {};
};

enum class RemoteState {
  offline,     // not connected, and not trying (disconnected, or waiting for sync_now())
  connecting,  // on the way
  syncing,     // exchanging
  idle,        // connected, everything was exchanged at that time
  waiting,     // failed; will try again at `next_attempt_ms`
  standby,     // another process on this file syncs this remote
  stopped,     // failed in a way that trying again does not heal: see `last_error`
};
std::string_view name_of(RemoteState state);

// Facts, counted from the log at the moment of the question.
struct RemoteStatus {
  std::string name;
  std::string url;
  RemoteKind kind = RemoteKind::stream;
  std::vector<std::string> collections;  // those it was connected with; empty: all
  RemoteState state = RemoteState::offline;
  std::int64_t pending = 0;       // operations that the remote has not acknowledged
  std::int64_t dead_letters = 0;  // operations that it refused for good
  // Operations of the remote's that this version of Tombolo cannot read. They are kept as they came
  // and tried again at each connection.
  std::int64_t unreadable = 0;
  // Nothing is pending or unreadable, and the last exchange of this session ended with both sides
  // holding the same. What changed there since is not known before the next exchange.
  bool synced = false;
  std::optional<std::int64_t> last_sync_ms;     // wall clock, ms since 1970
  std::optional<std::int64_t> next_attempt_ms;  // in `waiting`
  std::optional<Error> last_error;              // of the last attempt, when it failed
  std::int64_t received_operations = 0;         // of this session
  std::int64_t sent_operations = 0;
};

// A handle to a connected remote: cheap to copy, thread-safe. Dropping it leaves the remote
// connected; the Database disconnects all when it closes.
class Remote {
 public:
  const std::string& name() const;
  Result<RemoteStatus> status() const;

  // Exchanges now, without waiting for the next poll or the end of a backoff. Returns at once.
  void sync_now();

  // As sync_now(), and waits until everything that is local now has been acknowledged and
  // everything that the remote had then has arrived. Errors: timeout, unsupported (everything is
  // exchanged, but some of it is unreadable here), the remote's error when it is stopped, cancelled
  // (disconnected meanwhile), precondition_failed (called in a transaction of this thread or in a
  // callback on the network thread, where nothing can arrive). Not to be called from other
  // callbacks of the Database.
  Result<void> wait_until_synced(std::int64_t timeout_ms);

  // Stops exchanging. What is pending stays pending for the next connect under the same name. In a
  // transaction of this thread and in callbacks a batch that is just arriving is still taken.
  void disconnect();

 private:
  friend class Database;
  Remote(std::shared_ptr<client::Engine> engine, std::shared_ptr<client::Connector> connector);

  std::shared_ptr<client::Engine> engine_;
  std::shared_ptr<client::Connector> connector_;
};

}  // namespace tombolo
