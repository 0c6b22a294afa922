/** Validation of probes and lifecycle handlers. Upstream: validateProbe, validateHandler. */
import type { IntOrString, Probe } from '../../gen/types.ts';
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
    readonly port: IntOrString;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string }[];
  };
  readonly tcpSocket?: { readonly port: IntOrString };
  readonly grpc?: { readonly port: number };
  readonly sleep?: { readonly seconds: number };
}

export function validateProbe(probe: Probe, at: string, kind: string): FieldError[] {
  const errors = validateHandler(probe, at);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...validateNonNegative(probe[key], `${at}.${key}`));
  }
  if (kind !== 'readinessProbe' && (probe.successThreshold ?? 1) !== 1) {
    errors.push(invalidField(`${at}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined) {
    if (kind === 'readinessProbe') {
      errors.push(invalidField(`${at}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
    } else if (grace <= 0) {
      errors.push(invalidField(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
    }
  }
  return errors;
}

export function validateHandler(handler: Handler, at: string): FieldError[] {
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (key) => handler[key] !== undefined,
  );
  if (kinds.length === 0) return [requiredField(at, 'must specify a handler type')];
  const errors = kinds
    .slice(1)
    .map((kind) => forbiddenField(`${at}.${kind}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec !== undefined && (exec.command ?? []).length === 0) errors.push(requiredField(`${at}.exec.command`));
  if (httpGet !== undefined) {
    if ((httpGet.path ?? '') === '') errors.push(requiredField(`${at}.httpGet.path`));
    errors.push(...validatePort(httpGet.port, `${at}.httpGet.port`));
    errors.push(...validateEnum(httpGet.scheme, `${at}.httpGet.scheme`, ['HTTP', 'HTTPS']));
    for (const { name } of httpGet.httpHeaders ?? []) {
      for (const why of whyNotHeaderName(name)) errors.push(invalidField(`${at}.httpGet.httpHeaders`, name, why));
    }
  }
  if (tcpSocket !== undefined) errors.push(...validatePort(tcpSocket.port, `${at}.tcpSocket.port`));
  if (grpc !== undefined) errors.push(...validatePort(grpc.port, `${at}.grpc.port`));
  return errors;
}

function validatePort(port: IntOrString | undefined, field: string): FieldError[] {
  const value = port ?? 0;
  const bad = typeof value === 'number' ? whyNotPort(value) : whyNotPortName(value);
  return bad.map((why) => invalidField(field, value, why));
}
