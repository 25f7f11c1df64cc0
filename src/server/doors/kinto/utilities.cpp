#include "server/doors/kinto/utilities.h"

#include "base/json.h"

namespace tombolo::server::kinto {
namespace {

constexpr std::string_view kDocumentation = "https://docs.kinto-storage.org/";
constexpr std::string_view kApiVersion = "1.23";

#ifndef TOMBOLO_VERSION
#define TOMBOLO_VERSION "0.1.0"
#endif

Object capability(std::string_view description, std::string_view page) {
  return Object{{"description", description},
                {"url", std::string(kDocumentation) + std::string(page)}};
}

Object capabilities(const KintoSection& settings) {
  Object all;
  all.set("basicauth", capability("Very basic authentication sessions. Not for production use.",
                                  "en/stable/api/1.x/authentication.html"));
  all.set("default_bucket",
          capability("The default bucket is an alias for a personal bucket where collections are "
                     "created implicitly.",
                     "en/latest/api/1.x/buckets.html#personal-bucket-default"));
  if (settings.flush_enabled) {
    all.set("flush_endpoint",
            capability("The __flush__ endpoint can be used to remove all data from all backends.",
                       "en/latest/api/1.x/flush.html"));
  }
  return all;
}

std::string text_of(const Object& object) {
  std::string text;
  append_json(text, object);
  return text;
}

}  // namespace

net::HttpResponse hello(const DoorContext& door, const Call& call) {
  const KintoSection& settings = door.configuration.kinto;
  Object body{{"project_name", settings.project_name},
              {"project_version", TOMBOLO_VERSION},
              {"http_api_version", kApiVersion},
              {"project_docs", kDocumentation},
              {"url", origin_of(settings, call) + "/" + std::string(api::kVersionPrefix) + "/"},
              {"config", nullptr},
              {"settings",
               {{"batch_max_requests", settings.batch_max_requests},
                {"readonly", settings.readonly},
                {"explicit_permissions", settings.explicit_permissions}}},
              {"capabilities", capabilities(settings)}};
  if (call.identity->authenticated()) {
    Array principals;
    for (const std::string& principal : call.identity->principals)
      principals.emplace_back(principal);
    body.set("user", Object{{"id", call.identity->user_id},
                            {"principals", std::move(principals)},
                            {"bucket", door.authenticator.default_bucket(*call.identity)}});
  }
  net::HttpResponse response = json_answer(200, text_of(body));
  if (settings.readonly) response.headers.add("Cache-Control", "max-age=86400");
  return response;
}

net::HttpResponse version() {
  return json_answer(200, text_of(Object{{"name", "tombolo"}, {"version", TOMBOLO_VERSION}}));
}

net::HttpResponse heartbeat(bool storage_answers) {
  return json_answer(storage_answers ? 200 : 503, text_of(Object{{"storage", storage_answers},
                                                                 {"permission", storage_answers},
                                                                 {"cache", true}}));
}

Answer flush(Scope& scope) {
  const Result<void> erased = scope.writing()->transaction().erase_all();
  if (!erased) return storage_failure(erased);
  return json_answer(202, "{}");
}

}  // namespace tombolo::server::kinto
