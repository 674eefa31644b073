#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PROXY protocol out: nginx and HAProxy, which take a connection only with its header, know who the client is and
# what it reached, over HTTP and HTTPS, in both versions, plain, ahead of TLS and in HTTP/2; our health checks pass
# there, and of two clients nobody is taken for the other.
#
#   client 192.0.2.2, .3 ──► VIP:80, :443 ── l4 ──► replica of "edge" ── header, TLS, HTTP ──► nginx b1 :8090-8092
#                                                                                              HAProxy b2 :8093
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario openssl haproxy
lab_up
appliance_up
B1=$LAB_DIR/b1
certificate=$LAB_DIR/lab.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=lab" \
  -addext "subjectAltName=DNS:*.lab.example" -keyout "$LAB_DIR/lab.key" -out "$certificate" 2>/dev/null

cat >"$B1/proxied.conf" <<END
daemon off;
worker_processes 1;
pid $B1/proxied.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $B1/proxied_body;
  proxy_temp_path $B1/proxied_proxy;
  fastcgi_temp_path $B1/proxied_fastcgi;
  uwsgi_temp_path $B1/proxied_uwsgi;
  scgi_temp_path $B1/proxied_scgi;
  ssl_certificate $certificate;
  ssl_certificate_key $LAB_DIR/lab.key;
  server {
    listen 8090 proxy_protocol;
    listen 8091 ssl http2 proxy_protocol;
    listen 8092 http2 proxy_protocol;
    location / { return 200 "nginx \$server_protocol \$proxy_protocol_addr to \$proxy_protocol_server_addr:\$proxy_protocol_server_port\n"; }
  }
}
END
cat >"$LAB_DIR/proxied.cfg" <<END
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend proxied
  bind 10.77.2.2:8093 accept-proxy
  http-request return status 200 content-type text/plain lf-string "haproxy %[src] to %[dst]:%[dst_port] name=%[fc_pp_authority]\n"
END
lab_spawn b1 b1-proxied nginx -c "$B1/proxied.conf" -e stderr
lab_spawn b2 b2-proxied haproxy -f "$LAB_DIR/proxied.cfg" -db
for port in 8090 8091 8092; do wait_until 5 "nginx on $port" in_ns b1 sh -c "ss -Hltn 'sport = :$port' | grep -q ."; done
wait_until 5 "HAProxy" in_ns b2 sh -c "ss -Hltn 'sport = :8093' | grep -q ."

space=/v1/namespaces/default
api_ok PUT /v1/certificates/lab "$(jq -n --rawfile certificate "$certificate" --rawfile private_key "$LAB_DIR/lab.key" '$ARGS.named')" >/dev/null
api_ok PUT /v1/listeners/secure "{\"address\":\"$LAB_VIP\",\"port\":443,\"protocol\":\"https\",\"shard\":\"edge\",\"tls\":{\"certificates\":[\"lab\"]}}" >/dev/null
HEALTH='"health":{"type":"http","interval":"200ms"}'
pool() {  # pool NAME ADDRESS PORT MORE: a pool and a route for NAME.lab.example to it
  api_ok PUT "$space/pools/$1" "{\"backends\":[{\"address\":\"$2\",\"port\":$3}],$4}" >/dev/null
  api_ok PUT "$space/routes/$1?wait=applied&timeout=20s" \
    "{\"listeners\":[\"web\",\"secure\"],\"hostnames\":[\"$1.lab.example\"],\"rules\":[{\"forward\":[{\"pool\":\"$1\"}]}]}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "$1 was not applied in time"
}
pool v1 10.77.1.2 8090 "\"proxy_protocol\":\"v1\",$HEALTH"
pool v2 10.77.1.2 8090 "\"proxy_protocol\":\"v2\",$HEALTH"
pool tls 10.77.1.2 8091 '"proxy_protocol":"v2","tls":{"mode":"insecure"},"health":{"type":"https","interval":"200ms"}'
pool h2 10.77.1.2 8091 '"proxy_protocol":"v2","protocol":"h2","tls":{"mode":"insecure"}'
pool h2c 10.77.1.2 8092 '"proxy_protocol":"v2","protocol":"h2c"'
pool haproxy 10.77.2.2 8093 "\"proxy_protocol\":\"v2\",$HEALTH"

ask() {  # ask NAME SCHEME [CURL-ARGUMENT…]
  local port=80
  [ "$2" = http ] || port=443
  client curl -s --max-time $((5 * LAB_SLOW)) --cacert "$certificate" --resolve "$1.lab.example:$port:$LAB_VIP" "${@:3}" "$2://$1.lab.example/"
}
step "the client and what it reached"
declare -A protocol=([v1]=HTTP/1.1 [v2]=HTTP/1.1 [tls]=HTTP/1.1 [h2]=HTTP/2.0 [h2c]=HTTP/2.0)
for name in v1 v2 tls h2 h2c; do
  expect_eq "$name" "nginx ${protocol[$name]} 192.0.2.2 to $LAB_VIP:80" "$(ask "$name" http)"
  expect_eq "$name over HTTPS" "nginx ${protocol[$name]} 192.0.2.2 to $LAB_VIP:443" "$(ask "$name" https)"
done
expect_eq "HAProxy" "haproxy 192.0.2.2 to $LAB_VIP:80 name=" "$(ask haproxy http)"
expect_eq "HAProxy, over HTTPS" "haproxy 192.0.2.2 to $LAB_VIP:443 name=haproxy.lab.example" "$(ask haproxy https)"

step "two clients"
ip -n "hg-$LAB-client" addr add 192.0.2.3/24 dev eth0
for _ in 1 2 3; do
  expect_eq "the one" "nginx HTTP/1.1 192.0.2.2 to $LAB_VIP:80" "$(ask v2 http --interface 192.0.2.2)"
  expect_eq "the other" "nginx HTTP/1.1 192.0.2.3 to $LAB_VIP:80" "$(ask v2 http --interface 192.0.2.3)"
  expect_eq "the other, over HTTP/2" "nginx HTTP/2.0 192.0.2.3 to $LAB_VIP:80" "$(ask h2c http --interface 192.0.2.3)"
done

step "health checks"
health_of() { api GET /v1/status | jq -er --arg member "$1" '[.nodes[].health[] | select(.member == $member) | .endpoints[].usable] | unique | join(" ")'; }
is_up() { [ "$(health_of "$1")" = true ]; }
for member in 10.77.1.2:8090 10.77.1.2:8091 10.77.2.2:8093; do wait_until $((10 * LAB_SLOW)) "$member is up" is_up "$member"; done
pool bare 10.77.1.2 8090 "$HEALTH"
down_somewhere() { health_of 10.77.1.2:8090 | grep -q false; }
wait_until $((10 * LAB_SLOW)) "without the header the check fails" down_somewhere
