// The URL space of Kinto's API: what a path names, which methods it takes, where it is redirected.
#pragma once

#include <string>
#include <string_view>

#include "protocol/kinto_error.h"

namespace tombolo::protocol::kinto {

inline constexpr std::string_view kVersionPrefix = "v1";
inline constexpr std::string_view kDefaultBucketName = "default";

enum class ResourceKind { bucket, collection, record };

// "bucket", "collection", "record": as the errors name them.
std::string_view name_of(ResourceKind kind);

enum class Endpoint {
  hello,
  batch,
  list,
  object,
  flush,
  heartbeat,
  load_balancer_heartbeat,
  version,
  redirect,
};

struct Route {
  Endpoint endpoint = Endpoint::hello;
  // For lists: the kind of what is listed.
  ResourceKind kind = ResourceKind::bucket;
  // The decoded ids in the path, empty where it has none. The id of an object stands in the member
  // of its kind; a list of records has bucket and collection.
  std::string bucket;
  std::string collection;
  std::string record;
  // For redirections: the path to use instead, still encoded, without the query.
  std::string location;
  // Whether the redirection only removes a trailing slash (or adds the one of the root).
  bool slash_only = false;

  // The id of the object that the path names.
  const std::string& object_id() const;
};

// Refuses with 404 what is no path of the API, and with 400 a path that is not UTF-8 or has a NUL.
// Ids are not checked against their rule here.
Checked<Route> route_path(std::string_view path);

// What the Allow header says for that path: "GET, HEAD, OPTIONS" and so on.
std::string_view allowed_methods(const Route& route);

// The path of the parent in which an object of `kind` lives: "" for buckets, "/buckets/b" for
// collections, "/buckets/b/collections/c" for records.
std::string parent_path(ResourceKind kind, std::string_view bucket, std::string_view collection);

// The path of the endpoint that the route names, without the version prefix, ids encoded.
std::string endpoint_path(const Route& route);

}  // namespace tombolo::protocol::kinto
