/** Processes of this machine by pid, told apart from later ones with the same number by their start time. */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTicks: string;
}

/** undefined: gone, or a zombie. */
export function startTicks(pid: number): string | undefined {
  const fields = statFields(pid);
  // Counted from the state, which is field 3.
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

export function isAlive(process: ProcessId): boolean {
  return startTicks(process.pid) === process.startTicks;
}

/** False: it was gone. */
export function sendSignal(target: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** undefined: gone, or a kernel thread. */
export function executable(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${String(pid)}/exe`);
  } catch {
    return undefined;
  }
}

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The command name is in parentheses and may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
