// The names of what the server keeps: buckets, and in them groups, collections and records, each in
// a list with a timestamp of its own (Kinto API 1.23, "timestamps").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tombolo::server {

enum class ResourceKind { bucket, group, collection, record };
std::string_view name_of(ResourceKind kind);  // "bucket", "group", "collection", "record"

// A list of objects: all buckets, the groups or collections of a bucket, the records of a
// collection.
struct ListPath {
  ResourceKind kind = ResourceKind::bucket;
  std::string bucket;      // empty for the list of buckets
  std::string collection;  // of a list of records only

  static ListPath buckets() { return {}; }
  static ListPath groups(std::string bucket) {
    return {ResourceKind::group, std::move(bucket), {}};
  }
  static ListPath collections(std::string bucket) {
    return {ResourceKind::collection, std::move(bucket), {}};
  }
  static ListPath records(std::string bucket, std::string collection) {
    return {ResourceKind::record, std::move(bucket), std::move(collection)};
  }

  // "/buckets", "/buckets/b/groups", "/buckets/b/collections/c/records". A '/' or '%' inside a name
  // is percent-encoded, so that two lists never share a URI.
  std::string uri() const;
  void append_uri(std::string& out) const;
  friend bool operator==(const ListPath&, const ListPath&) = default;
};

struct ObjectPath {
  ListPath list;
  std::string id;

  static ObjectPath bucket(std::string id) { return {ListPath::buckets(), std::move(id)}; }
  static ObjectPath collection(std::string bucket, std::string id) {
    return {ListPath::collections(std::move(bucket)), std::move(id)};
  }
  std::string uri() const;  // "/buckets/b/collections/c"
  void append_uri(std::string& out) const;
  friend bool operator==(const ObjectPath&, const ObjectPath&) = default;
};

// The inverse of ListPath::uri(); nothing for any other text.
std::optional<ListPath> parse_list_uri(std::string_view uri);

}  // namespace tombolo::server
