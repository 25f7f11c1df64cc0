// How things stand: status, losses, dead-letters, operations.
#include <charconv>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_views.h"
#include "cli/table.h"

namespace tombolo::cli {

namespace {

constexpr const char* kGroup = "Exchange";
constexpr std::int64_t kShownOperations = 20;
constexpr std::int64_t kMostOperations = 1'000'000;

std::string remote_state(const RemoteStatus& remote) {
  if (remote.synced) return "synced";
  std::string text(name_of(remote.state));
  if (remote.last_sync_ms) text += ", last exchange " + time_text(*remote.last_sync_ms) + " UTC";
  return text;
}

int run_status(Context& context, const Arguments&) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const auto status = database->status();
  if (!status) return context.failure(status.error());
  const auto collections = database->collections();
  if (!collections) return context.failure(collections.error());
  if (context.json()) {
    Value value = to_value(*status);
    value["path"] = context.database_path();
    value["collections"] = to_value(*collections);
    context.print_json(value);
    return kSuccess;
  }
  std::string text = "database      " + context.database_path() + "\n" + "device        " +
                     status->node + "\n" + "operations    " + grouped_number(status->operations) +
                     "\n" + "pending       " + grouped_number(status->pending) + "\n" +
                     "losses        " + grouped_number(status->losses) + "\n" + "dead letters  " +
                     grouped_number(status->dead_letters) + "\n";
  for (const CollectionInfo& collection : *collections) {
    text +=
        "collection    " + collection.name + ": " + counted(collection.records, "record") + "\n";
  }
  for (const RemoteStatus& remote : status->remotes) {
    text += "remote        " + remote.name + (remote.name == remote.url ? "" : " " + remote.url) +
            " (" + std::string(name_of_kind(remote.kind)) + "): " + remote_state(remote) + ", " +
            grouped_number(remote.pending) + " pending" +
            (remote.unreadable > 0
                 ? ", " + counted(remote.unreadable, "operation") + " cannot be read yet"
                 : "") +
            "\n";
  }
  if (status->remotes.empty()) text += "remote        none yet (tombolo sync URL)\n";
  context.print(text);
  return kSuccess;
}

std::string value_text(const std::optional<Value>& value) {
  return value ? cell_text(*value) : "(removed)";
}

int list_losses(const Context& context, const Database& database) {
  const auto losses = database.losses();
  if (!losses) return context.failure(losses.error());
  if (context.json()) {
    for (const Loss& loss : *losses) context.print_json(to_value(loss));
    return kSuccess;
  }
  Table table({"id", "collection", "record", "field", "lost", "won", "rule", "noticed (UTC)"});
  table.align_right(0);
  for (const Loss& loss : *losses) {
    table.add({std::to_string(loss.id), loss.collection, loss.record,
               loss.field.empty() ? "(all)" : loss.field, value_text(loss.losing_value),
               value_text(loss.winning_value), loss.rule, time_text(loss.noticed_ms)});
  }
  if (!losses->empty()) context.print(table.text(context.columns(), context.color()));
  context.note(losses->empty() ? "nothing lost"
                               : "`tombolo losses restore ID` writes the lost value again, "
                                 "`tombolo losses dismiss ID` takes it off this list");
  return kSuccess;
}

int list_dead_letters(const Context& context, const Database& database) {
  const auto letters = database.dead_letters();
  if (!letters) return context.failure(letters.error());
  if (context.json()) {
    for (const DeadLetter& letter : *letters) context.print_json(to_value(letter));
    return kSuccess;
  }
  Table table({"id", "remote", "collection", "record", "code", "reason", "refused (UTC)"});
  table.align_right(0);
  for (const DeadLetter& letter : *letters) {
    table.add({std::to_string(letter.id), letter.remote, letter.collection, letter.record,
               letter.code, cell_text(letter.reason), time_text(letter.refused_ms)});
  }
  if (!letters->empty()) context.print(table.text(context.columns(), context.color()));
  context.note(letters->empty() ? "no dead letters"
                                : "`tombolo dead-letters retry ID` sends it again, "
                                  "`tombolo dead-letters discard ID` takes the change back");
  return kSuccess;
}

using ListFunction = int (*)(const Context&, const Database&);
using ActFunction = Result<void> (Database::*)(std::int64_t) const;
struct Action {
  std::string_view word;
  ActFunction act;
  std::string_view done;  // "restored"
};

// `tombolo losses`, `tombolo losses restore 3`: a list, or an action on one entry of it.
int run_ledger(const Context& context, const Arguments& arguments, ListFunction list,
               const std::vector<Action>& actions) {
  const std::string word = arguments.positional(0);
  const std::string id_text = arguments.positional(1);
  const Action* action = nullptr;
  std::int64_t id = 0;
  if (!word.empty()) {
    for (const Action& candidate : actions) {
      if (candidate.word == word) action = &candidate;
    }
    if (action == nullptr) {
      return context.misuse("\"" + word + "\" is neither \"" + std::string(actions[0].word) +
                            "\" nor \"" + std::string(actions[1].word) + "\"");
    }
    const char* end = id_text.data() + id_text.size();
    const auto [rest, problem] = std::from_chars(id_text.data(), end, id);
    if (id_text.empty() || problem != std::errc() || rest != end) {
      return context.misuse(word + " takes the number that stands under \"id\" in the list");
    }
  }
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  if (action == nullptr) return list(context, *database);
  if (const auto done = (*database.*action->act)(id); !done) return context.failure(done.error());
  if (context.json()) context.print_json({{action->done.data(), id}});
  context.note(std::string(action->done) + " " + id_text);
  return kSuccess;
}

int run_losses(Context& context, const Arguments& arguments) {
  return run_ledger(context, arguments, list_losses,
                    {{"restore", &Database::restore_loss, "restored"},
                     {"dismiss", &Database::dismiss_loss, "dismissed"}});
}

int run_dead_letters(Context& context, const Arguments& arguments) {
  return run_ledger(context, arguments, list_dead_letters,
                    {{"retry", &Database::retry_dead_letter, "retried"},
                     {"discard", &Database::discard_dead_letter, "discarded"}});
}

// When an operation was written, by its author's clock: its stamp begins with the milliseconds.
std::string written_text(const std::string& timestamp) {
  std::int64_t wall_ms = 0;
  std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), wall_ms);
  return time_text(wall_ms);
}

