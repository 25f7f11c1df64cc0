#include "net/tls_context.h"

#include <array>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "net/tls_certificate.h"
#include "net/tls_stream.h"
#include "os/files.h"

namespace tombolo::net {
namespace {

constexpr std::size_t kMaxCaFileBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxSessions = 64;
constexpr std::string_view kApplicationProtocol = "\x08http/1.1";  // RFC 7301: length, then name

TlsPeer& peer_of(const SSL* connection) {
  return *static_cast<TlsPeer*>(SSL_get_app_data(connection));
}

// OpenSSL asks at each certificate of the chain; the first thing that is wrong with one decides.
int on_certificate(int is_good, X509_STORE_CTX* chain) {
  if (is_good == 1) return 1;
  const auto* connection = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsPeer& peer = peer_of(connection);
  peer.certificate_problem = describe_certificate_problem(*chain, peer.host);
  return 0;
}

Result<void> trust_system(SSL_CTX& context) {
  if (SSL_CTX_set_default_verify_paths(&context) == 1) return {};
  return fail(ErrorCode::internal,
              "the certificates that the system trusts cannot be loaded: name a ca_file");
}

Result<void> trust_file(SSL_CTX& context, const std::string& ca_file) {
  const auto text = os::read_file(ca_file, kMaxCaFileBytes);
  if (!text) {
    return fail(ErrorCode::invalid_argument, "the ca_file cannot be used: " + text.error().message);
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> input(
      BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), &BIO_free);
  X509_STORE* const store = SSL_CTX_get_cert_store(&context);
  std::size_t count = 0;
  for (;;) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr), &X509_free);
    if (!certificate) break;
    count += X509_STORE_add_cert(store, certificate.get()) == 1;
  }
  const bool is_read_to_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count == 0 || !is_read_to_end) {
    return fail(ErrorCode::invalid_argument,
                "the ca_file " + ca_file + (count == 0 ? " holds no certificate" : " is damaged") +
                    ": it must hold certificates in PEM (\"-----BEGIN CERTIFICATE-----\")");
  }
  // Whatever stands in the file is trusted, be it an authority or a server's own certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

}  // namespace

void TlsFree::operator()(bio_method_st* method) const {
  BIO_meth_free(method);
}
void TlsFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void TlsFree::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}
void TlsFree::operator()(ssl_st* connection) const {
  SSL_free(connection);
}

TlsContext::TlsContext()
    : transport_(make_tls_transport()), context_(SSL_CTX_new(TLS_client_method())) {
  TOMBOLO_CHECK(context_ != nullptr, "OpenSSL makes no context");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_app_data(context, this);
  TOMBOLO_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1,
                "OpenSSL has no TLS 1.2");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection keeps no buffers; a write that blocked may come again from elsewhere.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_certificate);
  SSL_CTX_set_alpn_protos(context,
                          reinterpret_cast<const unsigned char*>(kApplicationProtocol.data()),
                          static_cast<unsigned int>(kApplicationProtocol.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsContext::on_new_session);
}

Result<std::shared_ptr<TlsContext>> TlsContext::make(const std::string& ca_file) {
  const std::shared_ptr<TlsContext> made(new TlsContext());
  ERR_clear_error();
  const auto trusted =
      ca_file.empty() ? trust_system(*made->context_) : trust_file(*made->context_, ca_file);
  if (!trusted) return fail(trusted);
  return made;
}

std::unique_ptr<ssl_st, TlsFree> TlsContext::prepare(TlsPeer& peer) {
  std::unique_ptr<ssl_st, TlsFree> connection(SSL_new(context_.get()));
  TOMBOLO_CHECK(connection != nullptr, "OpenSSL makes no connection");
  SSL_set_app_data(connection.get(), &peer);
  SSL_set_connect_state(connection.get());

  // A certificate names hosts or addresses; the server is told a name only (RFC 6066 section 3).
  X509_VERIFY_PARAM* const expected = SSL_get0_param(connection.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, peer.host.c_str()) != 1) {
    ERR_clear_error();
    const bool is_absolute = peer.host.size() > 1 && peer.host.ends_with('.');
    const std::string name = peer.host.substr(0, peer.host.size() - is_absolute);
    SSL_set_hostflags(connection.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    TOMBOLO_CHECK(!name.empty() && SSL_set1_host(connection.get(), name.c_str()) == 1,
                  "OpenSSL takes no host name");
    // As SSL_set_tlsext_host_name, a macro with a cast of the old style.
    SSL_ctrl(connection.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(name.c_str()));
  }
  resume(*connection, peer.session_key());
  return connection;
}

void TlsContext::resume(ssl_st& connection, const std::string& key) {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  if (SSL_SESSION_is_resumable(found->second.get()) == 1) {
    SSL_set_session(&connection, found->second.get());
  }
  // A ticket of TLS 1.3 is used once, so that nobody can link two connections by it.
  if (SSL_SESSION_get_protocol_version(found->second.get()) != TLS1_2_VERSION) {
    sessions_.erase(found);
  }
}

// Answers 1 when it keeps the session, which then is its own.
int TlsContext::on_new_session(ssl_st* connection, ssl_session_st* session) {
  auto* const self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
  const std::string key = peer_of(connection).session_key();
  if (self->sessions_.size() >= kMaxSessions && !self->sessions_.contains(key)) {
    self->sessions_.erase(self->sessions_.begin());
  }
  self->sessions_[key].reset(session);
  return 1;
}

}  // namespace tombolo::net
