// Who asks: the identity that an authenticator finds in a request, and the principals that it
// stands for in permissions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tombolo::server {

inline constexpr std::string_view kEveryone = "system.Everyone";
inline constexpr std::string_view kAuthenticated = "system.Authenticated";
// Whom the settings let into the default bucket of the stream door: everybody while access is open,
// else the holders of a token. A principal, so that what is stored does not say who that is.
inline constexpr std::string_view kStreamUsers = "system.StreamUsers";

struct Identity {
  std::string user_id;  // "basicauth:<hex>", "token:<user>"; empty: anonymous
  // The user id first, then system.Everyone, system.Authenticated and system.StreamUsers. Groups
  // would follow here.
  std::vector<std::string> principals;
  std::string_view anonymous_owner = kEveryone;  // of what it creates without a user id

  bool authenticated() const { return !user_id.empty(); }
  // The principal that owns what this identity creates.
  std::string_view owner() const {
    return authenticated() ? std::string_view(user_id) : anonymous_owner;
  }
  bool is_stream_user() const;
};

Identity anonymous_identity();
Identity identity_of(std::string user_id);

struct AuthenticatorSettings {
  std::string userid_hmac_secret;
  std::map<std::string, std::string, std::less<>> tokens;  // token -> user
  bool open_access = false;                                // whether everybody is a stream user
};

// Thread-safe. Wrong credentials count as anonymous.
class Authenticator {
 public:
  explicit Authenticator(AuthenticatorSettings settings) : settings_(std::move(settings)) {}

  // The value of an Authorization header: "Basic base64(user:password)" (Kinto's basicauth policy:
  // any user and password, the id is their HMAC-SHA256) or "Bearer token". Empty: anonymous.
  Identity authenticate(std::string_view authorization) const;

  // The same, from memory when the header came before: what it gives depends on nothing else.
  std::shared_ptr<const Identity> identify(std::string_view authorization) const;

  // A static token; anonymous when it is unknown.
  Identity authenticate_token(std::string_view token) const;

  // The bucket that "default" stands for (Kinto: HMAC-SHA256 of the user id, as a UUID). The
  // identity must be authenticated.
  std::string default_bucket(const Identity& identity) const;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Identity admitted(Identity identity) const;

  const AuthenticatorSettings settings_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::unordered_map<std::string, std::shared_ptr<const Identity>, TextHash,
                             std::equal_to<>>
      known_;  // by the header
};

}  // namespace tombolo::server
