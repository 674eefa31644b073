#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TLS that passes through: chosen by the server name, ended by the backend alone, also beside TLS that ends here; a route
# changed under load breaks no connection. Then the namespace goes to another shard, and it crosses the hop.
#
#   client ══ TLS ═► VIP:443 ── l4 ──► replica of shard "edge" ══ the same TLS ═► nginx on b1 and b2, :8443 a, :8444 b
#                                          ║    └── TLS of c.example.com ends here ──► b1, b2 :8080
#                                          ╚═ the same TLS, by the hop, to shard "team" ═► b1 and b2
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario openssl h2load
LAB_SHARD='{"access_log":{"to":"file"}}'
lab_up
appliance_up

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca \
  -keyout "$LAB_DIR/ca.key" -out "$LAB_DIR/ca.pem" 2>/dev/null
issue() {  # issue NAME FILE
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$2.key" -out "$LAB_DIR/request.pem" 2>/dev/null
  openssl x509 -req -in "$LAB_DIR/request.pem" -CA "$LAB_DIR/ca.pem" -CAkey "$LAB_DIR/ca.key" -CAcreateserial \
    -days 2 -extfile <(echo "subjectAltName=DNS:$1") -out "$2.pem" 2>/dev/null
}
for backend in b1 b2; do
  dir=$LAB_DIR/$backend
  issue a.example.com "$dir/a"
  issue b.example.com "$dir/b"
  mkdir -p "$dir/tls_www"
  head -c 50M /dev/urandom >"$dir/tls_www/random"
  sed "s|@NAME@|$backend|g; s|@DIR@|$dir|g" "$LAB_SOURCE/passthrough_backend.conf" >"$dir/tls.conf"
  lab_spawn $backend $backend-tls nginx -c "$dir/tls.conf" -e stderr
  for port in 8443 8444; do wait_until 5 "TLS on port $port" in_ns $backend sh -c "ss -Hltn 'sport = :$port' | grep -q ."; done
done

space=/v1/namespaces/default
applied() {  # applied PATH BODY
  api_ok PUT "$1?wait=applied&timeout=20s" "$2" >/dev/null
  [ "$(api_status)" != 202 ] || fail "$1 was not applied in time"
}
route() {  # route NAME HOSTNAME POOL [LISTENER]
  applied "$space/routes/$1" "{\"listeners\":[\"${4:-pass}\"],\"hostnames\":[\"$2\"],\"rules\":[{\"forward\":[{\"pool\":\"$3\"}]}]}"
}
listener() {  # listener NAME MORE
  applied "/v1/listeners/$1" "{\"address\":\"$LAB_VIP\",\"port\":443,\"shard\":\"edge\",$2}"
}
for pool in b1-a:10.77.1.2:8443 b1-b:10.77.1.2:8444 b2-a:10.77.2.2:8443; do
  IFS=: read -r name address port <<<"$pool"
  applied "$space/pools/$name" "{\"backends\":[{\"address\":\"$address\",\"port\":$port}]}"
done
listener pass '"protocol":"tls"'
route a a.example.com b1-a
route b b.example.com b1-b
secure() {  # secure NAME PATH [CURL-ARGUMENT…]: its certificate is verified
  client curl -s --max-time $((20 * LAB_SLOW)) --cacert "$LAB_DIR/ca.pem" --resolve "$1:443:$LAB_VIP" "https://$1$2" "${@:3}"
}

step "the server name chooses, and the backend's certificate is seen"
expect_eq "a" "b1 a name=a.example.com HTTP/2.0" "$(secure a.example.com /)"
expect_eq "b" "b1 b name=b.example.com HTTP/1.1" "$(secure b.example.com /)"
shown() { client openssl s_client -connect "$LAB_VIP:443" "$@" </dev/null 2>&1 || true; }
fingerprint() { openssl x509 -noout -fingerprint -sha256; }
expect_eq "whose certificate" "$(fingerprint <"$LAB_DIR/b1/b.pem")" "$(shown -servername b.example.com | fingerprint)"

step "who asks for nobody that is served"
expect_match "no name at all" 'alert number 112' "$(shown -noservername)"
expect_match "another name" 'alert number 112' "$(shown -servername c.example.com)"
decode_error=$(printf 'GET / HTTP/1.1\r\n\r\n' | client socat -t 2 - "TCP:$LAB_VIP:443" | od -An -tx1 | tr -d ' \n')
expect_eq "what is no TLS" 15030300020232 "$decode_error"

step "50 MB, untouched"
sum_of() { sha256sum | cut -d' ' -f1; }
expect_eq "its checksum" "$(sum_of <"$LAB_DIR/b1/tls_www/random")" "$(secure a.example.com /random | sum_of)"
slow=$(secure b.example.com /random --limit-rate 20M | sum_of)
expect_eq "by a slow reader" "$(sum_of <"$LAB_DIR/b1/tls_www/random")" "$slow"

step "the route changes under load"
client h2load --h1 -c "$LAB_CONNECTIONS" -n "$LAB_REQUESTS" --connect-to="$LAB_VIP:443" https://a.example.com/ >"$LAB_DIR/load.txt" 2>&1 &
LOAD_PID=$!
# shellcheck disable=SC2034
LOAD_TOTAL=$LAB_REQUESTS
rounds=0
while load_running || [ "$rounds" -lt 4 ]; do
  rounds=$((rounds + 1))
  backend=b$((rounds % 2 + 1))
  route a a.example.com $backend-a
  answer=$(secure a.example.com /)
  [ "$answer" = "$backend a name=a.example.com HTTP/2.0" ] || fail "after change $rounds a new connection got: ${answer:-nothing}"
done
load_wait
expect_eq "failed requests under $rounds changes" 0 "$LOAD_FAILED"

