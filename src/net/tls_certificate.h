// Why a server's certificate was refused, in words for the person who must act.
#pragma once

#include <string>

struct x509_store_ctx_st;

namespace tombolo::net {

// What verification found wrong with the chain's current certificate, and what to do, as the rest
// of a sentence about the server: "its certificate expired on ...". What the certificate says of
// itself is hostile text: it is escaped and cut.
std::string describe_certificate_problem(x509_store_ctx_st& chain, const std::string& host);

}  // namespace tombolo::net
