/** Validation of containers. Upstream: pkg/apis/core/validation/validation.go validateContainers and below. */
import type { Container, ContainerPort, VolumeMount } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  notFoundField,
  notSupportedField,
  requiredField,
  tooManyField,
} from '../../field-errors.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { validateEnum, whyNotDns1123Label, whyNotPort, whyNotPortName } from '../../validation/index.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { validateHandler, validateProbe } from './probes.ts';
import { validateSecurityContext } from './security.ts';

export interface ContainerContext {
  readonly at: string;
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** Init containers that end have no probes and no lifecycle. */
  readonly init: boolean;
}

export function validateContainers(containers: readonly Container[], context: ContainerContext): FieldError[] {
  if (containers.length === 0 && !context.init) return [requiredField(context.at)];
  const names = containers.map((container) => container.name ?? '');
  const errors = containers.flatMap((container, index) => {
    const at = `${context.at}[${index}]`;
    const twice = names[index] !== '' && names.indexOf(names[index] ?? '') !== index;
    return [
      ...(twice ? [duplicateField(`${at}.name`, names[index])] : []),
      ...validateContainer(container, { ...context, at }),
    ];
  });
  return [...errors, ...validateHostPorts(containers, context.at)];
}

function validateContainer(container: Container, context: ContainerContext): FieldError[] {
  const { at } = context;
  return [
    ...validateName(container.name ?? '', `${at}.name`),
    ...validateImage(container.image ?? '', `${at}.image`),
    ...validateEnum(container.terminationMessagePolicy, `${at}.terminationMessagePolicy`, [
      'FallbackToLogsOnError',
      'File',
    ]),
    ...validatePorts(container.ports ?? [], context),
    ...validateEnv(container.env ?? [], `${at}.env`),
    ...validateEnvFrom(container, at),
    ...validateMounts(container.volumeMounts ?? [], context),
    ...validateEnum(container.imagePullPolicy, `${at}.imagePullPolicy`, ['Always', 'IfNotPresent', 'Never']),
    ...validateResources(container, `${at}.resources`),
    ...validateProbes(container, context),
    ...validateSecurityContext(container.securityContext, `${at}.securityContext`),
  ];
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  return whyNotDns1123Label(name).map((why) => invalidField(field, name, why));
}

function validateImage(image: string, field: string): FieldError[] {
  if (image === '') return [requiredField(field)];
  if (image.trim() !== image) return [invalidField(field, image, 'must not have leading or trailing whitespace')];
  return [];
}

