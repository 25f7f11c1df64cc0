#include "net/http_message.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace tombolo::net {
namespace {

constexpr std::size_t kTypicalHeaderBytes = 768;
constexpr std::size_t kTypicalFields = 12;

// Whether eight bytes may hold a control character; never false when they do.
bool may_hold_control(const char* bytes) {
  std::uint64_t block = 0;
  std::memcpy(&block, bytes, sizeof block);
  // The top bit of a byte of the difference is set for what is below a space.
  return ((block - 0x2020202020202020U) & 0x8080808080808080U & ~block) != 0;
}

// CR, LF and NUL to spaces.
void tame(char* text, std::size_t size) {
  std::size_t index = 0;
  while (index + 8 <= size && !may_hold_control(text + index)) index += 8;
  for (; index < size; ++index) {
    char& letter = text[index];
    if (letter == '\r' || letter == '\n' || letter == '\0') letter = ' ';
  }
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

HttpMethod http_method_of(std::string_view name) {
  if (name == "GET") return HttpMethod::get;
  if (name == "HEAD") return HttpMethod::head;
  if (name == "POST") return HttpMethod::post;
  if (name == "PUT") return HttpMethod::put;
  if (name == "PATCH") return HttpMethod::patch;
  if (name == "DELETE") return HttpMethod::delete_;
  if (name == "OPTIONS") return HttpMethod::options;
  return HttpMethod::other;
}

std::string_view reason_of(int status) {
  struct Reason {
    int status;
    std::string_view text;
  };
  static constexpr Reason kReasons[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  const auto found =
      std::lower_bound(std::begin(kReasons), std::end(kReasons), status,
                       [](const Reason& reason, int wanted) { return reason.status < wanted; });
  return found != std::end(kReasons) && found->status == status ? found->text : "Unknown";
}

bool equal_header_names(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t index = 0; index < left.size(); ++index) {
    if (lower(left[index]) != lower(right[index])) return false;
  }
  return true;
}

void HttpHeaders::add(std::string_view name, std::string_view value) {
  if (fields_.empty()) {
    text_.reserve(kTypicalHeaderBytes);
    fields_.reserve(kTypicalFields);
  }
  fields_.push_back({static_cast<std::uint32_t>(text_.size()),
                     static_cast<std::uint32_t>(name.size()),
                     static_cast<std::uint32_t>(value.size())});
  text_ += name;
  text_ += ": ";
  const std::size_t begin = text_.size();
  text_ += value;
  tame(text_.data() + begin, value.size());
  text_ += "\r\n";
}

void HttpHeaders::append(const HttpHeaders& others) {
  const auto begin = static_cast<std::uint32_t>(text_.size());
  text_ += others.text_;
  for (Position position : others.fields_) {
    position.begin += begin;
    fields_.push_back(position);
  }
}

void HttpHeaders::set(std::string_view name, std::string_view value) {
  if (!contains(name)) return add(name, value);
  const std::string kept_name(name);  // the arguments may lie in the text that is rebuilt
  const std::string kept_value(value);
  remove(kept_name);
  add(kept_name, kept_value);
}

void HttpHeaders::remove(std::string_view name) {
  HttpHeaders kept;
  for (std::size_t index = 0; index < fields_.size(); ++index) {
    const HeaderField field = (*this)[index];
    if (!equal_header_names(field.name, name)) kept.add(field.name, field.value);
  }
  *this = std::move(kept);
}

void HttpHeaders::clear() {
  text_.clear();
  fields_.clear();
}

std::optional<std::string_view> HttpHeaders::get(std::string_view name) const {
  for (std::size_t index = 0; index < fields_.size(); ++index) {
    if (fields_[index].name_size != name.size()) continue;
    const HeaderField field = (*this)[index];
    if (equal_header_names(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool HttpHeaders::has_token(std::string_view name, std::string_view token) const {
  for (std::size_t index = 0; index < fields_.size(); ++index) {
    const HeaderField field = (*this)[index];
    if (!equal_header_names(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (equal_header_names(trim(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

HeaderField HttpHeaders::operator[](std::size_t index) const {
  const Position& position = fields_[index];
  const std::string_view text = text_;
  return {text.substr(position.begin, position.name_size),
          text.substr(position.begin + position.name_size + 2, position.value_size)};
}

HttpRequest::HttpRequest(std::string_view method, std::string_view target) {
  set_method(method);
  set_target(target);
}

void HttpRequest::set_method(std::string_view name) {
  method_ = http_method_of(name);
  method_name_ = name;
}

void HttpRequest::set_target(std::string_view target) {
  target_ = target;
  path_size_ = std::min(target_.find('?'), target_.size());
}

std::string_view HttpRequest::query() const {
  const std::string_view all = target_;
  return path_size_ < all.size() ? all.substr(path_size_ + 1) : std::string_view();
}

std::shared_ptr<const std::string> HttpBody::release() {
  if (shared_) return std::exchange(shared_, nullptr);
  return std::make_shared<const std::string>(std::exchange(own_, {}));
}

}  // namespace tombolo::net
