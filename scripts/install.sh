#!/bin/sh
# install.sh install|uninstall VERSION SONAME DESTDIR PREFIX LIBDIR INCLUDEDIR BINDIR
set -eu
action=$1 version=$2 soname=$3 destdir=$4 prefix=$5 libdir=$6 includedir=$7 bindir=$8
cd "$(dirname "$0")/.."

case $action in
install)
  install -d "$destdir$libdir/pkgconfig" "$destdir$includedir/gatewire" "$destdir$bindir"
  install -m 755 build/libgatewire.so "$destdir$libdir/libgatewire.so.$version"
  ln -sf "libgatewire.so.$version" "$destdir$libdir/$soname"
  ln -sf "$soname" "$destdir$libdir/libgatewire.so"
  install -m 644 include/gatewire/*.h "$destdir$includedir/gatewire/"
  install -m 755 build/gatewire "$destdir$bindir/gatewire"
  sed "s|@PREFIX@|$prefix|; s|@LIBDIR@|$libdir|; s|@INCLUDEDIR@|$includedir|; s|@VERSION@|$version|" gatewire.pc.in \
    > "$destdir$libdir/pkgconfig/gatewire.pc"
  # The loader's cache, where the real system is meant and we may.
  if [ -z "$destdir" ] && [ "$(id -u)" = 0 ]; then ldconfig; fi
  echo "Installed gatewire $version to $destdir$prefix"
  ;;
uninstall)
  rm -f "$destdir$libdir/libgatewire.so" "$destdir$libdir/$soname" "$destdir$libdir/libgatewire.so.$version" \
    "$destdir$libdir/pkgconfig/gatewire.pc" "$destdir$bindir/gatewire"
  for header in include/gatewire/*.h; do rm -f "$destdir$includedir/gatewire/$(basename "$header")"; done
  rmdir "$destdir$includedir/gatewire" 2>/dev/null || true
  ;;
*)
  echo "install.sh: install or uninstall, not $action" >&2
  exit 2
  ;;
esac
