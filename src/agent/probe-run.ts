/**
 * One probe, one answer: httpGet, tcpSocket, exec, grpc. From the node's namespace against the pod's address.
 * Upstream: pkg/probe/{http,tcp,exec,grpc}; texts as the kubelet puts them into its Unhealthy events.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { connect } from 'node:net';
import type { Container, HTTPGetAction, IntOrString, Probe } from '../api/gen/types.ts';
import { request as httpRequest } from '../util/http.ts';
import type { RunResult } from './command.ts';

export interface ProbeResult {
  readonly ok: boolean;
  readonly message: string;
}

export interface ProbeTarget {
  readonly podIp: string;
  readonly container: Container;
  exec(command: readonly string[], timeoutMs: number): Promise<RunResult>;
}

export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.httpGet !== undefined) return await httpGet(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket !== undefined) {
      const host = probe.tcpSocket.host ?? '';
      return await tcpConnect(
        host === '' ? target.podIp : host,
        portNumber(probe.tcpSocket.port, target.container),
        timeoutMs,
      );
    }
    if (probe.exec !== undefined) return execResult(await target.exec(probe.exec.command ?? [], timeoutMs), timeoutMs);
    if (probe.grpc !== undefined) {
      const { grpcHealth } = await import('./probe-grpc.ts');
      return await grpcHealth(target.podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
    }
    return { ok: false, message: 'missing probe handler' };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function execResult(result: RunResult, timeoutMs: number): ProbeResult {
  const said = (result.stdout + result.stderr).slice(0, 10 * 1024);
  if (!result.timedOut) return { ok: result.code === 0, message: said };
  return { ok: false, message: `command timed out after ${String(timeoutMs / 1000)}s` };
}

/** A number, or the name of a port of the container. */
export function portNumber(port: IntOrString, container: Container): number {
  const number = Number(port);
  if (Number.isInteger(number)) return number;
  const named = (container.ports ?? []).find((candidate) => candidate.name === port);
  if (named === undefined) throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
  return named.containerPort;
}

const maxBody = 10 * 1024;

export async function httpGet(action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const secure = (action.scheme ?? 'HTTP') === 'HTTPS';
  const wished = action.host ?? '';
  const host = wished === '' ? target.podIp : wished;
  const port = portNumber(action.port, target.container);
  const given = action.path ?? '/';
  const path = given.startsWith('/') ? given : `/${given}`;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*', Connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const options: RequestOptions = { host, port, path, headers, agent: false, timeout: timeoutMs };
  const send = secure ? (await import('node:https')).request : httpRequest;
  const url = `${secure ? 'https' : 'http'}://${bracket(host)}:${String(port)}${path}`;
  return new Promise((resolve) => {
    const fail = (why: string): void => resolve({ ok: false, message: `Get "${url}": ${why}` });
    const request = send(
      { ...options, ...(secure ? { rejectUnauthorized: false } : {}) },
      (response: IncomingMessage) => {
        const status = response.statusCode ?? 0;
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBody) response.destroy();
        });
        response.on('error', () => undefined);
        response.on('close', () => {
          clearTimeout(timer);
          const ok = status >= 200 && status < 400;
          resolve({ ok, message: ok ? '' : `HTTP probe failed with statuscode: ${String(status)}` });
        });
      },
    );
    const timer = setTimeout(() => {
      request.destroy();
      fail('context deadline exceeded (Client.Timeout exceeded while awaiting headers)');
    }, timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(dialText(error, host, port));
    });
    request.end();
  });
}

function tcpConnect(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (ok: boolean, message: string): void => {
      socket.destroy();
      resolve({ ok, message });
    };
    socket.on('connect', () => done(true, ''));
    socket.on('timeout', () => done(false, `dial tcp ${bracket(host)}:${String(port)}: i/o timeout`));
    socket.on('error', (error: NodeJS.ErrnoException) => done(false, dialText(error, host, port)));
  });
}

const goErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};

/** As Go's net package says it. */
function dialText(error: NodeJS.ErrnoException, host: string, port: number): string {
  const known = goErrors[error.code ?? ''];
  if (known !== undefined) return `dial tcp ${bracket(host)}:${String(port)}: ${known}`;
  return error.code === 'ECONNRESET' ? 'EOF' : error.message;
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
