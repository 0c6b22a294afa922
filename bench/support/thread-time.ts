/**
 * Processor time of this thread in milliseconds, exact to the microsecond (process.threadCpuUsage counts in ticks of 4 ms): what
 * a piece of work takes, whatever else the machine does.
 */
import koffi from 'koffi';

const threadClock = 3;
const read = koffi.load(null).func('int clock_gettime(int clock, _Out_ int64_t *time)') as (
  clock: number,
  time: BigInt64Array,
) => number;
const time = new BigInt64Array(2);

export function threadMs(): number {
  read(threadClock, time);
  return Number(time[0]) * 1_000 + Number(time[1]) / 1e6;
}
