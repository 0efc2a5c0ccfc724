#!/bin/sh
# How many compilers may run at once: one a core, and 1.5 GiB of free memory for each, because a
# file with Asio, Beast or gRPC in it takes a gigabyte.
set -eu
cores=$(nproc)
free_kib=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
# A container may have less than the machine.
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
case $limit in
    max | '') ;;
    *) [ $((limit / 1024)) -ge "$free_kib" ] || free_kib=$((limit / 1024)) ;;
esac
jobs=$((free_kib / 1572864))
[ "$jobs" -lt "$cores" ] || jobs=$cores
[ "$jobs" -ge 1 ] || jobs=1
echo "$jobs"
