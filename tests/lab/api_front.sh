#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API for other machines: headgate-shard in front of headgated, with a certificate of the internal authority. People
# with curl and a node reach it over the network; it is renewed, and headgated killed, behind connections that stay.
#
#   client: curl, headgatectl, headgate-node n1 ── HTTPS ──► 192.0.2.10:7443 headgate-shard ──► 127.0.0.1:7080 headgated
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario openssl python3
lab_new
lab_network_up
ip -n "hg-$LAB-lb" addr add "$LAB_HOST/24" dev "$LAB_UPLINK" # there is no l4 to have it

FRONT=https://$LAB_HOST:7443
CA=$LAB_DIR/client-ca.pem
LAB_HEADGATED_ARGS=(--front 0.0.0.0:7443 --front-name api.lab.example --front-name "$LAB_HOST" --front-certificate-lifetime 30s)
appliance_headgated_up
lab_spawn lb front "$LAB_TOP/scripts/dev/keep" front "$LAB_BIN/headgate-shard" --name front/0 \
  --snapshot "$LAB_DIR/db/front/snapshot.json" --secrets "$LAB_DIR/db/front/secrets.json"

front() { client curl -sS --max-time 70 --cacert "$CA" -H "Authorization: Bearer $(cat "$LAB_DIR/admin.token")" "$@"; }
status_of() { front -o /dev/null -w '%{http_code}' "$@"; }
serial_shown() {
  client openssl s_client -connect "$LAB_HOST:7443" -CAfile "$CA" -verify_return_error </dev/null 2>/dev/null |
    openssl x509 -noout -serial
}

step "who vouches for it"
wait_until 20 "the front answers" client curl -sfk "$FRONT/healthz"
client curl -sfk "$FRONT/v1/ca" -o "$CA"
fingerprint=$(openssl x509 -in "$CA" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)
api_ok PUT /v1/nodes/n1 '{"roles":["worker"]}' >/dev/null
enrolment=$(api_ok POST /v1/nodes/n1/enrolment)
expect_eq "an enrolment carries the authority's fingerprint" "$fingerprint" "$(jq -r .ca_fingerprint <<<"$enrolment")"
chain=$(client openssl s_client -connect "$LAB_HOST:7443" -CAfile "$CA" -verify_return_error -verify_ip "$LAB_HOST" </dev/null 2>&1)
expect_match "openssl verifies the chain" 'Verify return code: 0 \(ok\)' "$chain"
expect_match "and names the authority" 'issuer=.*Headgate internal CA' "$chain"
expect_eq "by its name" 200 "$(status_of --resolve "api.lab.example:7443:$LAB_HOST" https://api.lab.example:7443/v1/status)"
expect_eq "not by another (curl: 60)" 60 "$(front --resolve "other.example:7443:$LAB_HOST" https://other.example:7443/healthz >/dev/null 2>&1 || echo $?)"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=Headgate internal CA' -keyout /dev/null -out "$LAB_DIR/other-ca.pem" 2>/dev/null
expect_eq "not by who believes another authority" 60 "$(client curl -s --cacert "$LAB_DIR/other-ca.pem" "$FRONT/healthz" >/dev/null || echo $?)"
expect_eq "not by who believes the system's" 60 "$(client curl -s "$FRONT/healthz" >/dev/null || echo $?)"

step "the API from another machine"
for version in 1.1 2; do
  expect_eq "HTTP/$version" "200 $version" "$(front --http$version -o /dev/null -w '%{http_code} %{http_version}' "$FRONT/v1/status")"
done
refused=$(client curl -s --cacert "$CA" -w ' %{http_code} %{content_type}' "$FRONT/v1/status")
expect_match "no token: 401" ' 401 application/problem\+json' "$refused"
export HEADGATE_TOKEN_FILE=$LAB_DIR/admin.token
ctl() { client env HEADGATE_API="$FRONT" "$@"; }
expect_match "headgatectl, by HEADGATE_CA" 'put, revision' "$(ctl HEADGATE_CA="$CA" "$LAB_TOP/scripts/headgatectl" put shard edge - <<<'{}')"
expect_match "and by --cacert" '^revision' "$(ctl "$LAB_TOP/scripts/headgatectl" --cacert "$CA" status)"
head -c 8000000 /dev/zero | tr '\0' ' ' >"$LAB_DIR/large"
expect_eq "a body of 8 MB is headgated's to judge" 400 "$(status_of -X PUT -H 'Content-Type: application/json' --data-binary "@$LAB_DIR/large" "$FRONT/v1/config")"
head -c 70000000 /dev/zero >"$LAB_DIR/large"
# By HTTP/1.1: curl 7.88 passes over an answer that RST_STREAM(NO_ERROR) follows (RFC 9113 section 8.1).
expect_eq "one over its limit is refused" 413 "$(status_of --http1.1 -X PUT -H 'Content-Type: application/json' --data-binary "@$LAB_DIR/large" "$FRONT/v1/config")"

