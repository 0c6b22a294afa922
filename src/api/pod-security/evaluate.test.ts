/**
 * Each check by a pod that passes and pods that do not, with upstream's words; and where a version changes it, on both sides.
 * The texts are those of a kube-apiserver 1.36.
 */
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { PodSpec } from '../gen/types.ts';
import { detailText, evaluate, reasonText } from './index.ts';
import type { LevelVersion } from './index.ts';

const strict = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const context = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

/** What restricted asks for, and more. */
function pod(more: object = {}, container: object = {}): PodSpec {
  return { securityContext: context, containers: [{ name: 'c', securityContext: strict, ...container }], ...more };
}
const inPod = (more: object): PodSpec => pod({ securityContext: { ...context, ...more } });
const inContainer = (more: object): PodSpec => pod({}, { securityContext: { ...strict, ...more } });
const volume = (...sources: readonly object[]): PodSpec =>
  pod({ volumes: sources.map((source, index) => ({ name: `v${index}`, ...source })) });

function at(text: string): LevelVersion {
  const [level, version = 'latest'] = text.split(':');
  return { level: level as LevelVersion['level'], version };
}

/** level[:version], the pod, what is said of it ('': nothing), its annotations. */
type Row = readonly [level: string, spec: PodSpec, said: string, annotations?: Readonly<Record<string, string>>];

function check(rows: readonly Row[]): void {
  for (const [level, spec, said, annotations = {}] of rows) {
    assert.equal(detailText(evaluate(at(level), { annotations, spec })), said, `${level} ${JSON.stringify(spec)}`);
  }
}

