#include "protocol/kinto_route.h"

#include <gtest/gtest.h>

namespace tombolo::protocol::kinto {
namespace {

Route route(std::string_view path) {
  const Checked<Route> found = route_path(path);
  EXPECT_TRUE(found.has_value()) << path;
  return found.value_or(Route{});
}

int refused_with(std::string_view path) {
  const Checked<Route> found = route_path(path);
  return found ? 0 : static_cast<int>(found.error().number);
}

TEST(KintoRoute, finds_lists_and_objects) {
  EXPECT_EQ(route("/v1/buckets").endpoint, Endpoint::list);
  EXPECT_EQ(route("/v1/buckets").kind, ResourceKind::bucket);
  EXPECT_EQ(route("/v1/buckets/b").object_id(), "b");
  EXPECT_EQ(route("/v1/buckets/b/collections").kind, ResourceKind::collection);
  EXPECT_EQ(route("/v1/buckets/b/collections").endpoint, Endpoint::list);
  EXPECT_EQ(route("/v1/buckets/b/collections/c").object_id(), "c");
  const Route record = route("/v1/buckets/b/collections/c/records/r");
  EXPECT_EQ(record.endpoint, Endpoint::object);
  EXPECT_EQ(record.bucket + record.collection + record.object_id(), "bcr");
}

TEST(KintoRoute, finds_utilities) {
  EXPECT_EQ(route("/v1/").endpoint, Endpoint::hello);
  EXPECT_EQ(route("/v1/batch").endpoint, Endpoint::batch);
  EXPECT_EQ(route("/v1/__flush__").endpoint, Endpoint::flush);
  EXPECT_EQ(route("/v1/__lbheartbeat__").endpoint, Endpoint::load_balancer_heartbeat);
}

TEST(KintoRoute, decodes_each_segment_by_itself) {
  EXPECT_EQ(route("/v1/buckets/b/collections/c/records/a%2Fb%20%C3%A9").record, "a/b \xC3\xA9");
}

TEST(KintoRoute, redirects_to_the_version_and_away_from_slashes) {
  EXPECT_EQ(route("/buckets/b").location, "/v1/buckets/b");
  EXPECT_FALSE(route("/buckets/b").slash_only);
  EXPECT_EQ(route("/").location, "/v1/");
  EXPECT_EQ(route("/v1").location, "/v1/");
  EXPECT_EQ(route("/v1/buckets/").location, "/v1/buckets");
  EXPECT_TRUE(route("/v1/buckets//").slash_only);
}

TEST(KintoRoute, refuses_what_it_does_not_know) {
  EXPECT_EQ(refused_with("/v1/unknown"), 111);
  EXPECT_EQ(refused_with("/v1/buckets/b/unknown"), 111);
  EXPECT_EQ(refused_with("/v1/buckets/b/collections/c/records/r/more"), 111);
  EXPECT_EQ(refused_with("/v1/buckets//collections"), 111);
  EXPECT_EQ(refused_with("/v2/buckets"), 116);
  EXPECT_EQ(refused_with(""), 111);
  EXPECT_EQ(refused_with("*"), 111);
}

TEST(KintoRoute, refuses_paths_that_are_no_text) {
  EXPECT_EQ(refused_with("/v1/buckets/%ff"), 107);
  EXPECT_EQ(refused_with("/v1/buckets/a%00b"), 107);
  EXPECT_EQ(route_path("/v1/%ff").error().message, "Invalid URL path.");
}

TEST(KintoRoute, writes_paths_back) {
  EXPECT_EQ(endpoint_path(route("/v1/buckets/b/collections/c/records")),
            "/buckets/b/collections/c/records");
  EXPECT_EQ(endpoint_path(route("/v1/buckets/b/collections/c/records/a%20b")),
            "/buckets/b/collections/c/records/a%20b");
  EXPECT_EQ(parent_path(ResourceKind::bucket, "b", ""), "");
  EXPECT_EQ(parent_path(ResourceKind::collection, "b", ""), "/buckets/b");
}

TEST(KintoRoute, knows_the_methods) {
  EXPECT_EQ(allowed_methods(route("/v1/buckets/b")), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(allowed_methods(route("/v1/buckets")), "GET, HEAD, POST, DELETE, OPTIONS");
}

}  // namespace
}  // namespace tombolo::protocol::kinto
