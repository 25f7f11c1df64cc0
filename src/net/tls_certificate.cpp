#include "net/tls_certificate.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ctime>
#include <memory>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string_view>

namespace tombolo::net {
namespace {

constexpr std::size_t kMaxNameBytes = 200;
constexpr int kMaxNames = 5;

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  std::array<char, 32> text{};
  return std::string(text.data(),
                     std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts));
}

// In the notation of RFC 2253, which escapes control characters.
std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> output(BIO_new(BIO_s_mem()), &BIO_free);
  X509_NAME_print_ex(output.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(output.get(), &text);
  if (size <= 0) return "nobody";
  return std::string(text, std::min(static_cast<std::size_t>(size), kMaxNameBytes));
}

std::string text_of(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
                     static_cast<std::size_t>(ASN1_STRING_length(name.d.dNSName)));
    text.resize(std::min(text.size(), kMaxNameBytes));
    std::ranges::replace_if(text, [](char letter) { return letter <= ' ' || letter >= 0x7F; }, '?');
    return text;
  }
  if (name.type != GEN_IPADD) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(name.d.iPAddress);
  if (size != 4 && size != 16) return {};
  ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress), text.data(),
              text.size());
  return text.data();
}

// The hosts and addresses that a certificate is for: "a.example, b.example".
std::string names_in(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  std::string text;
  int listed = 0;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int index = 0; index < count; ++index) {
    const std::string name = text_of(*sk_GENERAL_NAME_value(names.get(), index));
    if (name.empty()) continue;
    if (listed == kMaxNames) return text + ", and others";
    text += (listed++ == 0 ? "" : ", ") + name;
  }
  return text.empty() ? "no host at all" : text;
}

}  // namespace

std::string describe_certificate_problem(X509_STORE_CTX& chain, const std::string& host) {
  const int error = X509_STORE_CTX_get_error(&chain);
  const X509* const certificate = X509_STORE_CTX_get_current_cert(&chain);
  const bool is_its_own = X509_STORE_CTX_get_error_depth(&chain) == 0;
  const std::string subject = is_its_own || certificate == nullptr
                                  ? std::string("its certificate")
                                  : "the certificate of its authority \"" +
                                        text_of(X509_get_subject_name(certificate)) + '"';
  if (certificate == nullptr) return "it showed no certificate";
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return subject + " expired on " + text_of(X509_get0_notAfter(certificate)) +
             ": it must be renewed at the server (or this machine's clock is wrong)";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return subject + " is not valid before " + text_of(X509_get0_notBefore(certificate)) +
             ": check the clocks of this machine and of the server";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for " + host + " but for " + names_in(certificate) +
             ": use such a name in the URL, or give the server a certificate for this one";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "its certificate is self-signed and not among the trusted ones: to trust it, name a "
             "file that holds it as ca_file";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its certificate comes from an unknown authority, \"" +
             text_of(X509_get_issuer_name(certificate)) +
             "\": to trust that one, name a file with its certificate as ca_file (or the server "
             "does not send the certificates between)";
    default:
      return subject + " cannot be trusted: " + X509_verify_cert_error_string(error);
  }
}

}  // namespace tombolo::net
