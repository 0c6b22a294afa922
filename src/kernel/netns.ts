/**
 * Network namespaces by path (/run/netns/NAME, /proc/PID/ns/net). A thread is in one namespace at a time; a socket stays
 * for ever in the one it was made in. So one process can own sockets and tables in several:
 *
 *   withNetns('/run/netns/portolan-node-1', () => makeSocket())     JavaScript's own thread goes there and back, synchronously
 *   enterNetns('/run/netns/portolan-node-1')                        … and stays: the first thing that a process does
 *
 * Threads of the libuv pool are not moved, so work that runs there (dns.lookup, koffi's async calls) sees the namespace that
 * the process started in; threads made after enterNetns() inherit the new one.
 */
import { closeSync, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;

type Setns = (fd: number, kind: number) => number;
let setnsFunction: Setns | undefined;
type Unshare = (flags: number) => number;
let unshareFunction: Unshare | undefined;

/** Runs fn with this thread in the namespace. fn must be synchronous: whatever it leaves for later runs back home. */
export function withNetns<T>(path: string, fn: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    enterNetns(path);
    try {
      return fn();
    } finally {
      setns(home, 'the namespace that we came from');
    }
  } finally {
    closeSync(home);
  }
}

/** Runs fn in a new, empty namespace that goes away with the last thing opened in it. */
export function withNewNetns<T>(fn: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    unshareFunction ??= koffi.load(null).func('int unshare(int flags)') as Unshare;
    if (unshareFunction(CLONE_NEWNET) !== 0) throw systemError('unshare', koffi.errno());
    try {
      return fn();
    } finally {
      setns(home, 'the namespace that we came from');
    }
  } finally {
    closeSync(home);
  }
}

/** Moves this thread into the namespace for good. */
export function enterNetns(path: string): void {
  const fd = openNetns(path);
  try {
    setns(fd, path);
  } finally {
    closeSync(fd);
  }
}

function openNetns(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new Error(`no network namespace at ${path}: ip netns list names those that exist`, { cause });
  }
}

function setns(fd: number, name: string): void {
  setnsFunction ??= koffi.load(null).func('int setns(int fd, int nstype)') as Setns;
  if (setnsFunction(fd, CLONE_NEWNET) === 0) return;
  throw systemError(`setns ${name}`, koffi.errno());
}

function systemError(doing: string, errno: number): Error {
  const fix = errno === 1 ? ': this needs root (CAP_SYS_ADMIN)' : '';
  return new Error(`${doing}: ${getSystemErrorName(-errno)}${fix}`);
}
