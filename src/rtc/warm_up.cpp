#include "rtc/warm_up.hpp"

#include <array>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/freer.hpp"

namespace parley::rtc {

namespace {

using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Side = std::unique_ptr<SSL, Freer<SSL_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;

constexpr int kRounds = 20;  // a handshake takes three

Error failed(std::string_view what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return {Errc::internal, fmt::format("{}: {}", what, text.data())};
}

// As libdatachannel makes them: ECDSA on P-256, signed by itself.
Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  auto* const name = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>("warm-up");
  const bool filled = X509_set_pubkey(certificate.get(), key) && X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0) &&
                      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600) &&
                      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) &&
                      X509_set_issuer_name(certificate.get(), name) && X509_sign(certificate.get(), key, EVP_sha256()) > 0;
  if (!filled) return nullptr;
  std::array<unsigned char, EVP_MAX_MD_SIZE> fingerprint{};
  unsigned size = 0;
  if (!X509_digest(certificate.get(), EVP_sha256(), fingerprint.data(), &size)) return nullptr;
  return certificate;
}

// And its settings (dtlstransport.cpp), as far as they load anything.
Context make_context(X509* certificate, EVP_PKEY* key) {
  Context context(SSL_CTX_new(DTLS_method()));
  if (!context) return nullptr;
  SSL_CTX_set_options(context.get(), SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, [](int, X509_STORE_CTX*) { return 1; });
  const bool set = SSL_CTX_set_cipher_list(context.get(), "ALL:!SHA256:!SHA384:!aPSK:!ECDSA+SHA1:!ADH:!LOW:!EXP:!MD5:!3DES:!SSLv3:!TLSv1") &&
                   SSL_CTX_set1_groups_list(context.get(), "P-256") && SSL_CTX_use_certificate(context.get(), certificate) &&
                   SSL_CTX_use_PrivateKey(context.get(), key) && SSL_CTX_check_private_key(context.get());
  return set ? std::move(context) : nullptr;
}

// What one side wrote is what the other reads.
Side make_side(SSL_CTX* context, BIO* reads, BIO* writes) {
  constexpr long kMtu = 1200;
  Side side(SSL_new(context));
  if (!side || !BIO_up_ref(reads) || !BIO_up_ref(writes)) return nullptr;
  SSL_set_bio(side.get(), reads, writes);
  SSL_set_mtu(side.get(), kMtu);
  if (SSL_set_tlsext_use_srtp(side.get(), "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") != 0) return nullptr;
  return side;
}

Result<void> shake_hands() {
  const Key key(EVP_EC_gen("prime256v1"));
  if (!key) return fail(failed("no key"));
  const auto certificate = make_certificate(key.get());
  if (!certificate) return fail(failed("no certificate"));
  const auto context = make_context(certificate.get(), key.get());
  using Pipe = std::unique_ptr<BIO, Freer<BIO_free>>;
  const Pipe there(BIO_new(BIO_s_mem())), back(BIO_new(BIO_s_mem()));
  if (!context || !there || !back) return fail(failed("no context"));
  const auto caller = make_side(context.get(), back.get(), there.get());
  const auto agent = make_side(context.get(), there.get(), back.get());
  if (!caller || !agent) return fail(failed("no connection"));
  SSL_set_connect_state(caller.get());
  SSL_set_accept_state(agent.get());
  bool done = false;
  for (int round = 0; round < kRounds && !done; ++round) {
    const int one = SSL_do_handshake(caller.get());
    const int other = SSL_do_handshake(agent.get());
    done = one == 1 && other == 1;
  }
  if (!done) return fail(failed("no handshake"));
  std::array<unsigned char, 60> keys{};
  if (!SSL_export_keying_material(agent.get(), keys.data(), keys.size(), "EXTRACTOR-dtls_srtp", 19, nullptr, 0, 0)) return fail(failed("no keys"));
  return {};
}

// What SRTP encrypts with.
void load_ciphers() {
  const std::array<unsigned char, 32> zero{};
  const std::array ciphers{EVP_aes_128_gcm(), EVP_aes_256_gcm(), EVP_aes_128_ctr(), EVP_aes_256_ctr(), EVP_aes_128_ecb(), EVP_aes_256_ecb()};
  for (const auto* cipher : ciphers) {
    const Cipher context(EVP_CIPHER_CTX_new());
    (void)EVP_CipherInit_ex(context.get(), cipher, nullptr, zero.data(), zero.data(), 1);
  }
}

}  // namespace

Result<void> warm_up() {
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS, nullptr);
  auto warmed = shake_hands();
  load_ciphers();
  ERR_clear_error();
  return warmed;
}

}  // namespace parley::rtc
