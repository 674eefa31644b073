#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# python3-h2 as a client: it checks what it gets and says what it likes. Settings, windows each way, a hundred streams,
# a reset beside a neighbour, WebSocket by extended CONNECT, what is malformed ends its stream and what is broken ends
# the connection.
#
#   client: h2_client ── h2c, h2 over TLS ──► VIP ── replica ─┬─► b1: nginx, /large and /nginx
#                                                             └─► b2: tests/lab/echo_backend
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
export LAB_LARGE_BYTES=5M
/usr/bin/python3 -c 'import h2' 2>/dev/null || skip "python3-h2 is not installed; sudo scripts/dev/install lab"
lab_scenario openssl
lab_up
appliance_up

name=h2.example.com
certificate=$LAB_DIR/certificate.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab -addext "subjectAltName=DNS:$name" \
  -keyout "$LAB_DIR/key.pem" -out "$certificate" 2>/dev/null
lab_spawn b2 echo "$LAB_SOURCE/echo_backend" 8084
api_ok PUT /v1/certificates/lab "$(jq -n --rawfile certificate "$certificate" --rawfile private_key "$LAB_DIR/key.pem" '$ARGS.named')" >/dev/null
api_ok PUT /v1/listeners/secure "{\"address\":\"$LAB_VIP\",\"port\":443,\"protocol\":\"https\",\"shard\":\"edge\",\"tls\":{\"certificates\":[\"lab\"]}}" >/dev/null
api_ok PUT /v1/namespaces/default/pools/echo '{"backends":[{"address":"10.77.2.2","port":8084}]}' >/dev/null
api_ok PUT /v1/namespaces/default/pools/b1 '{"backends":[{"address":"10.77.1.2","port":8080}]}' >/dev/null
api_ok PUT '/v1/namespaces/default/routes/h2?wait=applied&timeout=20s' "{\"listeners\":[\"web\",\"secure\"],\"hostnames\":[\"$name\"],
  \"rules\":[{\"matches\":[{\"path\":{\"value\":\"/large\"}},{\"path\":{\"value\":\"/nginx\"}}],\"forward\":[{\"pool\":\"b1\"}]},{\"forward\":[{\"pool\":\"echo\"}]}]}" >/dev/null
wait_until 10 "the backend answers" client curl -sf -H "Host: $name" "http://$LAB_VIP/"

sha256() { sha256sum | cut -d' ' -f1; }
large_digest=$(sha256 <"$LAB_DIR/b1/www/large")
uploaded_digest=$(python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 8000)' | sha256)
came() { expect_eq "$1" "$2" "$(sed -n "s/^$1: //p" <<<"$said")"; }
cases() {  # cases WHAT H2_CLIENT-ARGUMENT…
  step "$1"
  said=$(client timeout $((60 * LAB_SLOW)) "$LAB_SOURCE/h2_client" "${@:2}") || fail "h2_client ended with $?: $said"
  came settings "streams=128 connect_protocol=1"
  came ping 12345678
  came large "200 $large_digest"
  came many "100 answers, 1 kind, 200"
  came upload "200 $(printf 'POST %s\n' "$uploaded_digest" | sha256)"
  came neighbour "200 $large_digest"
  came websocket "200 PING"
  came malformed "9 resets, then 200"
  came broken "GOAWAY 1"
}
cases "by prior knowledge" "$LAB_VIP" 80 "$name"
cases "over TLS" "$LAB_VIP" 443 "$name" "$certificate"
