/**
 * Counting on the way of every question: plain numbers in arrays and maps. Names, labels and text come into being when
 * somebody asks for the page (exposition.ts).
 */
export type Transport = 'udp' | 'tcp';

export interface Histogram {
  /** Upper bounds, as CoreDNS has them. */
  readonly bounds: readonly number[];
  /** Per bound, not added up; the last is for what is above all. */
  readonly counts: Float64Array;
  sum: number;
}

/** CoreDNS plugin/pkg/../vars.go: TimeBuckets 0.25 ms doubled 15 times; size buckets. */
const timeBounds = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);
const sizeBounds = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];

export class DnsMetrics {
  /** type << 2 | IPv6 << 1 | TCP. */
  readonly requests = new Map<number, number>();
  readonly responses = new Map<number, number>();
  readonly seconds = histogram(timeBounds);
  readonly requestBytes = { udp: histogram(sizeBounds), tcp: histogram(sizeBounds) } as const;
  readonly responseBytes = { udp: histogram(sizeBounds), tcp: histogram(sizeBounds) } as const;
  /** By upstream, then by code (-1: failed). */
  readonly upstreams = new Map<string, Map<number, Histogram>>();

  /** `start`: performance.now() when the request came in. */
  count(
    client: { readonly address: string; readonly transport: Transport },
    type: number,
    code: number,
    start: number,
    requestSize: number,
    responseSize: number,
  ): void {
    const { address, transport } = client;
    // An address of IPv4 clients on a `::` socket contains both.
    const v6 = address.includes(':') && !address.includes('.');
    const key = (type << 2) | (v6 ? 2 : 0) | (transport === 'tcp' ? 1 : 0);
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
    this.responses.set(code, (this.responses.get(code) ?? 0) + 1);
    observe(this.seconds, (performance.now() - start) / 1000);
    observe(this.requestBytes[transport], requestSize);
    observe(this.responseBytes[transport], responseSize);
  }

  readonly countUpstream = (upstream: string, code: number | undefined, seconds: number): void => {
    let byCode = this.upstreams.get(upstream);
    if (byCode === undefined) this.upstreams.set(upstream, (byCode = new Map<number, Histogram>()));
    let times = byCode.get(code ?? -1);
    if (times === undefined) byCode.set(code ?? -1, (times = histogram(timeBounds)));
    observe(times, seconds);
  };
}

function histogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: new Float64Array(bounds.length + 1), sum: 0 };
}

function observe(into: Histogram, value: number): void {
  const { bounds, counts } = into;
  let at = 0;
  while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
  counts[at] = (counts[at] ?? 0) + 1;
  into.sum += value;
}
