// Opens a Database in an environment of the caller's, as tests and the simulator do.
#pragma once

#include <string>

#include "client/environment.h"

#include "tombolo/database.h"
#include "tombolo/result.h"

namespace tombolo::client {

// As Database::open(). What `environment` points to must outlive the database.
Result<Database> open_database(const std::string& path, const OpenOptions& options,
                               const Environment& environment);

}  // namespace tombolo::client
