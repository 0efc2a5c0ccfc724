#include "worker/linux/secret_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace khronos::worker {
namespace {

TEST(SecretFiles, AreReadAnewEachTimeAndNeverOutsideOfTheirDirectory) {
    std::string pattern = (std::filesystem::temp_directory_path() / "secrets_XXXXXX").string();
    const std::string directory = ::mkdtemp(pattern.data());
    std::ofstream(directory + "/db") << "one\n";
    std::filesystem::create_directory(directory + "/folder");
    std::ofstream(directory + "/large") << std::string(65537, 'x');
    const Secrets secrets = secrets_in(directory);
    EXPECT_EQ(secrets("db"), "one");
    std::ofstream(directory + "/db") << "two";
    EXPECT_EQ(secrets("db"), "two");
    EXPECT_EQ(secrets("none").error(), "does not exist on this worker");
    for (const char* name : {"folder", "large", "../" , "../etc/passwd", "", "."})
        EXPECT_FALSE(secrets(name)) << name;
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace khronos::worker
