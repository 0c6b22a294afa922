/** Validation of probes and lifecycle handlers. Upstream: validateProbe, validateLifecycle, validateHandler. */
import type { IntOrString, Lifecycle, PodSpec, Probe } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, requiredField } from '../../field-errors.ts';
import {
  validateEnum,
  validateNonNegative,
  whyNotHeaderName,
  whyNotPort,
  whyNotPortName,
} from '../../validation/index.ts';

interface Handler {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: {
    readonly path?: string;
    readonly port?: IntOrString;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name?: string }[];
  };
  readonly tcpSocket?: { readonly port?: IntOrString };
  readonly grpc?: { readonly port?: number };
  readonly sleep?: { readonly seconds?: number };
}

export function validateProbe(probe: Probe, at: string, kind: string): FieldError[] {
  const errors = validateHandler({ ...probe, sleep: undefined }, at);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...validateNonNegative(probe[key], `${at}.${key}`));
  }
  const { successThreshold = 1, terminationGracePeriodSeconds: grace } = probe;
  const graceField = `${at}.terminationGracePeriodSeconds`;
  if (grace !== undefined && grace <= 0) errors.push(invalidField(graceField, grace, 'must be greater than 0'));
  if (kind === 'readinessProbe') {
    if (grace !== undefined) errors.push(invalidField(graceField, grace, 'must not be set for readinessProbes'));
  } else if (successThreshold !== 1) {
    errors.push(invalidField(`${at}.successThreshold`, successThreshold, 'must be 1'));
  }
  return errors;
}

/** A stop signal is taken without spec.os: our nodes are all Linux. */
export function validateLifecycle(lifecycle: Lifecycle | undefined, spec: PodSpec, at: string): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((key) => {
    const handler = lifecycle?.[key];
    return handler === undefined ? [] : validateHandler(handler, `${at}.${key}`, spec.terminationGracePeriodSeconds);
  });
}

const handlerKinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

/** Only the first is looked at. */
function validateHandler(handler: Handler, at: string, grace?: number): FieldError[] {
  const [first, ...more] = handlerKinds.filter((key) => handler[key] !== undefined);
  if (first === undefined) return [requiredField(at, 'must specify a handler type')];
  const errors = more.map((kind) => forbiddenField(`${at}.${kind}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc, sleep } = { [first]: handler[first] } as Handler;
  if (exec !== undefined && (exec.command ?? []).length === 0) errors.push(requiredField(`${at}.exec.command`));
  if (httpGet !== undefined) {
    if ((httpGet.path ?? '') === '') errors.push(requiredField(`${at}.httpGet.path`));
    errors.push(...validatePort(httpGet.port, `${at}.httpGet.port`));
    errors.push(...validateEnum(httpGet.scheme, `${at}.httpGet.scheme`, ['HTTP', 'HTTPS']));
    for (const { name = '' } of httpGet.httpHeaders ?? []) {
      for (const why of whyNotHeaderName(name)) errors.push(invalidField(`${at}.httpGet.httpHeaders`, name, why));
    }
  }
  if (tcpSocket !== undefined) errors.push(...validatePort(tcpSocket.port, `${at}.tcpSocket.port`));
  if (grpc !== undefined) errors.push(...validatePort(grpc.port, `${at}.grpc.port`));
  if (sleep !== undefined) errors.push(...validateSleep(sleep.seconds ?? 0, `${at}.sleep`, grace));
  return errors;
}

function validateSleep(seconds: number, field: string, grace: number | undefined): FieldError[] {
  if (grace === undefined || (seconds >= 0 && seconds <= grace)) return [];
  const why = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
  return [invalidField(field, seconds, why)];
}

function validatePort(port: IntOrString | undefined, field: string): FieldError[] {
  const value = port ?? 0;
  const bad = typeof value === 'number' ? whyNotPort(value) : whyNotPortName(value);
  return bad.map((why) => invalidField(field, value, why));
}
