#include <cstdio>

int main() {
    std::puts("khronos 0.1.0");
    return 0;
}
