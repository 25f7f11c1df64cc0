#include "server/configuration.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <algorithm>
#include <charconv>
#include <span>
#include <toml++/toml.h>
#include <variant>

namespace tombolo::server {

namespace {

using List = std::vector<std::string>;
using Tokens = std::map<std::string, std::string, std::less<>>;
using Target = std::variant<std::int64_t*, bool*, std::string*, List*, Tokens*>;

struct Setting {
  std::string_view name;
  Target (*target)(Configuration&);
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::string_view choices = {};  // of a text, separated by spaces; empty: any
};

constexpr std::int64_t kLarge = std::int64_t{1} << 40;
constexpr std::int64_t kDayMs = 86'400'000;

#define SETTING(section, key) \
  #section "." #key, [](Configuration& c) -> Target { return &c.section.key; }

constexpr Setting kSettings[] = {
    {SETTING(server, address)},
    {SETTING(server, port), 0, 65'535},
    {SETTING(server, io_threads), 1, 256},
    {SETTING(server, stop_timeout_ms), 0, kDayMs},
    {SETTING(database, path)},
    {SETTING(log, level), 0, 0, "debug info warning error"},
    {SETTING(log, format), 0, 0, "human json"},
    {SETTING(log, requests)},
    {SETTING(limits, body_bytes), 1, kLarge},
    {SETTING(limits, connections), 1, 10'000'000},
    {SETTING(limits, queued_writes), 1, 10'000'000},
    {SETTING(limits, message_bytes), 1, kLarge},
    {SETTING(kinto, project_name)},
    {SETTING(kinto, http_scheme), 0, 0, "http https"},
    {SETTING(kinto, http_host)},
    {SETTING(kinto, userid_hmac_secret)},
    {SETTING(kinto, batch_max_requests), 1, 100'000},
    {SETTING(kinto, paginate_by), 0, 1'000'000},
    {SETTING(kinto, max_fetch_size), 1, 1'000'000},
    {SETTING(kinto, flush_enabled)},
    {SETTING(kinto, readonly)},
    {SETTING(kinto, explicit_permissions)},
    {SETTING(kinto, cors_origins)},
    {SETTING(kinto, cors_max_age_seconds), 0, kDayMs},
    {SETTING(kinto, retry_after_seconds), 0, 86'400},
    {SETTING(stream, default_bucket)},
    {SETTING(stream, open_access)},
    {SETTING(stream, tokens)},
    {SETTING(stream, max_operation_bytes), 1, kLarge},
    {SETTING(stream, max_clock_ahead_ms), 0, kDayMs},
    {SETTING(stream, max_nodes_per_bucket), 1, 100'000'000},
    {SETTING(stream, max_new_nodes_per_session), 1, 100'000'000},
    {SETTING(stream, max_uncommitted_operations), 1, 10'000'000},
    {SETTING(stream, operations_per_second), 0, 10'000'000},
    {SETTING(stream, operations_burst), 1, 10'000'000},
};

#undef SETTING

// "kinto.principals.bucket_create" is the setting "bucket_create_principals" of Kinto.
constexpr std::string_view kPrincipals = "kinto.principals.";
constexpr std::string_view kPermissionNames[] = {
    "bucket_create",    "bucket_read",   "bucket_write",      "group_create",
    "group_read",       "group_write",   "collection_create", "collection_read",
    "collection_write", "record_create", "record_read",       "record_write",
};

std::unexpected<Error> refuse(std::string_view source, std::string message) {
  return fail(ErrorCode::invalid_argument, std::string(source) + ": " + std::move(message));
}

// Where a setting's value goes; a list of principals is made when it is named.
struct Found {
  Target target;
  const Setting* setting;  // null for lists of principals
};
std::optional<Found> find_setting(Configuration& configuration, std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return Found{setting.target(configuration), &setting};
  }
  if (!name.starts_with(kPrincipals)) return std::nullopt;
  const std::string_view permission = name.substr(kPrincipals.size());
  if (std::find(std::begin(kPermissionNames), std::end(kPermissionNames), permission) ==
      std::end(kPermissionNames)) {
    return std::nullopt;
  }
  return Found{&configuration.kinto.principals[std::string(permission) + "_principals"], nullptr};
}

std::string expected_integer(std::string_view name, const Setting& setting) {
  return std::string(name) + " must be an integer from " + std::to_string(setting.least) + " to " +
         std::to_string(setting.most);
}

Result<void> set_integer(std::int64_t& target, std::optional<std::int64_t> value,
                         std::string_view name, const Setting& setting, std::string_view source) {
  if (!value || *value < setting.least || *value > setting.most) {
    return refuse(source, expected_integer(name, setting));
  }
  target = *value;
  return {};
}

Result<void> set_text(std::string& target, std::string_view value, std::string_view name,
                      const Setting& setting, std::string_view source) {
  if (!setting.choices.empty()) {
    const std::string choices = ' ' + std::string(setting.choices) + ' ';
    if (value.empty() || choices.find(' ' + std::string(value) + ' ') == choices.npos) {
      return refuse(source, std::string(name) + " must be one of: " + std::string(setting.choices));
    }
  }
  target = value;
  return {};
}

List split_list(std::string_view text) {
  List items;
  std::string item;
  for (const char c : text) {
    if (c != ' ' && c != ',' && c != '\n' && c != '\t') {
      item += c;
    } else if (!item.empty()) {
      items.push_back(std::exchange(item, {}));
    }
  }
  if (!item.empty()) items.push_back(std::move(item));
  return items;
}

// "token=user token=user"
Result<Tokens> split_tokens(std::string_view text, std::string_view name, std::string_view source) {
  Tokens tokens;
  for (const std::string& item : split_list(text)) {
    const std::size_t equals = item.rfind('=');
    if (equals == item.npos || equals == 0 || equals + 1 == item.size()) {
      return refuse(source, std::string(name) + " must be a list of token=user");
    }
    tokens[item.substr(0, equals)] = item.substr(equals + 1);
  }
  return tokens;
}

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<List> list_in(const toml::node& node, std::string_view name, std::string_view source) {
  List list;
  const toml::array* array = node.as_array();
  if (array == nullptr) return refuse(source, std::string(name) + " must be a list of texts");
  for (const toml::node& item : *array) {
    const std::optional<std::string> text = item.value_exact<std::string>();
    if (!text) return refuse(source, std::string(name) + " must be a list of texts");
    list.push_back(*text);
  }
  return list;
}

Result<void> set_from_node(Found found, const toml::node& node, std::string_view name,
                           std::string_view source) {
  if (auto* const* integer = std::get_if<std::int64_t*>(&found.target)) {
    return set_integer(**integer, node.value_exact<std::int64_t>(), name, *found.setting, source);
  }
  if (auto* const* flag = std::get_if<bool*>(&found.target)) {
    const std::optional<bool> value = node.value_exact<bool>();
    if (!value) return refuse(source, std::string(name) + " must be true or false");
    **flag = *value;
    return {};
  }
  if (auto* const* text = std::get_if<std::string*>(&found.target)) {
    const std::optional<std::string> value = node.value_exact<std::string>();
    if (!value) return refuse(source, std::string(name) + " must be a text in quotes");
    return set_text(**text, *value, name, *found.setting, source);
  }
  if (auto* const* list = std::get_if<List*>(&found.target)) {
    Result<List> value = list_in(node, name, source);
    if (!value) return fail(value);
    **list = std::move(*value);
    return {};
  }
  return refuse(source, std::string(name) + " must be a table of token = \"user\"");
}

std::string place_of(std::string_view source, const toml::node& node) {
  return std::string(source) + ":" + std::to_string(node.source().begin.line);
}

Result<void> apply_table(Configuration& configuration, const toml::table& table,
                         const std::string& prefix, std::string_view source);

Result<void> apply_tokens(Configuration& configuration, const toml::table& table,
                          std::string_view source) {
  configuration.stream.tokens.clear();
  for (const auto& [key, node] : table) {
    const std::optional<std::string> user = node.value_exact<std::string>();
    if (!user || user->empty()) {
      return refuse(place_of(source, node), "stream.tokens must map each token to a user");
    }
    configuration.stream.tokens[std::string(key.str())] = *user;
  }
  return {};
}

Result<void> apply_node(Configuration& configuration, const std::string& name,
                        const toml::node& node, std::string_view source) {
  const toml::table* table = node.as_table();
  if (table != nullptr && name == "stream.tokens") {
    return apply_tokens(configuration, *table, source);
  }
  const std::string place = place_of(source, node);
  if (const std::optional<Found> found = find_setting(configuration, name)) {
    return set_from_node(*found, node, name, place);
  }
  const bool is_section =
      std::any_of(std::begin(kSettings), std::end(kSettings),
                  [&](const Setting& known) { return known.name.starts_with(name + "."); }) ||
      name + "." == kPrincipals;
  if (!is_section) return refuse(place, "there is no setting \"" + name + "\"");
  if (table == nullptr) return refuse(place, name + " is a section: write [" + name + "]");
  return apply_table(configuration, *table, name + ".", source);
}

Result<void> apply_table(Configuration& configuration, const toml::table& table,
                         const std::string& prefix, std::string_view source) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (Result<void> done = apply_node(configuration, name, node, source); !done) return done;
  }
  return {};
}

std::string variable_of(std::string_view name) {
  std::string variable = "TOMBOLO_";
  for (const char c : name) {
    variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return variable;
}

std::optional<std::string> setting_of_variable(std::string_view variable) {
  for (const Setting& setting : kSettings) {
    if (variable_of(setting.name) == variable) return std::string(setting.name);
  }
  for (const std::string_view permission : kPermissionNames) {
    const std::string name = std::string(kPrincipals) + std::string(permission);
    if (variable_of(name) == variable) return name;
  }
  return std::nullopt;
}

}  // namespace

LogLevel Configuration::log_level() const {
  if (log.level == "debug") return LogLevel::debug;
  if (log.level == "warning") return LogLevel::warning;
  if (log.level == "error") return LogLevel::error;
  return LogLevel::info;
}

Result<void> apply_toml(Configuration& configuration, std::string_view text,
                        std::string_view source) {
  const toml::parse_result parsed = toml::parse(text, source);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return refuse(std::string(source) + ":" + std::to_string(error.source().begin.line),
                  std::string(error.description()));
  }
  return apply_table(configuration, parsed.table(), "", source);
}

Result<void> apply_environment(Configuration& configuration,
                               const std::vector<std::pair<std::string, std::string>>& variables) {
  for (const auto& [variable, value] : variables) {
    if (variable == "TOMBOLO_CONFIG") continue;
    const std::optional<std::string> name = setting_of_variable(variable);
    if (!name) {
      return refuse("environment variable " + variable, "there is no setting of this name");
    }
    Result<void> done =
        apply_setting(configuration, *name, value, "environment variable " + variable);
    if (!done) return done;
  }
  return {};
}

Result<void> apply_setting(Configuration& configuration, std::string_view name,
                           std::string_view text, std::string_view source) {
  std::optional<Found> found = find_setting(configuration, name);
  if (!found) return refuse(source, "there is no setting \"" + std::string(name) + "\"");
  if (auto** integer = std::get_if<std::int64_t*>(&found->target)) {
    return set_integer(**integer, integer_in(text), name, *found->setting, source);
  }
  if (auto** flag = std::get_if<bool*>(&found->target)) {
    if (text != "true" && text != "false") {
      return refuse(source, std::string(name) + " must be true or false");
    }
    **flag = text == "true";
    return {};
  }
  if (auto** value = std::get_if<std::string*>(&found->target)) {
    return set_text(**value, text, name, *found->setting, source);
  }
  if (auto** list = std::get_if<List*>(&found->target)) {
    **list = split_list(text);
    return {};
  }
  Result<Tokens> tokens = split_tokens(text, name, source);
  if (!tokens) return fail(tokens);
  *std::get<Tokens*>(found->target) = std::move(*tokens);
  return {};
}

}  // namespace tombolo::server
