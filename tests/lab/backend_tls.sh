#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TLS to backends: the right authority, name and date pass, in HTTP/1.1 and HTTP/2, with our certificate where it is
# asked for; anything else is 503 (502 where a backend refuses us), and the access log says why. Both sides' certificates
# are replaced under load without a failed request.
#
#   client ──► VIP:80 ── l4 ──► replica of shard "edge" ══ TLS ══► nginx on b1 :8443-8448, openssl s_server :8449
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario openssl h2load
lab_up
appliance_up
B1=$LAB_DIR/b1

authority() {  # authority NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
    -keyout "$LAB_DIR/$1.key" -out "$LAB_DIR/$1.pem" 2>/dev/null
}
issue() {  # issue AUTHORITY CN SAN FILE [DAYS]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$4.key" -out "$LAB_DIR/request.pem" 2>/dev/null
  openssl x509 -req -in "$LAB_DIR/request.pem" -CA "$LAB_DIR/$1.pem" -CAkey "$LAB_DIR/$1.key" -CAcreateserial \
    -days "${5:-2}" -extfile <(echo "subjectAltName=$3") -out "$4.pem" 2>/dev/null
}
authority ca
authority other
issue ca b1 DNS:app.internal "$B1/good"
issue ca b1 DNS:other.internal "$B1/wrong"
issue ca b1 DNS:app.internal "$B1/expired" -1
issue other b1 DNS:app.internal "$B1/unknown"
issue ca shard-1 URI:spiffe://lab/shard "$LAB_DIR/shard-1"
issue ca shard-2 URI:spiffe://lab/shard "$LAB_DIR/shard-2"
cp "$LAB_DIR/ca.pem" "$B1/ca.pem"
sed "s|@NAME@|b1|g; s|@DIR@|$B1|g" "$LAB_SOURCE/tls_backend.conf" >"$B1/tls.conf"
lab_spawn b1 b1-tls nginx -c "$B1/tls.conf" -e stderr
lab_spawn b1 b1-refuses openssl s_server -accept 8449 -cert "$B1/good.pem" -key "$B1/good.key" -CAfile "$B1/ca.pem" \
  -Verify 1 -verify_return_error -www -quiet
for port in 8443 8449; do wait_until 5 "TLS on port $port" in_ns b1 sh -c "ss -Hltn 'sport = :$port' | grep -q ."; done

