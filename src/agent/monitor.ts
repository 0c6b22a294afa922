/**
 * The process that stays with a container when the agent is gone: a small shell script in a mount namespace of its own.
 *
 *   agent ── unshare -m sh monitor.sh ─┬─ crun run (waits for the container's first process)
 *                                      ├─ cat  pipe -> rootDir/raw/ID.stdout
 *                                      └─ cat  pipe -> rootDir/raw/ID.stderr
 *                                      └─ at the end: exit code -> runDir/events/ID.exit
 *
 * Its mounts (the container's overlay) are seen by nobody else and end with it, whatever ends it.
 */

/** All is given in the environment, so that no text needs quoting. */
export interface MonitorEnvironment {
  readonly ID: string;
  /** runDir/containers/ID */
  readonly RUN: string;
  /** rootDir/containers/ID: the bundle. */
  readonly BUNDLE: string;
  readonly EVENTS: string;
  readonly RAW: string;
  readonly CRUN_ROOT: string;
  readonly CGROUP_MANAGER: string;
  /** Mount point of a hybrid machine's cgroup2 that crun must not see; '' where there is none. */
  readonly UNIFIED: string;
  readonly LOWER: string;
  /** Directory whose content the writable layer begins with; ''. */
  readonly SEED: string;
  readonly STDIN: 'none' | 'open' | 'once' | 'tty';
  /** hostPID: what the container leaves running may hold its output open for ever. */
  readonly WAIT_OUTPUT: 'yes' | 'no';
}

export const monitorScript = `#!/bin/sh
# Portolan's container monitor: mounts the root, runs crun, keeps the output, records the exit code.
umask 022
echo $$ >"$RUN/monitor.pid"
finish() {
  echo "$1" >"$RUN/exit"
  mv "$RUN/exit" "$EVENTS/$ID.exit"
  exit 0
}
[ -z "$UNIFIED" ] || umount -l "$UNIFIED"
overlay() {
  [ -z "$SEED" ] || cp -a "$SEED/." "$1/upper/" || return 1
  mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$1/upper,workdir=$1/work" "$BUNDLE/rootfs"
}
# A kernel or file system that refuses the state directory as upper layer gets one in memory.
if ! overlay "$BUNDLE" 2>"$RUN/mount.err"; then
  mount -t tmpfs -o mode=755 tmpfs "$BUNDLE/scratch" && mkdir "$BUNDLE/scratch/upper" "$BUNDLE/scratch/work" &&
    overlay "$BUNDLE/scratch" 2>>"$RUN/mount.err" || { cat "$RUN/mount.err" >>"$RUN/crun.log"; finish 128; }
fi
set -- crun --root "$CRUN_ROOT" --cgroup-manager="$CGROUP_MANAGER" --log="$RUN/crun.log" run --no-subreaper \\
  --bundle "$BUNDLE" --pid-file "$EVENTS/$ID.pid" "$ID"
# The same for script's own shell.
terminal='exec crun --root "$CRUN_ROOT" --cgroup-manager="$CGROUP_MANAGER" --log="$RUN/crun.log" run --no-subreaper \\
  --bundle "$BUNDLE" --pid-file "$EVENTS/$ID.pid" "$ID"'
mkfifo "$RUN/out" "$RUN/err"
cat <"$RUN/out" >>"$RAW/$ID.stdout" &
out=$!
cat <"$RUN/err" >>"$RAW/$ID.stderr" &
err=$!
input=
case $STDIN in
  none) "$@" </dev/null >"$RUN/out" 2>"$RUN/err" ;;
  open) mkfifo "$RUN/in" && "$@" <>"$RUN/in" >"$RUN/out" 2>"$RUN/err" ;;
  once)
    mkfifo "$RUN/in" "$RUN/in2"
    cat "$RUN/in" >"$RUN/in2" 2>/dev/null &
    input=$!
    "$@" <"$RUN/in2" >"$RUN/out" 2>"$RUN/err"
    ;;
  tty)
    mkfifo "$RUN/in"
    script -qefc "$terminal" /dev/null <>"$RUN/in" >"$RUN/out" 2>"$RUN/err"
    ;;
esac
code=$?
[ -z "$input" ] || kill "$input" 2>/dev/null
[ "$WAIT_OUTPUT" = no ] || wait "$out" "$err"
finish "$code"
`;
