#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The shard between programs that were not written for it: curl, nghttp, h2load, wrk, python and openssl in front; nginx,
# Apache, HAProxy and python behind. Every client with every backend, over every version that it speaks.
#
#   client ── HTTP/1.0, 1.1, 2 (prior knowledge), TLS 1.2 and 1.3 ──► VIP ── replica ──► b1: nginx, Apache
#                                                                                    └─► b2: HAProxy, python
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
export LAB_LARGE_BYTES=5M
lab_scenario python3 nghttp apache2 haproxy openssl wrk
lab_up
appliance_up

step "four backends, one hostname each, by HTTP and HTTPS"
mkdir "$LAB_DIR/peers"
cat >"$LAB_DIR/peers/apache.conf" <<END
ServerName apache
ServerRoot $LAB_DIR/peers
PidFile $LAB_DIR/peers/apache.pid
ErrorLog $LAB_DIR/peers/apache.err
Listen 8082
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
User www-data
Group www-data
DocumentRoot $LAB_DIR/b1/www
<Directory $LAB_DIR/b1/www>
  Require all granted
</Directory>
END
lab_spawn b1 apache apache2 -f "$LAB_DIR/peers/apache.conf" -DFOREGROUND
cat >"$LAB_DIR/peers/haproxy.cfg" <<'END'
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 2s
frontend all
  bind :8083
  http-request return status 200 content-type text/plain string haproxy if { path / }
  default_backend nginx
backend nginx
  server b2 127.0.0.1:8080
frontend http2
  bind :8085 proto h2
  default_backend python
backend python
  server b2 127.0.0.1:8084
END
lab_spawn b2 haproxy haproxy -f "$LAB_DIR/peers/haproxy.cfg" -db
lab_spawn b2 python "$LAB_SOURCE/echo_backend" 8084
printf 'apache\n' >"$LAB_DIR/b1/www/index.html"

certificate=$LAB_DIR/peers/certificate.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab -addext 'subjectAltName=DNS:*.lab.example' \
  -keyout "$LAB_DIR/peers/key.pem" -out "$certificate" 2>/dev/null
api_ok PUT /v1/certificates/lab "$(jq -n --rawfile certificate "$certificate" --rawfile private_key "$LAB_DIR/peers/key.pem" '$ARGS.named')" >/dev/null
api_ok PUT /v1/listeners/secure "{\"address\":\"$LAB_VIP\",\"port\":443,\"protocol\":\"https\",\"shard\":\"edge\",\"tls\":{\"certificates\":[\"lab\"]}}" >/dev/null
declare -A backend=([nginx]=10.77.1.2:8080 [apache]=10.77.1.2:8082 [haproxy]=10.77.2.2:8083 [python]=10.77.2.2:8084)
for name in "${!backend[@]}"; do
  api_ok PUT "/v1/namespaces/default/pools/$name" "{\"backends\":[{\"address\":\"${backend[$name]%:*}\",\"port\":${backend[$name]#*:}}]}" >/dev/null
  api_ok PUT "/v1/namespaces/default/routes/$name?wait=applied&timeout=20s" "{\"listeners\":[\"web\",\"secure\"],\"hostnames\":[\"$name.lab.example\"],\"rules\":[{\"forward\":[{\"pool\":\"$name\"}]}]}" >/dev/null
  wait_until 10 "$name answers" client curl -sf -H "Host: $name.lab.example" "http://$LAB_VIP/"
done

fetch() {  # fetch NAME PATH CURL-ARGUMENT…: with http:// unless an argument says --tls
  local name=$1 path=$2 scheme=http
  shift 2
  if [ "$1" = tls ]; then
    scheme=https
    shift
  fi
  client curl -sS --max-time 20 --cacert "$certificate" --resolve "$name.lab.example:80:$LAB_VIP" \
    --resolve "$name.lab.example:443:$LAB_VIP" "$@" "$scheme://$name.lab.example$path"
}
declare -A ways=(
  ["HTTP/1.0"]="--http1.0" ["HTTP/1.1"]="--http1.1" ["HTTP/2"]="--http2-prior-knowledge"
  ["HTTP/1.1 over TLS 1.2"]="tls --http1.1 --tls-max 1.2" ["HTTP/2 over TLS 1.3"]="tls --http2 --tlsv1.3"
)
large_digest=$(sha256sum <"$LAB_DIR/b1/www/large")
for way in "${!ways[@]}"; do
  step "curl by $way"
  read -ra arguments <<<"${ways[$way]}"
  for name in nginx apache haproxy python; do
    says=$name
    [ "$name" != nginx ] || says=b1
    expect_eq "$name answers" "$says" "$(fetch "$name" / "${arguments[@]}")"
    [ "$name" = python ] || expect_eq "5 MB of $name" "$large_digest" "$(fetch "$name" /large "${arguments[@]}" | sha256sum)"
    expect_eq "HEAD of $name" 200 "$(fetch "$name" / "${arguments[@]}" -I -o /dev/null -w '%{http_code}' || echo "curl $?")"
  done
done

