/** grpc.health.v1.Health/Check by hand: one unary call over HTTP/2. Upstream: pkg/probe/grpc/grpc.go. */
import { connect } from 'node:http2';
import type { ProbeResult } from './probe-run.ts';

const serving = 1;

export function grpcHealth(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeResult> {
  const authority = `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  return new Promise((resolve) => {
    const session = connect(authority);
    const done = (ok: boolean, message: string): void => {
      clearTimeout(timer);
      session.destroy();
      resolve({ ok, message });
    };
    const timer = setTimeout(
      () =>
        done(false, `timeout: failed to connect service "${host}:${String(port)}" within ${String(timeoutMs / 1000)}s`),
      timeoutMs,
    );
    session.on('error', (error) => done(false, `error: ${error.message}`));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error) => done(false, `error: ${error.message}`));
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      // Five bytes of framing, then field 1 (varint): the status.
      const status = body.length > 6 && body[5] === 8 ? (body[6] ?? 0) : 0;
      done(status === serving, status === serving ? '' : `service unhealthy (responded with "${String(status)}")`);
    });
    const name = Buffer.from(service);
    const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([10, name.length]), name]);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
  });
}
