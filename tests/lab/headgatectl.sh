#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/headgatectl against a real headgated: what it puts is stored, what is refused is said with its place.
#
#   headgatectl (curl, jq) ──► headgated 127.0.0.1:7080
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario
lab_new
lab_network_up
appliance_headgated_up

export HEADGATE_API=$LAB_API HEADGATE_TOKEN_FILE=$LAB_DIR/admin.token
ctl() { lb "$LAB_TOP/scripts/headgatectl" "$@" 2>&1; }
refused() {  # refused WHAT STATUS REGEX ARGUMENT…: exit status and what is said
  local said status=0
  said=$(ctl "${@:4}") || status=$?
  expect_eq "$1: exit status" "$2" "$status"
  expect_match "$1: says why" "$3" "$said"
}

step "put, get, delete"
expect_match "put" 'shards/edge: put, revision [0-9]+' "$(ctl put shard edge - <<<'{"replicas_per_node":2}')"
expect_eq "get one" 2 "$(ctl get shard edge | jq .replicas_per_node)"
expect_eq "get all" edge "$(ctl get shards)"
expect_match "a dry run" 'nothing was stored' "$(ctl put shard edge --dry-run - <<<'{"replicas_per_node":3}')"
expect_eq "has stored nothing" 2 "$(ctl get shard edge | jq .replicas_per_node)"
expect_match "delete" 'shards/edge: deleted' "$(ctl delete shard edge)"
expect_eq "and it is gone" "" "$(ctl get shards)"

step "apply"
cat >"$LAB_DIR/ingress.json" <<END
{"routes":[{"name":"app","listeners":["web"],"rules":[{"forward":[{"pool":"app"}]}]}],
 "pools":[{"name":"app","backends":[{"address":"10.77.1.2","port":8080}]}],
 "listeners":[{"name":"web","address":"$LAB_VIP","port":80,"protocol":"http","shard":"edge"},
  {"name":"tcp","address":"$LAB_VIP","port":8080,"protocol":"tcp","pool":"default/app","forwarding":"ipip"}],
 "shards":[{"name":"edge"}]}
END
expect_eq "objects put, whatever their order" 5 "$(ctl apply "$LAB_DIR/ingress.json" | grep -c ': put')"
expect_eq "the route is there" app "$(ctl get routes)"
ctl get config >"$LAB_DIR/config.json"
expect_match "the whole configuration back again" '/v1/config: put' "$(ctl apply --replace "$LAB_DIR/config.json")"
expect_match "status" 'revision [0-9]+' "$(ctl status)"
expect_match "any other call" '"revision"' "$(ctl GET /v1/revisions)"

step "restart"
ctl put shard edge - <<<'{}' >/dev/null
refused "of a shard without a node" 1 '503.*No node restarts shard edge' restart edge

step "refusals"
refused "a missing pool" 1 '/rules/0/forward/0/pool: ' put route bad - <<<'{"listeners":["web"],"rules":[{"forward":[{"pool":"gone"}]}]}'
refused "no JSON" 1 'is no JSON' put shard x - <<<'{"a":'
refused "in use" 1 '409' delete shard edge
refused "not there" 1 '404' get shard gone
refused "a kind that is none" 2 "no kind 'shrad'" get shrad
refused "no arguments" 2 'headgatectl status'
HEADGATE_TOKEN=wrong refused "a wrong token" 1 '401' get shards
HEADGATE_API=http://127.0.0.1:1 refused "nobody there" 1 'is headgated running' get shards
