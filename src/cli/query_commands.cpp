// Many records: list, query, watch, index.
#include <algorithm>
#include <limits>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/field_words.h"
#include "cli/json_views.h"
#include "cli/table.h"
#include "os/signals.h"

namespace tombolo::cli {

namespace {

constexpr const char* kGroup = "Collections";
constexpr std::int64_t kMostRecords = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kListedRecords = 50;  // by `list`, unless told otherwise

const Option kWhere = {"--where", "CONDITION", "only records that fulfil it (may be repeated)",
                       true, "-w"};
const Option kOrder = {"--order", "FIELD", "sort by it; -FIELD descending (may be repeated)", true,
                       "-o"};
const Option kLimit = {"--limit", "N", "at most so many", false, "-n"};
const Option kOffset = {"--offset", "N", "leave out the first so many"};
const Option kFields = {"--fields", "A,B,C", "the columns of the table"};

constexpr const char* kConditionHelp =
    "A condition is FIELD COMPARISON VALUE with = != < <= > >= ^= (starts with) or in, as in\n"
    "scope=I, 'speakers>1000', 'name^=La', 'type in L,H', note=null (null or missing),\n"
    "'address.city=Cortina'. A value that reads as JSON is JSON (31000, true, \"31000\"),\n"
    "everything else is text. Values of other types never match.";

// The query that the options ask for.
Result<Query> read_query(const Collection& collection, const Arguments& arguments) {
  Query query = collection.query();
  for (const std::string& text : arguments.values("--where")) {
    const auto condition = read_condition(text);
    if (!condition) return fail(condition);
    query = query.where(condition->field, condition->condition);
  }
  for (const std::string& text : arguments.values("--order")) {
    const auto sort = read_order(text);
    query = query.order_by(sort.field, sort.order);
  }
  const auto limit = arguments.integer("--limit", 0, kMostRecords);
  if (!limit) return fail(limit);
  if (*limit) query = query.limit(**limit);
  const auto offset = arguments.integer("--offset", 0, kMostRecords);
  if (!offset) return fail(offset);
  if (*offset) query = query.offset(**offset);
  return query;
}

std::vector<std::string> split_fields(const std::string& text) {
  std::vector<std::string> fields;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) fields.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

// The fields of the records, those that more records have first.
std::vector<std::string> common_fields(const std::vector<Record>& records) {
  std::vector<std::pair<std::string, int>> counts;
  for (const Record& record : records) {
    for (const Member& member : record.fields()) {
      const auto found = std::find_if(counts.begin(), counts.end(),
                                      [&](const auto& entry) { return entry.first == member.key; });
      if (found != counts.end()) {
        ++found->second;
      } else {
        counts.emplace_back(member.key, 1);
      }
    }
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& left, const auto& right) { return left.second > right.second; });
  std::vector<std::string> fields = {"id"};
  for (const auto& [field, count] : counts) {
    if (field != "id") fields.push_back(field);
  }
  return fields;
}

std::string records_table(const Context& context, const std::vector<Record>& records,
                          const Arguments& arguments) {
  const auto wanted = arguments.value("--fields");
  const auto fields = wanted ? split_fields(*wanted) : common_fields(records);
  Table table(fields);
  for (std::size_t column = 0; column < fields.size(); ++column) {
    const bool numbers = std::all_of(records.begin(), records.end(), [&](const Record& record) {
      const Value& value = record[fields[column]];
      return value.is_number() || value.is_null();
    });
    if (numbers) table.align_right(column);
  }
  for (const Record& record : records) {
    std::vector<std::string> row;
    for (const std::string& field : fields) {
      const Value& value = record[field];
      const bool is_missing = value.is_null() && field != "id" && !record.fields().contains(field);
      row.push_back(is_missing ? std::string() : cell_text(value));
    }
    table.add(std::move(row));
  }
  return table.text(context.columns(), context.color());
}

int list_collections(const Context& context, const Database& database) {
  const auto collections = database.collections();
  if (!collections) return context.failure(collections.error());
  if (context.json()) {
    for (const CollectionInfo& info : *collections) context.print_json(to_value(info));
    return kSuccess;
  }
  Table table({"collection", "records"});
  table.align_right(1);
  for (const CollectionInfo& info : *collections) {
    table.add({info.name, grouped_number(info.records)});
  }
  context.print(table.text(context.columns(), context.color()));
  return kSuccess;
}

int run_list(Context& context, const Arguments& arguments) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  if (arguments.positionals().empty()) return list_collections(context, *database);
  const Collection collection = database->collection(arguments.positional(0));
  auto query = read_query(collection, arguments);
  if (!query) return context.misuse(query.error().message);
  if (!arguments.has("--limit") && !context.json()) query = query->limit(kListedRecords);
  const auto records = query->all();
  if (!records) return context.failure(records.error());
  if (context.json()) {
    for (const Record& record : *records) context.print_line(record.to_json());
    return kSuccess;
  }
  const auto total = query->count();
  if (!total) return context.failure(total.error());
  const auto shown = static_cast<std::int64_t>(records->size());
  if (shown > 0) context.print(records_table(context, *records, arguments));
  context.note(shown < *total ? grouped_number(shown) + " of " + counted(*total, "record") +
                                    " (--limit, "
                                    "--offset for others)"
                              : counted(*total, "record"));
  return kSuccess;
}

