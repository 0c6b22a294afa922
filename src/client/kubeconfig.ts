/**
 * Where the API server is and who we are: a kubeconfig file (one of its contexts), or a pod's own ServiceAccount.
 *
 *   loadKubeconfig(path?, context?) ── file named ──> parseKubeconfig
 *                                   └─ no file, in a pod ──> inClusterConfig
 *
 * The result holds PEM text, ready for TLS. A JSON file is read without loading the YAML parser (30 ms of start-up).
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface Kubeconfig {
  /** `https://10.10.10.250:6443`, without a trailing slash. */
  readonly server: string;
  readonly ca?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Name that the server's certificate must carry, if not the host of `server`. */
  readonly tlsServerName?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly token?: string;
  /** Read again now and then: the kubelet rotates it. */
  readonly tokenFile?: string;
  readonly namespace?: string;
}

const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Without a path: $KUBECONFIG's first file, else a pod's ServiceAccount, else ~/.kube/config. */
export async function loadKubeconfig(path?: string, context?: string): Promise<Kubeconfig> {
  const named = path ?? process.env['KUBECONFIG']?.split(':').find((one) => one !== '');
  if (named === undefined && process.env['KUBERNETES_SERVICE_HOST'] !== undefined) return inClusterConfig();
  const file = named ?? join(homedir(), '.kube', 'config');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read kubeconfig ${file}: ${(error as Error).message}; name one with --kubeconfig`, {
      cause: error,
    });
  }
  return parseKubeconfig(text, file, context);
}

/** `file` names the source in errors; relative certificate paths are relative to its folder, as in client-go. */
export async function parseKubeconfig(text: string, file: string, context?: string): Promise<Kubeconfig> {
  const root = record(await parseYaml(text, file));
  if (root === undefined) throw new Error(`kubeconfig ${file}: not a mapping`);
  const contextName = context ?? string(root['current-context']);
  if (contextName === undefined) throw new Error(`kubeconfig ${file}: current-context is not set; choose one context`);
  const chosen = entry(root['contexts'], contextName, 'context');
  if (chosen === undefined) throw new Error(`kubeconfig ${file}: context "${contextName}" does not exist`);
  const clusterName = string(chosen['cluster']) ?? '';
  const cluster = entry(root['clusters'], clusterName, 'cluster');
  if (cluster === undefined) throw new Error(`kubeconfig ${file}: cluster "${clusterName}" does not exist`);
  const server = string(cluster['server']);
  if (server === undefined) throw new Error(`kubeconfig ${file}: cluster "${clusterName}" has no server`);
  const userName = string(chosen['user']);
  const user = userName === undefined ? {} : entry(root['users'], userName, 'user');
  if (user === undefined) throw new Error(`kubeconfig ${file}: user "${userName}" does not exist`);
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined) {
    throw new Error(
      `kubeconfig ${file}: user "${userName}" signs in through a plugin (exec or auth-provider), which is not ` +
        'supported; use a client certificate, token or tokenFile',
    );
  }
  const pem = (from: Readonly<Record<string, unknown>>, field: string): Promise<string | undefined> =>
    pemOf(from, field, file);
  return defined({
    server: server.replace(/\/+$/, ''),
    ca: await pem(cluster, 'certificate-authority'),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true ? true : undefined,
    tlsServerName: string(cluster['tls-server-name']),
    clientCert: await pem(user, 'client-certificate'),
    clientKey: await pem(user, 'client-key'),
    token: string(user['token']),
    tokenFile: beside(file, string(user['tokenFile'])),
    namespace: string(chosen['namespace']),
  });
}

/** What a pod finds in its own file system (client-go's rest.InClusterConfig). */
export async function inClusterConfig(dir: string = serviceAccountDir): Promise<Kubeconfig> {
  const host = process.env['KUBERNETES_SERVICE_HOST'];
  const port = process.env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || port === undefined) {
    throw new Error(
      'not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set; name a kubeconfig with --kubeconfig',
    );
  }
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(join(dir, 'ca.crt'), 'utf8'),
    tokenFile: join(dir, 'token'),
    namespace: (await readFile(join(dir, 'namespace'), 'utf8').catch(() => 'default')).trim(),
  };
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // YAML's own flow mapping may look like JSON: the YAML parser decides.
    }
  }
  const { parse } = await import('yaml');
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new Error(`kubeconfig ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** `FIELD-data` (base64) wins over `FIELD` (a path), as in client-go. */
async function pemOf(
  from: Readonly<Record<string, unknown>>,
  field: string,
  file: string,
): Promise<string | undefined> {
  const data = string(from[`${field}-data`]);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const path = beside(file, string(from[field]));
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`kubeconfig ${file}: ${field}: ${(error as Error).message}`, { cause: error });
  }
}

function beside(file: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(dirname(file), path);
}

function entry(list: unknown, name: string, field: string): Readonly<Record<string, unknown>> | undefined {
  if (!Array.isArray(list)) return undefined;
  const found = list.map(record).find((item) => item?.['name'] === name);
  return found === undefined ? undefined : (record(found[field]) ?? {});
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}
