#include <openssl/evp.h>

#include "base/check.h"
#include "base/sha256.h"

namespace tombolo {
namespace {

// Fetching the algorithm and making a context for each digest costs more than the digest itself.
struct Hasher {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Hasher() = default;
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
  }
};

}  // namespace

Sha256Digest sha256(std::string_view bytes) {
  thread_local const Hasher hasher;
  Sha256Digest digest{};
  unsigned int length = 0;
  const bool done = EVP_DigestInit_ex2(hasher.context, hasher.algorithm, nullptr) == 1 &&
                    EVP_DigestUpdate(hasher.context, bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(hasher.context, digest.data(), &length) == 1;
  TOMBOLO_CHECK(done && length == digest.size(), "OpenSSL computes SHA-256");
  return digest;
}

}  // namespace tombolo
