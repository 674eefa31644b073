#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gRPC by its own library on both sides: unary calls and streams each way, metadata and trailers, deadlines and
# cancellations that reach the server, and what our own errors are to a gRPC client.
#
#   client: grpc_client ── h2c, h2 over TLS ──► VIP ── replica ── h2c ──► b2: grpc_backend
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "$0")")/lab.sh"
/usr/bin/python3 -c 'import grpc' 2>/dev/null || skip "python3-grpcio is not installed; sudo scripts/dev/install lab"
lab_scenario openssl
lab_up
appliance_up

step "a backend over h2c, listeners by HTTP and HTTPS"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab -addext 'subjectAltName=DNS:grpc.example.com' \
  -keyout "$LAB_DIR/key.pem" -out "$LAB_DIR/certificate.pem" 2>/dev/null
api_ok PUT /v1/certificates/lab "$(jq -n --rawfile certificate "$LAB_DIR/certificate.pem" --rawfile private_key "$LAB_DIR/key.pem" '$ARGS.named')" >/dev/null
api_ok PUT /v1/listeners/secure "{\"address\":\"$LAB_VIP\",\"port\":443,\"protocol\":\"https\",\"shard\":\"edge\",\"tls\":{\"certificates\":[\"lab\"]}}" >/dev/null
api_ok PUT /v1/namespaces/default/pools/grpc '{"backends":[{"address":"10.77.2.2","port":50051}],"protocol":"h2c"}' >/dev/null
api_ok PUT /v1/namespaces/default/pools/nobody '{"backends":[{"address":"10.77.2.2","port":50052}],"protocol":"h2c"}' >/dev/null
rule() { echo "{\"matches\":[{\"path\":{\"value\":\"/lab.$1\"}}],\"forward\":[{\"pool\":\"$2\"}]}"; }
api_ok PUT '/v1/namespaces/default/routes/grpc?wait=applied&timeout=20s' \
  "{\"listeners\":[\"web\",\"secure\"],\"hostnames\":[\"grpc.example.com\"],\"rules\":[$(rule Peer grpc),$(rule Nobody nobody)]}" >/dev/null

calls() {  # calls WHAT GRPC_CLIENT-ARGUMENT…, with a server of its own
  step "$1"
  lab_spawn b2 grpc "$LAB_SOURCE/grpc_backend" 50051
  wait_until $((10 * LAB_SLOW)) "the gRPC server listens" in_ns b2 sh -c 'ss -Hltn "sport = :50051" | grep -q .'
  said=$(client timeout $((60 * LAB_SLOW)) "$LAB_SOURCE/grpc_client" "${@:2}") || fail "grpc_client ended with $?: $said"
  kill "$(cat "$LAB_DIR/grpc.pid")"
  wait_until 5 "the gRPC server has ended" in_ns b2 sh -c '! ss -Hltn "sport = :50051" | grep -q .'
  came "unary" "HELLO OK initial=first trailer=this binary=0001020304050607 deadline=kept"
  came "large" "same"
  came "compressed" "1000"
  came "server_streams" "5000 in order"
  came "client_streams" "a,b,c"
  came "both_stream" "200 to WORD-199"
  came "refused" "FAILED_PRECONDITION 100 % — no"
  came "unknown" "UNIMPLEMENTED"
  came "deadline" "DEADLINE_EXCEEDED"
  came "cancelled" "begun, then CANCELLED"
  came "gone" "2"
  came "at_once" "300 of 300"
  came "no_route" "UNIMPLEMENTED Not Found: no_rule"
  came "no_backend" "UNAVAILABLE Service Unavailable: all_backends_tried"
}
came() { expect_eq "$1" "$2" "$(sed -n "s/^$1: //p" <<<"$said")"; }
calls "over h2c" "$LAB_VIP:80" grpc.example.com
calls "over TLS" "$LAB_VIP:443" grpc.example.com "$LAB_DIR/certificate.pem"
