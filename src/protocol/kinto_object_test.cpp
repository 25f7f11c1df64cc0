#include "protocol/kinto_object.h"

#include <gtest/gtest.h>
#include <string>

namespace tombolo::protocol::kinto {
namespace {

TEST(KintoObject, splices_id_and_timestamp_into_stored_text) {
  std::string out;
  append_object_text(out, R"({"a":1})", "r\"1", 12);
  EXPECT_EQ(out, R"({"a":1,"id":"r\"1","last_modified":12})");
  out.clear();
  append_object_text(out, "{}", "r", 12);
  EXPECT_EQ(out, R"({"id":"r","last_modified":12})");
  out.clear();
  append_tombstone_text(out, "r", 12);
  EXPECT_EQ(out, R"({"id":"r","last_modified":12,"deleted":true})");
}

}  // namespace
}  // namespace tombolo::protocol::kinto
