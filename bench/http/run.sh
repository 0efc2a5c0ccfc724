#!/bin/sh
# Requests a second of the API server and of nginx serving a file of the same size, one process
# each, in the same run: `bench/http/run.sh build/bench/http/http_bench_server [seconds]`.
# Needs nginx and wrk. Answers are compared with each other, machines are not.
set -eu
server=$1
seconds=${2:-5}
connections=64
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null || :; rm -rf "$work"' EXIT

"$server" >"$work/port" &
pids=$!

mkdir "$work/www"
head -c 1024 /dev/zero | tr '\0' x >"$work/www/job1"
nginx_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/nginx.conf" <<CONF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    open_file_cache max=10;
    client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
    uwsgi_temp_path $work; scgi_temp_path $work;
    server { listen 127.0.0.1:$nginx_port; root $work/www; default_type application/json; }
}
CONF
nginx -c "$work/nginx.conf" 2>"$work/nginx.err" &
pids="$pids $!"
until [ -s "$work/port" ]; do :; done
until curl -sf "http://127.0.0.1:$nginx_port/job1" >/dev/null; do :; done

rate() {
    wrk -t1 -c$connections -d"${seconds}s" "$1" | awk '/Requests\/sec/ {print int($2)}'
}
ours_url="http://127.0.0.1:$(cat "$work/port")/v1/jobs/job1"
nginx_url="http://127.0.0.1:$nginx_port/job1"
# Alternating, so that what else the machine does meets both.
for round in 1 2 3; do
    nginx_rate=$(rate "$nginx_url")
    our_rate=$(rate "$ours_url")
    echo "round $round: khronos $our_rate/s, nginx $nginx_rate/s," \
        "$((our_rate * 100 / nginx_rate)) % of nginx"
done
