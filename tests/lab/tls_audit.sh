#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# testssl.sh looks at an https listener that shows an ECDSA and an RSA certificate: protocols, ciphers, forward secrecy
# and every vulnerability that it knows. What it says of the certificates themselves is not ours, and not asked.
#
#   client: testssl ──► VIP:443 ── replica
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario testssl openssl
lab_up
appliance_up

name=audit.example.com
certify() {  # certify NAME OPENSSL-REQ-ARGUMENT…
  openssl req -x509 -newkey "${@:2}" -nodes -days 2 -subj /CN=lab -addext "subjectAltName=DNS:$name" -keyout "$LAB_DIR/$1.key" -out "$LAB_DIR/$1.pem" 2>/dev/null
  api_ok PUT "/v1/certificates/$1" "$(jq -n --rawfile certificate "$LAB_DIR/$1.pem" --rawfile private_key "$LAB_DIR/$1.key" '$ARGS.named')" >/dev/null
}
certify ecdsa ec -pkeyopt ec_paramgen_curve:P-256
certify rsa rsa:2048
api_ok PUT /v1/listeners/secure "{\"address\":\"$LAB_VIP\",\"port\":443,\"protocol\":\"https\",\"shard\":\"edge\",\"tls\":{\"certificates\":[\"ecdsa\",\"rsa\"]}}" >/dev/null
api_ok PUT '/v1/namespaces/default/routes/audit?wait=applied&timeout=20s' \
  "{\"listeners\":[\"secure\"],\"hostnames\":[\"$name\"],\"rules\":[{\"forward\":[{\"pool\":\"app\"}]}]}" >/dev/null
wait_until 10 "an answer over TLS" client curl -sf --cacert "$LAB_DIR/ecdsa.pem" --resolve "$name:443:$LAB_VIP" "https://$name/"

step "testssl.sh"
findings=$LAB_DIR/findings.json
client timeout $((200 * LAB_SLOW)) testssl --quiet --color 0 --warnings off --nodns none --ip "$LAB_VIP" \
  --protocols --std --fs --vulnerable --jsonfile "$findings" "https://$name:443" >"$LAB_DIR/testssl.log" 2>&1 || true
found() { jq -r --arg id "$1" '.[] | select(.id == $id) | .severity + " " + .finding' "$findings"; }
expect_eq "TLS 1.2" "OK offered" "$(found TLS1_2)"
expect_eq "TLS 1.3" "OK offered with final" "$(found TLS1_3)"
for old in SSLv2 SSLv3 TLS1 TLS1_1; do expect_match "$old" ' not offered$' "$(found "$old")"; done
expect_match "forward secrecy" '^OK offered' "$(found PFS)"
expect_eq "a client that renegotiates" "OK not vulnerable" "$(found secure_client_renego)"
# One for each of them: what was not looked at has not passed.
vulnerabilities='["heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "CRIME_TLS", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK",
  "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4"]'
expect_eq "vulnerabilities that were not looked for" '[]' "$(jq -c --argjson asked "$vulnerabilities" '$asked - map(.id)' "$findings")"
# WARN says that a check could not be made. GOST's is about the client's own OpenSSL.
expect_eq "findings that are neither good nor neutral" '[]' \
  "$(jq -c 'map(select((.severity | IN("OK", "INFO") | not) and .id != "engine_problem") | [.id, .severity, .finding])' "$findings")"
say "$(jq length "$findings") findings"
