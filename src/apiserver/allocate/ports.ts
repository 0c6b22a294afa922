/**
 * Node ports and health check ports: one pool for all protocols. On create, ports of one number (80/TCP and 80/UDP)
 * share a node port; on update each gets its own. Upstream: pkg/registry/core/service/storage/alloc.go initNodePorts,
 * updateNodePorts, and portallocator.
 */
import type { Service, ServicePort } from '../../api/gen/types.ts';
import type { Ledger } from './ledger.ts';
import type { Taken } from './number-pool.ts';
import { invalidError } from '../../api/errors.ts';
import { invalidField } from '../../api/field-errors.ts';
import { needsHealthCheck, needsNodePort, portsOf, specOf } from '../../api/kinds/service/spec.ts';
import { resources } from '../../api/resources.ts';
import { internalError } from './addresses.ts';
import { NumberPool } from './number-pool.ts';

export class NodePorts {
  readonly #text: string;
  readonly #pool: NumberPool;

  /** `30000-32767`, or `30000+100`. */
  constructor(range: string) {
    const { first, last } = parsePortRange(range);
    const size = last - first + 1;
    // KEP-3668: min(max(16, size/32), 128), none in ranges smaller than 16.
    const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
    this.#text = `${first}-${last}`;
    this.#pool = new NumberPool({ first, last, dynamicFrom: Math.min(first + band, last + 1) });
  }

  allocateNew(ledger: Ledger, service: Service): void {
    if (needsNodePort(service)) this.#fillNew(ledger, service);
    if (needsHealthCheck(service)) this.#health(ledger, service);
  }

  /** `held`: what the stored object has; it stays taken by it until `releaseUnused`. */
  allocateChanged(ledger: Ledger, service: Service, old: Service): void {
    if (needsNodePort(service)) this.#fillChanged(ledger, service, heldNodePorts(old));
    if (needsHealthCheck(service) && !needsHealthCheck(old)) this.#health(ledger, service);
    const kept = heldPorts(service);
    for (const port of heldPorts(old)) if (!kept.has(port)) ledger.release(this.#pool, port);
  }

  release(ledger: Ledger, old: Service): void {
    for (const port of heldPorts(old)) ledger.release(this.#pool, port);
  }

  mark(service: Service): void {
    for (const port of heldPorts(service)) this.#pool.take(port);
  }

  #fillNew(ledger: Ledger, service: Service): void {
    const ports = portsOf(service);
    const shared = new Map<number, number>();
    for (const [index, port] of ports.entries()) {
      if ((port.nodePort ?? 0) === 0 && !allocatesNodePorts(service)) continue;
      const known = shared.get(port.port);
      if (known === undefined) {
        const asked = ports.find((other) => other.port === port.port && (other.nodePort ?? 0) !== 0)?.nodePort;
        if (asked !== undefined) this.#take(ledger, service, index, asked);
        port.nodePort = asked ?? this.#any(ledger);
        shared.set(port.port, port.nodePort);
      } else if ((port.nodePort ?? 0) === 0) {
        port.nodePort = known;
      } else if (port.nodePort !== undefined && port.nodePort !== known) {
        this.#take(ledger, service, index, port.nodePort);
      }
    }
  }

  #fillChanged(ledger: Ledger, service: Service, held: ReadonlySet<number>): void {
    const taken = new Set<number>();
    const take = (port: ServicePort, index: number): void => {
      const { nodePort = 0 } = port;
      if (nodePort === 0 && allocatesNodePorts(service)) port.nodePort = this.#any(ledger);
      else if (nodePort !== 0 && !held.has(nodePort) && !taken.has(nodePort)) {
        this.#take(ledger, service, index, nodePort);
        taken.add(nodePort);
      }
    };
    for (const [index, port] of portsOf(service).entries()) take(port, index);
  }

  #take(ledger: Ledger, service: Service, index: number, port: number): void {
    const taken = ledger.take(this.#pool, port);
    if (taken === 'taken') return;
    throw invalidError(resources.services, service.metadata?.name ?? '', [
      invalidField(`spec.ports[${index}].nodePort`, port, this.#why(taken)),
    ]);
  }

  #any(ledger: Ledger): number {
    const port = ledger.takeAny(this.#pool);
    if (port === undefined) throw internalError('failed to allocate a nodePort: range is full');
    return port;
  }

  #health(ledger: Ledger, service: Service): void {
    const spec = specOf(service);
    const asked = spec.healthCheckNodePort ?? 0;
    if (asked === 0) {
      const port = ledger.takeAny(this.#pool);
      if (port === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full');
      spec.healthCheckNodePort = port;
      return;
    }
    const taken = ledger.take(this.#pool, asked);
    if (taken !== 'taken') {
      throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${this.#why(taken)}`);
    }
  }

  #why(taken: Exclude<Taken, 'taken'>): string {
    if (taken === 'already allocated') return 'provided port is already allocated';
    return `provided port is not in the valid range. The range of valid ports is ${this.#text}`;
  }
}

/** All that this Service holds of the pool. */
function heldPorts(service: Service): ReadonlySet<number> {
  const held = new Set(heldNodePorts(service));
  const health = specOf(service).healthCheckNodePort ?? 0;
  if (needsHealthCheck(service) && health !== 0) held.add(health);
  return held;
}

function heldNodePorts(service: Service): ReadonlySet<number> {
  if (!needsNodePort(service)) return new Set();
  return new Set(portsOf(service).flatMap(({ nodePort = 0 }) => (nodePort === 0 ? [] : [nodePort])));
}

function allocatesNodePorts(service: Service): boolean {
  const spec = specOf(service);
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

function parsePortRange(text: string): { readonly first: number; readonly last: number } {
  const match = /^(\d+)([-+])(\d+)$/.exec(text.trim());
  const first = Number(match?.[1]);
  const last = match?.[2] === '+' ? first + Number(match[3]) : Number(match?.[3]);
  if (match === null || first < 1 || last > 65535 || last < first) {
    throw new Error(`invalid node port range "${text}": write it as FIRST-LAST within 1-65535, e.g. 30000-32767`);
  }
  return { first, last };
}
