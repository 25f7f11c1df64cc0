#include "base/sha256.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"

namespace tombolo {
namespace {

// NIST, "Examples with Intermediate Values" and the long message of the SHA-2 validation system.
TEST(Sha256, MatchesTheVectorsOfNist) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
       "lmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [message, digest] : vectors) {
    EXPECT_EQ(to_hex(sha256(message)), digest);
    EXPECT_EQ(to_hex(sha256_portable(message)), digest);
  }
}

// Every length around the block and padding boundaries.
TEST(Sha256, PortableAndNativeAgreeForAllLengthsOfThreeBlocks) {
  std::string message;
  for (int length = 0; length <= 192; ++length) {
    ASSERT_EQ(sha256(message), sha256_portable(message)) << length;
    message.push_back(static_cast<char>(length * 37));
  }
}

RC_GTEST_PROP(Sha256, PortableAndNativeAgree, (const std::string& message)) {
  RC_ASSERT(sha256(message) == sha256_portable(message));
}

}  // namespace
}  // namespace tombolo
