#!/bin/sh
# Prints a C program that prints size, alignment and member offsets of every struct in the headers, and fails if the
# library has another size for one of them.
set -eu
cd "$(dirname "$0")/../.."
echo '#include <gatewire/gatewire.h>'
echo '#include <stddef.h>'
echo '#include <stdio.h>'
echo 'int main(void) {'
echo '  int differ = 0;'
# Comments out, one statement a line; then struct heads and the names of their members.
cat include/gatewire/*.h | tr '\n' ' ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g; s/[;{}]/&\n/g' | awk '
  /typedef struct gw_[a-z_]* *\{/ {
    match($0, /struct gw_[a-z_]*/); type = substr($0, RSTART + 7, RLENGTH - 7)
    printf "  printf(\"%s size %%zu align %%zu\\n\", sizeof(%s), _Alignof(%s));\n", type, type, type
    printf "  differ |= gw_struct_size(GW_STRUCT_%s) != sizeof(%s);\n", toupper(substr(type, 4)), type
    next
  }
  /^ *\}/ { type = "" }
  type != "" && /;$/ {
    member = $0; sub(/ *;$/, "", member); sub(/.*[ *]/, "", member)
    printf "  printf(\"  %s offset %%zu size %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n",
      member, type, member, type, member
  }'
echo '  return differ;'
echo '}'
