// For leaves only: the Asio context behind an AsioLoop. Handlers started on it run on the loop's
// thread, so whatever they touch needs no lock.
#pragma once

#include <boost/asio/io_context.hpp>

#include "runtime/asio/asio_loop.h"

namespace khronos::runtime {

boost::asio::io_context& io_context_of(AsioLoop& loop);

}  // namespace khronos::runtime
