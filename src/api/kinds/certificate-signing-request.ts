/**
 * certificates.k8s.io/v1 CertificateSigningRequest: somebody asks (spec, for ever), somebody else approves (/approval), a signer
 * writes the certificate (/status). Who asks is written by the server. Upstream: pkg/registry/certificates, pkg/apis/certificates/validation.
 */
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { humanDuration, timeText } from '../time.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { whyNotPathSegment } from './rbac/names.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { clone } from '../clone.ts';

type Csr = CertificateSigningRequest;

const decided = ['Approved', 'Denied'];

export const certificateSigningRequestKind = defineKind<Csr>({
  resource: resources.certificateSigningRequests,
  applyDefaults(csr) {
    (csr as { spec?: Csr['spec'] }).spec ??= {} as Csr['spec'];
  },
  prepareForCreate(csr) {
    csr.status = {};
  },
  prepareForUpdate(csr, old) {
    csr.spec = clone(old.spec);
    csr.status = clone(old.status ?? {});
  },
  validate: validateRequest,
  validateUpdate: (csr, old) => validateUpdate(csr, old, { approval: false, certificate: false }),
  status: {
    prepareForUpdate(csr, old) {
      csr.spec = clone(old.spec);
      // Who decides goes through /approval.
      const others = conditionsOf(csr).filter(({ type }) => !decided.includes(type));
      csr.status = { ...csr.status, conditions: [...conditionsOf(old).filter(isDecision), ...others] };
      stamp(csr);
    },
    validateUpdate: (csr, old) => validateUpdate(csr, old, { approval: false, certificate: true }),
  },
  approval: {
    prepareForUpdate(csr, old) {
      csr.spec = clone(old.spec);
      const { certificate } = old.status ?? {};
      csr.status = { conditions: conditionsOf(csr), ...(certificate === undefined ? {} : { certificate }) };
      stamp(csr);
    },
    validateUpdate: (csr, old) => validateUpdate(csr, old, { approval: true, certificate: false }),
  },
  columns: [
    nameColumn(),
    ageColumn(),
    column('SignerName', 'signerName indicates the requested signer, and is a qualified name.', (csr) => {
      return csr.spec.signerName === '' ? '<none>' : csr.spec.signerName;
    }),
    column('Requestor', 'request contains an x509 certificate signing request', (csr) => csr.spec.username ?? ''),
    column('RequestedDuration', 'expirationSeconds is the requested duration of validity', (csr) =>
      csr.spec.expirationSeconds === undefined ? '<none>' : humanDuration(csr.spec.expirationSeconds * 1000),
    ),
    column('Condition', 'conditions applied to the request.', conditionText),
  ],
  fieldSelectors: { 'spec.signerName': (csr) => csr.spec.signerName },
  unconditionalUpdate: true,
});

function conditionsOf(csr: Csr | Live<Csr>): CertificateSigningRequestCondition[] {
  return csr.status?.conditions ?? [];
}

function isDecision({ type }: CertificateSigningRequestCondition): boolean {
  return decided.includes(type);
}

function conditionText(csr: Live<Csr>): string {
  const have = new Set(conditionsOf(csr).map(({ type }) => type));
  const verdict = have.has('Denied') ? 'Denied' : have.has('Approved') ? 'Approved' : 'Pending';
  const failed = have.has('Failed') ? ',Failed' : '';
  return `${verdict}${failed}${(csr.status?.certificate ?? '') === '' ? '' : ',Issued'}`;
}

function stamp(csr: Csr): void {
  const now = timeText(Date.now());
  for (const condition of conditionsOf(csr)) {
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??= now;
  }
}

const usages: ReadonlySet<string> = new Set([
  ...['signing', 'digital signature', 'content commitment', 'key encipherment', 'key agreement', 'data encipherment'],
  ...['cert sign', 'crl sign', 'encipher only', 'decipher only', 'any', 'server auth', 'client auth', 'code signing'],
  ...['email protection', 's/mime', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'timestamping', 'ocsp signing'],
  ...['microsoft sgc', 'netscape sgc'],
]);

