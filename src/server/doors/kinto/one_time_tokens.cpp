#include "server/doors/kinto/one_time_tokens.h"

namespace tombolo::server::kinto {

void OneTimeTokens::issue(const std::string& nonce, std::int64_t now_ms) {
  forget_old(now_ms);
  expiry_ms_[nonce] = now_ms + kTokenValidityMs;
  in_order_.push_back(nonce);
}

bool OneTimeTokens::redeem(const std::string& nonce, std::int64_t now_ms) {
  forget_old(now_ms);
  return expiry_ms_.erase(nonce) == 1;
}

void OneTimeTokens::forget_old(std::int64_t now_ms) {
  while (!in_order_.empty()) {
    const auto oldest = expiry_ms_.find(in_order_.front());
    const bool used = oldest == expiry_ms_.end();
    if (!used && oldest->second > now_ms && in_order_.size() <= kMaxTokens) return;
    if (!used) expiry_ms_.erase(oldest);
    in_order_.pop_front();
  }
}

}  // namespace tombolo::server::kinto
