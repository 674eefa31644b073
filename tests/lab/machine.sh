# SPDX-License-Identifier: Apache-2.0
# A Debian with systemd as its first process, booted by systemd-nspawn into the lab's namespace hg-N-lb: for what only a
# real machine shows, the units of packaging/. Its packages are fetched once, into build/; each lab has a layer of its
# own above them. Sourced after lab.sh.
# shellcheck shell=bash

MACHINE_BASE=$LAB_TOP/build/lab-debian
MACHINE_PACKAGES=(systemd systemd-sysv dbus ca-certificates curl iproute2 jq openssl procps)

machine_needs() {  # skips where no Debian can be booted
  local program
  for program in debootstrap systemd-nspawn; do
    command -v "$program" >/dev/null || skip "$program is not installed; sudo scripts/dev/install lab"
  done
  grep -qw overlay /proc/filesystems && grep -qw cgroup2 /proc/filesystems || skip "this kernel has no overlayfs or no cgroup v2"
}

# The base is complete or not there: two labs may make it at once.
machine_base() {
  local packages
  packages=$(printf '%s\n' "${MACHINE_PACKAGES[@]}" && awk '!/^#/ { print $1 }' "$LAB_TOP/packaging/packages")
  [ "$packages" != "$(cat "$MACHINE_BASE/packages" 2>/dev/null)" ] || return 0
  say "fetching Debian's packages, once"
  mkdir -p "$LAB_TOP/build"
  local fresh
  fresh=$(mktemp -d "$LAB_TOP/build/lab-debian.XXXXXX")
  if ! timeout 240 debootstrap --variant=minbase --include="$(paste -sd, <<<"$packages")" bookworm "$fresh/root" >"$fresh/log" 2>&1; then
    tail -n 3 "$fresh/log"
    rm -rf "$fresh"
    skip "Debian's packages can't be had here"
  fi
  rm -rf "$fresh"/root/{etc/hostname,etc/resolv.conf,var/cache/apt/archives/*.deb} # the building machine's
  chmod 755 "$fresh"
  printf '%s\n' "$packages" >"$fresh/packages"
  rm -rf "$MACHINE_BASE"
  mv -T "$fresh" "$MACHINE_BASE" 2>/dev/null || rm -rf "$fresh"
}

# machine_up NAME: its programs are this build's, at /headgate/build/release/bin. Runs until lab_down kills what is in hg-N-lb.
machine_up() {
  machine_base
  mkdir -p "$LAB_DIR/machine"/{changed,work,root}
  # Apart from the lab's namespaces, so that it outlives what it starts and takes its cgroup away. systemd-nspawn ends
  # with 133 where the machine reboots.
  setsid unshare --mount bash -c '
    mkdir -p /run/systemd/nspawn && mount -t tmpfs tmpfs /run/systemd/nspawn # what it would leave behind
    cd "$3" && mount -t overlay -o "lowerdir=$1/root,upperdir=changed,workdir=work" machine root &&
      mount -t cgroup2 none /sys/fs/cgroup && mkdir "/sys/fs/cgroup/$2" && echo 0 >"/sys/fs/cgroup/$2/cgroup.procs" || exit
    status=133
    while [ "$status" = 133 ]; do
      SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --link-journal=no --machine="$2" \
        --hostname="$4" --directory=root --network-namespace-path="/run/netns/$2-lb" --capability=CAP_NET_ADMIN \
        --bind-ro="$5:/headgate/build/release/bin" --bind-ro="$6:/headgate/packaging" --console=pipe --boot
      status=$?
    done
    echo 0 >/sys/fs/cgroup/cgroup.procs
    find "/sys/fs/cgroup/$2" -depth -type d -exec rmdir {} +
  ' machine "$MACHINE_BASE" "hg-$LAB" "$LAB_DIR/machine" "$1" "$LAB_BIN" "$LAB_TOP/packaging" \
    >>"$LAB_DIR/machine.log" 2>&1 </dev/null &
  echo $! >"$LAB_DIR/machine.pid"
  disown
  wait_until $((60 * LAB_SLOW)) "the machine has booted" machine_is_up
}
machine() { nsenter --target "$(pid_of systemd)" --all -- "$@"; }
machine_is_up() { [[ $(machine systemctl is-system-running) == @(running|degraded) ]]; }

machine_reboot() {
  local first
  first=$(pid_of systemd)
  machine systemctl reboot
  wait_until $((60 * LAB_SLOW)) "the machine has gone down" bash -c "! [ -d /proc/$first ]"
  wait_until $((60 * LAB_SLOW)) "the machine has booted again" machine_is_up
}

unit() { machine systemctl show --value -p "$2" "$1"; } # unit headgated MainPID
