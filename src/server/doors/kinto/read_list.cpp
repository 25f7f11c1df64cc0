#include "base/json.h"
#include "protocol/kinto_fields.h"
#include "protocol/kinto_object.h"
#include "protocol/kinto_page.h"
#include "server/changes.h"
#include "server/doors/kinto/access.h"
#include "server/doors/kinto/list_request.h"
#include "server/doors/kinto/lists.h"

namespace tombolo::server::kinto {
namespace {

// Appends one object of the list, spliced from its stored text unless only some of its fields are
// wanted.
Result<void> append_object(std::string& out, const ObjectView& object,
                           const std::vector<std::string>& fields) {
  if (out.back() != '[') out.push_back(',');
  if (object.deleted) {
    api::append_tombstone_text(out, object.id, object.last_modified);
    return {};
  }
  if (fields.empty()) {
    api::append_object_text(out, object.data, object.id, object.last_modified);
    return {};
  }
  const Result<Value> data = parse_json(object.data);
  if (!data) return fail(data);
  std::string text;
  append_json(text, api::project(*data->if_object(), fields));
  api::append_object_text(out, text, object.id, object.last_modified);
  return {};
}

// The body of the page, and the position of its last object when more follow.
struct Page {
  std::string body = "{\"data\":[";
  std::int64_t count = 0;
  std::optional<api::Position> last;
};

Result<Page> read_page(Scope& scope, const ListRequest& request) {
  Page page;
  std::optional<api::Position> last;
  Result<void> problem;
  const Result<void> listed =
      scope.transaction().list(page_query(request), [&](const ObjectView& object) {
        if (page.count == request.limit) {
          page.last = std::move(last);
          return false;
        }
        problem = append_object(page.body, object, request.query.fields);
        if (problem && ++page.count == request.limit) {
          Result<api::Position> position = position_in_list(object, request.query);
          if (position) {
            last = std::move(*position);
          } else {
            problem = fail(position);
          }
        }
        return problem.has_value();
      });
  if (!listed) return fail(listed);
  if (!problem) return fail(problem);
  page.body.append("]}");
  return page;
}

Answer get_list(Scope& scope, const Call& call, const ListRequest& request,
                std::int64_t timestamp) {
  // Nothing in the list is newer than the list: a poll with nothing new touches no object.
  if (request.query.after >= timestamp) return json_answer(200, "{\"data\":[]}");
  Result<Page> page = read_page(scope, request);
  if (!page) return storage_failure(page);
  net::HttpResponse response = json_answer(200, std::move(page->body));
  if (page->last) {
    api::PageToken token;
    token.last = std::move(*page->last);
    token.offset = request.offset + page->count;
    add_next_page(response, scope.settings(), call, request, token);
  }
  return response;
}

Answer head_of_list(Scope& scope, const ListRequest& request) {
  ListQuery query = request.storage_query;
  query.include_tombstones = false;
  const Result<std::int64_t> count = scope.transaction().count(query);
  if (!count) return storage_failure(count);
  net::HttpResponse response = json_answer(200, "");
  response.headers.add("Total-Objects", std::to_string(*count));
  response.headers.add("Total-Records", std::to_string(*count));
  return response;
}

api::Checked<std::int64_t> timestamp_of(Scope& scope, const ListPath& list) {
  const Result<std::int64_t> timestamp = scope.transaction().list_timestamp(list);
  if (!timestamp) return storage_failure(timestamp);
  if (*timestamp != 0) return *timestamp;
  if (scope.writing() == nullptr) return scope.ask_for_writer();
  const Result<std::int64_t> started = touch_list(*scope.writing(), list);
  if (!started) return storage_failure(started);
  return *started;
}

}  // namespace

Answer read_list(Scope& scope, const Call& call) {
  const auto parent = check_parent(scope, call);
  if (!parent) return api::refuse(parent);
  const ListPath list = list_path(call.route);
  api::Checked<ListRights> rights = list_rights(scope, call, list, false);
  if (!rights) return api::refuse(rights);
  if (!call.preconditions) return api::refuse(call.preconditions);

  const api::Checked<std::int64_t> timestamp = timestamp_of(scope, list);
  if (!timestamp) return api::refuse(timestamp);
  const api::Verdict verdict = api::judge(*call.preconditions, *timestamp, true);
  if (verdict == api::Verdict::failed) {
    return api::refuse(api::modified_meanwhile(Value(), *timestamp));
  }
  if (verdict == api::Verdict::not_modified) {
    net::HttpResponse response;
    response.status = 304;
    set_timestamp(response, *timestamp);
    return response;
  }

  api::Checked<ListRequest> request = read_list_request(scope, call);
  if (!request) return api::refuse(request);
  request->storage_query.visible = std::move(rights->visible);
  const bool is_head = call.method == net::HttpMethod::head;
  Answer answer =
      is_head ? head_of_list(scope, *request) : get_list(scope, call, *request, *timestamp);
  if (!answer) return answer;
  set_timestamp(*answer, *timestamp);
  answer->headers.add("Cache-Control", "no-cache, no-store");
  if (request->query.uses_deprecated_to) {
    answer->headers.add("Alert",
                        R"({"code":"soft-eol","message":"_to is now deprecated, you should use )"
                        R"(_before instead","url":"https://docs.kinto-storage.org/"})");
  }
  return answer;
}

}  // namespace tombolo::server::kinto
