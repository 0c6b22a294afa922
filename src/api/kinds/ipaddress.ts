/** networking.k8s.io/v1 IPAddress: one address in use, named by its text. Upstream: ValidateIPAddress, KEP-1880. */
import type { IPAddress } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { KindDefinition, WriteView } from '../kind.ts';
import type { Live } from '../object.ts';
import { canonicalIp, whyInvalidIp } from '../../util/ip.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Subdomain,
  whyNotPathSegment,
} from '../validation/index.ts';
import { column, nameColumn } from './columns.ts';
import { validateImmutable } from './lifecycle.ts';

export type OnIpAddressWrite = (
  view: WriteView,
  address: IPAddress | undefined,
  old: Live<IPAddress> | undefined,
) => void;

export function ipAddressKind(onWrite: OnIpAddressWrite | undefined): KindDefinition {
  return defineKind<IPAddress>({
    resource: resources.ipAddresses,
    validate: (address) => [...validateMetadata(address, false, whyNotCanonicalIp), ...validateParent(address)],
    validateUpdate: (address, old) => [
      ...validateMetadataUpdate(address, old),
      ...validateImmutable(address.spec?.parentRef, old.spec?.parentRef, 'spec.parentRef'),
    ],
    columns: [
      nameColumn(),
      column('ParentRef', 'ParentRef references the resource that an IPAddress is attached to.', parentText),
      // No age: upstream's header ends here.
    ],
    fieldSelectors: { 'spec.parentRef.name': ({ spec }) => spec?.parentRef.name ?? '' },
    ...(onWrite === undefined ? {} : { onWrite }),
    unconditionalUpdate: true,
  });
}

function whyNotCanonicalIp(name: string): string[] {
  const why = whyInvalidIp(name);
  if (why !== undefined) return [why];
  const canonical = canonicalIp(name) ?? name;
  return canonical === name ? [] : [`must be in canonical form ("${canonical}")`];
}

/** `services/default/web` */
function parentText({ spec }: Live<IPAddress>): string {
  const parent = spec?.parentRef;
  if (parent === undefined) return '<none>';
  const { group = '', resource, namespace = '', name } = parent;
  const what = group === '' ? resource : `${resource}.${group}`;
  return [what.toLowerCase(), ...(namespace === '' ? [] : [namespace]), name].join('/');
}

function validateParent({ spec }: IPAddress): FieldError[] {
  const parent = spec?.parentRef;
  const at = 'spec.parentRef';
  if (parent === undefined) return [requiredField(at)];
  const { group = '', resource = '', name = '', namespace = '' } = parent;
  const errors =
    group === '' ? [] : whyNotDns1123Subdomain(group).map((why) => invalidField(`${at}.group`, group, why));
  for (const [key, text] of Object.entries({ resource, name })) {
    if (text === '') errors.push(requiredField(`${at}.${key}`));
    else for (const why of whyNotPathSegment(text)) errors.push(invalidField(`${at}.${key}`, text, why));
  }
  return [...errors, ...whyNotPathSegment(namespace).map((why) => invalidField(`${at}.namespace`, namespace, why))];
}
