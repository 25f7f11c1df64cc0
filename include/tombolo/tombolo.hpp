// Tombolo's C++ interface, all of it: include this one, or the parts.
#pragma once

#include "tombolo/collection.h"
#include "tombolo/database.h"
#include "tombolo/event.h"
#include "tombolo/ledger.h"
#include "tombolo/live_query.h"
#include "tombolo/query.h"
#include "tombolo/record.h"
#include "tombolo/remote.h"
#include "tombolo/result.h"
#include "tombolo/transaction.h"
#include "tombolo/value.h"