int run_operations(Context& context, const Arguments& arguments) {
  const auto limit = arguments.integer("--limit", 1, kMostOperations);
  if (!limit) return context.misuse(limit.error().message);
  if (arguments.positionals().size() == 1) {
    return context.misuse("ID is missing: the operations of one record take COLLECTION and ID");
  }
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const auto operations = database->operations(limit->value_or(kShownOperations),
                                               arguments.positional(0), arguments.positional(1));
  if (!operations) return context.failure(operations.error());
  if (context.json()) {
    for (const OperationInfo& operation : *operations) context.print_json(to_value(operation));
    return kSuccess;
  }
  const auto status = database->status();
  if (!status) return context.failure(status.error());
  Table table({"operation", "type", "collection", "record", "written (UTC)", "device", "state"});
  constexpr int kShortId = 12;
  for (const OperationInfo& operation : *operations) {
    table.add({cut_to_width(operation.id, kShortId), operation.type, operation.collection,
               operation.record, written_text(operation.timestamp),
               operation.node == status->node ? "this one" : operation.node,
               operation.pending ? "pending" : ""});
  }
  context.print(table.text(context.columns(), context.color()));
  return kSuccess;
}

}  // namespace

Command status_command() {
  return {"status",
          kGroup,
          "show what the database holds and what is pending for which remote",
          {},
          {},
          "Counted from the log at this moment. A remote shows as synced only while a process is\n"
          "connected to it; what was exchanged before is in the time and in \"pending\".",
          {"tombolo status"},
          run_status};
}

Command losses_command() {
  return {
      "losses",
      kGroup,
      "list the values that lost a conflict; restore one",
      {{"ACTION", "restore or dismiss; without one, the list", false}, {"ID", "the loss", false}},
      {},
      "",
      {"tombolo losses", "tombolo losses restore 1"},
      run_losses};
}

Command dead_letters_command() {
  return {"dead-letters",
          kGroup,
          "list the writes that a remote refused for good",
          {{"ACTION", "retry or discard; without one, the list", false},
           {"ID", "the dead letter", false}},
          {},
          "",
          {"tombolo dead-letters", "tombolo dead-letters retry 1"},
          run_dead_letters};
}

Command operations_command() {
  return {"operations",
          kGroup,
          "show the newest operations of the log, or those of one record",
          {{"COLLECTION", "with ID: of this record only", false}, {"ID", "the record's id", false}},
          {{"--limit", "N", "at most so many (20)", false, "-n"}},
          "",
          {"tombolo operations --limit 5", "tombolo operations languages lld"},
          run_operations};
}

}  // namespace tombolo::cli
