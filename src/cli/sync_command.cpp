// `tombolo sync`: exchanges with remotes once, or stays connected. The database remembers the
// remotes; credentials it never keeps.
#include <algorithm>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_views.h"
#include "cli/progress.h"
#include "cli/remote_words.h"
#include "cli/table.h"
#include "net/url.h"
#include "os/clock.h"
#include "os/environment.h"
#include "os/signals.h"

namespace tombolo::cli {

namespace {

constexpr std::int64_t kLookEvery_ms = 40;
constexpr std::int64_t kDefaultTimeout_seconds = 300;
constexpr std::int64_t kMostSeconds = 1'000'000;

Result<RemoteOptions> read_options(const Arguments& arguments) {
  const auto given = [&](std::string_view option, const std::string& variable) {
    if (const auto value = arguments.value(option)) return *value;
    return os::environment_variable(variable).value_or("");
  };
  RemoteOptions options;
  options.url = arguments.positional(0);
  if (!options.url.empty()) {
    if (const auto url = net::parse_url(options.url); !url) return fail(url);
  }
  options.name = arguments.value("--name").value_or("");
  options.collections = arguments.values("--collection");
  auto authentication =
      read_authentication(given("--token", "TOMBOLO_TOKEN"), given("--user", "TOMBOLO_USER"),
                          given("--password", "TOMBOLO_PASSWORD"));
  if (!authentication) return fail(authentication);
  options.authentication = *std::move(authentication);
  const auto policy = read_policy(arguments.value("--policy").value_or("merge"));
  if (!policy) return fail(policy);
  options.conflict_policy = *policy;
  return options;
}

// What to connect to: the URL given, or every remote that the database knows. A remote that is
// known keeps its collections unless others are named.
Result<std::vector<RemoteOptions>> chosen_remotes(const Database& database,
                                                  const RemoteOptions& options) {
  const auto status = database.status();
  if (!status) return fail(status);
  const std::string& wanted = options.name.empty() ? options.url : options.name;
  std::vector<RemoteOptions> chosen;
  for (const RemoteStatus& known : status->remotes) {
    if (!wanted.empty() && wanted != known.name) continue;
    RemoteOptions remote = options;
    if (remote.url.empty()) remote.url = known.url;
    remote.name = known.name;
    if (options.url.empty()) remote.kind = known.kind;
    if (remote.collections.empty()) remote.collections = known.collections;
    chosen.push_back(std::move(remote));
  }
  if (chosen.empty() && !options.url.empty()) chosen.push_back(options);
  if (chosen.empty()) {
    return fail(ErrorCode::not_found,
                "this database knows no such remote yet; name its URL, for example `tombolo sync "
                "ws://localhost:8888/v1/buckets/main/stream`");
  }
  return chosen;
}

// The error with what may be done about it, and what it means for the data.
Error explained(const RemoteStatus& status, Error error) {
  if (error.code == ErrorCode::unauthenticated) {
    error.message +=
        "; say who you are with TOMBOLO_TOKEN, or with TOMBOLO_USER and TOMBOLO_PASSWORD";
  }
  if (error.code == ErrorCode::protocol && status.kind == RemoteKind::stream) {
    error.message += "; the path of a stream is /v1/buckets/BUCKET/stream";
  }
  if (status.pending > 0) {
    error.message += "; " + counted(status.pending, "operation") +
                     (status.pending == 1 ? " stays" : " stay") + " pending for " + status.url;
  }
  return error;
}

// Waits until the remote is level, or has failed, or the time is over, or we are to stop.
Result<RemoteStatus> exchange(const Context& context, const Remote& remote, std::int64_t timeout_ms,
                              os::StopSignal& stop) {
  const os::SystemClock clock;
  const std::int64_t deadline_ms = clock.monotonic_ms() + timeout_ms;
  Progress progress("exchanging with " + remote.name(), !context.json());
  while (true) {
    auto status = remote.status();
    if (!status) return status;
    if (status->synced) return status;
    if (status->state == RemoteState::standby && status->pending == 0) return status;
    const bool has_failed = status->state == RemoteState::waiting ||
                            status->state == RemoteState::stopped ||
                            status->state == RemoteState::idle;
    if (has_failed && status->last_error) {
      return std::unexpected(explained(*status, *status->last_error));
    }
    progress.show(status->sent_operations + status->received_operations, 0);
    if (clock.monotonic_ms() > deadline_ms) {
      return std::unexpected(
          explained(*status, {ErrorCode::timeout, "the exchange with " + status->url +
                                                      " is not finished "
                                                      "after " +
                                                      counted(timeout_ms / 1000, "second")}));
    }
    if (stop.wait_for(kLookEvery_ms) >= 0) {
      return std::unexpected(explained(*status, {ErrorCode::cancelled, "stopped"}));
    }
  }
}

void report(const Context& context, const RemoteStatus& status, std::int64_t losses) {
  if (context.json()) {
    Value value = to_value(status);
    value["new_losses"] = losses;
    context.print_json(value);
    return;
  }
  std::string text = status.state == RemoteState::standby
                         ? "another process exchanges with " + status.url + "; nothing is pending"
                         : "synced with " + status.url + ": sent " +
                               grouped_number(status.sent_operations) + ", received " +
                               counted(status.received_operations, "operation");
  if (losses > 0) text += "; " + counted(losses, "value") + " lost a conflict (tombolo losses)";
  context.print_line(text);
}

void print_event(const Context& context, const Event& event) {
  if (context.json()) {
    context.print_json(to_value(event));
    return;
  }
  std::string text(name_of(event.type));
  if (!event.remote.empty()) text += " " + event.remote;
  if (!event.collection.empty()) text += " " + event.collection;
  for (const std::string& record : event.records) text += " " + record;
  if (event.type == Event::Type::sync_finished) {
    text += ": sent " + grouped_number(event.sent) + ", received " + grouped_number(event.received);
  }
  if (event.error) text += ": " + event.error->message;
  context.print_line(cut_to_width(text, context.columns()));
}

int stay_connected(const Context& context, const Database& database,
                   const std::vector<RemoteOptions>& chosen, os::StopSignal& stop) {
  const Subscription subscription = database.subscribe([&context, &stop](const Event& event) {
    print_event(context, event);
    if (Context::has_lost_output()) stop.request();
  });
  for (const RemoteOptions& options : chosen) {
    if (const auto remote = database.connect(options); !remote) {
      return context.failure(remote.error());
    }
  }
  context.note("staying connected; Ctrl-C ends");
  stop.wait();
  return kSuccess;
}

int forget(const Context& context, const Database& database, const RemoteOptions& options) {
  const std::string& name = options.name.empty() ? options.url : options.name;
  if (name.empty()) return context.misuse("--forget takes the URL of the remote, or its --name");
  if (const auto done = database.forget_remote(name); !done) return context.failure(done.error());
  if (context.json()) context.print_json({{"forgotten", name}});
  context.note("forgot " + name);
  return kSuccess;
}

bool knows(const DatabaseStatus& status, const std::string& name) {
  return std::ranges::any_of(status.remotes,
                             [&](const RemoteStatus& known) { return known.name == name; });
}

// Whether nothing was ever exchanged, so that there is nothing to remember.
bool is_unreached(const Result<RemoteStatus>& status) {
  return status && !status->last_sync_ms && status->sent_operations == 0 &&
         status->received_operations == 0;
}

// Exchanges with one remote, once. A new one that was not reached is forgotten again, so that a
// mistyped URL does not fail for ever after.
int sync_once(const Context& context, const Database& database, const RemoteOptions& wanted,
              std::int64_t timeout_ms, os::StopSignal& stop) {
  const auto before = database.status();
  if (!before) return context.failure(before.error());
  auto remote = database.connect(wanted);
  if (!remote) return context.failure(remote.error());
  const auto status = exchange(context, *remote, timeout_ms, stop);
  const auto after = database.status();
  const bool is_in_vain = !status && is_unreached(remote->status());
  remote->disconnect();
  if (!after) return context.failure(after.error());
  if (status) {
    report(context, *status, after->losses - before->losses);
    return kSuccess;
  }
  if (is_in_vain && !knows(*before, remote->name())) {
    (void)database.forget_remote(remote->name());
  }
  return context.failure(status.error());
}

int run_sync(Context& context, const Arguments& arguments) {
  const auto options = read_options(arguments);
  if (!options) return context.misuse(options.error().message);
  const auto timeout = arguments.integer("--timeout", 1, kMostSeconds);
  if (!timeout) return context.misuse(timeout.error().message);
  const bool forgets = arguments.has("--forget");
  os::StopSignal stop;  // before the database starts threads
  const auto database = context.open_database(
      options->url.empty() || forgets ? Context::Missing::refuse : Context::Missing::create);
  if (!database) return context.failure(database.error());
  if (forgets) return forget(context, *database, *options);
  const auto chosen = chosen_remotes(*database, *options);
  if (!chosen) return context.failure(chosen.error());
  if (arguments.has("--watch")) return stay_connected(context, *database, *chosen, stop);

  int exit_code = kSuccess;
  const std::int64_t timeout_ms = timeout->value_or(kDefaultTimeout_seconds) * 1000;
  for (const RemoteOptions& wanted : *chosen) {
    const int one = sync_once(context, *database, wanted, timeout_ms, stop);
    if (one != kSuccess) exit_code = one;
  }
  return exit_code;
}

}  // namespace

Command sync_command() {
  return {
      "sync",
      "Exchange",
      "exchange changes with a server, once or for as long as it runs",
      {{"URL", "ws:// or wss:// (stream), http:// or https:// (Kinto); none: those known", false}},
      {{"--watch", "", "stay connected and print what happens, until Ctrl-C"},
       {"--token", "TOKEN", "who you are (or set TOMBOLO_TOKEN)"},
       {"--user", "USER", "who you are, with a password (or set TOMBOLO_USER)"},
       {"--password", "PASSWORD", "better set TOMBOLO_PASSWORD: others can see arguments"},
       {"--collection", "COLLECTION", "only this one (may be repeated)", true},
       {"--policy", "POLICY",
        "kinto: merge, server_wins, client_wins or last_writer_wins in a conflict"},
       {"--name", "NAME", "how the database remembers the remote (its URL)"},
       {"--timeout", "SECONDS", "give up after (300)"},
       {"--forget", "", "forget the remote: nothing is pending for it any more"}},
      "The database remembers its remotes, so that later `tombolo sync` alone does. It never\n"
      "keeps a token or a password.",
      {"tombolo sync ws://localhost:8888/v1/buckets/main/stream",
       "tombolo sync http://localhost:8888/v1/buckets/main --user alice", "tombolo sync --watch"},
      run_sync};
}

}  // namespace tombolo::cli
