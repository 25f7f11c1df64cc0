// For tests: an authority that issues certificates for the moment, and a server that speaks TLS on
// loopback before a plain one, as a reverse proxy does.
#pragma once

#include <atomic>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/testing_socket.h"

namespace tombolo::net {

struct TestingFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};

struct TestingCertificate {
  std::unique_ptr<EVP_PKEY, TestingFree> key;
  std::unique_ptr<X509, TestingFree> certificate;

  std::string pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> output(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(output.get(), certificate.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(output.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  }
};

inline constexpr long kTestingDay = 24 * 60 * 60;  // in seconds

struct TestingSubject {
  std::string name = "server";
  std::string alternatives = "IP:127.0.0.1,DNS:localhost";  // as OpenSSL writes them
  long begins = -kTestingDay;                               // seconds from now
  long ends = kTestingDay;
};

// Signed by `issuer`, or by itself when there is none.
inline TestingCertificate issue_certificate(const TestingSubject& subject,
                                            const TestingCertificate* issuer) {
  static std::atomic<long> serial = 1;
  TestingCertificate made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* const certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), subject.begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), subject.ends);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate,
                       X509_get_subject_name(issuer ? issuer->certificate.get() : certificate));
  const auto extend = [certificate](int kind, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (!subject.alternatives.empty()) extend(NID_subject_alt_name, subject.alternatives);
  if (issuer == nullptr) extend(NID_basic_constraints, "critical,CA:TRUE");
  const int signature =
      X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
  EXPECT_GT(signature, 0);
  return made;
}

inline TestingCertificate make_authority(const std::string& name = "Testing Authority") {
  return issue_certificate({.name = name, .alternatives = ""}, nullptr);
}

// Blocking server side of one connection.
class TestingTlsSocket {
 public:
  TestingTlsSocket(SSL_CTX* context, TestingSocket socket)
      : socket_(std::move(socket)), connection_(SSL_new(context)) {
    SSL_set_fd(connection_.get(), socket_.descriptor());
    is_open_ = SSL_accept(connection_.get()) == 1;
  }

  bool is_open() const { return is_open_; }
  bool is_resumed() const { return SSL_session_reused(connection_.get()) == 1; }
  std::string server_name() const {
    const char* name = SSL_get_servername(connection_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

  // Nothing at the end.
  std::string receive() {
    std::string buffer(32 * 1024, '\0');
    const int count = SSL_read(connection_.get(), buffer.data(), static_cast<int>(buffer.size()));
    buffer.resize(static_cast<std::size_t>(std::max(count, 0)));
    return buffer;
  }
  std::string read_until(std::string_view mark) {
    std::string text;
    while (text.find(mark) == std::string::npos) {
      const std::string more = receive();
      if (more.empty()) break;
      text += more;
    }
    return text;
  }
  bool send(std::string_view bytes) {
    return bytes.empty() ||
           SSL_write(connection_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  bool has_unread() const { return SSL_pending(connection_.get()) > 0; }
  void say_goodbye() { SSL_shutdown(connection_.get()); }

  // Carries bytes between this and a plain socket until one of them ends.
  void forward(TestingSocket plain) {
    for (;;) {
      pollfd sources[2] = {{socket_.descriptor(), POLLIN, 0}, {plain.descriptor(), POLLIN, 0}};
      if (!has_unread() && ::poll(sources, 2, TestingSocket::kPatienceMs) <= 0) return;
      if (has_unread() || sources[0].revents != 0) {
        const std::string bytes = receive();
        if (bytes.empty() || !plain.send(bytes)) return;
      }
      if (sources[1].revents != 0) {
        char bytes[32 * 1024];
        const ssize_t count = ::recv(plain.descriptor(), bytes, sizeof bytes, 0);
        if (count <= 0) return say_goodbye();
        if (!send(std::string_view(bytes, static_cast<std::size_t>(count)))) return;
      }
    }
  }

 private:
  TestingSocket socket_;
  std::unique_ptr<SSL, TestingFree> connection_;
  bool is_open_ = false;
};

struct TestingTlsSettings {
  int least_version = TLS1_2_VERSION;
  int greatest_version = TLS1_3_VERSION;
};

inline std::unique_ptr<SSL_CTX, TestingFree> make_server_context(
    const TestingCertificate& certificate, TestingTlsSettings settings = {}) {
  std::unique_ptr<SSL_CTX, TestingFree> context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), 0);  // the old versions, for those that need them
  SSL_CTX_set_min_proto_version(context.get(), settings.least_version);
  SSL_CTX_set_max_proto_version(context.get(), settings.greatest_version);
  SSL_CTX_use_certificate(context.get(), certificate.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), certificate.key.get());
  constexpr unsigned char kSessions[] = "testing";
  SSL_CTX_set_session_id_context(context.get(), kSessions, sizeof kSessions);
  return context;
}

// Speaks TLS on a port of its own and passes every connection on to a plain server's port.
class TestingTlsFront {
 public:
  TestingTlsFront(const TestingCertificate& certificate, std::uint16_t plain_port,
                  TestingTlsSettings settings = {})
      : context_(make_server_context(certificate, settings)), plain_port_(plain_port) {
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TestingTlsFront() {
    is_stopping_ = true;
    {
      const TestingSocket last(listener_.port());
    }
    acceptor_.join();
    for (auto& each : connections_) each.join();
  }
  TestingTlsFront(const TestingTlsFront&) = delete;
  TestingTlsFront& operator=(const TestingTlsFront&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  int connection_count() const { return connection_count_; }
  int resumed_count() const { return resumed_count_; }

 private:
  void accept_all() {
    for (;;) {
      TestingSocket accepted = listener_.accept();
      if (is_stopping_) return;
      connections_.emplace_back([this, socket = std::move(accepted)]() mutable {
        TestingTlsSocket secure(context_.get(), std::move(socket));
        if (!secure.is_open()) return;
        ++connection_count_;
        if (secure.is_resumed()) ++resumed_count_;
        secure.forward(TestingSocket(plain_port_));
      });
    }
  }

  TestingListener listener_;
  const std::unique_ptr<SSL_CTX, TestingFree> context_;
  const std::uint16_t plain_port_;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<int> connection_count_ = 0;
  std::atomic<int> resumed_count_ = 0;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace tombolo::net
