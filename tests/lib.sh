# What tests/setup and the up and down scripts of tests/cluster and tests/aws
# share: messages, long commands with a heartbeat, and servers that are ended by
# the process id that was started, never by a name. The caller sets PROGRAM.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }
die() { say "$*"; exit 1; }

elapsed() { printf '%d min %02d s' $(((SECONDS - $1) / 60)) $(((SECONDS - $1) % 60)); }

# run_logged LOG WHAT COMMAND...: runs the command with its output in LOG and
# tells every 30 s that it is still at it. If it fails: the end of LOG, then die.
run_logged() {
	local log=$1 what=$2 began=$SECONDS told=$SECONDS child
	shift 2
	"$@" >"$log" 2>&1 </dev/null &
	child=$!
	# A background command does not get Ctrl-C, so it is ended by hand.
	# shellcheck disable=SC2064  # $child is meant as it is now
	trap "kill $child 2>/dev/null || true" EXIT
	while kill -0 "$child" 2>/dev/null; do
		sleep 0.2
		if ((SECONDS - told >= 30)); then
			told=$SECONDS
			say "$what: still running, $(elapsed "$began")"
		fi
	done
	trap - EXIT
	if ! wait "$child"; then
		tail -n 15 "$log" >&2
		die "$what failed; the whole log is in $log"
	fi
	say "$what: done in $(elapsed "$began")"
}

# --- Processes ---------------------------------------------------------------
# A pid file holds "PID START". START is when the kernel says that the process
# began: a number that was given out anew is not taken for the process it was.

# process_start PID: fails if there is no such process.
process_start() {
	local stat fields
	{ stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
	read -ra fields <<<"${stat##*) }" # the name before it may hold blanks
	[[ ${fields[0]} != [ZX] ]] && echo "${fields[19]}"
}

# spawn PIDFILE LOG COMMAND...: starts the command in a session of its own with
# a clean environment: a leftover proxy or AWS variable breaks what is local.
spawn() {
	local pidfile=$1 log=$2
	shift 2
	(
		# A caller that waits for the end of a pipe must not wait for a server.
		for fd in "/proc/$BASHPID/fd"/*; do
			fd=${fd##*/}
			((fd <= 2)) || eval "exec $fd>&-"
		done
		exec setsid env -i PATH="$PATH" HOME="$HOME" "$@"
	) </dev/null >"$log" 2>&1 &
	echo "$! $(process_start $!)" >"$pidfile"
	disown # bash would report its end
}

alive() { # PIDFILE
	local pid start
	[[ -f $1 ]] && read -r pid start <"$1" && [[ -n $start && $(process_start "$pid") == "$start" ]]
}

# stop PIDFILE...: by KILL, since what these servers hold is thrown away, and an
# API server asked politely stays for seconds.
stop() {
	local pidfile pid
	for pidfile; do
		if alive "$pidfile"; then
			read -r pid _ <"$pidfile"
			kill -s KILL "$pid" 2>/dev/null || true
		fi
	done
	while any_alive "$@"; do sleep 0.02; done
	rm -f "$@"
}

any_alive() { # PIDFILE...
	local pidfile
	for pidfile; do
		! alive "$pidfile" || return 0
	done
	return 1
}

all_alive() { # PIDFILE...
	local pidfile
	for pidfile; do
		alive "$pidfile" || return 1
	done
}

# --- Servers that live in a folder -------------------------------------------
# DIR/pids and DIR/log are kept here. The caller names its servers in SERVERS and
# whatever else it writes to DIR in CONTENT; other files there are left alone.

# folder_args WITH-OWNER ARGUMENT...: sets DIR (absolute) and OWNER.
folder_args() {
	local with_owner=$1
	shift
	DIR='' OWNER=''
	while [[ $# -gt 0 ]]; do
		case $1 in
		--owner) [[ $with_owner == yes && ${2:-} =~ ^[0-9]+$ ]] || usage_die; OWNER=$2; shift ;;
		-*) usage_die ;;
		*) [[ -z $DIR ]] || usage_die; DIR=$1 ;;
		esac
		shift
	done
	[[ -n $DIR ]] || usage_die
	DIR=$(realpath -m "$DIR")
}

