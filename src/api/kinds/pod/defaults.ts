/**
 * Defaults of pods and pod templates. Upstream: pkg/apis/core/v1/defaults.go SetDefaults_Pod, SetDefaults_PodSpec,
 * SetDefaults_Container, …
 */
import type { Container, Pod, PodSpec, Probe, Volume } from '../../gen/types.ts';
import { hasLatestTag } from './image-name.ts';
import { setPodResourceDefaults } from './pod-resources.ts';

const fileMode = 0o644;
const tokenSeconds = 3600;

export function setPodDefaults(pod: Pod): void {
  const spec = (pod.spec ??= { containers: [] });
  setPodSpecDefaults(spec);
  // Only pods, not templates. Upstream: Convert_v1_Pod_To_core_Pod.
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  spec.enableServiceLinks ??= true;
  // Only pods, not templates: what is limited is also requested.
  for (const container of allContainers(spec)) {
    const { limits } = (container.resources ??= {});
    for (const [name, value] of Object.entries(limits ?? {})) {
      (container.resources.requests ??= {})[name] ??= value;
    }
  }
  setPodResourceDefaults(spec);
  if (spec.hostNetwork !== true) return;
  for (const port of allContainers(spec).flatMap(({ ports = [] }) => ports)) {
    if ((port.hostPort ?? 0) === 0) port.hostPort = port.containerPort;
  }
}

/** For a pod and for the template of a Deployment or ReplicaSet. */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.schedulerName ??= 'default-scheduler';
  spec.securityContext ??= {};
  // The old name of the field goes along with the new one.
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined) {
    spec.serviceAccountName = spec.serviceAccount;
  }
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  for (const container of allContainers(spec)) setContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  // GenericWorkload is off: upstream drops it.
  delete spec.schedulingGroup;
}

/** Containers, then init containers; ephemeral ones have no resources and are left out. */
export function allContainers(spec: PodSpec): readonly Container[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
}

function setContainerDefaults(container: Container): void {
  container.imagePullPolicy ??= hasLatestTag(container.image ?? '') ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ??= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ??= 'v1';
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) setProbeDefaults(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler?.httpGet !== undefined) setHttpDefaults(handler.httpGet);
  }
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet !== undefined) setHttpDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function setHttpDefaults(get: { path?: string; scheme?: string }): void {
  get.path ??= '/';
  get.scheme ??= 'HTTP';
}

function setVolumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source !== undefined) source.defaultMode ??= fileMode;
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  if (volume.image !== undefined) {
    volume.image.pullPolicy ??= hasLatestTag(volume.image.reference ?? '') ? 'Always' : 'IfNotPresent';
  }
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim !== undefined) {
    claim.metadata ??= {};
    claim.spec.volumeMode ??= 'Filesystem';
  }
  if (volume.rbd !== undefined) setMissing(volume.rbd, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' });
  if (volume.iscsi !== undefined) setMissing(volume.iscsi, { iscsiInterface: 'default' });
  if (volume.azureDisk !== undefined) {
    setMissing(volume.azureDisk, { cachingMode: 'ReadWrite', fsType: 'ext4', kind: 'Shared', readOnly: false });
  }
  if (volume.scaleIO !== undefined) setMissing(volume.scaleIO, { storageMode: 'ThinProvisioned', fsType: 'xfs' });
  for (const item of volume.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1';
  for (const { serviceAccountToken, downwardAPI } of volume.projected?.sources ?? []) {
    if (serviceAccountToken !== undefined) serviceAccountToken.expirationSeconds ??= tokenSeconds;
    for (const item of downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1';
  }
}

function setMissing<T extends object>(object: T, values: Partial<T>): void {
  Object.assign(object, { ...values, ...object });
}
