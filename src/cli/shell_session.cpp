#include "cli/shell_session.h"

#include "cli/field_words.h"
#include "cli/json_views.h"
#include "cli/remote_words.h"

namespace tombolo::cli {

namespace {

constexpr std::int64_t kDefaultWait_ms = 30'000;
constexpr std::int64_t kShownOperations = 100;

Result<std::string> text_of(const Value& request, std::string_view member) {
  const std::string* text = request[member].if_string();
  if (text != nullptr) return *text;
  return fail(ErrorCode::invalid_argument, "\"" + std::string(member) + "\" must be a text");
}

Result<Object> object_of(const Value& request, std::string_view member) {
  const Object* object = request[member].if_object();
  if (object != nullptr) return *object;
  return fail(ErrorCode::invalid_argument, "\"" + std::string(member) + "\" must be an object");
}

Result<std::vector<std::string>> texts_of(const Value& request, std::string_view member) {
  std::vector<std::string> texts;
  const Value& value = request[member];
  if (value.is_null()) return texts;
  const Array* array = value.if_array();
  bool is_right = array != nullptr;
  for (std::size_t index = 0; is_right && index < array->size(); ++index) {
    is_right = (*array)[index].is_string();
    texts.emplace_back((*array)[index].as_string());
  }
  if (is_right) return texts;
  return fail(ErrorCode::invalid_argument,
              "\"" + std::string(member) + "\" must be an array of texts");
}

Result<std::int64_t> count_of(const Value& request, std::string_view member,
                              std::int64_t otherwise) {
  const Value& value = request[member];
  if (value.is_null()) return otherwise;
  const std::int64_t* number = value.if_integer();
  if (number != nullptr && *number >= 0) return *number;
  return fail(ErrorCode::invalid_argument,
              "\"" + std::string(member) + "\" must be a whole number, at least 0");
}

template <typename Done>
Result<Value> nothing_or_error(const Done& done) {
  if (!done) return fail(done);
  return Value();
}

// One write, into the collection that it names as `holder` (a Database or a Transaction) sees it.
template <typename Holder>
Result<Value> write_one(const Holder& holder, const Value& request) {
  const std::string_view command = request["command"].as_string();
  const auto name = text_of(request, "collection");
  if (!name) return fail(name);
  Collection collection = holder.collection(*name);
  if (command == "create") {
    auto record = object_of(request, "record");
    if (!record) return fail(record);
    const auto id = collection.create(*std::move(record));
    return id ? Result<Value>(Value{{"id", *id}}) : fail(id);
  }
  const auto id = text_of(request, "record_id");
  if (!id) return fail(id);
  if (command == "delete") return nothing_or_error(collection.remove(*id));
  if (command == "increment") {
    const auto field = text_of(request, "field");
    if (!field) return fail(field);
    const Value& by = request["by"];
    return nothing_or_error(collection.increment(*id, *field, by.is_null() ? Value(1) : by));
  }
  if (command != "update" && command != "patch") {
    return fail(ErrorCode::invalid_argument,
                "a transaction takes create, update, patch, delete, increment, get and query, not "
                "\"" +
                    std::string(command) + "\"");
  }
  auto fields = object_of(request, command == "update" ? "record" : "fields");
  if (!fields) return fail(fields);
  return nothing_or_error(command == "update" ? collection.update(*id, *std::move(fields))
                                              : collection.patch(*id, *std::move(fields)));
}

template <typename Holder>
Result<Query> read_query(const Holder& holder, const Value& request) {
  const auto name = text_of(request, "collection");
  if (!name) return fail(name);
  Query query = holder.collection(*name).query();
  const auto conditions = texts_of(request, "where");
  if (!conditions) return fail(conditions);
  for (const std::string& text : *conditions) {
    const auto condition = read_condition(text);
    if (!condition) return fail(condition);
    query = query.where(condition->field, condition->condition);
  }
  const auto orders = texts_of(request, "order");
  if (!orders) return fail(orders);
  for (const std::string& text : *orders) {
    const auto sort = read_order(text);
    query = query.order_by(sort.field, sort.order);
  }
  const auto offset = count_of(request, "offset", 0);
  if (!offset) return fail(offset);
  query = query.offset(*offset);
  const auto limit = count_of(request, "limit", -1);
  if (!limit) return fail(limit);
  return *limit < 0 ? query : query.limit(*limit);
}

template <typename Items>
Result<Value> items_or_error(const Items& items) {
  if (!items) return fail(items);
  return to_value(*items);
}

template <typename Holder>
Result<Value> get_one(const Holder& holder, const Value& request) {
  const auto name = text_of(request, "collection");
  if (!name) return fail(name);
  const auto id = text_of(request, "record_id");
  if (!id) return fail(id);
  return items_or_error(holder.collection(*name).get(*id));
}

template <typename Holder>
Result<Value> run_query(const Holder& holder, const Value& request) {
  const auto query = read_query(holder, request);
  if (!query) return fail(query);
  if (!request["count"].as_bool()) return items_or_error(query->all());
  const auto count = query->count();
  if (!count) return fail(count);
  return Value{{"count", *count}};
}

Result<Value> run_step(const Transaction& transaction, const Value& step) {
  const std::string_view command = step["command"].as_string();
  if (command == "get") return get_one(transaction, step);
  if (command == "query") return run_query(transaction, step);
  return write_one(transaction, step);
}

}  // namespace

ShellSession::ShellSession(const Database& database,
                           std::function<void(const std::string&)> write_line)
    : database_(database), write_line_(std::move(write_line)) {}

const std::map<std::string, ShellSession::Handler, std::less<>>& ShellSession::handlers() {
  static const std::map<std::string, Handler, std::less<>> handlers = {
      {"connect", &ShellSession::connect},
      {"disconnect", &ShellSession::disconnect},
      {"wait", &ShellSession::wait},
      {"create", &ShellSession::write},
      {"update", &ShellSession::write},
      {"patch", &ShellSession::write},
      {"delete", &ShellSession::write},
      {"increment", &ShellSession::write},
      {"transaction", &ShellSession::transaction},
      {"get", &ShellSession::get},
      {"list", &ShellSession::list},
      {"query", &ShellSession::query},
      {"status", &ShellSession::status},
      {"losses", &ShellSession::losses},
      {"restore_loss", &ShellSession::restore_loss},
      {"operations", &ShellSession::operations},
      {"subscribe", &ShellSession::subscribe},
      {"unsubscribe", &ShellSession::unsubscribe},
  };
  return handlers;
}

void ShellSession::handle(std::string_view line) {
  Value id;
  Result<Value> result = Value::parse(line);
  if (result && result->is_object()) {
    const Value request = *result;
    id = request["id"];
    result = answer(request);
  } else if (result) {
    result = fail(ErrorCode::invalid_argument, "a request must be a JSON object");
  }
  Value reply = {{"id", id}, {"ok", result.has_value()}};
  if (result) {
    reply["result"] = *std::move(result);
  } else {
    reply["error"] = to_value(result.error());
  }
  write_line_(reply.to_json());
}

Result<Value> ShellSession::answer(const Value& request) {
  const auto command = text_of(request, "command");
  if (!command) return fail(command);
  const auto found = handlers().find(*command);
  if (found == handlers().end()) {
    return fail(ErrorCode::invalid_argument, "there is no command \"" + *command + "\"");
  }
  return (this->*found->second)(request);
}

Result<Value> ShellSession::connect(const Value& request) {
  RemoteOptions options;
  const auto url = text_of(request, "url");
  if (!url) return fail(url);
  options.url = *url;
  options.name = request["name"].as_string();
  auto authentication = read_authentication(std::string(request["token"].as_string()),
                                            std::string(request["user"].as_string()),
                                            std::string(request["password"].as_string()));
  if (!authentication) return fail(authentication);
  options.authentication = *std::move(authentication);
  const auto policy = read_policy(std::string(request["policy"].as_string("merge")));
  if (!policy) return fail(policy);
  options.conflict_policy = *policy;
  auto collections = texts_of(request, "collections");
  if (!collections) return fail(collections);
  options.collections = *std::move(collections);
  const auto remote = database_.connect(options);
  if (!remote) return fail(remote);
  return Value{{"name", remote->name()}};
}

Result<Remote> ShellSession::named_remote(const Value& request) {
  const std::string_view name = request["remote"].as_string();
  for (Remote& remote : database_.remotes()) {
    if (name.empty() || remote.name() == name) return remote;
  }
  return fail(ErrorCode::not_found, name.empty()
                                        ? "nothing is connected"
                                        : "\"" + std::string(name) + "\" is not connected");
}

Result<Value> ShellSession::disconnect(const Value& request) {
  auto remote = named_remote(request);
  if (!remote) return fail(remote);
  remote->disconnect();
  return Value();
}

Result<Value> ShellSession::wait(const Value& request) {
  const auto timeout_ms = count_of(request, "timeout_ms", kDefaultWait_ms);
  if (!timeout_ms) return fail(timeout_ms);
  auto remote = named_remote(request);
  if (!remote) return fail(remote);
  if (auto done = remote->wait_until_synced(*timeout_ms); !done) return fail(done);
  const auto status = remote->status();
  if (!status) return fail(status);
  return to_value(*status);
}

Result<Value> ShellSession::write(const Value& request) {
  return write_one(database_, request);
}

Result<Value> ShellSession::transaction(const Value& request) {
  const Array* steps = request["steps"].if_array();
  if (steps == nullptr) {
    return fail(ErrorCode::invalid_argument, "\"steps\" must be an array of reads and writes");
  }
  Array results;
  const auto done = database_.transaction([&](Transaction& transaction) -> Result<void> {
    for (const Value& step : *steps) {
      auto result = run_step(transaction, step);
      if (!result) {
        Error error = result.error();
        error.message = "step " + std::to_string(results.size() + 1) + ": " + error.message;
        return std::unexpected(error);
      }
      results.push_back(*std::move(result));
    }
    return {};
  });
  if (!done) return fail(done);
  return Value(std::move(results));
}

Result<Value> ShellSession::get(const Value& request) {
  return get_one(database_, request);
}

Result<Value> ShellSession::list(const Value& request) {
  if (request["collection"].is_null()) return items_or_error(database_.collections());
  return query(request);
}

Result<Value> ShellSession::query(const Value& request) {
  return run_query(database_, request);
}

Result<Value> ShellSession::status(const Value&) {
  return items_or_error(database_.status());
}

Result<Value> ShellSession::losses(const Value&) {
  return items_or_error(database_.losses());
}

Result<Value> ShellSession::restore_loss(const Value& request) {
  const auto id = count_of(request, "loss", -1);
  if (!id) return fail(id);
  return nothing_or_error(database_.restore_loss(*id));
}

Result<Value> ShellSession::operations(const Value& request) {
  const auto limit = count_of(request, "limit", kShownOperations);
  if (!limit) return fail(limit);
  return items_or_error(database_.operations(*limit, request["collection"].as_string(),
                                             request["record_id"].as_string()));
}

Result<Value> ShellSession::subscribe(const Value& request) {
  if (request["collection"].is_null()) {
    subscription_ =
        database_.subscribe([this](const Event& event) { write_line_(to_value(event).to_json()); });
    return Value();
  }
  const auto name = text_of(request, "subscription");
  if (!name) return fail(name);
  const auto query = read_query(database_, request);
  if (!query) return fail(query);
  auto live = query->observe([this, name = *name](const Changes& changes) {
    const Value line = {{"event", "query"},
                        {"subscription", name},
                        {"initial", changes.initial},
                        {"entered", to_value(changes.entered)},
                        {"changed", to_value(changes.changed)},
                        {"left", Array(changes.left.begin(), changes.left.end())}};
    write_line_(line.to_json());
  });
  if (!live) return fail(live);
  live_queries_.insert_or_assign(*name, *std::move(live));
  return Value();
}

Result<Value> ShellSession::unsubscribe(const Value& request) {
  if (request["subscription"].is_null()) {
    subscription_.stop();
    return Value();
  }
  const auto name = text_of(request, "subscription");
  if (!name) return fail(name);
  const auto found = live_queries_.find(*name);
  if (found == live_queries_.end()) {
    return fail(ErrorCode::not_found, "there is no subscription \"" + *name + "\"");
  }
  live_queries_.erase(found);
  return Value();
}

}  // namespace tombolo::cli
