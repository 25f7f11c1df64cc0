#include <algorithm>

#include "protocol/kinto_id.h"
#include "protocol/kinto_object.h"
#include "protocol/kinto_page.h"
#include "server/changes.h"
#include "server/doors/kinto/access.h"
#include "server/doors/kinto/list_request.h"
#include "server/doors/kinto/lists.h"
#include "server/doors/kinto/objects.h"

namespace tombolo::server::kinto {
namespace {

std::string generate_id(Scope& scope, api::ResourceKind kind) {
  if (kind == api::ResourceKind::record) return scope.writing()->ids().next();
  return api::generate_short_id(scope.door().random);
}

// The id that the body asks for; nothing when it has none, or no body that can be read.
std::string posted_id(const Call& call) {
  if (!call.body) return {};
  return std::string((*call.body)["data"][api::kIdField].as_string());
}

Answer create(Scope& scope, const Call& call, const ListPath& list, api::WriteBody body,
              std::optional<std::string> id) {
  ObjectWrite write;
  write.path = {list, id ? std::move(*id) : generate_id(scope, call.route.kind)};
  if (body.data) write.data = std::move(*body.data);
  const auto checked = api::check_data(write.data, call.route.kind);
  if (!checked) return api::refuse(checked);
  write.forced_last_modified = api::take_forced_timestamp(write.data);
  api::remove_metadata(write.data);
  const auto permissions = changed_permissions(scope, call, std::nullopt, body.permissions, false);
  if (!permissions) return api::refuse(permissions);
  write.permissions = *permissions;
  const Result<StoredObject> stored = put_object(*scope.writing(), write);
  if (!stored) return storage_failure(stored);
  return object_answer(scope, call, *stored, 201);
}

}  // namespace

Answer post_to_list(Scope& scope, const Call& call) {
  const auto parent = check_parent(scope, call);
  if (!parent) return api::refuse(parent);
  const ListPath list = list_path(call.route);

  // Who posts the id of an existing object asks to read it.
  std::optional<StoredObject> existing;
  const std::string wanted_id = posted_id(call);
  if (!wanted_id.empty()) {
    auto found = find_alive(scope, {list, wanted_id});
    if (!found) return api::refuse(found);
    existing = std::move(*found);
  }
  const auto allowed = existing
                           ? require(scope, call, Permission::read, {list, wanted_id}, existing)
                           : require_create(scope, call, list);
  if (!allowed) return api::refuse(allowed);

  if (!call.body) return api::refuse(call.body);
  if (!call.preconditions) return api::refuse(call.preconditions);
  api::Checked<api::WriteBody> body = api::read_write_body(*call.body, call.route.kind);
  if (!body) return api::refuse(body);
  std::optional<std::string> id;
  if (body->data) {
    auto read_id = api::read_posted_id(*body->data);
    if (!read_id) return api::refuse(read_id);
    id = std::move(*read_id);
  }
  if (id) {
    const auto passed = check_preconditions(call, existing);
    if (!passed) return api::refuse(passed);
  }
  if (existing) return object_answer(scope, call, *existing, 200);
  return create(scope, call, list, std::move(*body), std::move(id));
}

Answer delete_from_list(Scope& scope, const Call& call, OneTimeTokens& tokens) {
  const auto parent = check_parent(scope, call);
  if (!parent) return api::refuse(parent);
  const ListPath list = list_path(call.route);
  api::Checked<ListRights> rights = list_rights(scope, call, list, true);
  if (!rights) return api::refuse(rights);
  if (!call.preconditions) return api::refuse(call.preconditions);
  api::Checked<ListRequest> request = read_list_request(scope, call);
  if (!request) return api::refuse(request);
  request->storage_query.visible = std::move(rights->visible);

  const Result<std::int64_t> timestamp = touch_list(*scope.writing(), list);
  if (!timestamp) return storage_failure(timestamp);
  if (api::judge(*call.preconditions, *timestamp, false) == api::Verdict::failed) {
    return api::refuse(api::modified_meanwhile(Value(), *timestamp));
  }
  if (request->query.token && !tokens.redeem(request->nonce, scope.now_ms())) {
    return api::refuse(api::page_token_used());
  }

  // What follows the page is told by where its last object stood before it was deleted.
  request->storage_query.include_tombstones = false;
  std::int64_t count = 0;
  bool more = false;
  Result<api::Position> last = api::Position{};
  const Result<void> listed =
      scope.transaction().list(page_query(*request), [&](const ObjectView& object) {
        more = count == request->limit;
        if (!more && ++count == request->limit) last = position_in_list(object, request->query);
        return !more;
      });
  if (!listed) return storage_failure(listed);
  if (!last) return storage_failure(last);

  ListQuery doomed = request->storage_query;
  doomed.limit = request->limit;
  const Result<std::vector<StoredObject>> tombstones = delete_list(*scope.writing(), doomed);
  if (!tombstones) return storage_failure(tombstones);

  std::string body = "{\"data\":[";
  std::int64_t newest = 0;
  for (const StoredObject& tombstone : *tombstones) {
    if (body.back() != '[') body.push_back(',');
    api::append_tombstone_text(body, tombstone.id, tombstone.last_modified);
    newest = std::max(newest, tombstone.last_modified);
  }
  body.append("]}");
  net::HttpResponse response = json_answer(200, std::move(body));
  set_timestamp(response, tombstones->empty() ? *timestamp : newest);
  if (more) {
    api::PageToken token{std::move(*last), request->offset + count,
                         "pagination-token-" + scope.writing()->ids().next()};
    tokens.issue(token.nonce, scope.now_ms());
    add_next_page(response, scope.settings(), call, *request, token);
  }
  return response;
}

}  // namespace tombolo::server::kinto
