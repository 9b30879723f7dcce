#!/bin/sh
# Builds the file system of a sandbox and becomes what runs in it; for unshare(1), as root of fresh namespaces.
# usage: enter-namespaces.sh ROOT HOSTNAME [ro|rw|symlink FROM TO | tmpfs BYTES TO]... -- COMMAND...
# ROOT is an empty folder; what is mounted on it is seen by this namespace alone.
set -eu
path_inside=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
root=$1 hostname=$2
shift 2

bind() { # FROM TO OPTIONS
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  else
    mkdir -p "$root${2%/*}"
    : >"$root$2"
  fi
  mount --bind "$1" "$root$2"
  mount -o "remount,bind,nosuid,nodev$3" "$root$2"
}

mount -t tmpfs -o mode=0755,nosuid,nodev,size=1m sandbox "$root"
mkdir "$root/proc" "$root/dev" "$root/old"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=0755,nosuid,noexec,size=1m devices "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

while [ "$1" != -- ]; do
  case $1 in
    ro) bind "$2" "$3" ,ro ;;
    rw) bind "$2" "$3" '' ;;
    symlink) ln -s "$2" "$root$3" ;;
    tmpfs)
      mkdir -p "$root$3"
      mount -t tmpfs -o "mode=1777,nosuid,nodev,size=$2" sandbox "$root$3"
      ;;
  esac
  shift 3
done
shift

if command -v hostname >/dev/null; then hostname "$hostname"; fi
# Code that talks to itself needs the loopback; without iproute2 it does without.
if command -v ip >/dev/null; then ip link set lo up; fi

cd "$root"
pivot_root . old
cd /
umount -l /old
rmdir /old
mount -o remount,bind,ro,nosuid,noexec /dev
# In the second user namespace, which is the user's own, no third one can be made.
if [ -w /proc/sys/user/max_user_namespaces ] && [ "$1" = unshare ]; then echo 1 >/proc/sys/user/max_user_namespaces; fi
# What the kernel is told through /proc is told by root, not by a sandbox.
for folder in bus fs irq sys sysrq-trigger; do
  if [ -e "/proc/$folder" ]; then
    mount --bind "/proc/$folder" "/proc/$folder"
    mount -o remount,bind,ro,nosuid,nodev,noexec "/proc/$folder"
  fi
done
mount -o remount,bind,ro,nosuid,nodev /
cd /workspace
PATH=$path_inside
exec "$@"
