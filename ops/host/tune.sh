#!/usr/bin/env bash
# Reports how far this host is from one that suits pinned threads, and changes what can be changed at run time only
# when it is told to. Boot parameters are named, never written.
#
#   tune.sh              report; ends with 0
#   tune.sh --check      report; ends with 1 if anything is to be done
#   tune.sh --apply      change what can be changed now (root); until the next boot
#   --cores 2,3          the cores of the pinned threads (wire.cores); default: the last two, or the last
#                        one below four
set -euo pipefail

mode=report
cores=""
while (($#)); do
  case "$1" in
    --check) mode=check ;;
    --apply) mode=apply ;;
    --cores) cores="${2:?--cores needs a list such as 2,3}"; shift ;;
    -h | --help) sed -n '2,9p' "$0"; exit 0 ;;
    *) echo "tune.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
  shift
done
count="$(nproc --all)"
if [[ -z "$cores" ]]; then
  if ((count < 4)); then cores=$((count - 1)); else cores="$((count - 2)),$((count - 1))"; fi
fi
[[ "$cores" =~ ^[0-9]+([,-][0-9]+)*$ ]] || { echo "tune.sh: --cores $cores: expected a list such as 2,3" >&2; exit 2; }
if [[ "$mode" == apply && "$(id -u)" != 0 ]]; then
  echo "tune.sh: --apply needs root" >&2
  exit 2
fi
todo=0

# say STATE WHAT WHY
say() { printf '%-5s %s\n' "$1" "$2${3:+  ($3)}"; [[ "$1" == ok || "$1" == none ]] || todo=$((todo + 1)); }

# want FILE VALUE WHAT WHY: a file of /proc or /sys that should hold VALUE.
want() {
  local file="$1" value="$2" what="$3" why="$4" now
  [[ -r "$file" ]] || { say none "$what" "not on this machine"; return; }
  now="$(tr -s '[:blank:]' ' ' < "$file")"
  if [[ "$now" == "$value" || "$now" == *"[$value]"* ]]; then say ok "$what = $value"; return; fi
  if [[ "$mode" == apply ]] && { echo "$value" > "$file"; } 2> /dev/null; then say ok "$what = $value, was $now"; return; fi
  say todo "$what is $now, should be $value" "$why"
}

# booted PARAMETER WHY
booted() {
  local parameter="$1" why="$2"
  if tr ' ' '\n' < /proc/cmdline | grep -qx -- "$parameter"; then say ok "booted with $parameter"; else
    say boot "add to the kernel's command line: $parameter" "$why"
  fi
}

echo "host $(uname -n), $count cores, pinned threads on $cores"
if ((count < 4)); then say note "$count cores" "below four the pinned threads share and block instead of spinning"; fi
booted "isolcpus=$cores" "nothing else is scheduled there"
booted "nohz_full=$cores" "no timer tick while one thread runs"
booted "rcu_nocbs=$cores" "no kernel callbacks there"
for governor in /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do
  want "$governor" performance "$(cut -d/ -f6 <<< "$governor") governor" "clock changes cost microseconds"
done
want /sys/kernel/mm/transparent_hugepage/enabled madvise "transparent huge pages" "compaction stalls"
want /proc/sys/vm/swappiness 1 vm.swappiness "a swapped page costs milliseconds"
want /proc/sys/kernel/numa_balancing 0 kernel.numa_balancing "page migration stalls pinned threads"
want /proc/sys/net/core/busy_read 50 net.core.busy_read "sockets are polled before sleeping, microseconds"
want /proc/sys/net/core/rmem_max 16777216 net.core.rmem_max "bursts of depth fit the receive buffer, bytes"
want /proc/sys/net/ipv4/tcp_slow_start_after_idle 0 net.ipv4.tcp_slow_start_after_idle "an idle order line keeps its window"
for nic in /sys/class/net/*; do
  name="${nic##*/}"
  if [[ "$name" == lo || ! -e "$nic/device" ]]; then continue; fi
  if command -v ethtool > /dev/null && ethtool -c "$name" 2> /dev/null | grep -q '^Adaptive RX: on'; then
    if [[ "$mode" == apply ]] && ethtool -C "$name" adaptive-rx off rx-usecs 0 2> /dev/null; then say ok "$name: no interrupt coalescing"; else
      say todo "$name: ethtool -C $name adaptive-rx off rx-usecs 0" "coalescing holds frames back"
    fi
  else
    say none "$name coalescing" "no ethtool, or not adaptive"
  fi
done
steal="$(awk '/^cpu /{print $9}' /proc/stat)"
if ((steal > 0)); then say note "the hypervisor has taken $steal ticks since boot" "a shared machine has no bounded latency"; else say ok "no steal time"; fi
if systemctl is-active --quiet irqbalance 2> /dev/null; then say todo "irqbalance runs" "keep interrupts off the cores $cores"; else say ok "irqbalance does not run"; fi
echo "$todo to do"
[[ "$mode" != check || "$todo" == 0 ]]
