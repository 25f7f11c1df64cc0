// One record at a time: create, get, patch, update, increment, rm.
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/field_words.h"
#include "cli/json_views.h"

namespace tombolo::cli {

namespace {

constexpr const char* kGroup = "Records";
constexpr const char* kFieldsHelp =
    "name=value (JSON when it reads as JSON, else text), a JSON object, or - for standard input";

const Positional kCollection = {"COLLECTION", "the collection's name"};
const Positional kId = {"ID", "the record's id"};

std::string no_record(const Context& context, const std::string& collection,
                      const std::string& id) {
  return "there is no record " + id + " in " + collection + " of " + context.database_path();
}

// Prints the record as it is now.
int print_record(const Context& context, const Collection& collection, const std::string& id) {
  const Result<Record> record = collection.get(id);
  if (!record) {
    if (record.error().code != ErrorCode::not_found) return context.failure(record.error());
    return context.failure({ErrorCode::not_found, no_record(context, collection.name(), id)});
  }
  context.print_line(record->to_json());
  return kSuccess;
}

// After a write of an existing record.
int finish_write(const Context& context, const Collection& collection, const std::string& id,
                 const Result<void>& done) {
  if (!done && done.error().code == ErrorCode::not_found) {
    return context.failure({ErrorCode::not_found, no_record(context, collection.name(), id)});
  }
  if (!done) return context.failure(done.error());
  return print_record(context, collection, id);
}

int run_create(Context& context, const Arguments& arguments) {
  const auto words = std::span(arguments.positionals()).subspan(1);
  Result<Object> fields = read_fields(words);
  if (!fields) return context.misuse(fields.error().message);
  // Ids are texts: id=5 means the one that is written so.
  if (Value* id = fields->find("id"); id != nullptr && id->is_integer()) *id = id->to_json();
  const auto database = context.open_database(Context::Missing::create);
  if (!database) return context.failure(database.error());
  Collection collection = database->collection(arguments.positional(0));
  const Result<std::string> id = collection.create(*std::move(fields));
  if (!id) return context.failure(id.error());
  if (context.json()) return print_record(context, collection, *id);
  context.print_line(*id);
  return kSuccess;
}

int run_get(Context& context, const Arguments& arguments) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  return print_record(context, database->collection(arguments.positional(0)),
                      arguments.positional(1));
}

int run_patch(Context& context, const Arguments& arguments) {
  const std::vector<std::string> removed = arguments.values("--remove");
  Result<Object> fields = read_fields(std::span(arguments.positionals()).subspan(2));
  if (!fields) return context.misuse(fields.error().message);
  if (fields->empty() && removed.empty()) return context.misuse("there is no field to change");
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const std::string name = arguments.positional(0);
  const std::string id = arguments.positional(1);
  const Result<void> done = database->transaction([&](Transaction& transaction) -> Result<void> {
    Collection collection = transaction.collection(name);
    if (!fields->empty()) {
      if (auto patched = collection.patch(id, *fields); !patched) return patched;
    }
    return removed.empty() ? Result<void>() : collection.remove_fields(id, removed);
  });
  return finish_write(context, database->collection(name), id, done);
}

int run_update(Context& context, const Arguments& arguments) {
  Result<Object> fields = read_fields(std::span(arguments.positionals()).subspan(2));
  if (!fields) return context.misuse(fields.error().message);
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  Collection collection = database->collection(arguments.positional(0));
  const std::string id = arguments.positional(1);
  return finish_write(context, collection, id, collection.update(id, *std::move(fields)));
}

int run_increment(Context& context, const Arguments& arguments) {
  const std::string by_text = arguments.positional(3);
  const Value by = by_text.empty() ? Value(1) : typed_value(by_text);
  if (!by.is_number()) return context.misuse("BY must be a number, not \"" + by_text + "\"");
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  Collection collection = database->collection(arguments.positional(0));
  const std::string id = arguments.positional(1);
  return finish_write(context, collection, id,
                      collection.increment(id, arguments.positional(2), by));
}

int run_rm(Context& context, const Arguments& arguments) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const std::string name = arguments.positional(0);
  const auto ids = std::span(arguments.positionals()).subspan(1);
  std::string missing;
  const Result<void> done = database->transaction([&](Transaction& transaction) -> Result<void> {
    Collection collection = transaction.collection(name);
    for (const std::string& id : ids) {
      const Result<void> removed = collection.remove(id);
      if (removed) continue;
      if (removed.error().code == ErrorCode::not_found) missing = id;
      return removed;
    }
    return {};
  });
  if (!done && !missing.empty()) {
    return context.failure(
        {ErrorCode::not_found,
         no_record(context, name, missing) + (ids.size() > 1 ? "; none was removed" : "")});
  }
  if (!done) return context.failure(done.error());
  const auto count = static_cast<std::int64_t>(ids.size());
  if (context.json()) context.print_json({{"removed", count}});
  context.note("removed " + counted(count, "record"));
  return kSuccess;
}

}  // namespace

Command create_command() {
  return {"create",
          kGroup,
          "add a record and print its id",
          {kCollection, {"FIELDS", kFieldsHelp, false, true}},
          {},
          "The id is the field \"id\" when there is one, else a new one.",
          {"tombolo create languages name=Ladin speakers=31000",
           "tombolo create languages '{\"id\":\"lld\",\"name\":\"Ladin\"}'"},
          run_create};
}

Command get_command() {
  return {
      "get",  kGroup, "print a record", {kCollection, kId}, {}, "", {"tombolo get languages lld"},
      run_get};
}

Command patch_command() {
  return {
      "patch",
      kGroup,
      "change fields of a record, leaving the others",
      {kCollection, kId, {"FIELDS", kFieldsHelp, false, true}},
      {{"--remove", "FIELD", "take a field away (may be repeated)", true}},
      "Only the fields named are sent to others: whoever changed another field of the same "
      "record keeps that change.",
      {"tombolo patch languages lld speakers=31000", "tombolo patch languages lld --remove note"},
      run_patch};
}

Command update_command() {
  return {"update",
          kGroup,
          "replace a record: fields that are not given go",
          {kCollection, kId, {"FIELDS", kFieldsHelp, false, true}},
          {},
          "",
          {"tombolo update languages lld name=Ladin scope=I"},
          run_update};
}

Command increment_command() {
  return {"increment",
          kGroup,
          "add to a number: adds up with what other devices add",
          {kCollection, kId, {"FIELD", "the number's field"}, {"BY", "how much (1)", false}},
          {},
          "",
          {"tombolo increment languages lld visits", "tombolo increment languages lld visits -5"},
          run_increment};
}

Command rm_command() {
  return {"rm",
          kGroup,
          "remove records: all that are named, or none",
          {kCollection, {"ID", "the record's id", true, true}},
          {},
          "",
          {"tombolo rm languages lld", "tombolo rm languages aaa aab"},
          run_rm};
}

}  // namespace tombolo::cli
