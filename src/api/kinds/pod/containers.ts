/**
 * Validation of containers: what all have in common, then containers, init containers and ephemeral ones. Upstream:
 * pkg/apis/core/validation/validation.go validateContainerCommon, validateContainers, validateInitContainers, validateEphemeralContainers.
 */
import type { Container, EphemeralContainer, PodSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, notFoundField, requiredField } from '../../field-errors.ts';
import { validateEnum, whyNotDns1123Label } from '../../validation/index.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import type { Volumes } from './mounts.ts';
import { validateDevices, validateMounts } from './mounts.ts';
import { validateHostPorts, validatePorts } from './ports.ts';
import { validateLifecycle, validateProbe } from './probes.ts';
import { validateContainerResources, validateResizePolicy } from './resources.ts';
import { validateRestart } from './restart.ts';
import { validateSecurityContext } from './security.ts';

export interface PodContext {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  /** Names of spec.resourceClaims. */
  readonly claims: ReadonlySet<string>;
  /** Of a pod, not of a template. */
  readonly isPod: boolean;
}

/** `at` is where the spec is. */
export function validateAllContainers(context: PodContext, at: string): FieldError[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] }: Partial<PodSpec> = context.spec;
  return [
    ...validateContainers(containers, context, `${at}.containers`),
    ...validateInitContainers(initContainers, context, `${at}.initContainers`),
    ...validateEphemeralContainers(ephemeralContainers, context, `${at}.ephemeralContainers`),
  ];
}

function validateContainers(containers: readonly Container[], context: PodContext, field: string): FieldError[] {
  if (containers.length === 0) return [requiredField(field)];
  const names = containers.map((container) => container.name ?? '');
  const errors = containers.flatMap((container, index) => {
    const at = `${field}[${index}]`;
    return [
      ...validateCommon(container, context, at),
      ...(names.indexOf(names[index] ?? '') === index ? [] : [duplicateField(`${at}.name`, names[index])]),
      ...validateLifecycle(container.lifecycle, context.spec, `${at}.lifecycle`),
      ...validateProbes(container, at),
      ...validateRestart(container, at, false),
    ];
  });
  return [...errors, ...validateHostPorts(containers, field)];
}

function validateInitContainers(containers: readonly Container[], context: PodContext, field: string): FieldError[] {
  const names = new Set((context.spec.containers ?? []).map(({ name = '' }: Partial<Container>) => name));
  return containers.flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const errors = [...validateCommon(container, context, at), ...validateRestart(container, at, true)];
    const { name = '' }: Partial<Container> = container;
    if (names.has(name)) errors.push(duplicateField(`${at}.name`, name));
    else if (name !== '') names.add(name);
    // Init containers run one by one. Upstream names the first container here, whichever it is.
    errors.push(...validateHostPorts([container], field));
    if (container.restartPolicy === 'Always') {
      errors.push(...validateLifecycle(container.lifecycle, context.spec, `${at}.lifecycle`));
      errors.push(...validateProbes(container, at));
    } else errors.push(...validateOneShot(container, at));
    return errors;
  });
}

/** What ends before the pod is ready is not probed. */
function validateOneShot(container: Container, at: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[key] === undefined) continue;
    errors.push(forbiddenField(`${at}.${key}`, 'may not be set for init containers without restartPolicy=Always'));
  }
  for (const [index, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
    if (restartPolicy !== 'RestartContainer') continue;
    const why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    errors.push(invalidField(`${at}.resizePolicy[${index}].restartPolicy`, restartPolicy, why));
  }
  return errors;
}

/** Fields that promise something for longer than a look lasts. */
const refusedFields = [
  'lifecycle',
  'livenessProbe',
  'ports',
  'readinessProbe',
  'resizePolicy',
  'resources',
  'restartPolicy',
  'restartPolicyRules',
  'startupProbe',
] as const;

function validateEphemeralContainers(list: readonly EphemeralContainer[], context: PodContext, field: string) {
  const { containers = [], initContainers = [] }: Partial<PodSpec> = context.spec;
  const others = new Set([...containers, ...initContainers].map(({ name = '' }: Partial<Container>) => name));
  const names = new Set(others);
  return list.flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const errors = validateCommon(container, { ...context, isPod: true }, at);
    const { name = '', targetContainerName: target = '' }: Partial<EphemeralContainer> = container;
    if (names.has(name)) errors.push(duplicateField(`${at}.name`, name));
    names.add(name);
    if (target !== '' && !others.has(target)) errors.push(notFoundField(`${at}.targetContainerName`, target));
    return [...errors, ...validateRefused(container, at)];
  });
}

function validateRefused(container: EphemeralContainer, at: string): FieldError[] {
  const why = 'cannot be set for an Ephemeral Container';
  const errors: FieldError[] = [];
  for (const key of refusedFields) {
    const value = container[key];
    const empty = value === undefined || (key === 'resources' && Object.keys(value).length === 0);
    if (!empty) errors.push(forbiddenField(`${at}.${key}`, why));
  }
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    for (const key of ['subPath', 'subPathExpr'] as const) {
      if ((mount[key] ?? '') !== '') errors.push(forbiddenField(`${at}.volumeMounts[${index}].${key}`, why));
    }
  }
  return errors;
}

function validateCommon(container: Container, context: PodContext, at: string): FieldError[] {
  const { spec, volumes, claims, isPod } = context;
  return [
    ...validateName(container.name ?? '', `${at}.name`),
    ...validateImage(container.image ?? '', `${at}.image`, isPod),
    ...validateEnum(container.terminationMessagePolicy, `${at}.terminationMessagePolicy`, [
      'File',
      'FallbackToLogsOnError',
    ]),
    ...validatePorts(container.ports ?? [], `${at}.ports`),
    ...validateEnv(container.env ?? [], `${at}.env`),
    ...validateEnvFrom(container.envFrom ?? [], `${at}.envFrom`),
    ...validateMounts(container, volumes, `${at}.volumeMounts`),
    ...validateDevices(container, volumes, `${at}.volumeDevices`),
    ...validateEnum(container.imagePullPolicy, `${at}.imagePullPolicy`, ['Always', 'IfNotPresent', 'Never']),
    ...validateContainerResources(container.resources ?? {}, claims, `${at}.resources`),
    ...validateResizePolicy(container.resizePolicy ?? [], spec.restartPolicy, `${at}.resizePolicy`),
    ...validateSecurityContext(container.securityContext, spec.hostUsers !== false, `${at}.securityContext`),
  ];
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  return whyNotDns1123Label(name).map((why) => invalidField(field, name, why));
}

/** Templates may have blanks around it: some put the image in later. */
function validateImage(image: string, field: string, isPod: boolean): FieldError[] {
  if (image === '') return [requiredField(field)];
  if (!isPod || image.trim() === image) return [];
  return [invalidField(field, image, 'must not have leading or trailing whitespace')];
}

function validateProbes(container: Container, at: string): FieldError[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((key) => {
    const probe = container[key];
    return probe === undefined ? [] : validateProbe(probe, `${at}.${key}`, key);
  });
}
