/**
 * What an end-to-end test does with a cluster: the real kubectl, commands from a vantage, namespaces of its own.
 *
 *   const cluster = sharedCluster();
 *   const ns = await cluster.namespace(t);               // gone after the test
 *   await cluster.apply(ns, webApp('web', { replicas: 2 }));
 *   await cluster.fetch('lan', 'http://…')                // { kind: 'answer', body } | { kind: 'refused' } | …
 */
import type { TestContext } from 'node:test';
import { randomBytes } from 'node:crypto';
import { launcher } from './paths.ts';
import { kubectlPath } from './kubectl.ts';
import { mustRun, runCommand } from './run.ts';
import type { Outcome, RunOptions } from './run.ts';
import { sharedKubeconfig, SHARED_NAME } from './shared-cluster.ts';

/** What a client saw, told apart as a person would: refused at once, silence, or an answer. */
export type Fetched =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'refused' | 'timeout' | 'unreachable' | 'unresolved'; readonly detail: string };

const CURL_FAILURES: Readonly<Record<number, 'refused' | 'timeout' | 'unresolved' | 'unreachable'>> = {
  6: 'unresolved',
  28: 'timeout',
};

export class Cluster {
  readonly name: string;
  readonly kubeconfig: string;

  constructor(name: string, kubeconfig: string) {
    this.name = name;
    this.kubeconfig = kubeconfig;
  }

  /** The real kubectl; the outcome whatever the exit code. */
  async tryKubectl(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await runCommand([kubectlPath(), ...args], {
      ...options,
      env: { ...options.env, KUBECONFIG: this.kubeconfig },
    });
  }

  /** stdout of a kubectl call that must succeed. */
  async kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return await mustRun([kubectlPath(), ...args], {
      ...options,
      env: { ...options.env, KUBECONFIG: this.kubeconfig },
    });
  }

  async json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl([...args, '-o', 'json'])) as T;
  }

  async apply(namespace: string, yaml: string): Promise<void> {
    await this.kubectl(['apply', '-n', namespace, '-f', '-'], { input: asYaml(yaml) });
  }

  /** A fresh namespace with its default ServiceAccount; deleted after the test, also after a failure. */
  async namespace(context: TestContext, label = 'test'): Promise<string> {
    const name = `${label}-${randomBytes(4).toString('hex')}`;
    await this.kubectl(['create', 'namespace', name]);
    context.after(async () => {
      await this.kubectl(['delete', 'namespace', name, '--wait=false']);
    });
    return name;
  }

  /** One field by jsonpath, '' where it is unset: `field(ns, 'service/web', '.spec.clusterIP')`. */
  async field(namespace: string, object: string, path: string): Promise<string> {
    return await this.kubectl(['get', object, '-n', namespace, '-o', `jsonpath={${path}}`]);
  }

  /** `kubectl expose` of a deployment of `webApp`, ready to serve: 80 → 8080. */
  async exposeWeb(namespace: string, name: string, type = 'ClusterIP'): Promise<void> {
    await this.kubectl([
      'expose',
      'deployment',
      name,
      '-n',
      namespace,
      `--type=${type}`,
      '--port=80',
      '--target-port=8080',
    ]);
    await this.waitForDeployment(namespace, name);
  }

  async waitForDeployment(namespace: string, name: string): Promise<void> {
    await this.kubectl(['rollout', 'status', '-n', namespace, `deployment/${name}`, '--timeout=60s'], {
      timeoutMs: 70_000,
    });
  }

  /** `portolan from VANTAGE -- CMD…`. */
  async from(vantage: string, command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await runCommand([launcher, 'from', '--name', this.name, vantage, '--', ...command], {
      ...options,
      env: { ...options.env, KUBECONFIG: this.kubeconfig },
    });
  }

  async mustFrom(vantage: string, command: readonly string[], options: RunOptions = {}): Promise<string> {
    const outcome = await this.from(vantage, command, options);
    if (outcome.code !== 0)
      throw new Error(
        `from ${vantage}: ${command.join(' ')}: exit code ${outcome.code}\n${outcome.stdout}${outcome.stderr}`,
      );
    return outcome.stdout;
  }

  /** One HTTP request by curl at a vantage; `seconds` bounds the wait of a client whose packets are dropped. */
  async fetch(vantage: string, url: string, seconds = 3): Promise<Fetched> {
    const outcome = await this.from(vantage, [
      'curl',
      '-sS',
      '--noproxy',
      '*',
      '--max-time',
      String(seconds),
      '-w',
      '\n%{http_code}',
      url,
    ]);
    if (outcome.code === 0) {
      const cut = outcome.stdout.lastIndexOf('\n');
      return { kind: 'answer', status: Number(outcome.stdout.slice(cut + 1)), body: outcome.stdout.slice(0, cut) };
    }
    const detail = `curl exit ${outcome.code}: ${outcome.stderr.trim()}`;
    if (outcome.code === 7)
      return {
        kind:
          /refused|Couldn't connect/i.test(outcome.stderr) && !/No route|unreachable/i.test(outcome.stderr)
            ? 'refused'
            : 'unreachable',
        detail,
      };
    const kind = CURL_FAILURES[outcome.code];
    if (kind === undefined) throw new Error(`from ${vantage}: curl ${url}: ${detail}`);
    return { kind, detail };
  }

  /** Bodies of `count` requests, each on a connection of its own, by one curl at the vantage; the server ends each with a line feed. */
  async fetchMany(vantage: string, url: string, count: number): Promise<string[]> {
    const output = await this.mustFrom(
      vantage,
      ['curl', '-sS', '--noproxy', '*', '--max-time', '5', '-H', 'Connection: close', `${url}[1-${count}]`],
      { timeoutMs: 120_000 },
    );
    return output.split('\n').filter((line) => line !== '');
  }

  async nodeNames(): Promise<string[]> {
    return (await this.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ');
  }

  async nodeAddresses(): Promise<string[]> {
    return (
      await this.kubectl([
        'get',
        'nodes',
        '-o',
        'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}',
      ])
    ).split(' ');
  }

  async podNames(namespace: string, selector: string): Promise<string[]> {
    const text = await this.kubectl([
      'get',
      'pods',
      '-n',
      namespace,
      '-l',
      selector,
      '-o',
      'jsonpath={.items[*].metadata.name}',
    ]);
    return text === '' ? [] : text.split(' ');
  }
}

/** kubectl takes a document that opens with `{` for JSON; a comment before it keeps YAML's flow style readable in the tests. */
export function asYaml(documents: string): string {
  return documents.replace(/^\s*\{/gm, '# YAML\n{');
}

export function sharedCluster(): Cluster {
  return new Cluster(SHARED_NAME, sharedKubeconfig());
}
