#!/bin/sh
# Installs what the firmware is built, run and checked with, from Debian's or Ubuntu's packages.
set -eu

packages="gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm clang cmake openocd stlink-tools dfu-util"

missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" ||
    missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "setup-firmware: all there: $packages"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "setup-firmware: no apt-get here; install by hand:$missing" >&2
  exit 1
fi
run=""
[ "$(id -u)" -eq 0 ] || run="sudo"
$run apt-get update -qq
# shellcheck disable=SC2086 # one word a package
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing
echo "setup-firmware: installed:$missing"
