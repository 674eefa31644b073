#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Scripted peers: varnishtest plays the client and the backend of each tests/lab/vtc/*.vtc, and both look at what
# reached them. A file's "# pool {…}" says what its pool has beside the backend.
#
#   hg-N-client: varnishtest ── client ──► VIP ── l4 ── replica ─┐
#                            └─ server 192.0.2.2:900n ◄── l4 ────┘
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_scenario varnishtest
lab_up
appliance_up

port=9000
for file in "$LAB_SOURCE"/vtc/*.vtc; do
  name=$(basename "$file" .vtc)
  name=${name//_/-}
  port=$((port + 1))
  pool=$(sed -n 's/^# pool //p' "$file")
  api_ok PUT "/v1/namespaces/default/pools/$name" \
    "$(jq -n --argjson port "$port" --argjson more "${pool:-{\}}" '{ backends: [{ address: "192.0.2.2", $port }] } + $more')" >/dev/null
  api_ok PUT "/v1/namespaces/default/routes/$name?wait=applied&timeout=20s" \
    "{\"listeners\":[\"web\"],\"hostnames\":[\"$name.example.com\"],\"rules\":[{\"forward\":[{\"pool\":\"$name\"}]}]}" >/dev/null
  status=0
  client varnishtest -t $((15 * LAB_SLOW)) -D "vip=$LAB_VIP 80" -D "backend=192.0.2.2 $port" -D "host=$name.example.com" "$file" \
    >"$LAB_DIR/vtc.txt" 2>&1 || status=$?
  # Only the last one's is of interest, and only if it failed.
  [ "$status" = 0 ] || { cat "$LAB_DIR/vtc.txt"; fail "$name: varnishtest ended with $status"; }
  say "ok: $name: $(sed -n 's/^vtest "\(.*\)"$/\1/p' "$file")"
done
