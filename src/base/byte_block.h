// Sixteen bytes of text, looked at together: what scans text steps from one byte of interest to the
// next instead of from byte to byte.
//
// Each question answers with a mask whose bit i stands for byte i. Two implementations that agree:
// SSE2, which every x86-64 has, and words of eight bytes for everything else.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tombolo {

class PortableByteBlock {
 public:
  static constexpr std::size_t kBytes = 16;

  // `bytes` must have kBytes.
  explicit PortableByteBlock(const char* bytes) {
    std::memcpy(words_, bytes, sizeof words_);
    if constexpr (std::endian::native == std::endian::big) {
      for (std::uint64_t& word : words_) word = std::byteswap(word);
    }
  }

  // Which bytes are `byte`.
  std::uint32_t equal(char byte) const {
    const std::uint64_t pattern = kOnes * static_cast<unsigned char>(byte);
    return mask([pattern](std::uint64_t word) {
      word ^= pattern;
      return ~(((word & ~kHighBits) + ~kHighBits) | word);
    });
  }

  // Which bytes are control characters: below 0x20.
  std::uint32_t control() const {
    return mask([](std::uint64_t word) {
      return ~(((word & ~kHighBits) + (kOnes * (0x80 - 0x20))) | word);
    });
  }

  // Which bytes are not ASCII: their high bit is set.
  std::uint32_t not_ascii() const {
    return mask([](std::uint64_t word) { return word; });
  }

 private:
  static constexpr std::uint64_t kOnes = 0x0101010101010101;
  static constexpr std::uint64_t kHighBits = 0x8080808080808080;

  // Gathers the high bits of what `marks` makes of each word.
  template <typename Marks>
  std::uint32_t mask(Marks marks) const {
    constexpr std::uint64_t kGather = 0x0002040810204081;
    const std::uint64_t low = ((marks(words_[0]) & kHighBits) * kGather) >> 56;
    const std::uint64_t high = ((marks(words_[1]) & kHighBits) * kGather) >> 56;
    return static_cast<std::uint32_t>(low | high << 8);
  }

  std::uint64_t words_[2];
};

#ifdef __SSE2__
class Sse2ByteBlock {
 public:
  static constexpr std::size_t kBytes = 16;

  explicit Sse2ByteBlock(const char* bytes)
      : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))) {}

  std::uint32_t equal(char byte) const { return mask(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(byte))); }
  std::uint32_t control() const {
    return mask(_mm_cmpeq_epi8(_mm_max_epu8(bytes_, _mm_set1_epi8(0x1F)), _mm_set1_epi8(0x1F)));
  }
  std::uint32_t not_ascii() const { return mask(bytes_); }

 private:
  static std::uint32_t mask(__m128i bytes) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
  }

  __m128i bytes_;
};
using ByteBlock = Sse2ByteBlock;
#else
using ByteBlock = PortableByteBlock;
#endif

}  // namespace tombolo
