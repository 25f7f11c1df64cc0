// List endpoints: /buckets, /buckets/{b}/collections, /buckets/{b}/collections/{c}/records.
#pragma once

#include "server/doors/kinto/exchange.h"
#include "server/doors/kinto/one_time_tokens.h"

namespace tombolo::server::kinto {

// GET and HEAD. Asks for the writer when the list was never touched: it gets its timestamp now.
Answer read_list(Scope& scope, const Call& call);

// POST: creates an object, or answers with the one that has the id already.
Answer post_to_list(Scope& scope, const Call& call);

// DELETE: everything that matches, page by page; a page's token can be used once.
Answer delete_from_list(Scope& scope, const Call& call, OneTimeTokens& tokens);

}  // namespace tombolo::server::kinto
