/**
 * config.json of a container: pure, from what has been looked up already.
 *
 *   PodSpec + image config + environment + user + mounts ──> OCI runtime specification 1.0.2
 */
import type { Container, Pod } from '../api/gen/types.ts';
import type { ImageConfig } from '../images/index.ts';
import { containerCapabilities } from './capabilities.ts';
import type { ContainerUser } from './container-user.ts';
import { expand } from './expand.ts';
import { parseQuantity } from './quantity.ts';

export interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface SpecInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: ImageConfig;
  /** The image is this machine's own root: /run and /tmp are private too. */
  readonly hostRoot: boolean;
  readonly environment: ReadonlyMap<string, string>;
  readonly user: ContainerUser;
  readonly hostname: string;
  /** /run/netns/…; undefined: the node's own (hostNetwork). */
  readonly netns: string | undefined;
  /** /proc/…/ns/pid of the container that an ephemeral one looks at. */
  readonly pidNamespace?: string | undefined;
  /** Volumes and /etc files, after the basic mounts. */
  readonly mounts: readonly Mount[];
  /** Set where crun may manage cgroups. */
  readonly cgroupsPath: string | undefined;
}

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function ociSpec(input: SpecInput): Record<string, unknown> {
  const context = input.container.securityContext;
  const privileged = context?.privileged === true;
  const capabilities = containerCapabilities(context);
  // Without root only what is added on purpose stays effective, as runc does it by the kernel's exec rules.
  const held = input.user.uid === 0 ? capabilities : [];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: input.container.tty === true,
      user: { uid: input.user.uid, gid: input.user.gid, additionalGids: input.user.additionalGids },
      args: commandLine(input),
      env: environmentList(input),
      cwd: input.container.workingDir ?? (input.image.WorkingDir || '/'),
      noNewPrivileges: context?.allowPrivilegeEscalation === false,
      capabilities: { bounding: capabilities, effective: held, permitted: held, inheritable: [], ambient: [] },
      oomScoreAdj: 0,
    },
    root: { path: 'rootfs', readonly: context?.readOnlyRootFilesystem === true },
    hostname: input.hostname,
    mounts: [...basicMounts(input, privileged), ...input.mounts],
    linux: {
      namespaces: namespaces(input),
      ...(privileged || context?.procMount === 'Unmasked' ? {} : { maskedPaths, readonlyPaths }),
      ...(input.cgroupsPath === undefined
        ? {}
        : { cgroupsPath: input.cgroupsPath, resources: { ...limits(input.container), devices: devices(privileged) } }),
      ...sysctls(input),
      ...(privileged ? { devices: [] } : {}),
    },
  };
}

/** Kubernetes' command replaces the image's entry point and its arguments; args only the arguments. */
export function commandLine(input: Pick<SpecInput, 'container' | 'image' | 'environment'>): string[] {
  const command = input.container.command ?? [];
  const args = input.container.args ?? [];
  const expanded = (list: readonly string[]): string[] =>
    list.map((word) => expand(word, (name) => input.environment.get(name)));
  if (command.length > 0) return [...expanded(command), ...expanded(args)];
  const entrypoint = [...(input.image.Entrypoint ?? [])];
  return args.length > 0 ? [...entrypoint, ...expanded(args)] : [...entrypoint, ...(input.image.Cmd ?? [])];
}

function environmentList(input: SpecInput): string[] {
  const env = new Map<string, string>([['PATH', searchPath]]);
  env.set('HOSTNAME', input.hostname);
  for (const item of input.image.Env ?? []) {
    const equals = item.indexOf('=');
    env.set(item.slice(0, equals), item.slice(equals + 1));
  }
  if (input.container.tty === true) env.set('TERM', 'xterm');
  for (const [name, value] of input.environment) env.set(name, value);
  if (!env.has('HOME')) env.set('HOME', input.user.home);
  return [...env].map(([name, value]) => `${name}=${value}`);
}

function basicMounts(input: SpecInput, privileged: boolean): Mount[] {
  const tmpfs = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options,
  });
  const mounts: Mount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    tmpfs('/dev', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', privileged ? 'rw' : 'ro'],
    },
  ];
  if (input.hostRoot)
    mounts.push(tmpfs('/tmp', 'nosuid', 'nodev', 'mode=1777'), tmpfs('/run', 'nosuid', 'nodev', 'mode=755'));
  return mounts;
}

/** containerd pkg/oci defaultMaskedPaths and defaultReadonlyPaths. */
const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/sys/firmware',
  '/proc/scsi',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

function namespaces(input: SpecInput): { type: string; path?: string }[] {
  const spec = input.pod.spec;
  const list: { type: string; path?: string }[] = [{ type: 'mount' }, { type: 'uts' }];
  if (input.pidNamespace !== undefined) list.push({ type: 'pid', path: input.pidNamespace });
  else if (spec?.hostPID !== true) list.push({ type: 'pid' });
  if (spec?.hostIPC !== true) list.push({ type: 'ipc' });
  if (input.netns !== undefined) list.push({ type: 'network', path: input.netns });
  return list;
}

function sysctls(input: SpecInput): { sysctl?: Record<string, string> } {
  const wanted = input.pod.spec?.securityContext?.sysctls ?? [];
  const sysctl: Record<string, string> = {};
  if (input.netns !== undefined) {
    // Any user may bind low ports and send pings, as containerd sets it (enable_unprivileged_ports, …_icmp).
    sysctl['net.ipv4.ip_unprivileged_port_start'] = '0';
    sysctl['net.ipv4.ping_group_range'] = '0 2147483647';
  }
  for (const { name, value } of wanted) sysctl[name] = value;
  return Object.keys(sysctl).length === 0 ? {} : { sysctl };
}

function limits(container: Container): Record<string, unknown> {
  const memory = parseQuantity(container.resources?.limits?.['memory']);
  const cpu = parseQuantity(container.resources?.limits?.['cpu']);
  const request = parseQuantity(container.resources?.requests?.['cpu']) ?? cpu;
  const period = 100_000;
  return {
    ...(memory === undefined ? {} : { memory: { limit: Math.floor(memory) } }),
    cpu: {
      shares: Math.max(2, Math.round((request ?? 0) * 1024)),
      ...(cpu === undefined ? {} : { quota: Math.max(1000, Math.round(cpu * period)), period }),
    },
  };
}

function devices(privileged: boolean): Record<string, unknown>[] {
  if (privileged) return [{ allow: true, access: 'rwm' }];
  const allow = (major: number, minor: number): Record<string, unknown> => ({
    allow: true,
    type: 'c',
    major,
    minor,
    access: 'rwm',
  });
  // null, zero, full, tty, urandom, random, console, ptmx, pts/*
  return [
    { allow: false, access: 'rwm' },
    allow(1, 3),
    allow(1, 5),
    allow(1, 7),
    allow(5, 0),
    allow(1, 9),
    allow(1, 8),
    allow(5, 1),
    allow(5, 2),
    { allow: true, type: 'c', major: 136, access: 'rwm' },
  ];
}
