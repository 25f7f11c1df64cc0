// The fingerprint of a set of operations: the sum modulo 2^128 of the first 16 bytes of their ids,
// read as big-endian numbers. Adding is order-free, so two replicas that hold the same operations
// have the same fingerprint, whatever the order of arrival.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tombolo::core {

class Fingerprint {
 public:
  Fingerprint() = default;

  // From the stored 16 bytes; zero for anything shorter.
  static Fingerprint from_bytes(std::span<const std::uint8_t> bytes) {
    Fingerprint fingerprint;
    fingerprint.add(bytes);
    return fingerprint;
  }

  // Counts an operation in, or out again, by the bytes of its id (at least 16).
  void add(std::span<const std::uint8_t> bytes) {
    if (bytes.size() >= 16) add(read(bytes.first(8)), read(bytes.subspan(8, 8)));
  }
  void subtract(std::span<const std::uint8_t> bytes) {
    if (bytes.size() >= 16) subtract(read(bytes.first(8)), read(bytes.subspan(8, 8)));
  }
  void add(const Fingerprint& other) { add(other.high_, other.low_); }
  void subtract(const Fingerprint& other) { subtract(other.high_, other.low_); }

  std::array<std::uint8_t, 16> bytes() const {
    std::array<std::uint8_t, 16> out{};
    for (std::size_t i = 0; i < 8; ++i) {
      out[i] = static_cast<std::uint8_t>(high_ >> (56 - 8 * i));
      out[8 + i] = static_cast<std::uint8_t>(low_ >> (56 - 8 * i));
    }
    return out;
  }

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

 private:
  static std::uint64_t read(std::span<const std::uint8_t> bytes) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes) number = number << 8 | byte;
    return number;
  }
  void add(std::uint64_t high, std::uint64_t low) {
    low_ += low;
    high_ += high + (low_ < low ? 1 : 0);
  }
  void subtract(std::uint64_t high, std::uint64_t low) {
    high_ -= high + (low_ < low ? 1 : 0);
    low_ -= low;
  }

  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

}  // namespace tombolo::core
