// Cases of the Kinto contract as text: requests and the answers that they must get.
//
//   config kinto.flush_enabled true        a setting of the server that runs the file
//
//   == what this step shows
//   PUT /v1/buckets/b                      the request: method and target,
//   As: alice                              headers ("As" is a user of basic authentication),
//   {"data": {"a": 1}}                     and a body
//   => 201                                 the answer: its status,
//   ETag: <=etag>                          headers that it has ("absent": has not),
//   {"data": {"id": "b", "a": 1,           and its body, whole; "empty" for none
//             "last_modified": "<=time>"},
//    "permissions": "<any>"}
//
// In what is expected, "<any>" stands for any value, "<integer>" and "<string>" for one of that
// type, "<~text>" for a string with that text in it, and "<=name>" keeps the value under a name.
// ${name} puts it into anything below. Steps run in order against one server; lines that begin with
// "#" are comments.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::kinto_cases {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Step {
  std::string title;
  int line = 0;
  std::string method;
  std::string target;
  Headers headers;
  std::string body;
  int status = 0;
  Headers expected_headers;
  std::string expected_body;  // empty: not looked at
};

struct CaseFile {
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<Step> steps;
};

Result<CaseFile> parse_case_file(std::string_view text);

// Values kept by "<=name>".
using Names = std::map<std::string, std::string, std::less<>>;

// `text` with every ${name} replaced.
std::string fill_in(std::string_view text, const Names& names);

// Where `found` differs from `expected` ("data.id: expected ..., found ..."); empty when it does
// not.
std::string difference(const Value& expected, const Value& found, Names& names,
                       const std::string& where = "body");
std::string text_difference(std::string_view expected, std::string_view found, Names& names);

}  // namespace tombolo::kinto_cases
