// What a list endpoint was asked for, ready for the storage: filters, order, page.
#pragma once

#include "protocol/kinto_page.h"
#include "server/doors/kinto/exchange.h"
#include "server/storage/list_query.h"

namespace tombolo::server::kinto {

struct ListRequest {
  api::ListQuery query;
  ListQuery storage_query;  // without limit
  std::int64_t limit = 0;   // objects on a page, at least 1
  std::int64_t offset = 0;  // objects on the pages before
  std::string nonce;        // of the token that the request came with
};

api::Checked<ListRequest> read_list_request(const Scope& scope, const Call& call);

// The query for one page and the first object after it.
ListQuery page_query(const ListRequest& request);

// Where an object stands in the order that was asked for.
Result<api::Position> position_in_list(const ObjectView& object, const api::ListQuery& query);

void add_next_page(net::HttpResponse& response, const KintoSection& settings, const Call& call,
                   const ListRequest& request, const api::PageToken& token);

}  // namespace tombolo::server::kinto
