#include "server/identity/identity.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/hmac.h"
#include "base/text.h"

namespace tombolo::server {

namespace {

// Headers that are remembered, none of them longer; beyond it, memory starts anew.
constexpr std::size_t kKnownHeaders = 1'024;
constexpr std::size_t kKnownHeaderBytes = 512;

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const char a = left[i] >= 'A' && left[i] <= 'Z' ? static_cast<char>(left[i] + 32) : left[i];
    if (a != right[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Identity anonymous_identity() {
  return {{}, {std::string(kEveryone)}};
}

Identity identity_of(std::string user_id) {
  Identity identity;
  identity.principals = {user_id, std::string(kEveryone), std::string(kAuthenticated)};
  identity.user_id = std::move(user_id);
  return identity;
}

bool Identity::is_stream_user() const {
  return std::find(principals.begin(), principals.end(), kStreamUsers) != principals.end();
}

// As the settings see it without a token.
Identity Authenticator::admitted(Identity identity) const {
  if (settings_.open_access) identity.principals.emplace_back(kStreamUsers);
  return identity;
}

Identity Authenticator::authenticate(std::string_view authorization) const {
  const std::size_t space = authorization.find(' ');
  if (space == authorization.npos) return admitted(anonymous_identity());
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view credentials = trimmed(authorization.substr(space + 1));
  if (equal_ignoring_case(scheme, "bearer")) return authenticate_token(credentials);
  if (!equal_ignoring_case(scheme, "basic")) return admitted(anonymous_identity());
  const std::optional<std::string> decoded = from_base64(credentials);
  if (!decoded || !is_utf8(*decoded)) return admitted(anonymous_identity());
  const std::size_t colon = decoded->find(':');
  if (colon == decoded->npos || colon == 0) return admitted(anonymous_identity());
  return admitted(
      identity_of("basicauth:" + to_hex(hmac_sha256(settings_.userid_hmac_secret, *decoded))));
}

std::shared_ptr<const Identity> Authenticator::identify(std::string_view authorization) const {
  if (authorization.size() > kKnownHeaderBytes) {
    return std::make_shared<const Identity>(authenticate(authorization));
  }
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(authorization); known != known_.end()) return known->second;
  }
  auto identity = std::make_shared<const Identity>(authenticate(authorization));
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownHeaders) known_.clear();
  known_.emplace(std::string(authorization), identity);
  return identity;
}

Identity Authenticator::authenticate_token(std::string_view token) const {
  const auto user = settings_.tokens.find(token);
  if (token.empty() || user == settings_.tokens.end()) return admitted(anonymous_identity());
  Identity identity = identity_of("token:" + user->second);
  identity.principals.emplace_back(kStreamUsers);
  return identity;
}

std::string Authenticator::default_bucket(const Identity& identity) const {
  TOMBOLO_CHECK(identity.authenticated(), "only a user has a default bucket");
  const std::string hex = to_hex(hmac_sha256(settings_.userid_hmac_secret, identity.user_id));
  const std::string_view digits = hex;
  std::string uuid;
  for (const auto& [begin, count] : {std::pair{0, 8}, {8, 4}, {12, 4}, {16, 4}, {20, 12}}) {
    if (begin != 0) uuid += '-';
    uuid += digits.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
  }
  return uuid;
}

}  // namespace tombolo::server
