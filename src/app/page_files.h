// The web page's files, put into the program by cmake/KhronosPage.cmake.
#pragma once

#include "api/page.h"

namespace khronos::app {

// Empty where ui/dist was not there when the program was built.
api::PageFiles page_files();

}  // namespace khronos::app
