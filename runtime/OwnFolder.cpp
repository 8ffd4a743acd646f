#include "runtime/OwnFolder.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace weft {

static std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", unsigned(mode & 07777));
  return text;
}

std::string whyNotOwn(const std::string &folder) {
  for (std::string path = folder;; path.resize(path.rfind('/'))) {
    const char *name = path.empty() ? "/" : path.c_str();
    bool above = path != folder;
    struct stat status;
    if (stat(name, &status) != 0)
      return "'" + std::string(name) + "' cannot be looked at (" + std::strerror(errno) + ")";
    if (status.st_uid != geteuid() && !(above && status.st_uid == 0))
      return "'" + std::string(name) + "' belongs to user " + std::to_string(status.st_uid);
    bool othersMayWrite = status.st_mode & (S_IWGRP | S_IWOTH);
    bool mayReplaceOnlyTheirOwn = above && (status.st_mode & S_ISVTX);
    if (othersMayWrite && !mayReplaceOnlyTheirOwn)
      return "others may write '" + std::string(name) + "' (mode " + octal(status.st_mode) + ")";
    if (path.empty())
      return "";
  }
}

} // namespace weft
