#!/bin/sh
# Prints a C file with an empty body for every function of the headers.  Compiled with -g it carries the C types of the
# interface, which the Swift-built library does not, so that abidiff can compare two versions of it.
set -eu
cd "$(dirname "$0")/../.."
echo '#include <gatewire/gatewire.h>'
cat include/gatewire/*.h | tr '\n' ' ' | sed 's/GW_EXPORT /\n&/g' |
  sed -n 's/^\(GW_EXPORT void [^;]*\);.*/\1 {}/p; t; s/^\(GW_EXPORT [^;]*gw_[^;]*\);.*/\1 { return 0; }/p' |
  grep '(' | sed 's/  */ /g'
