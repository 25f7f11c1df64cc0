#include "kinto/case_file.h"

#include <cctype>
#include <cstdlib>

namespace tombolo::kinto_cases {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::pair<std::string, std::string> split_at(std::string_view line, char separator) {
  const std::size_t at = line.find(separator);
  if (at == std::string_view::npos) return {std::string(line), ""};
  return {std::string(trimmed(line.substr(0, at))), std::string(trimmed(line.substr(at + 1)))};
}

// "Name: value": a header name has no space and no quote before its colon.
bool is_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && colon > 0 && line.front() != '{' &&
         line.front() != '[' &&
         line.substr(0, colon).find_first_of(" \"") == std::string_view::npos;
}

class Parser {
 public:
  Result<CaseFile> parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      ++line_;
      if (const Result<void> read = take(line); !read) return fail(read);
    }
    return std::move(file_);
  }

 private:
  enum class Place { before_steps, request_line, request_headers, request_body, answer };

  Result<void> take(std::string_view line) {
    const std::string_view content = trimmed(line);
    if (content.starts_with('#')) return {};
    if (content.starts_with("== ")) {
      file_.steps.push_back({});
      file_.steps.back().title = content.substr(3);
      file_.steps.back().line = line_;
      place_ = Place::request_line;
      return {};
    }
    if (place_ == Place::before_steps) return take_setting(content);
    Step& step = file_.steps.back();
    if (content.starts_with("=> ")) {
      step.status = std::atoi(std::string(content.substr(3)).c_str());
      place_ = Place::answer;
      return {};
    }
    if (content.empty()) return {};
    return place_ == Place::answer ? take_answer(step, content) : take_request(step, content);
  }

  Result<void> take_setting(std::string_view content) {
    if (content.empty()) return {};
    if (!content.starts_with("config ")) return complain("expected config or ==");
    file_.settings.push_back(split_at(content.substr(7), ' '));
    return {};
  }

  Result<void> take_request(Step& step, std::string_view content) {
    if (place_ == Place::request_line) {
      std::tie(step.method, step.target) = split_at(content, ' ');
      if (step.target.empty()) return complain("expected a method and a target");
      place_ = Place::request_headers;
    } else if (place_ == Place::request_headers && is_header(content)) {
      step.headers.push_back(split_at(content, ':'));
    } else {
      place_ = Place::request_body;
      step.body.append(content).append("\n");
    }
    return {};
  }

  Result<void> take_answer(Step& step, std::string_view content) {
    if (step.expected_body.empty() && is_header(content)) {
      step.expected_headers.push_back(split_at(content, ':'));
    } else {
      step.expected_body.append(content).append("\n");
    }
    return {};
  }

  std::unexpected<Error> complain(const char* what) const {
    return fail(ErrorCode::invalid_data, "line " + std::to_string(line_) + ": " + what);
  }

  CaseFile file_;
  Place place_ = Place::before_steps;
  int line_ = 0;
};

std::string mismatch(const std::string& where, const Value& expected, const Value& found) {
  return where + ": expected " + expected.to_json() + ", found " + found.to_json();
}

// A string of the expectation that stands for something else.
bool is_placeholder(std::string_view text) {
  return text.size() > 2 && text.front() == '<' && text.back() == '>';
}

bool fits_placeholder(std::string_view placeholder, const Value& found, Names& names) {
  const std::string_view inside = placeholder.substr(1, placeholder.size() - 2);
  if (inside == "any") return true;
  if (inside == "integer") return found.is_integer();
  if (inside == "string") return found.is_string();
  if (inside.front() == '~') {
    return found.as_string().find(inside.substr(1)) != std::string_view::npos;
  }
  if (inside.front() != '=') return false;
  names[std::string(inside.substr(1))] =
      found.is_string() ? std::string(found.as_string()) : found.to_json();
  return true;
}

std::string array_difference(const Array& expected, const Value& found, Names& names,
                             const std::string& where) {
  const Array* elements = found.if_array();
  if (elements == nullptr || elements->size() != expected.size()) {
    return mismatch(where, Value(expected), found);
  }
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const std::string problem =
        difference(expected[index], (*elements)[index], names, where + "." + std::to_string(index));
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string object_difference(const Object& expected, const Value& found, Names& names,
                              const std::string& where) {
  const Object* members = found.if_object();
  if (members == nullptr) return mismatch(where, Value(expected), found);
  for (const Member& member : expected) {
    const Value* value = members->find(member.key);
    if (value == nullptr) return where + " has no " + member.key + ": " + found.to_json();
    const std::string problem = difference(member.value, *value, names, where + "." + member.key);
    if (!problem.empty()) return problem;
  }
  for (const Member& member : *members) {
    if (!expected.contains(member.key)) {
      return where + " has more than expected: " + member.key + " = " + member.value.to_json();
    }
  }
  return "";
}

}  // namespace

Result<CaseFile> parse_case_file(std::string_view text) {
  return Parser().parse(text);
}

std::string fill_in(std::string_view text, const Names& names) {
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = text.find("${");
    out.append(text.substr(0, begin));
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find('}', begin);
    const auto name = names.find(text.substr(begin + 2, end - begin - 2));
    out.append(name != names.end() ? name->second : "(unknown name)");
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string difference(const Value& expected, const Value& found, Names& names,
                       const std::string& where) {
  if (is_placeholder(expected.as_string())) {
    return fits_placeholder(expected.as_string(), found, names) ? ""
                                                                : mismatch(where, expected, found);
  }
  if (const Array* array = expected.if_array()) {
    return array_difference(*array, found, names, where);
  }
  if (const Object* object = expected.if_object()) {
    return object_difference(*object, found, names, where);
  }
  const bool equal = expected.type() == found.type() && expected == found;
  return equal ? "" : mismatch(where, expected, found);
}

std::string text_difference(std::string_view expected, std::string_view found, Names& names) {
  return difference(Value(expected), Value(found), names, "text");
}

}  // namespace tombolo::kinto_cases
