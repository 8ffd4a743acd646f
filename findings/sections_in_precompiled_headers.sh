#!/usr/bin/env bash
# Clang 19.1.7 (in ziglang 0.14.1; Debian's clang-22 does the same): a variable with a section attribute becomes a constant when its
# definition comes from a precompiled header. Clang makes variables of a section that it knows as read-only constant, and what it knows of
# sections is not kept in the header: there all look read-only. A program that writes the variable reads its first value back, as the
# optimiser believes in constants. Another variable of the section, declared after the header, makes it a variable again.
#
# Seen: "included: global, precompiled: constant, precompiled and another declared: global".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ziglang==0.14.1
cd "$folder"
export ZIG_GLOBAL_CACHE_DIR=$folder/zig ZIG_LOCAL_CACHE_DIR=$folder/zig
clang=("$folder/venv/bin/python" -m ziglang c++ -O0)
"${clang[@]}" --version | head -1
printf '__attribute__((section("mine"))) static int x;\ninline int *address() { return &x; }\n' >x.h
printf 'int main() { return *address(); }\n' >main.cpp
printf '__attribute__((section("mine"))) static int other;\nint main() { return *address(); }\n' >other.cpp
"${clang[@]}" -x c++-header x.h -o x.pch
# Arguments: compiler options; says what x is.
kind() {
  "${clang[@]}" -S -emit-llvm "$@" -o x.ll
  sed -nE 's/^@\w*x = internal (global|constant) .*/\1/p' x.ll
}
seen="included: $(kind -include x.h main.cpp), precompiled: $(kind -include-pch x.pch main.cpp), precompiled and another declared: $(kind -include-pch x.pch other.cpp)"
echo "$seen"
[ "$seen" = "included: global, precompiled: constant, precompiled and another declared: global" ] || { echo changed; exit 1; }