step "TLS that ends here beside it, on one address and port"
issue c.example.com "$LAB_DIR/c"
applied /v1/certificates/c "$(jq -n --rawfile certificate "$LAB_DIR/c.pem" --rawfile private_key "$LAB_DIR/c.key" '$ARGS.named')"
api PUT /v1/listeners/plain "{\"address\":\"$LAB_VIP\",\"port\":443,\"shard\":\"edge\",\"hostname\":\"d.example.com\"}" >/dev/null
expect_eq "without TLS there: refused" 409 "$(api_status)"
listener pass '"protocol":"tls","hostname":"*.example.com"'
listener ends '"protocol":"https","hostname":"c.example.com","tls":{"certificates":["c"]}'
route c c.example.com app ends
route a a.example.com b1-a
expect_match "c ends here" '^b[12]$' "$(secure c.example.com /)"
expect_eq "whose certificate" "$(fingerprint <"$LAB_DIR/c.pem")" "$(shown -servername c.example.com | fingerprint)"
expect_eq "a passes" "b1 a name=a.example.com HTTP/2.0" "$(secure a.example.com /)"
expect_eq "b passes" "b1 b name=b.example.com HTTP/1.1" "$(secure b.example.com /)"
expect_match "a name of the wildcard without a route" 'alert number 112' "$(shown -servername e.example.com)"
crossed=$(client curl -s -o /dev/null -w '%{http_code}' --cacert "$LAB_DIR/ca.pem" --resolve "c.example.com:443:$LAB_VIP" -H 'Host: a.example.com' https://c.example.com/)
expect_eq "what passes is not served where TLS has ended" 421 "$crossed"

step "what such a route can't say"
api PUT $space/routes/b '{"listeners":["pass"],"rules":[{"matches":[{"path":{"value":"/b"}}],"forward":[{"pool":"b1-b"}]}]}' >"$LAB_DIR/refused.json"
expect_eq "a match by path" "422 /rules/0/matches" "$(api_status) $(jq -r '.errors[0].pointer' "$LAB_DIR/refused.json")"

step "explain and the access log"
export HEADGATE_API=$LAB_API HEADGATE_TOKEN_FILE=$LAB_DIR/admin.token
expect_match "explain names the backend" '10\.77\.1\.2:8444$' "$(lb "$LAB_TOP/scripts/headgatectl" explain pass https://b.example.com/)"
logged() {
  jq -es '[.[] | select(.protocol == "tls" and .server_name == "b.example.com" and .ending == "tunnelled"
    and .pool == "b1-b" and .backend == "10.77.1.2:8444" and .sent_bytes > 50000000)] | length > 0' "$LAB_DIR"/log/edge/0/*
}
wait_until $((5 * LAB_SLOW)) "the slow download is logged" logged
say "$(grep '"server_name":"b.example.com"' "$LAB_DIR"/log/edge/0/* | tail -n 1)"

step "the namespace is served by another shard: the same TLS crosses the hop"
api_ok PUT /v1/shards/team '{"access_log":{"to":"file"}}' >/dev/null
serve_by() { applied /v1/namespaces/default "$([ -z "$1" ] && echo '{}' || echo "{\"shard\":\"$1\"}")"; }
serve_by team
wait_until 20 "it does" sh -c "ls $LAB_DIR/run/hop/team.sock >/dev/null"
expect_eq "a" "b1 a name=a.example.com HTTP/2.0" "$(secure a.example.com /)"
expect_eq "b" "b1 b name=b.example.com HTTP/1.1" "$(secure b.example.com /)"
expect_match "c, whose TLS ends in the first tier" '^b[12]$' "$(secure c.example.com /)"
expect_eq "whose certificate" "$(fingerprint <"$LAB_DIR/b1/b.pem")" "$(shown -servername b.example.com | fingerprint)"
expect_match "a name without a route" 'alert number 112' "$(shown -servername e.example.com)"
expect_eq "50 MB" "$(sum_of <"$LAB_DIR/b1/tls_www/random")" "$(secure b.example.com /random | sum_of)"
hop_logged() { # hop_logged SHARD BACKEND: that tier's line of the download
  jq -es --arg backend "$2" '[.[] | select(.protocol == "tls" and .server_name == "b.example.com" and .ending == "tunnelled"
    and .client == "192.0.2.2" and .listener == "pass" and .backend == $backend and .sent_bytes > 50000000)] | length == 1' "$LAB_DIR/log/$1"/0/*
}
wait_until $((5 * LAB_SLOW)) "the first tier logs it" hop_logged edge shard/team
wait_until $((5 * LAB_SLOW)) "the second tier logs it" hop_logged team 10.77.1.2:8444
expect_eq "explained beyond the hop" '"team" default/b/0 found 10.77.1.2:8444' \
  "$(api POST /v1/explain '{"listener": "pass", "request": {"host": "b.example.com"}}' |
    jq -r '.beyond_hop | "\"\(.shard)\" \(.rule) \(.outcome) \(.forwards[0].endpoints[0].address)"')"

step "and comes and goes under load"
client h2load --h1 -c "$LAB_CONNECTIONS" -n "$LAB_REQUESTS" --connect-to="$LAB_VIP:443" https://a.example.com/ >"$LAB_DIR/load.txt" 2>&1 &
LOAD_PID=$!
moves=0
while load_running || [ "$moves" -lt 4 ]; do
  for shard in '' team; do
    serve_by "$shard"
    moves=$((moves + 1))
    expect_eq "a new connection after move $moves" "b1 a name=a.example.com HTTP/2.0" "$(secure a.example.com /)"
  done
done
load_wait
expect_eq "failed requests under $moves moves" 0 "$LOAD_FAILED"
