// The server's settings: a TOML file, overridden by the environment (TOMBOLO_SECTION_KEY),
// overridden by flags. packaging/tombolo.toml shows every one with its default and its meaning.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"

#include "tombolo/result.h"

namespace tombolo::server {

struct ServerSection {
  std::string address = "127.0.0.1";
  std::int64_t port = 8888;  // 0: a free one
  std::int64_t io_threads = 1;
  std::int64_t stop_timeout_ms = 10'000;  // for requests in progress, when asked to stop
};

struct DatabaseSection {
  std::string path = "tombolo.db";
};

struct LogSection {
  std::string level = "info";    // debug, info, warning, error
  std::string format = "human";  // human, json
  bool requests = true;          // one line for each
};

struct LimitsSection {
  std::int64_t body_bytes = 16 << 20;
  std::int64_t connections = 50'000;
  std::int64_t queued_writes = 10'000;
  std::int64_t message_bytes = 16 << 20;  // of a WebSocket
};

struct KintoSection {
  std::string project_name = "tombolo";
  std::string http_scheme = "http";  // of the URLs in answers; "https" behind a proxy with TLS
  std::string http_host;             // in them; empty: what the request says (Host)
  std::string userid_hmac_secret;    // empty: made at the first start and kept in the database
  std::int64_t batch_max_requests = 25;
  std::int64_t paginate_by = 0;  // 0: pages only as large as max_fetch_size
  std::int64_t max_fetch_size = 10'000;
  bool flush_enabled = false;
  bool readonly = false;
  bool explicit_permissions = true;
  std::vector<std::string> cors_origins = {"*"};
  std::int64_t cors_max_age_seconds = 3600;
  std::int64_t retry_after_seconds = 3;
  // "bucket_create_principals" and the like, in [kinto.principals] as bucket_create = [...].
  std::map<std::string, std::vector<std::string>, std::less<>> principals = {
      {"bucket_create_principals", {"system.Authenticated"}}};
};

struct StreamSection {
  std::string default_bucket = "main";
  bool open_access = true;  // who shows no token is anonymous (system.Everyone); else refused
  std::map<std::string, std::string, std::less<>> tokens;  // token -> user
  std::int64_t max_operation_bytes = 262'144;
  std::int64_t max_clock_ahead_ms = 60'000;     // of an operation's stamp before the server's clock
  std::int64_t max_nodes_per_bucket = 100'000;  // that ever wrote in it
  std::int64_t max_new_nodes_per_session = 1000;   // whose first operations it brings
  std::int64_t max_uncommitted_operations = 4000;  // of a session; beyond, it is read more slowly
  std::int64_t operations_per_second = 0;  // of a session, likewise; 0: as many as can be written
  std::int64_t operations_burst = 10'000;
};

struct Configuration {
  ServerSection server;
  DatabaseSection database;
  LogSection log;
  LimitsSection limits;
  KintoSection kinto;
  StreamSection stream;

  LogLevel log_level() const;
};

// Reads TOML over what `configuration` holds. Unknown keys, wrong types and values out of range
// fail with invalid_argument naming `source`, the line and what is expected.
Result<void> apply_toml(Configuration& configuration, std::string_view text,
                        std::string_view source);

// Applies variables ("TOMBOLO_SERVER_PORT", "9000"). Unknown names with the prefix fail, except
// TOMBOLO_CONFIG, which names the file. Lists are separated by spaces or commas.
Result<void> apply_environment(Configuration& configuration,
                               const std::vector<std::pair<std::string, std::string>>& variables);

// Sets one setting by its dotted name ("server.port") from text, as a flag does. `source` is named
// in errors.
Result<void> apply_setting(Configuration& configuration, std::string_view name,
                           std::string_view text, std::string_view source);

}  // namespace tombolo::server
