#include "server/identity/identity.h"

#include <gtest/gtest.h>

#include "base/hmac.h"
#include "base/text.h"

namespace tombolo::server {
namespace {

const Authenticator kAuthenticator({"secret", {{"t0ken", "alice"}}});

TEST(Authenticator, NamesBasicUsersByTheirHmac) {
  const Identity identity = kAuthenticator.authenticate("Basic " + to_base64("bob:pass"));
  EXPECT_EQ(identity.user_id, "basicauth:" + to_hex(hmac_sha256("secret", "bob:pass")));
  EXPECT_EQ(identity.principals, (std::vector<std::string>{identity.user_id, "system.Everyone",
                                                           "system.Authenticated"}));
}

TEST(Authenticator, TakesAnEmptyUserAndWhatIsMalformedAsAnonymous) {
  for (const std::string& header :
       {"Basic " + to_base64(":pass"), "Basic " + to_base64("nocolon"), std::string("Basic !!"),
        std::string("Basic"), std::string(), std::string("Digest x"), std::string("Bearer nope")}) {
    const Identity identity = kAuthenticator.authenticate(header);
    EXPECT_FALSE(identity.authenticated()) << header;
    EXPECT_EQ(identity.owner(), "system.Everyone");
  }
}

TEST(Authenticator, RemembersWhoAHeaderNames) {
  const std::string bob = "Basic " + to_base64("bob:pass");
  const auto first = kAuthenticator.identify(bob);
  EXPECT_EQ(first->user_id, kAuthenticator.authenticate(bob).user_id);
  EXPECT_EQ(kAuthenticator.identify(bob), first);
  EXPECT_FALSE(kAuthenticator.identify("")->authenticated());
  EXPECT_NE(kAuthenticator.identify("Basic " + to_base64("bob:pass2"))->user_id, first->user_id);
}

TEST(Authenticator, TellsUsersApartHoweverManyThereAre) {
  for (int round = 0; round < 2; ++round) {
    for (int user = 0; user < 3'000; ++user) {
      const std::string header = "Basic " + to_base64("user" + std::to_string(user) + ":");
      ASSERT_EQ(kAuthenticator.identify(header)->user_id,
                kAuthenticator.authenticate(header).user_id);
    }
  }
  const std::string long_header = "Basic " + to_base64("bob:" + std::string(5'000, 'x'));
  EXPECT_EQ(kAuthenticator.identify(long_header)->user_id,
            kAuthenticator.authenticate(long_header).user_id);
}

TEST(Authenticator, KnowsStaticTokens) {
  EXPECT_EQ(kAuthenticator.authenticate("bearer t0ken").user_id, "token:alice");
  EXPECT_EQ(kAuthenticator.authenticate_token("t0ken").owner(), "token:alice");
  EXPECT_FALSE(kAuthenticator.authenticate_token("").authenticated());
}

TEST(Authenticator, SaysWhomTheSettingsLetIntoTheSharedBucket) {
  EXPECT_TRUE(kAuthenticator.authenticate_token("t0ken").is_stream_user());
  EXPECT_FALSE(kAuthenticator.authenticate("").is_stream_user());
  EXPECT_FALSE(kAuthenticator.authenticate("Basic " + to_base64("bob:pass")).is_stream_user());
  const Authenticator open({"secret", {{"t0ken", "alice"}}, true});
  EXPECT_TRUE(open.authenticate("").is_stream_user());
  EXPECT_TRUE(open.authenticate("Basic " + to_base64("bob:pass")).is_stream_user());
}

TEST(Authenticator, GivesEachUserADefaultBucket) {
  const std::string bucket = kAuthenticator.default_bucket(identity_of("token:alice"));
  const std::string hex = to_hex(hmac_sha256("secret", "token:alice"));
  EXPECT_EQ(bucket.size(), 36u);
  EXPECT_EQ(bucket.substr(0, 8), hex.substr(0, 8));
  EXPECT_EQ(bucket.substr(24), hex.substr(20, 12));
}

}  // namespace
}  // namespace tombolo::server
