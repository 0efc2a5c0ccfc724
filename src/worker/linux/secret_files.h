// A directory whose files are secrets, as systemd's credentials, Docker's and Kubernetes' secrets
// are: the file's name is the secret's, its content, less a line break at the end, the value.
#pragma once

#include <string>

#include "worker/secrets.h"

namespace khronos::worker {

// Each look reads the file, so that a changed secret counts from the next run on.
Secrets secrets_in(std::string directory);

}  // namespace khronos::worker