function validatePorts(ports: readonly ContainerPort[], context: ContainerContext): FieldError[] {
  const names = ports.map((port) => port.name ?? '');
  return ports.flatMap((port, index) => {
    const at = `${context.at}.ports[${index}]`;
    const errors: FieldError[] = [];
    const name = names[index] ?? '';
    if (name !== '') {
      const bad = whyNotPortName(name);
      for (const why of bad) errors.push(invalidField(`${at}.name`, name, why));
      if (bad.length === 0 && names.indexOf(name) !== index) errors.push(duplicateField(`${at}.name`, name));
    }
    const { containerPort = 0, hostPort = 0 } = port;
    if (containerPort === 0) errors.push(requiredField(`${at}.containerPort`));
    else
      for (const why of whyNotPort(containerPort)) errors.push(invalidField(`${at}.containerPort`, containerPort, why));
    if (hostPort !== 0)
      for (const why of whyNotPort(hostPort)) errors.push(invalidField(`${at}.hostPort`, hostPort, why));
    if (context.hostNetwork && hostPort !== containerPort) {
      errors.push(invalidField(`${at}.hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
    }
    return [...errors, ...validateEnum(port.protocol, `${at}.protocol`, ['SCTP', 'TCP', 'UDP'])];
  });
}

function validateHostPorts(containers: readonly Container[], at: string): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, container] of containers.entries()) {
    for (const [position, { hostPort = 0, protocol, hostIP = '' }] of (container.ports ?? []).entries()) {
      if (hostPort === 0) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(key)) errors.push(duplicateField(`${at}[${index}].ports[${position}].hostPort`, key));
      seen.add(key);
    }
  }
  return errors;
}

function validateMounts(mounts: readonly VolumeMount[], context: ContainerContext): FieldError[] {
  const paths = mounts.map((mount) => mount.mountPath ?? '');
  return mounts.flatMap((mount, index) => {
    const at = `${context.at}.volumeMounts[${index}]`;
    const errors: FieldError[] = [];
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    if (name === '') errors.push(requiredField(`${at}.name`));
    if (!context.volumes.has(name)) errors.push(notFoundField(`${at}.name`, name));
    if (mountPath === '') errors.push(requiredField(`${at}.mountPath`));
    if (paths.indexOf(mountPath) !== index) errors.push(invalidField(`${at}.mountPath`, mountPath, 'must be unique'));
    for (const [key, path] of [
      ['subPath', subPath],
      ['subPathExpr', subPathExpr],
    ] as const) {
      if (path.startsWith('/')) errors.push(invalidField(`${at}.${key}`, path, 'must be a relative path'));
      if (path.split('/').includes('..')) errors.push(invalidField(`${at}.${key}`, path, "must not contain '..'"));
    }
    if (subPath !== '' && subPathExpr !== '') {
      errors.push(invalidField(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    }
    return errors;
  });
}

function validateResources(container: Container, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { limits = {}, requests = {} } = container.resources ?? {};
  for (const [key, values] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, value] of Object.entries(values)) {
      const quantity = parseQuantity(value);
      const field = `${at}.${key}[${name}]`;
      if (quantity === undefined) errors.push(invalidField(field, value, 'must be a valid quantity'));
      else if (quantity.nano < 0n) errors.push(invalidField(field, value, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, value] of Object.entries(requests)) {
    const limit = parseQuantity(limits[name] ?? '');
    const request = parseQuantity(value);
    if (limit === undefined || request === undefined || compareQuantities(request, limit) <= 0) continue;
    errors.push(
      invalidField(`${at}.requests`, value, `must be less than or equal to ${name} limit of ${limits[name]}`),
    );
  }
  return errors;
}

function validateProbes(container: Container, context: ContainerContext): FieldError[] {
  const { at, init } = context;
  const errors = validateRestart(container, at, init);
  const ends = init && container.restartPolicy !== 'Always';
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[key];
    if (probe === undefined) continue;
    if (ends)
      errors.push(forbiddenField(`${at}.${key}`, 'may not be set for init containers without restartPolicy=Always'));
    else errors.push(...validateProbe(probe, `${at}.${key}`, key));
  }
  if (ends && container.lifecycle !== undefined) {
    errors.push(forbiddenField(`${at}.lifecycle`, 'may not be set for init containers without restartPolicy=Always'));
  }
  for (const key of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[key];
    if (handler !== undefined && !ends) errors.push(...validateHandler(handler, `${at}.lifecycle.${key}`));
  }
  return errors;
}

const restartPolicies = ['Always', 'Never', 'OnFailure'];
const mostRestartRules = 20;
const mostExitCodes = 255;

/**
 * Of containers and init containers (ContainerRestartRules, on since 1.35). What needs RestartAllContainersOnContainerExits is
 * refused, as upstream does without it.
 */
function validateRestart(
  { restartPolicy: policy, restartPolicyRules: rules = [] }: Container,
  at: string,
  init: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const field = `${at}.restartPolicyRules`;
  if (policy === undefined && rules.length > 0) {
    errors.push(requiredField(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  } else if (policy !== undefined && !restartPolicies.includes(policy)) {
    errors.push(notSupportedField(`${at}.restartPolicy`, policy, restartPolicies));
  }
  if (init && policy === 'Always') {
    const why = 'restartPolicyRules are not allowed for init containers with restart policy Always';
    return rules.length === 0 ? errors : [...errors, forbiddenField(field, why)];
  }
  if (rules.length > mostRestartRules) errors.push(tooManyField(field, rules.length, mostRestartRules));
  for (const [index, { action, exitCodes }] of rules.entries()) {
    const rule = `${field}[${index}]`;
    if (action !== 'Restart') errors.push(notSupportedField(`${rule}.action`, action, ['Restart']));
    if (exitCodes === undefined) {
      errors.push(requiredField(`${rule}.exitCodes`, 'must be specified'));
      continue;
    }
    const { operator, values = [] } = exitCodes;
    const known = ['In', 'NotIn'];
    if (!known.includes(operator)) errors.push(notSupportedField(`${rule}.exitCodes.operator`, operator, known));
    if (values.length > mostExitCodes)
      errors.push(tooManyField(`${rule}.exitCodes.values`, values.length, mostExitCodes));
  }
  return errors;
}