describe('baseline', () => {
  test('a pod that asks for nothing, and one that restricted takes', () => {
    check([
      ['baseline', { containers: [{ name: 'c' }] }, ''],
      ['restricted', pod(), ''],
      ['restricted:v1.0', pod(), ''],
      ['privileged', pod({ hostNetwork: true }), ''],
    ]);
  });

  test('hostNamespaces, hostPorts', () => {
    const ports = (...hostPorts: readonly number[]): object[] =>
      hostPorts.map((hostPort) => ({ containerPort: 80, hostPort }));
    check([
      ['baseline', pod({ hostNetwork: false, hostPID: false }), ''],
      ['baseline:v1.0', pod({ hostNetwork: true }), 'host namespaces (hostNetwork=true)'],
      ['restricted', pod({ hostIPC: true, hostPID: true }), 'host namespaces (hostPID=true, hostIPC=true)'],
      ['baseline', pod({}, { ports: ports(0) }), ''],
      ['baseline', pod({}, { ports: ports(81) }), 'hostPort (container "c" uses hostPort 81)'],
      [
        'baseline',
        pod({ initContainers: [{ name: 'i', ports: ports(9, 9) }] }, { ports: ports(81, 100) }),
        'hostPort (containers "i", "c" use hostPorts 100, 81, 9)',
      ],
    ]);
  });

  test('hostPathVolumes; restrictedVolumes says it instead', () => {
    check([
      ['baseline', volume({ emptyDir: {} }, { nfs: {} }), ''],
      ['baseline', volume({ hostPath: {} }), 'hostPath volumes (volume "v0")'],
      ['baseline', volume({ hostPath: {} }, { hostPath: {} }), 'hostPath volumes (volumes "v0", "v1")'],
      ['restricted', volume({ configMap: {} }, { csi: {} }, { image: {} }, { ephemeral: {} }, { projected: {} }), ''],
      [
        'restricted',
        volume({ hostPath: {} }),
        'restricted volume types (volume "v0" uses restricted volume type "hostPath")',
      ],
      [
        'restricted:v1.0',
        volume({ nfs: {} }, { secret: {} }, { iscsi: {} }, { nfs: {} }, {}),
        'restricted volume types (volumes "v0", "v2", "v3", "v4" use restricted volume types "iscsi", "nfs", "unknown")',
      ],
    ]);
  });

  test('hostProbesAndHostLifecycle, since 1.34', () => {
    const http = { httpGet: { port: 80, host: '10.0.0.1' } };
    const tcp = { tcpSocket: { port: 80, host: 'db' } };
    const own = { livenessProbe: { httpGet: { port: 80, host: '' } }, readinessProbe: { exec: {} } };
    check([
      ['baseline', pod({}, own), ''],
      ['baseline:v1.33', pod({}, { livenessProbe: http }), ''],
      [
        'baseline:v1.34',
        pod({}, { livenessProbe: http }),
        'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
      ],
      [
        'restricted',
        pod(
          { initContainers: [{ name: 'i', securityContext: strict, startupProbe: http }] },
          { lifecycle: { preStop: tcp } },
        ),
        'probe or lifecycle host (containers "c", "i" use probe or lifecycle hosts "10.0.0.1", "db")',
      ],
    ]);
  });

  test('privileged, windowsHostProcess', () => {
    const host = { windowsOptions: { hostProcess: true } };
    const process = 'must not set securityContext.windowsOptions.hostProcess=true';
    check([
      ['baseline', inContainer({ privileged: false }), ''],
      [
        'baseline',
        inContainer({ privileged: true }),
        'privileged (container "c" must not set securityContext.privileged=true)',
      ],
      ['baseline', inPod({ windowsOptions: { hostProcess: false } }), ''],
      ['baseline', inPod(host), `hostProcess (pod ${process})`],
      ['baseline', { ...inContainer(host), securityContext: host }, `hostProcess (pod and container "c" ${process})`],
    ]);
  });

  test('capabilities_baseline; capabilities_restricted says it instead, since 1.22', () => {
    const capabilities = (add: readonly string[], drop?: readonly string[]): PodSpec =>
      inContainer({ capabilities: { add, ...(drop === undefined ? {} : { drop }) } });
    const more = 'container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add';
    const drop = 'container "c" must set securityContext.capabilities.drop=["ALL"]';
    check([
      ['baseline', capabilities(['CHOWN', 'NET_BIND_SERVICE']), ''],
      ['baseline', capabilities(['SYS_ADMIN', 'CHOWN', 'NET_RAW']), `non-default capabilities (${more})`],
      ['restricted:v1.21', capabilities(['CHOWN']), ''],
      ['restricted:v1.21', capabilities(['SYS_ADMIN', 'NET_RAW']), `non-default capabilities (${more})`],
      ['restricted:v1.22', capabilities(['NET_BIND_SERVICE'], ['ALL']), ''],
      ['restricted:v1.22', capabilities(['SYS_ADMIN', 'NET_RAW']), `unrestricted capabilities (${drop}; ${more})`],
      ['restricted', capabilities(['NET_BIND_SERVICE'], ['KILL']), `unrestricted capabilities (${drop})`],
    ]);
  });

  test('procMount: since 1.35 as it likes in a user namespace, but for restricted', () => {
    const unmasked = inContainer({ procMount: 'Unmasked' });
    const said = 'procMount (container "c" must not set securityContext.procMount to "Unmasked")';
    const inside = { ...unmasked, hostUsers: false };
    check([
      ['baseline', inContainer({ procMount: 'Default' }), ''],
      ['baseline', unmasked, said],
      ['baseline:v1.34', inside, said],
      ['baseline:v1.35', inside, ''],
      ['restricted:v1.34', inside, said],
      ['restricted:v1.35', inside, said],
    ]);
  });

  test('seLinuxOptions: one more type since 1.31', () => {
    const options = (seLinuxOptions: object): PodSpec => inPod({ seLinuxOptions });
    const said = 'pod set forbidden securityContext.seLinuxOptions: ';
    check([
      ['baseline', options({ type: 'container_init_t', level: 's0' }), ''],
      ['baseline:v1.30', options({ type: 'container_engine_t' }), `seLinuxOptions (${said}type "container_engine_t")`],
      ['baseline:v1.31', options({ type: 'container_engine_t' }), ''],
      [
        'baseline',
        options({ type: 'x', user: 'u', role: 'r' }),
        `seLinuxOptions (${said}type "x"; user may not be set; role may not be set)`,
      ],
      [
        'baseline',
        { ...inContainer({ seLinuxOptions: { type: 'y' } }), securityContext: { seLinuxOptions: { type: 'x' } } },
        'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: types "x", "y")',
      ],
    ]);
  });

  test('sysctls: more are safe with each of 1.27, 1.29, 1.32', () => {
    const set = (...names: readonly string[]): PodSpec =>
      inPod({ sysctls: names.map((name) => ({ name, value: '1' })) });
    check([
      ['baseline:v1.0', set('kernel.shm_rmid_forced', 'net.ipv4.ip_unprivileged_port_start'), ''],
      ['baseline', set('kernel.msgmax', 'net.a'), 'forbidden sysctls (kernel.msgmax, net.a)'],
      [
        'baseline:v1.26',
        set('net.ipv4.ip_local_reserved_ports'),
        'forbidden sysctls (net.ipv4.ip_local_reserved_ports)',
      ],
      ['baseline:v1.27', set('net.ipv4.ip_local_reserved_ports'), ''],
      ['baseline:v1.28', set('net.ipv4.tcp_keepalive_time'), 'forbidden sysctls (net.ipv4.tcp_keepalive_time)'],
      ['baseline:v1.29', set('net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout'), ''],
      ['baseline:v1.31', set('net.ipv4.tcp_rmem'), 'forbidden sysctls (net.ipv4.tcp_rmem)'],
      ['baseline:v1.32', set('net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'), ''],
    ]);
  });

  test('appArmorProfile: by field and by annotation', () => {
    const off = { appArmorProfile: { type: 'Unconfined' } };
    const key = 'container.apparmor.security.beta.kubernetes.io/c';
    check([
      ['baseline', inPod({ appArmorProfile: { type: 'RuntimeDefault' } }), ''],
      ['baseline', pod(), '', { [key]: 'localhost/mine' }],
      ['baseline', inPod(off), 'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")'],
      [
        'baseline',
        inContainer(off),
        `forbidden AppArmor profiles (container "c" and annotation must not set AppArmor profile type to "Unconfined", "${key}="unconfined"")`,
        { [key]: 'unconfined' },
      ],
    ]);
  });

  test('seccompProfile_baseline: annotations before 1.19, fields since', () => {
    const off = inPod({ seccompProfile: { type: 'Unconfined' } });
    const key = 'seccomp.security.alpha.kubernetes.io/pod';
    const note = { [key]: 'unconfined', 'container.seccomp.security.alpha.kubernetes.io/c': 'bad' };
    const field = 'pod must not set securityContext.seccompProfile.type to "Unconfined"';
    check([
      ['baseline:v1.18', off, ''],
      ['baseline:v1.18', pod(), '', { [key]: 'docker/default' }],
      [
        'baseline:v1.18',
        pod(),
        `seccompProfile (forbidden annotations container.seccomp.security.alpha.kubernetes.io/c="bad", ${key}="unconfined")`,
        note,
      ],
      ['baseline:v1.19', pod(), '', note],
      ['baseline:v1.19', off, `seccompProfile (${field})`],
      ['baseline:v1.19', { containers: [{ name: 'c' }] }, ''],
    ]);
  });
});

