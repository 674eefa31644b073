# SPDX-License-Identifier: Apache-2.0
# What the patterns share: their options, their REST calls by curl, and the lab that each verifies itself in. Sourced.
#
#   pattern_begin "$@"     reads the options that every pattern has; the pattern's own are in OPTIONS. HEADGATE_API,
#                          HEADGATE_TOKEN_FILE and HEADGATE_CA say of the API what they say to headgatectl
#   call METHOD PATH BODY  one REST call: printed as one would type it, done, and refused loudly
#   pattern_end            says how many calls it took
# shellcheck shell=bash

PATTERN=$(basename "$0")
PATTERN_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATTERN_CALLS_MAX=10
calls=0
lab=
trust=()  # of an https API: who vouches for it, by HEADGATE_CA; else whom the system believes

pattern_usage() { sed -n '/^# Usage:/,/^[^#]/{ /^#/ s/^# \{0,1\}//p }' "$0"; }
pattern_misuse() {
  echo "$PATTERN: $*; $PATTERN --help says more" >&2
  exit 2
}

# OPTIONS: the pattern's settings with their defaults; --some-name VALUE sets OPTIONS[some-name].
declare -A OPTIONS
pattern_begin() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) pattern_usage; exit 0 ;;
      --lab) lab=1 ;;
      --*)
        [ -n "${OPTIONS[${1#--}]+known}" ] || pattern_misuse "there is no option $1"
        [ $# -ge 2 ] || pattern_misuse "$1 takes a value"
        OPTIONS[${1#--}]=$2
        shift
        ;;
      *) pattern_misuse "what is $1?" ;;
    esac
    shift
  done
  if [ -n "$lab" ]; then pattern_lab_begin; else pattern_api_begin; fi
}

pattern_api_begin() {
  api=${HEADGATE_API:-http://127.0.0.1:7080}
  [ -n "${HEADGATE_TOKEN_FILE:-}" ] || pattern_misuse "set HEADGATE_TOKEN_FILE to the file that holds your token, or use --lab"
  [ -r "$HEADGATE_TOKEN_FILE" ] || { echo "$PATTERN: can't read $HEADGATE_TOKEN_FILE" >&2; exit 1; }
  token_file=$HEADGATE_TOKEN_FILE
  if [ -n "${HEADGATE_CA:-}" ]; then
    [ -r "$HEADGATE_CA" ] || { echo "$PATTERN: can't read $HEADGATE_CA" >&2; exit 1; }
    trust=(--cacert "$HEADGATE_CA")
  fi
  enter=()
}

# All of Headgate, with nothing configured but its node.
pattern_lab_begin() {
  # shellcheck source=tests/lab/lab.sh
  . "$PATTERN_TOP/tests/lab/lab.sh"
  lab_scenario
  lab_up
  appliance_headgated_up
  appliance_enrol
  appliance_node_up
  api=$LAB_API
  token_file=$LAB_DIR/admin.token
  read -ra enter <<<"$(lab_enter lb)"
}

call() {
  local status answer
  calls=$((calls + 1))
  printf '$ curl %s-X %s -H "Authorization: Bearer $TOKEN" %s -d %q\n' "${trust[*]:+${trust[*]@Q} }" "$1" "'$api$2'" "$(jq -c 'if .private_key then .private_key = "…" else . end' <<<"$3")"
  answer=$(mktemp)
  # Neither the token nor a private key is an argument, which everyone could see in ps.
  status=$("${enter[@]}" curl -sS -g --max-time 40 "${trust[@]}" -X "$1" -H @<(printf 'Authorization: Bearer %s\n' "$(cat "$token_file")") \
    -H 'Content-Type: application/json' --data-binary @- -o "$answer" -w '%{http_code}' "$api$2" <<<"$3") || status=000
  case $status in
    200 | 201 | 204) echo "  $status" ;;
    202) echo "$PATTERN: accepted, but not every process serves it yet: $(jq -c .missing "$answer")" >&2; rm -f "$answer"; exit 1 ;;
    *) echo "$PATTERN: $1 $2 was answered with $status: $(cat "$answer")" >&2; rm -f "$answer"; exit 1 ;;
  esac
  rm -f "$answer"
}

pattern_end() {
  [ "$calls" -le "$PATTERN_CALLS_MAX" ] || { echo "$PATTERN: took $calls calls" >&2; exit 1; }
  printf '\n%s: configured by %s REST calls\n' "$PATTERN" "$calls"
}

# --- in the lab ------------------------------------------------------------------------------------------------

# ask ADDRESS HOSTNAME [CURL-ARGUMENT…]: the answer's body, from the lab's client
ask() { client curl -s --max-time 2 -H "Host: $2" "${@:3}" "http://$1/"; }
status_of() { ask "$1" "$2" -o /dev/null -w '%{http_code}' "${@:3}"; }