function validateRequest(csr: Csr): FieldError[] {
  const { request, signerName, expirationSeconds, usages: asked = [] } = csr.spec as Partial<Csr['spec']>;
  const errors = validateMetadata(csr, false, whyNotPathSegment);
  const pem = Buffer.from(request ?? '', 'base64').toString('latin1');
  if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) {
    errors.push(invalidField('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST'));
  }
  if (asked.length === 0) errors.push(requiredField('spec.usages'));
  for (const [index, usage] of asked.entries()) {
    if (!usages.has(usage)) errors.push(notSupportedField(`spec.usages[${index}]`, usage, [...usages].sort()));
    if (asked.indexOf(usage) < index) errors.push(duplicateField(`spec.usages[${index}]`, usage));
  }
  errors.push(...validateSignerName(signerName ?? ''));
  if (expirationSeconds !== undefined && expirationSeconds < 600) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(invalidField('spec.expirationSeconds', expirationSeconds, why));
  }
  return [...errors, ...validateConditions(conditionsOf(csr))];
}

function validateSignerName(name: string): FieldError[] {
  const field = 'spec.signerName';
  if (name === '') return [requiredField(field)];
  if (name === 'kubernetes.io/legacy-unknown') {
    return [invalidField(field, name, 'the legacy signerName is not allowed via this API version')];
  }
  const [domain = '', path, ...more] = name.split('/');
  if (path === undefined || path === '' || more.length > 0) {
    return [
      invalidField(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
    ];
  }
  const errors = dns1123SubdomainName(domain).map((why) => invalidField(field, domain, why));
  if (domain.includes('.')) return errors;
  return [...errors, invalidField(field, domain, 'should be a domain with at least two segments separated by dots')];
}

function validateConditions(conditions: readonly CertificateSigningRequestCondition[]): FieldError[] {
  const errors: FieldError[] = [];
  const field = 'status.conditions';
  for (const [index, { type, status }] of conditions.entries()) {
    const fixed = [...decided, 'Failed'].includes(type);
    const allowed = fixed ? ['True'] : ['False', 'True', 'Unknown'];
    if (type === '') errors.push(requiredField(`${field}[${index}].type`));
    if (status === '') errors.push(requiredField(`${field}[${index}].status`));
    else if (!allowed.includes(status)) errors.push(notSupportedField(`${field}[${index}].status`, status, allowed));
    if (conditions.findIndex((other) => other.type === type) < index) {
      errors.push(duplicateField(`${field}[${index}].type`, type));
    }
  }
  const types = conditions.map(({ type }) => type);
  if (decided.every((type) => types.includes(type))) {
    const last = types.findLast((type) => decided.includes(type));
    errors.push(invalidField(field, last, 'Approved and Denied conditions are mutually exclusive'));
  }
  return errors;
}

function validateUpdate(csr: Csr, old: Live<Csr>, may: { approval: boolean; certificate: boolean }): FieldError[] {
  const errors = [...validateRequest(csr), ...validateMetadataUpdate(csr, old)];
  const field = 'status.conditions';
  for (const type of [...decided, 'Failed']) {
    const before = conditionsOf(old).filter((condition) => condition.type === type);
    const now = conditionsOf(csr).filter((condition) => condition.type === type);
    if (now.length < before.length) {
      errors.push(forbiddenField(field, `updates may not remove a condition of type ${JSON.stringify(type)}`));
    } else if (!may.approval && type !== 'Failed' && now.length > before.length) {
      errors.push(forbiddenField(field, `updates may not add a condition of type ${JSON.stringify(type)}`));
    } else if (!may.approval && type !== 'Failed' && !sameValue(now, before)) {
      errors.push(forbiddenField(field, `updates may not modify a condition of type ${JSON.stringify(type)}`));
    }
  }
  const had = old.status?.certificate ?? '';
  if ((csr.status?.certificate ?? '') === had) return errors;
  const where = 'status.certificate';
  if (!may.certificate) errors.push(forbiddenField(where, 'updates may not set certificate content'));
  else if (had !== '') {
    errors.push(forbiddenField(where, 'updates may not modify existing certificate content'));
  }
  return errors;
}
