/**
 * componentstatuses: is what belongs to a control plane well? Those that run in this process are; the others are asked where upstream
 * asks them, on this machine's own ports. Upstream: pkg/registry/core/componentstatus, pkg/registry/core/rest/storage_core.go.
 */
import { get as httpsGet } from 'node:https';
import type { ComponentStatus } from '../api/gen/types.ts';
import type { KubeObject } from '../api/object.ts';
import type { Stored } from '../store/index.ts';
import type { ResourceExchange, Server } from './context.ts';
import { notFound } from './errors.ts';
import { negotiate } from './http/negotiate.ts';
import { sendRendered } from './http/respond.ts';
import { normalized } from './object-meta.ts';
import { renderList, renderObject } from './render.ts';
import { parseSelection } from './selection.ts';

interface Health {
  readonly healthy: boolean;
  readonly message: string;
}

const ports = { 'controller-manager': 10257, scheduler: 10259 } as const;
const names = [...Object.keys(ports), 'etcd-0'];
const timeoutMs = 20_000;

export async function serveComponents(exchange: ResourceExchange): Promise<void> {
  const { kind, info, query } = exchange;
  const form = negotiate(exchange.request, query, kind);
  if (info.verb === 'list') {
    const selection = parseSelection(kind, info, query);
    const all = await Promise.all(names.map((name) => statusOf(exchange, name)));
    const items = all.filter((item) => selection.matches(item));
    await sendRendered(exchange, 200, renderList(kind, items, {}, form), form);
    return;
  }
  if (!names.includes(info.name)) throw notFound({ group: '', plural: 'componentstatus' }, info.name);
  await sendRendered(exchange, 200, renderObject(kind, await statusOf(exchange, info.name), form), form);
}

async function statusOf({ kind, server }: ResourceExchange, name: string): Promise<Stored> {
  const { healthy, message } = await healthOf(server, name);
  const condition = { type: 'Healthy', status: healthy ? 'True' : 'False', message };
  const status: ComponentStatus = { metadata: { name }, conditions: [condition] };
  const value: KubeObject = normalized(kind.resource, status);
  return { namespace: '', name, revision: 0, createRevision: 0, value, json: JSON.stringify(value) };
}

function healthOf({ options }: Server, name: string): Promise<Health> {
  const port = Object.entries(ports).find(([component]) => component === name)?.[1];
  // The store is this process's own: who answers has it.
  if (port === undefined || options.components?.includes(name) === true) {
    return Promise.resolve({ healthy: true, message: 'ok' });
  }
  return ask(port);
}

function ask(port: number): Promise<Health> {
  const { promise, resolve } = Promise.withResolvers<Health>();
  const url = `https://127.0.0.1:${String(port)}/healthz`;
  const request = httpsGet(url, { rejectUnauthorized: false, timeout: timeoutMs, agent: false }, (response) => {
    let message = '';
    response.setEncoding('utf8').on('data', (text: string) => (message = (message + text).slice(0, 10_240)));
    response.on('end', () => {
      const code = response.statusCode ?? 0;
      if (code >= 200 && code < 400) resolve({ healthy: true, message });
      else resolve({ healthy: false, message: `HTTP probe failed with statuscode: ${String(code)}` });
    });
  });
  request.on('timeout', () => request.destroy(new Error('context deadline exceeded')));
  request.on('error', (error: NodeJS.ErrnoException) => {
    const refused = `dial tcp 127.0.0.1:${String(port)}: connect: connection refused`;
    const why = error.code === 'ECONNREFUSED' ? refused : error.message;
    resolve({ healthy: false, message: `Get "${url}": ${why}` });
  });
  return promise;
}
