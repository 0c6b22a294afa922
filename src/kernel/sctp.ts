/**
 * SCTP exists where the kernel has it, and most that run in clouds and containers' hosts leave it out. Asked of a socket in a
 * namespace, because that is where it matters; this may load the module, as any program's socket would.
 */
import koffi from 'koffi';
import { withNetns } from './netns.ts';

const inet = 2;
const streamCloseOnExec = 1 | 0o2000000;
const sctp = 132;

export function hasSctp(netns: string): boolean {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int, int, int)') as (domain: number, type: number, protocol: number) => number;
  const close = libc.func('int close(int)') as (fd: number) => number;
  const fd = withNetns(netns, () => socket(inet, streamCloseOnExec, sctp));
  if (fd >= 0) close(fd);
  return fd >= 0;
}
