/** core/v1 Node. Upstream: pkg/registry/core/node/strategy.go, printNode. */
import type { Node, Taint } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { parseCidr, whyInvalidCidr } from '../../util/ip.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotLabelValue,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { clone } from '../clone.ts';

export const nodeKind = defineKind<Node>({
  resource: resources.nodes,
  applyDefaults(node) {
    const spec = (node.spec ??= {});
    // The singular field is older, and what old clients change. Upstream: pkg/apis/core/v1/conversion.go.
    const { podCIDR = '' } = spec;
    if (podCIDR !== '' && podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [podCIDR];
    if ((spec.podCIDRs?.[0] ?? '') === '') delete spec.podCIDR;
    else spec.podCIDR = spec.podCIDRs?.[0] ?? '';
    if (node.status?.capacity !== undefined) node.status.allocatable ??= { ...node.status.capacity };
  },
  prepareForCreate(node) {
    delete node.spec?.configSource;
    delete node.status?.config;
  },
  prepareForUpdate(node, old) {
    node.status = clone(old.status ?? {});
    if (old.spec?.configSource === undefined) delete node.spec?.configSource;
  },
  warnings: ({ spec }) =>
    (spec?.externalID ?? '') === '' ? [] : ['spec.externalID: this field is deprecated, and is unused by Kubernetes'],
  validate: validateNode,
  validateUpdate: (node, old) => [
    ...validateMetadataUpdate(node, old),
    ...validateSpecUpdate(node, old),
    ...validateNode(node),
  ],
  status: {
    prepareForUpdate(node, old) {
      node.spec = clone(old.spec ?? {});
    },
    validateUpdate: (node, old) => [...validateMetadataUpdate(node, old), ...validateAddresses(node)],
  },
  columns: [
    nameColumn(),
    column('Status', 'The status of the node', statusText),
    column('Roles', 'The roles of the node', rolesText),
    ageColumn(),
    column('Version', 'Kubelet Version reported by the node.', (node) => node.status?.nodeInfo?.kubeletVersion ?? ''),
    wideColumn('Internal-IP', 'List of internal addresses of the node.', (node) => addressText(node, 'InternalIP')),
    wideColumn('External-IP', 'List of external addresses of the node.', (node) => addressText(node, 'ExternalIP')),
    wideColumn('OS-Image', 'OS Image reported by the node.', (node) => node.status?.nodeInfo?.osImage || '<unknown>'),
    wideColumn(
      'Kernel-Version',
      'Kernel Version reported by the node.',
      (node) => node.status?.nodeInfo?.kernelVersion || '<unknown>',
    ),
    wideColumn(
      'Container-Runtime',
      'ContainerRuntime Version reported by the node.',
      (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
    ),
  ],
  fieldSelectors: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
  unconditionalUpdate: true,
});

function validateNode(node: Node): FieldError[] {
  const errors = validateMetadata(node, false, dns1123SubdomainName);
  errors.push(...validateTaints(node.spec?.taints ?? [], 'metadata.taints'));
  const cidrs = node.spec?.podCIDRs ?? [];
  for (const [index, cidr] of cidrs.entries()) {
    const why = whyInvalidCidr(cidr);
    if (why !== undefined) errors.push(invalidField(`spec.podCIDRs[${index}]`, cidr, why));
  }
  if (cidrs.length > 1 && new Set(cidrs.map((cidr) => parseCidr(cidr)?.family)).size !== cidrs.length) {
    errors.push(invalidField('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  }
  return errors;
}

function validateTaints(taints: readonly Taint[], at: string): FieldError[] {
  const known = new Set<string>();
  return taints.flatMap((taint, index) => {
    const { key, value = '', effect, timeAdded = null } = taint;
    const errors = validateTaint(taint, `${at}[${index}]`);
    const id = `${effect} ${key}`;
    if (known.has(id)) {
      // As Go's encoder writes upstream's own struct.
      const same = duplicateField(`${at}[${index}]`, { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded });
      errors.push({ ...same, message: `${same.message}: taints must be unique by key and effect pair` });
    }
    known.add(id);
    return errors;
  });
}

function validateTaint(taint: Taint, at: string): FieldError[] {
  const errors = whyNotQualifiedName(taint.key).map((why) => invalidField(`${at}.key`, taint.key, why));
  for (const why of whyNotLabelValue(taint.value ?? '')) errors.push(invalidField(`${at}.value`, taint.value, why));
  if (taint.effect === '') return [...errors, requiredField(`${at}.effect`)];
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  if (!effects.includes(taint.effect)) errors.push(notSupportedField(`${at}.effect`, taint.effect, effects));
  return errors;
}

function validateSpecUpdate(node: Node, old: Live<Node>): FieldError[] {
  const errors: FieldError[] = [];
  const [now, was] = [node.spec ?? {}, old.spec ?? {}];
  const cidrs = was.podCIDRs ?? [];
  if (cidrs.length > 0 && cidrs.join() !== (now.podCIDRs ?? []).join()) {
    errors.push(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if ((was.providerID ?? '') !== '' && was.providerID !== now.providerID) {
    errors.push(forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
}

function validateAddresses(node: Node): FieldError[] {
  const addresses = (node.status?.addresses ?? []).map(({ type, address }) => `${type}/${address}`);
  return addresses.flatMap((text, index) =>
    addresses.indexOf(text) === index
      ? []
      : [duplicateField(`status.addresses[${index}]`, node.status?.addresses?.[index])],
  );
}

function statusText(node: Live<Node>): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function rolesText(node: Live<Node>): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(prefix) && key.length > prefix.length) roles.add(key.slice(prefix.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',');
}

function addressText(node: Live<Node>, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}
