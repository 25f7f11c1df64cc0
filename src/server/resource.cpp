#include "server/resource.h"

#include <utility>
#include <vector>

namespace tombolo::server {

namespace {

void append_escaped(std::string& out, std::string_view name) {
  if (name.find('/') == name.npos && name.find('%') == name.npos) {
    out += name;
    return;
  }
  for (const char c : name) {
    if (c == '/') {
      out += "%2F";
    } else if (c == '%') {
      out += "%25";
    } else {
      out += c;
    }
  }
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      name += text[i];
    } else if (text.substr(i, 3) == "%2F") {
      name += '/';
      i += 2;
    } else if (text.substr(i, 3) == "%25") {
      name += '%';
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  if (name.empty()) return std::nullopt;
  return name;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find('/', begin);
    parts.push_back(text.substr(begin, end == text.npos ? text.npos : end - begin));
    if (end == text.npos) return parts;
    begin = end + 1;
  }
}

}  // namespace

std::string_view name_of(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::bucket:
      return "bucket";
    case ResourceKind::group:
      return "group";
    case ResourceKind::collection:
      return "collection";
    case ResourceKind::record:
      return "record";
  }
  return "record";
}

std::string ListPath::uri() const {
  std::string uri;
  uri.reserve(40 + bucket.size() + collection.size());
  append_uri(uri);
  return uri;
}

void ListPath::append_uri(std::string& out) const {
  out += "/buckets";
  if (kind == ResourceKind::bucket) return;
  out += '/';
  append_escaped(out, bucket);
  if (kind == ResourceKind::group) {
    out += "/groups";
    return;
  }
  out += "/collections";
  if (kind == ResourceKind::collection) return;
  out += '/';
  append_escaped(out, collection);
  out += "/records";
}

std::string ObjectPath::uri() const {
  std::string uri;
  append_uri(uri);
  return uri;
}

void ObjectPath::append_uri(std::string& out) const {
  list.append_uri(out);
  out += '/';
  append_escaped(out, id);
}

std::optional<ListPath> parse_list_uri(std::string_view uri) {
  const std::vector<std::string_view> parts = split(uri);
  if (parts.size() < 2 || !parts[0].empty() || parts[1] != "buckets") return std::nullopt;
  if (parts.size() == 2) return ListPath::buckets();
  std::optional<std::string> bucket = unescaped(parts[2]);
  if (!bucket || parts.size() < 4) return std::nullopt;
  if (parts.size() == 4 && parts[3] == "groups") return ListPath::groups(std::move(*bucket));
  if (parts[3] != "collections") return std::nullopt;
  if (parts.size() == 4) return ListPath::collections(std::move(*bucket));
  std::optional<std::string> collection = unescaped(parts[4]);
  if (!collection || parts.size() != 6 || parts[5] != "records") return std::nullopt;
  return ListPath::records(std::move(*bucket), std::move(*collection));
}

}  // namespace tombolo::server
