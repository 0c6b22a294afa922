/**
 * Connections to a pod's own localhost, from inside of its network namespace: what `kubectl port-forward` reaches.
 * Upstream: containerd's internal/cri/server/sandbox_portforward_linux.go (IPv4 first, then IPv6; its words).
 */
import type { Socket } from 'node:net';
import { socketsIn } from '../../kernel/index.ts';
import { netnsPath } from '../pod-network.ts';
import type { PodRecord } from '../pod-record.ts';
import { errnoOf } from '../../util/errno.ts';

const loopbacks = [
  ['IPv4', '127.0.0.1', 'tcp4 127.0.0.1'],
  ['IPv6', '::1', 'tcp6 [::1]'],
] as const;

/** Half-closed connections stay so. Rejects with both reasons. */
export async function dialPod(record: PodRecord, port: number): Promise<Socket> {
  const netns = record.network === undefined ? undefined : netnsPath(record.network.netns);
  const sockets = await socketsIn(netns);
  const reasons: string[] = [];
  for (const [family, host, name] of loopbacks) {
    try {
      return await connected(sockets.tcp(family), host, port);
    } catch (error) {
      const why = errnoOf(error) === 'ECONNREFUSED' ? 'connection refused' : String(error);
      reasons.push(`${family}: dial ${name}:${String(port)}: connect: ${why}`);
    }
  }
  throw new Error(
    `failed to execute portforward in network namespace "${netns ?? 'host'}": failed to connect to localhost:${String(port)} ` +
      `inside namespace "${record.uid}", ${reasons.join(' ')}`,
  );
}

function connected(socket: Socket, host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  socket.allowHalfOpen = true;
  socket.once('error', reject);
  socket.connect({ host, port }, () => {
    socket.off('error', reject);
    socket.setNoDelay(true);
    resolve(socket);
  });
  return promise;
}