int run_query(Context& context, const Arguments& arguments) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const auto query = read_query(database->collection(arguments.positional(0)), arguments);
  if (!query) return context.misuse(query.error().message);
  if (arguments.has("--explain")) {
    const auto plan = query->explain();
    if (!plan) return context.failure(plan.error());
    context.json() ? context.print_json({{"plan", *plan}}) : context.print_line(*plan);
    return kSuccess;
  }
  if (arguments.has("--count")) {
    const auto count = query->count();
    if (!count) return context.failure(count.error());
    context.json() ? context.print_json({{"count", *count}})
                   : context.print_line(std::to_string(*count));
    return kSuccess;
  }
  if (arguments.has("--table")) {
    const auto records = query->all();
    if (!records) return context.failure(records.error());
    context.print(records_table(context, *records, arguments));
    return kSuccess;
  }
  const auto done = query->each([&](const Record& record) {
    context.print_line(record.to_json());
    return true;
  });
  return done ? static_cast<int>(kSuccess) : context.failure(done.error());
}

void print_change(const Context& context, std::string_view event, std::string_view sign,
                  std::string_view style, const Record& record) {
  if (context.json()) {
    context.print_json({{"event", event}, {"record", to_value(record)}});
    return;
  }
  const std::string line = std::string(sign) + " " + record.to_json();
  context.print_line(styled(context.color(), style, cut_to_width(line, context.columns())));
}

void print_changes(const Context& context, const std::string& name, const Changes& changes,
                   bool with_initial) {
  if (changes.initial) {
    const auto count = static_cast<std::int64_t>(changes.entered.size());
    if (context.json()) context.print_json({{"event", "watching"}, {"records", count}});
    context.note("watching " + name + ": " + counted(count, "record") + " now; Ctrl-C ends");
    if (!with_initial) return;
  }
  for (const Record& record : changes.entered) print_change(context, "entered", "+", "32", record);
  for (const Record& record : changes.changed) print_change(context, "changed", "~", "33", record);
  for (const std::string& id : changes.left) {
    if (context.json()) {
      context.print_json({{"event", "left"}, {"id", id}});
    } else {
      context.print_line(styled(context.color(), "31", "- " + id));
    }
  }
}

int run_watch(Context& context, const Arguments& arguments) {
  os::StopSignal stop;  // before the database starts threads
  const auto database = context.open_database(Context::Missing::create);
  if (!database) return context.failure(database.error());
  const std::string name = arguments.positional(0);
  const auto query = read_query(database->collection(name), arguments);
  if (!query) return context.misuse(query.error().message);
  const bool with_initial = arguments.has("--initial");
  const auto live = query->observe([&context, &stop, name, with_initial](const Changes& changes) {
    print_changes(context, name, changes, with_initial);
    if (Context::has_lost_output()) stop.request();  // for example, `head` has seen enough
  });
  if (!live) return context.failure(live.error());
  stop.wait();
  return kSuccess;
}

int run_index(Context& context, const Arguments& arguments) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const auto& words = arguments.positionals();
  const std::vector<std::string> fields(words.begin() + 1, words.end());
  const auto done = database->collection(words[0]).declare_index(fields);
  if (!done) return context.failure(done.error());
  std::string list;
  for (const std::string& field : fields) list += (list.empty() ? "" : ", ") + field;
  if (context.json()) context.print_json({{"indexed", Array(fields.begin(), fields.end())}});
  context.note("indexed " + words[0] + " by " + list);
  return kSuccess;
}

const Positional kCollection = {"COLLECTION", "the collection's name"};

}  // namespace

Command list_command() {
  return {"list",
          kGroup,
          "show records as a table; without a collection, the collections",
          {{"COLLECTION", "the collection's name", false}},
          {kWhere, kOrder, kLimit, kOffset, kFields},
          kConditionHelp,
          {"tombolo list", "tombolo list languages --where scope=M --fields id,name"},
          run_list};
}

Command query_command() {
  return {"query",
          kGroup,
          "print the records that fulfil conditions, one JSON object a line",
          {kCollection},
          {kWhere,
           kOrder,
           kLimit,
           kOffset,
           {"--count", "", "print how many there are, whatever --limit says"},
           {"--table", "", "print a table instead"},
           kFields,
           {"--explain", "", "print how the query runs instead (is an index used?)"}},
          kConditionHelp,
          {"tombolo query languages --where 'speakers>1000' --where scope=I --order -speakers "
           "--limit 20",
           "tombolo query languages --where 'name^=La' --count"},
          run_query};
}

Command watch_command() {
  return {
      "watch",
      kGroup,
      "print what enters, changes in and leaves a query, until Ctrl-C",
      {kCollection},
      {kWhere, kOrder, kLimit, kOffset, {"--initial", "", "print also what is there at first"}},
      std::string("+ a record entered, ~ it changed, - it left (its id). Whoever writes is seen: "
                  "this\nmachine's other processes and, through them, remotes.\n\n") +
          kConditionHelp,
      {"tombolo watch languages --where scope=I"},
      run_watch};
}

Command index_command() {
  return {"index",
          kGroup,
          "keep an index over fields, on this device",
          {kCollection, {"FIELD", "the first is the one to query or order by", true, true}},
          {},
          "",
          {"tombolo index languages scope name"},
          run_index};
}

}  // namespace tombolo::cli
