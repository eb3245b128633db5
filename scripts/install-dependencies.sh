#!/bin/sh
# Looks for what the build needs (with "test" the tests too, with "bench" the peers of the bench) and installs what is
# missing as Debian packages.
# Silent when nothing is missing.  Exit status: 0 all there, 3 packages are missing and there is no right to install
# them, 4 no usable Swift, 1 the installation failed.
set -eu
cd "$(dirname "$0")/.."
scope=${1:-build}

packages=
want() { packages="$packages $1"; }
have() { command -v "$1" >/dev/null 2>&1; }

has_node_headers() {
  prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  [ -f "$prefix/include/node/node_api.h" ] || [ -f "$prefix/include/nodejs/src/node_api.h" ] ||
    [ -f /usr/include/node/node_api.h ] || [ -f /usr/include/nodejs/src/node_api.h ]
}

if ! have gcc || ! have g++ || ! have strip; then want build-essential; fi
have pkg-config || want pkg-config
[ -f /usr/include/openssl/ssl.h ] || pkg-config --exists openssl 2>/dev/null || want libssl-dev
[ -f /usr/include/zlib.h ] || pkg-config --exists zlib 2>/dev/null || want zlib1g-dev
have python3 || want python3
if ! have node; then
  want nodejs
  want libnode-dev
elif ! has_node_headers; then
  want libnode-dev
fi
python3 -c 'import ensurepip, venv' 2>/dev/null || want python3-venv
have openssl || want openssl

if [ "$scope" = test ]; then
  [ -d /usr/share/nodejs/ws ] || want node-ws
  [ -d /usr/share/nodejs/socket.io-parser ] || want node-socket.io-parser
  have nginx || [ -x /usr/sbin/nginx ] || want nginx-light
  have squid || [ -x /usr/sbin/squid ] || want squid
  have tinyproxy || [ -x /usr/bin/tinyproxy ] || want tinyproxy
  have microsocks || want microsocks
  have danted || [ -x /usr/sbin/danted ] || want dante-server
  have stunnel || [ -x /usr/bin/stunnel4 ] || want stunnel4
  have haproxy || [ -x /usr/sbin/haproxy ] || want haproxy
  have ip || [ -x /sbin/ip ] || want iproute2
  have shellcheck || want shellcheck
  have tsc || want node-typescript
  have abidiff || want abigail-tools
  have valgrind || want valgrind
fi

if [ "$scope" = bench ]; then
  [ -f /usr/include/libwebsockets.h ] || want libwebsockets-dev
  [ -f /usr/include/boost/beast.hpp ] || want libboost-dev
  ls /usr/lib/*/libboost_system.so >/dev/null 2>&1 || want libboost-system-dev
  [ -f /usr/include/websocketpp/client.hpp ] || want libwebsocketpp-dev
  [ -d /usr/share/nodejs/ws ] || want node-ws
fi

if [ -n "$packages" ]; then
  command="apt-get install -y --no-install-recommends$packages"
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif have sudo && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    echo "gatewire needs these Debian packages:$packages" >&2
    echo "Run this once, then make again:" >&2
    echo "  sudo sh -c 'apt-get update && $command'" >&2
    exit 3
  fi
  if ! have apt-get; then
    echo "gatewire needs these packages, under the names that Debian has for them:$packages" >&2
    exit 3
  fi
  echo "Installing what is missing, as Debian packages:$packages"
  $as_root apt-get update -q >/dev/null
  # shellcheck disable=SC2086  # the words of the command are meant to be split
  $as_root env DEBIAN_FRONTEND=noninteractive $command >/dev/null
fi

if ! have swift; then
  echo "gatewire needs Swift 6.3: https://www.swift.org/install/linux/, with its bin directory in PATH" >&2
  exit 4
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
if [ "$version" != 6.3 ]; then
  echo "gatewire is built with Swift 6.3 (Embedded Swift changes with the compiler); this is ${version:-unknown}:" \
    "$(command -v swift)" >&2
  exit 4
fi