step "the longest of polls, by a node that only waits"
api_ok PUT /v1/nodes/idle '{"roles":[]}' >/dev/null
credential=$(front -X POST -H 'Content-Type: application/json' -d "{\"node\":\"idle\",\"token\":\"$(api_ok POST /v1/nodes/idle/enrolment | jq -r .token)\"}" "$FRONT/v1/enroll" | jq -r .credential)
base=$(client curl -s --cacert "$CA" -H "Authorization: Bearer $credential" "$FRONT/v1/nodes/idle/delta?base=0" | jq .delta.revision)
client curl -s --cacert "$CA" -H "Authorization: Bearer $credential" -H 'Content-Type: application/json' \
  -d "{\"received\":$base,\"applied\":$base}" "$FRONT/v1/nodes/idle/report"
client curl -s --cacert "$CA" --max-time 80 -H "Authorization: Bearer $credential" -o /dev/null \
  -w '%{http_code} %{time_total}' "$FRONT/v1/nodes/idle/delta?base=$base&timeout=60s" >"$LAB_DIR/poll" &
poll=$!

step "a node on another machine"
(umask 077; jq -r .token <<<"$enrolment" >"$LAB_DIR/n1.token")
lab_spawn client headgate-node "$LAB_TOP/scripts/dev/keep" headgate-node "$LAB_BIN/headgate-node" --api "$FRONT" --name n1 \
  --api-ca-fingerprint "$fingerprint" --enrolment-token-file "$LAB_DIR/n1.token" \
  --state-dir "$LAB_DIR/state" --run-dir "$LAB_DIR/run" --log-dir "$LAB_DIR/log"
put() { expect_eq "$1 applied" 200 "$(status_of -X PUT -H 'Content-Type: application/json' -d "$2" "$FRONT/v1/$1?wait=applied&timeout=20s" | sed 's/201/200/')"; }
put shards/edge '{"nodes":{"names":["n1"]}}'
put listeners/web '{"address":"192.0.2.2","port":8000,"shard":"edge"}'
put namespaces/default/routes/hello '{"listeners":["web"],"rules":[{"filters":{"direct_response":{"status":200,"body":"from afar"}}}]}'
expect_eq "and serves" "from afar" "$(client curl -s http://192.0.2.2:8000/)"
expect_eq "the authority is pinned" "$fingerprint" "$(openssl x509 -in "$LAB_DIR/state/api-ca.pem" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)"

step "the certificate is renewed under a connection that stays"
first=$(serial_shown)
expect_match "a serial number" 'serial=' "$first"
client python3 - "$CA" "$LAB_HOST" "$LAB_DIR" <<'END' &
import http.client, os, ssl, sys, time
ca, host, directory = sys.argv[1:]
connection = http.client.HTTPSConnection(host, 7443, context=ssl.create_default_context(cafile=ca))
def ask():
    connection.request('GET', '/healthz')
    answer = connection.getresponse()
    answer.read()
    return answer.status
assert ask() == 200
kept = connection.sock
open(directory + '/asked', 'w').close()
deadline = time.time() + 60
while not os.path.exists(directory + '/renewed') and time.time() < deadline:
    assert ask() == 200 and connection.sock is kept
    time.sleep(0.2)
sys.exit(0 if ask() == 200 and connection.sock is kept else 1)
END
keeper=$!
wait_until 10 "the connection that stays" test -e "$LAB_DIR/asked"
renewed() { local now; now=$(serial_shown) && [ -n "$now" ] && [ "$now" != "$first" ]; }
wait_until 30 "another certificate" renewed
touch "$LAB_DIR/renewed"
status=0
wait "$keeper" || status=$?
expect_eq "the old connection serves on" 0 "$status"

status=0
wait "$poll" || status=$?
expect_eq "the poll was answered" 0 "$status"
expect_match "when its 60 seconds were over" '^20[04] 6[0-9]\.' "$(cat "$LAB_DIR/poll")"
api_ok DELETE /v1/nodes/idle >/dev/null # who acknowledges nothing is waited for

step "headgated is killed, and comes back"
kill -9 "$(cat "$LAB_DIR/headgated.pid")" # its keeper
kill -9 "$(pid_of headgated)"
wait_until 5 "headgated is gone" bash -c "! ip netns exec hg-$LAB-lb curl -s $LAB_API/healthz"
expect_match "the front says so" '^50[23]$' "$(status_of "$FRONT/v1/status")"
expect_eq "the node serves on" "from afar" "$(client curl -s http://192.0.2.2:8000/)"
appliance_headgated_up
wait_until 10 "the front answers again" front -f -o /dev/null "$FRONT/v1/status"
expect_eq "by the same authority" 200 "$(status_of "$FRONT/v1/status")"
put namespaces/default/routes/hello '{"listeners":["web"],"rules":[{"filters":{"direct_response":{"status":200,"body":"still there"}}}]}'
expect_eq "and the node follows again" "still there" "$(client curl -s http://192.0.2.2:8000/)"
expect_eq "the front was never restarted" 0 "$(grep -c '^keep: front ended' "$LAB_DIR/front.log" || true)"
