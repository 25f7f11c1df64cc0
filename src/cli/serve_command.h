// `tombolo serve`: runs the server until it is told to stop.
#pragma once

#include <memory>

#include "cli/command.h"

namespace tombolo::cli {

std::unique_ptr<Command> make_serve_command();

}  // namespace tombolo::cli
