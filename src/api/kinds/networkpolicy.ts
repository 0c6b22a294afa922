/** networking.k8s.io/v1 NetworkPolicy: stored and validated, not enforced. Upstream: ValidateNetworkPolicy. */
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { cidrContains, parseCidr, whyInvalidCidr } from '../../util/ip.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabelSelector } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  whyNotPort,
  whyNotPortName,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { countGeneration } from './lifecycle.ts';

const directions = ['Ingress', 'Egress'];

export const networkPolicyKind = defineKind<NetworkPolicy>({
  resource: resources.networkPolicies,
  applyDefaults({ spec }) {
    if (spec === undefined) return;
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports ?? []) port.protocol ??= 'TCP';
    }
    if ((spec.policyTypes ?? []).length > 0) return;
    spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  prepareForCreate(policy) {
    policy.metadata = { ...policy.metadata, generation: 1 };
  },
  prepareForUpdate: countGeneration,
  validate: (policy) => [...validateMetadata(policy, true, dns1123SubdomainName), ...validatePolicy(policy)],
  validateUpdate: (policy, old) => [...validateMetadataUpdate(policy, old), ...validatePolicy(policy)],
  columns: [
    nameColumn(),
    column('Pod-Selector', 'podSelector selects the pods to which this NetworkPolicy object applies.', ({ spec }) =>
      formatLabelSelector(spec?.podSelector),
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validatePolicy(policy: NetworkPolicy): FieldError[] {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = policy.spec ?? {};
  const errors = [
    ...validateLabelSelector(podSelector, 'spec.podSelector'),
    ...ingress.flatMap(({ ports, from }, index) => validateRule(ports, from, `spec.ingress[${index}]`, 'from')),
    ...egress.flatMap(({ ports, to }, index) => validateRule(ports, to, `spec.egress[${index}]`, 'to')),
  ];
  if (policyTypes.length > directions.length) {
    return [...errors, invalidField('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes')];
  }
  for (const [index, type] of policyTypes.entries()) {
    if (!directions.includes(type)) errors.push(notSupportedField(`spec.policyTypes[${index}]`, type, directions));
  }
  return errors;
}

function validateRule(
  ports: readonly NetworkPolicyPort[] = [],
  peers: readonly NetworkPolicyPeer[] = [],
  at: string,
  side: 'from' | 'to',
): FieldError[] {
  return [
    ...ports.flatMap((port, index) => validatePort(port, `${at}.ports[${index}]`)),
    ...peers.flatMap((peer, index) => validatePeer(peer, `${at}.${side}[${index}]`)),
  ];
}

function validatePort({ port, endPort, protocol }: NetworkPolicyPort, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const protocols = ['TCP', 'UDP', 'SCTP'];
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.push(notSupportedField(`${at}.protocol`, protocol, protocols));
  }
  const refuseEnd = (why: string): void => {
    if (endPort !== undefined) errors.push(invalidField(`${at}.endPort`, endPort, why));
  };
  if (port === undefined) refuseEnd('may not be specified when `port` is not specified');
  else if (typeof port === 'string') {
    refuseEnd('may not be specified when `port` is non-numeric');
    for (const why of whyNotPortName(port)) errors.push(invalidField(`${at}.port`, port, why));
  } else {
    for (const why of whyNotPort(port)) errors.push(invalidField(`${at}.port`, port, why));
    if (endPort === undefined) return errors;
    if (endPort < port) errors.push(invalidField(`${at}.endPort`, port, 'must be greater than or equal to `port`'));
    for (const why of whyNotPort(endPort)) refuseEnd(why);
  }
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, at: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(podSelector, `${at}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : validateBlock(ipBlock, `${at}.ipBlock`)),
  ];
  const given = [podSelector, namespaceSelector, ipBlock].filter((one) => one !== undefined).length;
  if (given === 0) errors.push(requiredField(at, 'must specify a peer'));
  else if (given > 1 && ipBlock !== undefined) {
    errors.push(forbiddenField(at, 'may not specify both ipBlock and another peer'));
  }
  return errors;
}

function validateBlock({ cidr = '', except = [] }: IPBlock, at: string): FieldError[] {
  if (cidr === '') return [requiredField(`${at}.cidr`)];
  const why = whyInvalidCidr(cidr);
  const block = parseCidr(cidr);
  const errors = why === undefined ? [] : [invalidField(`${at}.cidr`, cidr, why)];
  if (block === undefined) return errors;
  for (const [index, text] of except.entries()) {
    const field = `${at}.except[${index}]`;
    const bad = whyInvalidCidr(text);
    if (bad !== undefined) errors.push(invalidField(field, text, bad));
    const inner = parseCidr(text);
    if (inner === undefined) continue;
    const inside = cidrContains(block, { family: inner.family, value: inner.base }) && block.bits < inner.bits;
    if (!inside) errors.push(invalidField(field, text, 'must be a strict subset of `cidr`'));
  }
  return errors;
}
