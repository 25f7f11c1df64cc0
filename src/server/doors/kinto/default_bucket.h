// The default bucket: "/buckets/default" is a bucket of the user's own, which is there as soon as
// it is named, as are the collections in it.
#pragma once

#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

// Puts the real bucket into the route of a call that says "default" (401 for anonymous ones).
api::Checked<void> resolve_default_bucket(const DoorContext& door, Call& call);

// Makes the bucket and the collection that the call addresses, unless the call itself does.
api::Checked<void> provide_default_bucket(Scope& scope, const Call& call);

}  // namespace tombolo::server::kinto
