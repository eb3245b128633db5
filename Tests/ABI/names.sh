#!/bin/sh
# Prints a C program that prints every public name of the headers: functions and types alone, constants with their
# values.  The numbers of the version itself are left out: they are meant to change.
set -eu
cd "$(dirname "$0")/../.."
functions=$(scripts/version-script.sh | sed -n 's/^ *\(gw_[a-z0-9_]*\);$/\1/p')
types=$(sed -n 's/^typedef .*[ }*]\(gw_[a-z_]*\);.*/\1/p; s/^} \(gw_[a-z_]*\);.*/\1/p' include/gatewire/*.h)
constants=$(sed -n 's/^  \(GW_[A-Z0-9_]*\) = .*/\1/p; s/^#define \(GW_[A-Z0-9_]*\) .*/\1/p' include/gatewire/*.h |
  grep -v -e GW_EXPORT -e '^GW_VERSION_' -e '^GW_ABI_VERSION')
echo '#include <gatewire/gatewire.h>'
echo '#include <stdio.h>'
echo 'int main(void) {'
printf '%s\n' "$functions" "$types" | awk '{ printf "  puts(\"%s\");\n", $1 }'
printf '%s\n' "$constants" | awk '{
  printf "  printf((%s) < 0 ? \"%s %%lld\\n\" : \"%s %%llu\\n\", (long long)(%s));\n", $1, $1, $1, $1
}'
echo '  return 0;'
echo '}'
