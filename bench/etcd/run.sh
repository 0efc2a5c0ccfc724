#!/bin/sh
# What a single etcd on this disk reaches under etcdctl's own load generator, beside the figures of
# store_etcd_bench. Takes about a minute.
set -eu
work=$(mktemp -d)
pid=
trap 'kill $pid 2>/dev/null || :; rm -rf "$work"' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
peer=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
etcd --name m0 --data-dir "$work/data" --log-level error \
    --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \
    --listen-peer-urls "http://127.0.0.1:$peer" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m0=http://127.0.0.1:$peer" >"$work/log" 2>&1 &
pid=$!
export ETCDCTL_API=3
ctl="etcdctl --endpoints=127.0.0.1:$port --dial-timeout=20s"
$ctl get "is anybody there" >/dev/null
echo "== etcdctl check perf: puts of 1 KB from 1000 clients, as many as it can"
$ctl check perf --load=xl 2>/dev/null | tr '\r' '\n' | grep -E 'Throughput|Slowest|Stddev' || :
