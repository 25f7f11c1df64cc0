// Tokens that can be used once, for a while: those of a paged DELETE. Used on the writer's thread
// alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace tombolo::server::kinto {

inline constexpr std::int64_t kTokenValidityMs = 600'000;
inline constexpr std::size_t kMaxTokens = 10'000;  // beyond it the oldest is forgotten

class OneTimeTokens {
 public:
  void issue(const std::string& nonce, std::int64_t now_ms);

  // Whether the token was issued, not used yet and not too long ago. It is used now.
  bool redeem(const std::string& nonce, std::int64_t now_ms);

 private:
  void forget_old(std::int64_t now_ms);

  std::unordered_map<std::string, std::int64_t> expiry_ms_;
  std::deque<std::string> in_order_;
};

}  // namespace tombolo::server::kinto
