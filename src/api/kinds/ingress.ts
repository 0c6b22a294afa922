/** networking.k8s.io/v1 Ingress: stored; who serves it is somebody else's controller. Upstream: pkg/apis/networking/validation. */
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { standardIp, whyInvalidIp } from '../../util/ip.ts';
import { invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotPathSegment,
  whyNotPort,
  whyNotPortName,
  whyNotWildcardDns1123Subdomain,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';

const classAnnotation = 'kubernetes.io/ingress.class';

export const ingressKind = defineKind<Ingress>({
  resource: resources.ingresses,
  ...keepsStatusAndCounts<Ingress>({ loadBalancer: {} }),
  validate: (ingress) => [...validateIngress(ingress), ...validateClassAnnotation(ingress)],
  validateUpdate: (ingress, old) => [...validateMetadataUpdate(ingress, old), ...validateIngress(ingress)],
  warnings(ingress, old) {
    const set = ingress.metadata?.annotations?.[classAnnotation] !== undefined;
    if (!set || old !== undefined) return [];
    return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
  },
  status: statusOnly<Ingress>(validateStatus),
  columns: [
    nameColumn(),
    column(
      'Class',
      'The name of the IngressClass resource that should be used for additional configuration',
      ({ spec }) => spec?.ingressClassName ?? '<none>',
    ),
    column('Hosts', 'Hosts that incoming requests are matched against before the ingress rule', hostsText),
    column('Address', 'Address is a list containing ingress points for the load-balancer', addressText),
    column('Ports', 'Ports of TLS configurations that open', ({ spec }) =>
      (spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function hostsText({ spec }: Live<Ingress>): string {
  const rules = spec?.rules ?? [];
  const hosts = rules.map(({ host }) => host ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, 3).join(',');
  return hosts.length >= 3 && rules.length > 3 ? `${shown} + ${rules.length - 3} more...` : shown;
}

function addressText({ status }: Live<Ingress>): string {
  const points = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  return [...new Set(points.filter((point) => point !== ''))].sort().join(',');
}

function validateClassAnnotation(ingress: Ingress): FieldError[] {
  const annotation = ingress.metadata?.annotations?.[classAnnotation];
  const name = ingress.spec?.ingressClassName;
  if (annotation === undefined || name === undefined || annotation === name) return [];
  const why = 'must match `ingressClassName` when both are specified';
  return [invalidField(`annotations.${classAnnotation}`, annotation, why)];
}

function validateIngress(ingress: Ingress): FieldError[] {
  const spec: IngressSpec = ingress.spec ?? {};
  const { rules = [], defaultBackend, ingressClassName } = spec;
  const errors = validateMetadata(ingress, true, dns1123SubdomainName);
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.push(invalidField('spec', spec.rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend !== undefined) errors.push(...validateBackend(defaultBackend, 'spec.defaultBackend'));
  for (const [index, rule] of rules.entries()) errors.push(...validateRule(rule, `spec.rules[${index}]`));
  errors.push(...validateTls(spec));
  if (ingressClassName !== undefined) {
    for (const why of whyNotDns1123Subdomain(ingressClassName)) {
      errors.push(invalidField('spec.ingressClassName', ingressClassName, why));
    }
  }
  return errors;
}

function validateTls({ tls = [] }: IngressSpec): FieldError[] {
  return tls.flatMap(({ hosts = [], secretName = '' }, index) => {
    const at = `spec.tls[${index}]`;
    const errors = hosts.flatMap((host, position) => validateHost(host, `${at}.hosts[${position}]`));
    if (secretName === '') return errors;
    return [
      ...errors,
      ...whyNotDns1123Subdomain(secretName).map((why) => invalidField(`${at}.secretName`, secretName, why)),
    ];
  });
}

function validateHost(host: string, field: string): FieldError[] {
  const rule = host.includes('*') ? whyNotWildcardDns1123Subdomain : whyNotDns1123Subdomain;
  return rule(host).map((why) => invalidField(field, host, why));
}

function validateRule({ host = '', http }: IngressRule, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (standardIp(host) !== undefined)
    errors.push(invalidField(`${at}.host`, host, 'must be a DNS name, not an IP address'));
  if (host !== '') errors.push(...validateHost(host, `${at}.host`));
  if (http === undefined) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(requiredField(`${at}.http.paths`));
  return [...errors, ...paths.flatMap((path, index) => validatePath(path, `${at}.http.paths[${index}]`))];
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badEnds = ['/..', '/.'];

function validatePath({ path = '', pathType, backend }: HTTPIngressPath, at: string): FieldError[] {
  const field = `${at}.path`;
  const errors: FieldError[] = [];
  switch (pathType) {
    case undefined:
      return [requiredField(`${at}.pathType`, 'pathType must be specified')];
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) errors.push(invalidField(field, path, 'must be an absolute path'));
      for (const bad of badSequences) {
        if (path.includes(bad)) errors.push(invalidField(field, path, `must not contain '${bad}'`));
      }
      for (const bad of badEnds) {
        if (path.endsWith(bad)) errors.push(invalidField(field, path, `cannot end with '${bad}'`));
      }
      break;
    case 'ImplementationSpecific':
      if (path !== '' && !path.startsWith('/')) errors.push(invalidField(field, path, 'must be an absolute path'));
      break;
    default:
      errors.push(notSupportedField(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  }
  return [...errors, ...validateBackend(backend ?? {}, `${at}.backend`)];
}

function validateBackend({ resource, service }: IngressBackend, at: string): FieldError[] {
  if (resource !== undefined && service !== undefined) {
    return [invalidField(at, '', 'cannot set both resource and service backends')];
  }
  if (resource !== undefined) return validateReference(resource, `${at}.resource`);
  if (service === undefined) return [invalidField(at, '', 'resource or service backend is required')];
  const serviceName = service.name ?? '';
  const errors =
    serviceName === ''
      ? [requiredField(`${at}.service.name`)]
      : whyNotDns1123Label(serviceName).map((why) => invalidField(`${at}.service.name`, serviceName, why));
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) return [...errors, invalidField(at, '', 'cannot set both port name & port number')];
  if (name !== '') {
    return [...errors, ...whyNotPortName(name).map((why) => invalidField(`${at}.service.port.name`, name, why))];
  }
  if (number === 0) return [...errors, requiredField(at, 'port name or number is required')];
  return [...errors, ...whyNotPort(number).map((why) => invalidField(`${at}.service.port.number`, number, why))];
}

/** Upstream: validateIngressTypedLocalObjectReference; IngressClass parameters are checked alike. */
export function validateReference(
  reference: { readonly apiGroup?: string; readonly kind: string; readonly name: string },
  at: string,
): FieldError[] {
  const { apiGroup } = reference;
  const errors =
    apiGroup === undefined
      ? []
      : whyNotDns1123Subdomain(apiGroup).map((why) => invalidField(`${at}.apiGroup`, apiGroup, why));
  for (const key of ['kind', 'name'] as const) {
    const text = reference[key] ?? '';
    if (text === '') errors.push(requiredField(`${at}.${key}`));
    else for (const why of whyNotPathSegment(text)) errors.push(invalidField(`${at}.${key}`, text, why));
  }
  return errors;
}

function validateStatus({ status }: Ingress): FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '', hostname = '' }, index) => {
    const at = `status.loadBalancer.ingress[${index}]`;
    const why = ip === '' ? undefined : whyInvalidIp(ip);
    const errors = why === undefined ? [] : [invalidField(`${at}.ip`, ip, why)];
    if (hostname === '') return errors;
    for (const bad of whyNotDns1123Subdomain(hostname)) errors.push(invalidField(`${at}.hostname`, hostname, bad));
    if (standardIp(hostname) !== undefined)
      errors.push(invalidField(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
    return errors;
  });
}