space=/v1/namespaces/default
certificate() { jq -n --rawfile certificate "$LAB_DIR/$1.pem" --rawfile private_key "$LAB_DIR/$1.key" '$ARGS.named'; }
api_ok PUT $space/secrets/roots "$(jq -n --rawfile data "$LAB_DIR/ca.pem" '{type: "ca", $data}')" >/dev/null
api_ok PUT $space/certificates/shard "$(certificate shard-1)" >/dev/null
VERIFIED='"server_name":"app.internal","ca":"roots"'
pool() {  # pool NAME PORT TLS [MORE]: a pool and a route for NAME.example.com to it
  api_ok PUT "$space/pools/$1" "{\"backends\":[{\"address\":\"10.77.1.2\",\"port\":$2}],\"tls\":{$3}${4:-}}" >/dev/null
  api_ok PUT "$space/routes/$1?wait=applied&timeout=20s" \
    "{\"listeners\":[\"web\"],\"hostnames\":[\"$1.example.com\"],\"rules\":[{\"forward\":[{\"pool\":\"$1\"}]}]}" >/dev/null
  [ "$(api_status)" != 202 ] || fail "$1 was not applied in time"
}
answer_of() { client curl -s --max-time 10 -H "Host: $1.example.com" "http://$LAB_VIP/"; }
status_of() { client curl -s --max-time 10 -o /dev/null -w '%{http_code}' -H "Host: $1.example.com" "http://$LAB_VIP/"; }
logged() {  # logged HOST DETAIL
  jq -es --arg host "$1.example.com" --arg detail "$2" '[.[] | select(.host == $host and .detail == $detail)] | length > 0' "$LAB_DIR"/log/edge/0/*
}
refused() {  # refused WHAT NAME STATUS DETAIL
  expect_eq "$1" "$3" "$(status_of "$2")"
  wait_until 5 "the log says $4 of $2" logged "$2" "$4"
  say "ok: the log says $4"
}

step "who is believed"
pool good 8443 "$VERIFIED" ',"health":{"type":"https","interval":"200ms"}'
expect_match "HTTP/1.1 over TLS, by the name" '^b1 HTTP/1.1 name=app.internal version=TLSv1.3' "$(answer_of good)"
pool http2 8443 "$VERIFIED" ',"protocol":"h2"'
expect_match "HTTP/2 over TLS" '^b1 HTTP/2.0 name=app.internal' "$(answer_of http2)"
pool old 8443 "$VERIFIED,\"max_version\":\"1.2\""
expect_match "TLS 1.2, where no later one is wanted" ' version=TLSv1.2' "$(answer_of old)"
pool san 8443 '"subject_alt_names":["spiffe://lab/app","app.internal"],"ca":"roots"'
expect_match "any name of the SAN" '^b1 HTTP/1.1' "$(answer_of san)"
pool insecure 8446 '"mode":"insecure"'
expect_eq "anybody, where nothing is verified" never "$(answer_of insecure)"
pool mutual 8447 "$VERIFIED,\"certificate\":\"shard\""
expect_eq "mutual TLS" "b1 client=CN=shard-1" "$(answer_of mutual)"

step "who is not, and why"
pool wrong 8444 "$VERIFIED"
refused "another name" wrong 503 tls_peer_name_mismatch
pool expired 8445 "$VERIFIED"
refused "an expired certificate" expired 503 tls_expired_peer_certificate
pool unknown 8446 "$VERIFIED"
refused "an unknown authority" unknown 503 tls_untrusted_peer_certificate
pool system 8443 '"server_name":"app.internal"'
refused "the machine's authorities do not know ours" system 503 tls_untrusted_peer_certificate
pool ours 8449 "$VERIFIED"
refused "a backend that refuses us" ours 502 tls_refused_by_peer
pool plain 8080 "$VERIFIED"
refused "a backend without TLS" plain 503 tls_not_tls
pool no-http2 8448 "$VERIFIED" ',"protocol":"h2"'
refused "a backend without HTTP/2" no-http2 503 tls_nothing_in_common

step "health by https"
health_of() { api GET /v1/status | jq -er --arg member "$1" '[.nodes[].health[] | select(.member == $member) | .endpoints[].usable] | unique | join(" ")'; }
expect_eq "the good backend" true "$(health_of 10.77.1.2:8443)"
pool dead 8080 "$VERIFIED" ',"health":{"type":"https","interval":"200ms","fall":1}'
is_down() { [ "$(health_of 10.77.1.2:8080 | tr ' ' '\n' | sort | head -n 1)" = false ]; }
wait_until 10 "one without TLS is down" is_down

step "certificates of both sides are replaced under load"
fingerprint() { openssl x509 -noout -fingerprint -sha256; }
shows_newest() { [ "$(in_ns b1 openssl s_client -connect 127.0.0.1:8447 </dev/null 2>/dev/null | fingerprint)" = "$(fingerprint <"$B1/good.pem")" ]; }
LAB_HOSTNAME=mutual.example.com
load_start "$LAB_VIP" "$LAB_REQUESTS"
rounds=0
while load_running || [ "$rounds" -lt 2 ]; do
  rounds=$((rounds + 1))
  api_ok PUT "$space/certificates/shard?wait=applied&timeout=20s" "$(certificate "shard-$((rounds % 2 + 1))")" >/dev/null
  issue ca b1 "DNS:app.internal" "$B1/good"
  in_ns b1 nginx -c "$B1/tls.conf" -s reload 2>/dev/null
  wait_until $((5 * LAB_SLOW)) "nginx shows its new certificate" shows_newest
done
load_wait
expect_eq "failed requests under $rounds replacements" 0 "$LOAD_FAILED"
expect_eq "we show the newest" "b1 client=CN=shard-$((rounds % 2 + 1))" "$(answer_of mutual)"

step "what was counted"
sum() { api GET /v1/stats | jq --arg name "$1" '[.nodes[].processes[].samples[] | select(.name == $name) | .value] | add // 0'; }
expect_at_least "handshakes with backends" 10 "$(sum upstream_tls_handshakes_total)"
expect_at_least "of these resumed" 1 "$(sum upstream_tls_handshakes_resumed_total)"
expect_at_least "failed ones" 7 "$(sum upstream_tls_failures_total)"
