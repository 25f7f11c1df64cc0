// Pages of Kinto's lists: the token that says where the next page begins.
//
// Paging is by key, not by count: a page holds what comes strictly after the last object of the
// page before, in the order asked for. So inserts and deletes between two pages neither repeat nor
// skip an object that stays. A key of the storage decides among objects that are equal in all sort
// fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/kinto_error.h"
#include "protocol/kinto_object.h"
#include "protocol/kinto_query.h"

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

// Where an object stands in a list.
struct Position {
  std::vector<std::optional<Value>> values;  // of each sort field; nothing: it has none
  std::int64_t key = 0;                      // of the storage
};

Position position_of(const ObjectView& view, const std::vector<SortField>& sort, std::int64_t key);

struct PageToken {
  Position last;            // the page holds what comes after it
  std::int64_t offset = 0;  // objects on the pages before
  std::string nonce;        // names the token, where it can be used only once
};

std::string encode_page_token(const PageToken& token, const std::vector<SortField>& sort);

// Refuses with 400 what encode_page_token did not write for the same sorting.
Checked<PageToken> decode_page_token(std::string_view text, const std::vector<SortField>& sort);

// The refusal of a token that can be used only once and was.
ApiError page_token_used();

// The query string of the next page: the parameters of this one, with the limit and the token.
std::string next_page_query(const std::vector<Parameter>& parameters, std::int64_t limit,
                            std::string_view token);

}  // namespace tombolo::protocol::kinto
