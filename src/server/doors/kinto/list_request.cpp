#include "server/doors/kinto/list_request.h"

#include <algorithm>
#include <limits>

#include "base/json.h"
#include "base/percent_encoding.h"

namespace tombolo::server::kinto {
namespace {

FilterOperator operator_of(api::FilterOperator comparison) {
  switch (comparison) {
    case api::FilterOperator::equal:
      return FilterOperator::equal;
    case api::FilterOperator::not_equal:
      return FilterOperator::not_equal;
    case api::FilterOperator::less:
      return FilterOperator::less;
    case api::FilterOperator::at_most:
      return FilterOperator::at_most;
    case api::FilterOperator::at_least:
      return FilterOperator::at_least;
    case api::FilterOperator::greater:
      return FilterOperator::greater;
    case api::FilterOperator::in:
      return FilterOperator::in;
    case api::FilterOperator::exclude:
      return FilterOperator::exclude;
    case api::FilterOperator::like:
      return FilterOperator::like;
    case api::FilterOperator::has:
      return FilterOperator::has;
    case api::FilterOperator::contains:
      return FilterOperator::contains;
    case api::FilterOperator::contains_any:
      return FilterOperator::contains_any;
  }
  return FilterOperator::equal;
}

ListQuery storage_query_of(const ListPath& list, const api::ListQuery& query) {
  ListQuery out;
  out.list = list;
  if (query.after != std::numeric_limits<std::int64_t>::min()) out.since = query.after;
  if (query.before != std::numeric_limits<std::int64_t>::max()) out.before = query.before;
  out.include_tombstones = query.includes_tombstones;
  for (const api::Filter& filter : query.filters) {
    out.filters.push_back(
        {filter.field, operator_of(filter.comparison), filter.value, filter.literal});
  }
  for (const api::SortField& field : query.sort) {
    out.sort.push_back({field.field, field.descending});
    if (field.field == api::kModifiedField && query.is_newest_first()) break;
  }
  return out;
}

std::int64_t page_size(const KintoSection& settings, std::optional<std::int64_t> asked) {
  std::int64_t size = settings.max_fetch_size;
  if (settings.paginate_by > 0) size = std::min(size, settings.paginate_by);
  if (asked && *asked > 0) size = std::min(size, *asked);
  return size;
}

ListPosition storage_position(const api::Position& position, std::size_t sort_keys) {
  ListPosition out;
  out.values = position.values;
  out.values.resize(sort_keys);
  out.object_key = position.key;
  return out;
}

}  // namespace

api::Checked<ListRequest> read_list_request(const Scope& scope, const Call& call) {
  if (!call.parameters) return api::refuse(call.parameters);
  api::Checked<api::ListQuery> query = api::parse_list_query(*call.parameters, scope.now_ms());
  if (!query) return api::refuse(query);
  ListRequest request;
  request.query = std::move(*query);
  request.storage_query = storage_query_of(list_path(call.route), request.query);
  request.limit = page_size(scope.settings(), request.query.limit);
  if (request.query.token) {
    const auto token = api::decode_page_token(*request.query.token, request.query.sort);
    if (!token) return api::refuse(token);
    request.storage_query.after = storage_position(token->last, request.storage_query.sort.size());
    request.offset = token->offset;
    request.nonce = token->nonce;
  }
  return request;
}

ListQuery page_query(const ListRequest& request) {
  ListQuery query = request.storage_query;
  query.limit = request.limit + 1;
  return query;
}

Result<api::Position> position_in_list(const ObjectView& object, const api::ListQuery& query) {
  api::ObjectView view;
  view.id = object.id;
  view.last_modified = object.last_modified;
  view.deleted = object.deleted;
  Value data;
  if (query.needs_data() && !object.deleted) {
    Result<Value> parsed = parse_json(object.data);
    if (!parsed) return fail(parsed);
    data = std::move(*parsed);
  }
  view.data = data.if_object();
  return api::position_of(view, query.sort, object.key);
}

void add_next_page(net::HttpResponse& response, const KintoSection& settings, const Call& call,
                   const ListRequest& request, const api::PageToken& token) {
  const std::string text = api::encode_page_token(token, request.query.sort);
  response.headers.add("Next-Page",
                       origin_of(settings, call) + "/" + std::string(api::kVersionPrefix) +
                           api::endpoint_path(call.route) + "?" +
                           api::next_page_query(*call.parameters, request.limit, text));
}

}  // namespace tombolo::server::kinto
