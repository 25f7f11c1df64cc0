// Runs the cases of tests/data/kinto, each file against a server of its own, over real sockets.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "base/text.h"
#include "kinto/case_file.h"
#include "kinto/test_server.h"

namespace tombolo::kinto_cases {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> case_files() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(TOMBOLO_TEST_DATA) / "kinto")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

net::ClientRequest request_of(const Step& step, const Names& names, const std::string& origin) {
  net::ClientRequest request;
  request.method = step.method;
  const std::string target = fill_in(step.target, names);
  request.url = target.starts_with('/') ? origin + target : target;
  for (const auto& [name, value] : step.headers) {
    const std::string filled = fill_in(value, names);
    if (name == "As") {
      request.headers.add("Authorization", "Basic " + to_base64(filled + ":"));
    } else {
      request.headers.add(name, filled);
    }
  }
  request.body = fill_in(step.body, names);
  return request;
}

void check_headers(const Step& step, const net::ClientResponse& response, Names& names) {
  for (const auto& [name, value] : step.expected_headers) {
    const auto found = response.headers.get(name);
    if (value == "absent") {
      EXPECT_FALSE(found.has_value()) << name << ": " << *found;
    } else if (!found) {
      ADD_FAILURE() << "no header " << name;
    } else {
      EXPECT_EQ(text_difference(fill_in(value, names), *found, names), "") << name;
    }
  }
}

void check_body(const Step& step, const net::ClientResponse& response, Names& names) {
  if (step.expected_body.empty()) return;
  if (step.expected_body == "empty\n") {
    EXPECT_EQ(response.body, "");
    return;
  }
  const Result<Value> expected = Value::parse(fill_in(step.expected_body, names));
  ASSERT_TRUE(expected.has_value()) << expected.error().message << step.expected_body;
  const Result<Value> found = Value::parse(response.body);
  ASSERT_TRUE(found.has_value()) << response.body;
  EXPECT_EQ(difference(*expected, *found, names), "");
}

class KintoCases : public ::testing::TestWithParam<std::string> {};

TEST_P(KintoCases, are_answered_as_the_contract_says) {
  const std::filesystem::path path =
      std::filesystem::path(TOMBOLO_TEST_DATA) / "kinto" / (GetParam() + ".txt");
  const Result<CaseFile> file = parse_case_file(read_text(path));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  TestServer server(file->settings);
  Names names;
  for (const Step& step : file->steps) {
    SCOPED_TRACE(GetParam() + ".txt:" + std::to_string(step.line) + ": " + step.title);
    const Result<net::ClientResponse> response =
        server.send(request_of(step, names, server.origin()));
    ASSERT_TRUE(response.has_value()) << response.error().message;
    ASSERT_EQ(response->status, step.status) << response->body;
    check_headers(step, *response, names);
    check_body(step, *response, names);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinto, KintoCases, ::testing::ValuesIn(case_files()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace tombolo::kinto_cases
