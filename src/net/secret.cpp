#include "net/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace parley::net {

bool same_secret(std::string_view a, std::string_view b) noexcept {
  unsigned char hash_a[SHA256_DIGEST_LENGTH];
  unsigned char hash_b[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(a.data()), a.size(), hash_a);
  SHA256(reinterpret_cast<const unsigned char*>(b.data()), b.size(), hash_b);
  return CRYPTO_memcmp(hash_a, hash_b, sizeof hash_a) == 0;
}

}  // namespace parley::net
