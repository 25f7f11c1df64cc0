// What the TLS connections of clients share: whom they trust, and the sessions that a later
// connection to the same server takes up again (RFC 8446 section 2.2), which saves the server a
// signature and both a round of certificates.
//
// A context and its connections belong to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tombolo/result.h"

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace tombolo::net {

struct TlsFree {
  void operator()(bio_method_st* method) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_session_st* session) const;
  void operator()(ssl_st* connection) const;
};

// The server that a connection is meant to reach.
struct TlsPeer {
  std::string host;  // a name, or an address without brackets: its certificate must name it
  std::uint16_t port = 0;
  std::string certificate_problem = {};  // why its certificate was refused; empty: it was not

  std::string session_key() const { return host + ' ' + std::to_string(port); }
};

class TlsContext {
 public:
  // `ca_file`: the PEM certificates to trust, and no others; empty: those the system trusts.
  // Errors: invalid_argument (the file cannot be read, or holds no certificate), internal.
  static Result<std::shared_ptr<TlsContext>> make(const std::string& ca_file);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A connection in its first state, that checks the server's certificate and its name and notes in
  // `peer`, which must outlive it, what is wrong with them.
  std::unique_ptr<ssl_st, TlsFree> prepare(TlsPeer& peer);

  // How connections reach their sockets: see tls_stream.cpp.
  bio_method_st* transport() const { return transport_.get(); }

 private:
  TlsContext();
  static int on_new_session(ssl_st* connection, ssl_session_st* session);
  void resume(ssl_st& connection, const std::string& key);

  std::unique_ptr<bio_method_st, TlsFree> transport_;
  std::unique_ptr<ssl_ctx_st, TlsFree> context_;
  std::map<std::string, std::unique_ptr<ssl_session_st, TlsFree>> sessions_;
};

}  // namespace tombolo::net
