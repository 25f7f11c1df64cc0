#include "protocol/kinto_error.h"

#include <gtest/gtest.h>

namespace tombolo::protocol::kinto {
namespace {

TEST(KintoError, says_code_number_title_and_message) {
  EXPECT_EQ(error_body(forbidden()), R"({"code":403,"errno":121,"error":"Forbidden",)"
                                     R"("message":"This user cannot access this resource."})");
}

TEST(KintoError, names_the_unknown_object) {
  EXPECT_EQ(error_body(unknown_object("abc", "record")),
            R"({"code":404,"errno":110,"error":"Not Found",)"
            R"("details":{"id":"abc","resource_name":"record"}})");
  EXPECT_EQ(unknown_parent("c", "collection").number, ErrorNumber::unknown_resource);
}

TEST(KintoError, carries_the_existing_object_of_a_failed_precondition) {
  const ApiError error = modified_meanwhile(Object{{"id", "a"}}, 12);
  EXPECT_EQ(error_body(error),
            R"({"code":412,"errno":114,"error":"Precondition Failed",)"
            R"("message":"Resource was modified meanwhile","details":{"existing":{"id":"a"}}})");
  EXPECT_EQ(modified_meanwhile(Value(), 12).details, Value());
}

TEST(KintoError, makes_the_message_from_the_first_detail_by_name) {
  const ApiError error =
      invalid_parameters({{"body", "z", "Required"}, {"body", "data.id", "Required"}});
  EXPECT_EQ(error.message, "data.id in body: Required");
  EXPECT_EQ(error.details.at(0)["name"], Value("data.id"));
}

TEST(KintoError, does_not_repeat_a_name_that_the_description_says) {
  EXPECT_EQ(invalid_parameter("querystring", "_since", "Invalid value for _since").message,
            "Invalid value for _since");
}

TEST(KintoError, says_only_the_location_without_a_name) {
  const ApiError error = invalid_parameter("path", std::nullopt, "Invalid object id");
  EXPECT_EQ(error.message, "path: Invalid object id");
  EXPECT_EQ(error.details.to_json(),
            R"([{"location":"path","name":null,"description":"Invalid object id"}])");
}

TEST(KintoError, uses_the_same_form_for_content_types) {
  const ApiError error = invalid_content(415, "Content-Type", "Content-Type header should be ...");
  EXPECT_EQ(error.status, 415);
  EXPECT_EQ(error.title, "Invalid parameters");
}

}  // namespace
}  // namespace tombolo::protocol::kinto
