#include "store/store.h"

namespace khronos::store {

std::string prefix_end(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
    if (end.empty()) return std::string(1, '\xff');  // keys are UTF-8: no key reaches this
    end.back() = static_cast<char>(end.back() + 1);
    return end;
}

}  // namespace khronos::store
