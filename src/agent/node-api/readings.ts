/**
 * What the node tells of itself: /pods, /runningpods/, /logs/…, /metrics, /stats/summary.
 * Upstream: pkg/kubelet/server/server.go; names of metrics: pkg/kubelet/metrics/metrics.go.
 */
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { cpus, totalmem } from 'node:os';
import { join, normalize } from 'node:path';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { HttpError } from './locate.ts';

export function serveReading(context: NodeContext, pods: Pods, root: string, url: URL, response: ServerResponse): void {
  switch (root) {
    case 'pods':
      return json(response, podList(pods.list()));
    case 'runningpods':
      return json(response, podList(pods.list().filter(({ status }) => status?.phase === 'Running')));
    case 'logs':
      return serveLogFiles(context.paths.logs, url, response);
    case 'metrics':
      response
        .writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
        .end(metrics(context, pods));
      return;
    default:
      if (url.pathname !== '/stats/summary') throw new HttpError(404, '404 page not found');
      return json(response, summary(context, pods));
  }
}

function podList(items: ReturnType<Pods['list']>): unknown {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** As http.FileServer does it: a directory is a list of links. */
function serveLogFiles(dir: string, url: URL, response: ServerResponse): void {
  const wish = normalize(decodeURIComponent(url.pathname.slice('/logs'.length)) || '/');
  const file = join(dir, wish);
  let stat: Stats;
  try {
    stat = statSync(file);
  } catch {
    throw new HttpError(404, '404 page not found');
  }
  if (!stat.isDirectory()) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': stat.size });
    createReadStream(file, { end: Math.max(0, stat.size - 1) })
      .on('error', () => response.destroy())
      .pipe(response);
    return;
  }
  const names = readdirSync(file, { withFileTypes: true }).map(
    (entry) => entry.name + (entry.isDirectory() ? '/' : ''),
  );
  const links = names.sort().map((name) => `<a href="${encodeURI(name)}">${name}</a>\n`);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<pre>\n${links.join('')}</pre>\n`);
}

function metrics(context: NodeContext, pods: Pods): string {
  const running = pods.list().filter(({ status }) => status?.phase === 'Running');
  const containers = running.flatMap(({ status }) => status?.containerStatuses ?? []);
  const live = containers.filter(({ state }) => state?.running !== undefined).length;
  const gauge = (name: string, help: string, sample: string): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${sample}\n`;
  return [
    gauge(
      'kubelet_node_name',
      "The node's name. The count is always 1.",
      `kubelet_node_name{node="${context.facts.name}"} 1`,
    ),
    gauge(
      'kubelet_running_pods',
      'Number of pods that have a running pod sandbox',
      `kubelet_running_pods ${String(running.length)}`,
    ),
    gauge(
      'kubelet_running_containers',
      'Number of containers currently running',
      `kubelet_running_containers{container_state="running"} ${String(live)}`,
    ),
  ].join('');
}

/** stats/v1alpha1 Summary, as far as this machine counts for a node: memory and cores are the whole machine's. */
function summary(context: NodeContext, pods: Pods): unknown {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1] ?? 0) * 1024;
  const busy = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return {
    node: {
      nodeName: context.facts.name,
      startTime: time,
      cpu: { time, usageCoreNanoSeconds: busy * 1e6 },
      memory: { time, availableBytes: available, workingSetBytes: totalmem() - available },
    },
    pods: pods.list().map(({ metadata, spec, status }) => ({
      podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
      startTime: status?.startTime ?? null,
      containers: (spec?.containers ?? []).map(({ name }) => ({ name, startTime: status?.startTime ?? null })),
    })),
  };
}
