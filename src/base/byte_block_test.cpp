#include "base/byte_block.h"

#include <array>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tombolo {
namespace {

using Bytes = std::array<char, ByteBlock::kBytes>;

template <typename Question>
std::uint32_t one_by_one(const Bytes& bytes, Question question) {
  std::uint32_t mask = 0;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (question(static_cast<unsigned char>(bytes[index]))) mask |= 1U << index;
  }
  return mask;
}

template <typename Block>
void expect_agreement(const Bytes& bytes, char wanted) {
  const Block block(bytes.data());
  EXPECT_EQ(block.equal(wanted), one_by_one(bytes, [&](unsigned char byte) {
              return byte == static_cast<unsigned char>(wanted);
            }));
  EXPECT_EQ(block.control(), one_by_one(bytes, [](unsigned char byte) { return byte < 0x20; }));
  EXPECT_EQ(block.not_ascii(), one_by_one(bytes, [](unsigned char byte) { return byte >= 0x80; }));
}

// In each place every byte, among neighbours that a carry could reach.
TEST(ByteBlock, FindsEveryByteInEveryPlace) {
  for (std::size_t place = 0; place < ByteBlock::kBytes; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      for (const char around : {'\0', '\x1F', '\x20', '"', '#', '\x7F', '\x80', '\xA0', '\xFF'}) {
        Bytes bytes;
        bytes.fill(around);
        bytes[place] = static_cast<char>(byte);
        expect_agreement<ByteBlock>(bytes, static_cast<char>(byte));
        expect_agreement<PortableByteBlock>(bytes, static_cast<char>(byte));
      }
    }
  }
}

RC_GTEST_PROP(ByteBlock, AgreesWithALookAtEachByte, (const Bytes& bytes, std::uint8_t place)) {
  const char wanted = bytes[place % bytes.size()];
  expect_agreement<ByteBlock>(bytes, wanted);
  expect_agreement<PortableByteBlock>(bytes, wanted);
}

}  // namespace
}  // namespace tombolo