step "bodies up, with a length and in chunks, and what comes back in chunks"
head -c 3000000 /dev/urandom >"$LAB_DIR/peers/body"
body_digest=$(sha256sum <"$LAB_DIR/peers/body" | cut -d' ' -f1)
for way in "HTTP/1.1" "HTTP/2" "HTTP/2 over TLS 1.3"; do
  read -ra arguments <<<"${ways[$way]}"
  expect_eq "$way, a length" "POST $body_digest" "$(fetch python / "${arguments[@]}" --data-binary "@$LAB_DIR/peers/body")"
  expect_eq "$way, chunks both ways" "PUT $body_digest" "$(fetch python /chunked "${arguments[@]}" -X PUT -H 'Transfer-Encoding: chunked' -T - <"$LAB_DIR/peers/body")"
done

step "what is compressed on its way is the same when it is read"
api_ok PUT '/v1/policies/smaller?wait=applied&timeout=20s' '{"targets":{"listeners":["web","secure"]},"compression":{}}' >/dev/null
for coding in zstd br gzip; do
  for way in "HTTP/1.0" "HTTP/1.1" "HTTP/2" "HTTP/2 over TLS 1.3"; do
    read -ra arguments <<<"${ways[$way]}"
    read -r bytes said <<<"$(fetch nginx /large "${arguments[@]}" --compressed -H "Accept-Encoding: $coding" -o "$LAB_DIR/peers/read" -w '%{size_download} %header{content-encoding}')"
    expect_eq "$coding over $way: said" "$coding" "$said"
    expect_eq "$coding over $way: read" "$large_digest" "$(sha256sum <"$LAB_DIR/peers/read")"
    expect_at_most "$coding over $way: bytes of 5 MB" 50000 "$bytes"
  done
done
expect_eq "for who takes no coding" "$large_digest" "$(fetch nginx /large --http1.1 | sha256sum)"
api_ok DELETE '/v1/policies/smaller?wait=applied&timeout=20s' >/dev/null

step "nghttp and h2load"
expect_match "nghttp, prior knowledge" '^b1$' "$(client nghttp -H ':authority: nginx.lab.example' "http://$LAB_VIP/")"
expect_match "h2load over TLS, 4 connections of 32 streams" ' 2000 succeeded, 0 failed, 0 errored' \
  "$(client h2load -n 2000 -c 4 -m 32 -H ':authority: apache.lab.example' --connect-to="$LAB_VIP:443" https://apache.lab.example/ | grep '^requests:')"

step "wrk, which keeps each of 16 connections busy"
for scheme in http https; do
  report=$(client wrk -t1 -c16 -d2s -H 'Host: nginx.lab.example' "$scheme://$LAB_VIP/")
  expect_at_least "$scheme: requests" 100 "$(awk '/requests in/ { print $1 }' <<<"$report")"
  expect_eq "$scheme: what went wrong" "" "$(grep -E 'Non-2xx|Socket errors' <<<"$report" || true)"
done

step "python's http.client keeps its connection"
expect_eq "three answers over one connection" "python python python" "$(client python3 -c '
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=10)
said, ports = [], set()
for _ in range(3):
    connection.request("GET", "/", headers={"Host": "python.lab.example"})
    said.append(connection.getresponse().read().decode().strip())
    ports.add(connection.sock.getsockname()[1])
assert len(ports) == 1, ports
print(*said)
' "$LAB_VIP")"

step "a WebSocket's bytes pass both ways after the 101"
websocket() {  # websocket HOST: what comes back of "ping"
  client python3 -c '
import socket, sys
peer = socket.create_connection((sys.argv[1], 80), 10)
peer.sendall(b"GET /socket HTTP/1.1\r\nHost: %b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % sys.argv[2].encode())
head = b""
while b"\r\n\r\n" not in head:
    head += peer.recv(1)
assert head.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head
peer.sendall(b"ping")
print(peer.recv(4).decode())
' "$LAB_VIP" "$1"
}
expect_eq "by a backend of HTTP/1.1" "PING" "$(websocket python.lab.example)"
api_ok PUT /v1/namespaces/default/pools/http2 '{"protocol":"h2c","backends":[{"address":"10.77.2.2","port":8085}]}' >/dev/null
api_ok PUT "/v1/namespaces/default/routes/http2?wait=applied&timeout=20s" '{"listeners":["web"],"hostnames":["http2.lab.example"],"rules":[{"forward":[{"pool":"http2"}]}]}' >/dev/null
expect_eq "by HAProxy, over HTTP/2" "PING" "$(websocket http2.lab.example)"

step "openssl's client"
tls() { client openssl s_client -connect "$LAB_VIP:443" -servername nginx.lab.example -CAfile "$certificate" "$@" </dev/null 2>&1; }
for version in 1_2 1_3; do
  expect_match "TLS $version is spoken, the certificate is right" 'Verify return code: 0 ' "$(tls "-tls$version")"
done
expect_match "TLS 1.1 is refused" 'alert protocol version|no protocols available' "$(tls -tls1_1 || true)"
expect_match "ALPN chooses h2" '^ALPN protocol: h2' "$(tls -alpn h2,http/1.1)"
expect_match "ALPN of what we do not speak is refused" 'alert no application protocol' "$(tls -alpn spdy/1 || true)"