describe('restricted', () => {
  const windows = { os: { name: 'windows' }, securityContext: { runAsNonRoot: true } };

  test('allowPrivilegeEscalation, since 1.8; not of Windows since 1.25', () => {
    const said =
      'allowPrivilegeEscalation != false (containers "i", "c" must set securityContext.allowPrivilegeEscalation=false)';
    const two = pod(
      { initContainers: [{ name: 'i', securityContext: { ...strict, allowPrivilegeEscalation: true } }] },
      { securityContext: { capabilities: { drop: ['ALL'] } } },
    );
    check([
      ['restricted:v1.7', two, ''],
      ['restricted:v1.8', two, said],
      ['restricted', two, said],
      ['restricted', pod(windows, { securityContext: {} }), ''],
    ]);
    const before = evaluate(at('restricted:v1.24'), { annotations: {}, spec: pod(windows, { securityContext: {} }) });
    assert.equal(reasonText(before), 'allowPrivilegeEscalation != false, unrestricted capabilities, seccompProfile');
  });

  test('runAsNonRoot, runAsUser: since 1.35 as it likes in a user namespace', () => {
    const root = inPod({ runAsNonRoot: undefined, runAsUser: 0 });
    const must = 'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)';
    const no = 'must not set securityContext.runAsNonRoot=false';
    check([
      [
        'restricted',
        { ...inContainer({ runAsNonRoot: true }), securityContext: { seccompProfile: context.seccompProfile } },
        '',
      ],
      ['restricted', inContainer({ runAsNonRoot: false }), `runAsNonRoot != true (container "c" ${no})`],
      ['restricted', inPod({ runAsNonRoot: false }), `runAsNonRoot != true (pod ${no})`],
      ['restricted:v1.22', root, must],
      ['restricted:v1.23', root, `${must}, runAsUser=0 (pod must not set runAsUser=0)`],
      ['restricted:v1.34', { ...root, hostUsers: false }, `${must}, runAsUser=0 (pod must not set runAsUser=0)`],
      ['restricted:v1.35', { ...root, hostUsers: false }, ''],
      ['restricted', inContainer({ runAsUser: 1000 }), ''],
      ['restricted', inContainer({ runAsUser: 0 }), 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    ]);
  });

  test('seccompProfile_restricted: said by the pod or by each container, since 1.19', () => {
    const silent = inPod({ seccompProfile: undefined });
    const wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
    check([
      ['restricted:v1.18', silent, ''],
      ['restricted:v1.19', silent, `seccompProfile (pod or container "c" ${wanted})`],
      [
        'restricted',
        { ...inContainer({ seccompProfile: { type: 'Localhost' } }), securityContext: { runAsNonRoot: true } },
        '',
      ],
      [
        'restricted',
        inContainer({ seccompProfile: { type: 'Unconfined' } }),
        'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
      ],
    ]);
  });

  test('ephemeral containers are containers, and later versions than any check knows have those of today', () => {
    const said = 'privileged (container "e" must not set securityContext.privileged=true)';
    const debugged = pod({ ephemeralContainers: [{ name: 'e', securityContext: { ...strict, privileged: true } }] });
    check([
      ['restricted', debugged, said],
      ['baseline:v1.99', debugged, said],
    ]);
  });
});