usage_die() {
	printf 'usage: %s\n' "$USAGE" >&2
	exit 2
}

# folder_begin: makes DIR ready for servers. From here on a failure, or a signal
# to the script, ends whatever it had started, and leaves the logs.
folder_begin() {
	umask 077 # keys and tokens
	mkdir -p "$DIR"
	! any_alive "$DIR"/pids/* || die "$DIR is in use; '${PROGRAM%up}down $DIR' ends what runs there"
	folder_clean
	mkdir "$DIR/pids" "$DIR/log"
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap folder_stop EXIT
	[[ -z $OWNER ]] || watch_owner
}

folder_ready() { trap - EXIT; }

folder_stop() {
	stop "$DIR/pids/watcher"
	stop "${SERVERS[@]/#/$DIR/pids/}"
}

folder_clean() { (cd "$DIR" && rm -rf pids log "${CONTENT[@]}"); }

folder_down() {
	[[ -d $DIR ]] || return 0
	folder_stop
	folder_clean
	rmdir --ignore-fail-on-non-empty "$DIR"
}

# watch_owner: a process that ends the servers when OWNER is gone. It leaves the
# files: whatever ended the owner, its logs may be wanted.
watch_owner() {
	local start
	start=$(process_start "$OWNER") || die "--owner $OWNER: there is no such process"
	# shellcheck disable=SC2016  # for the shell that is started
	spawn "$DIR/pids/watcher" "$DIR/log/watcher.log" bash -c '
		. "$0"
		while [[ $(process_start "$1") == "$2" ]]; do sleep 0.5; done
		shift 2
		stop "$@"
	' "$TESTS_DIR/lib.sh" "$OWNER" "$start" "${SERVERS[@]/#/$DIR/pids/}"
}

# serve NAME: starts a server with launch_NAME PORT and waits until ready_NAME
# PORT; sets PORT. Another program may take the port first: then a next one.
serve() {
	local name=$1 attempt log=$DIR/log/$1.log
	for attempt in 1 2 3 4 5; do
		PORT=$(free_port)
		"launch_$name" "$PORT"
		! wait_ready "$name" "$PORT" || return 0
		grep -qi 'address already in use' "$log" || break
		say "port $PORT was taken meanwhile (attempt $attempt)"
	done
	for name in "${SERVERS[@]}"; do
		alive "$DIR/pids/$name" || { tail -n 15 "$DIR/log/$name.log" >&2; die "$name ended at once; its log is $DIR/log/$name.log"; }
	done
	die "$1 was not ready within $READY_SECONDS s; its log is $log"
}

READY_SECONDS=120

wait_ready() { # NAME PORT
	local until=$((SECONDS + READY_SECONDS))
	while all_alive "$DIR"/pids/* && ((SECONDS < until)); do
		! { listens "$DIR/pids/$1" "$2" && "ready_$1" "$2"; } || return 0
		sleep 0.1
	done
	return 1
}

# free_port: below the range from which the kernel serves outgoing connections.
free_port() {
	local port
	while port=$((20000 + SRANDOM % 10000)) && [[ -n $(listener "$port") ]]; do :; done
	echo "$port"
}

# listener PORT: the inode of the socket that listens there, if any.
listener() {
	awk -v end="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == end { print $10; exit }' /proc/net/tcp{,6}
}

# listens PIDFILE PORT: whether that very process has the port, not another one.
listens() {
	local pid inode
	read -r pid _ <"$1"
	inode=$(listener "$2")
	[[ -n $inode && $(readlink "/proc/$pid/fd"/* 2>/dev/null) == *"socket:[$inode]"* ]]
}
