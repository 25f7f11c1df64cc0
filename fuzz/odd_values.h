// JSON that nobody sends who means well, drawn from the bytes of a run.
#pragma once

#include <string>

#include "target.h"

#include "tombolo/value.h"

namespace tombolo::fuzz {

// A short text in UTF-8: one of the words that mean something here, or any characters.
std::string odd_text(Choices& choices);

// A value of any type, a few levels deep.
Value odd_value(Choices& choices, int depth = 3);

// Changes one place somewhere within `value`: another value, a member more or less.
void spoil(Value& value, Choices& choices);

}  // namespace tombolo::fuzz
