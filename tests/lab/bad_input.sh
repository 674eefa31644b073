#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad input through the REST API: the right status, a problem document that says where and why, nothing stored.
#
#   curl ──► headgated 127.0.0.1:7080 ── SQLite          (no data plane: nothing reaches it)
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario
lab_new
lab_network_up
appliance_headgated_up

L='{"address":"192.0.2.100","port":80,"protocol":"http","shard":"edge"}'
api_ok PUT /v1/shards/edge '{}' >/dev/null
api_ok PUT /v1/listeners/web "$L" >/dev/null
api_ok PUT /v1/namespaces/default/pools/app '{"backends":[{"address":"10.77.1.2","port":8080}]}' >/dev/null
api_ok PUT /v1/namespaces/default/routes/app '{"listeners":["web"],"rules":[{"forward":[{"pool":"app"}]}]}' >/dev/null
stored() { api GET /v1/config | jq -S .; }
before=$(stored)

# refused STATUS POINTER METHOD PATH [BODY]: POINTER '' where the problem is not at one place of the document
refused() {
  local answer type
  answer=$(api "${@:3}")
  expect_eq "$3 $4 $(head -c 90 <<<"${5:-}")" "$1" "$(api_status)"
  type=$(jq -r '[.status, (.title | length > 0)] | join(" ")' <<<"$answer" 2>/dev/null || true)
  [ "$type" = "$1 true" ] || fail "no problem document: $answer"
  [ -z "$2" ] || jq -e --arg pointer "$2" '[.errors[].pointer] | index($pointer) != null' <<<"$answer" >/dev/null ||
    fail "no error at $2: $(jq -c '.errors' <<<"$answer")"
}

step "the document itself"
refused 400 '' PUT /v1/shards/s '{"nodes":'
refused 400 '' PUT /v1/shards/s 'shard'
refused 422 /colour PUT /v1/shards/s '{"colour":"blue"}'
refused 422 /replicas_per_node PUT /v1/shards/s '{"replicas_per_node":"two"}'
refused 422 /port PUT /v1/listeners/x '{"address":"192.0.2.101","port":65536,"protocol":"http","shard":"edge"}'
refused 422 /address PUT /v1/listeners/x '{"address":"192.0.2.300","port":80,"protocol":"http","shard":"edge"}'
refused 422 /protocol PUT /v1/listeners/x '{"address":"192.0.2.101","port":80,"protocol":"gopher","shard":"edge"}'
refused 422 /backends/0/port PUT /v1/namespaces/default/pools/x '{"backends":[{"address":"10.0.0.1","port":0}]}'
refused 422 '' PUT /v1/shards/Not_A_Name '{}'

step "every error at once"
answer=$(api PUT /v1/listeners/x '{"address":"nowhere","port":-1,"protocol":"http","shard":"edge","extra":1}')
expect_at_least "errors in one answer" 3 "$(jq '.errors | length' <<<"$answer")"

step "references and uniqueness"
refused 422 /shard PUT /v1/listeners/x '{"address":"192.0.2.101","port":80,"protocol":"http","shard":"gone"}'
refused 422 /rules/0/forward/0/pool PUT /v1/namespaces/default/routes/x '{"listeners":["web"],"rules":[{"forward":[{"pool":"gone"}]}]}'
refused 422 /listeners/0 PUT /v1/namespaces/default/routes/x '{"listeners":["gone"],"rules":[{"forward":[{"pool":"app"}]}]}'
api_ok PUT /v1/shards/other '{}' >/dev/null
before=$(stored)
refused 409 '' PUT /v1/listeners/twin '{"address":"192.0.2.100","port":80,"protocol":"http","shard":"other"}'
refused 409 '' POST /v1/shards '{"name":"edge"}'
refused 409 '' DELETE /v1/shards/edge
refused 409 '' DELETE /v1/listeners/web
refused 409 '' DELETE /v1/namespaces/default/pools/app

step "what is not there"
refused 404 '' GET /v1/shards/gone
refused 404 '' DELETE /v1/shards/gone
refused 404 '' GET /v1/no-such-kind
refused 404 '' PUT /v1/namespaces/gone/pools/x '{"backends":[{"address":"10.0.0.1","port":80}]}'

step "a stale ETag"
LAB_API_HEADERS=(-H 'If-Match: "999999"')
refused 412 '' PUT /v1/shards/edge '{"replicas_per_node":3}'
LAB_API_HEADERS=(-H 'If-None-Match: *')
refused 412 '' PUT /v1/shards/edge '{"replicas_per_node":3}'
LAB_API_HEADERS=()

step "who asks"
LAB_TOKEN=wrong refused 401 '' GET /v1/shards
expect_eq "no token" 401 "$(lb curl -s -o /dev/null -w '%{http_code}' "$LAB_API/v1/shards")"
expect_eq "no token is needed for /healthz" 200 "$(lb curl -s -o /dev/null -w '%{http_code}' "$LAB_API/healthz")"
viewer=$(api_ok PUT /v1/tokens/looker '{"role":"viewer"}' | jq -r .secret)
LAB_TOKEN=$viewer refused 403 '' PUT /v1/shards/x '{}'
editor=$(api_ok PUT /v1/tokens/team '{"role":"editor","namespaces":["default"]}' | jq -r .secret)
LAB_TOKEN=$editor refused 403 '' DELETE /v1/listeners/web
expect_eq "a viewer may read" edge "$(LAB_TOKEN=$viewer api GET /v1/shards/edge | jq -r .name)"

step "too much"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$LAB_DIR/too-much"
refused 413 '' PUT /v1/shards/x "@$LAB_DIR/too-much"

step "a dry run"
api_ok PUT '/v1/shards/dry?dry_run=true' '{}' >/dev/null
refused 404 '' GET /v1/shards/dry

expect_eq "nothing of all that was stored" "$(sha256sum <<<"$before")" "$(stored | sha256sum)"
