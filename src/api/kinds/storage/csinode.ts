/** storage.k8s.io/v1 CSINode. Upstream: ValidateCSINode. */
import type { CSINode, CSINodeDriver } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, invalidField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from '../columns.ts';
import { validateImmutable } from '../lifecycle.ts';
import { validateDriverName } from './driver-name.ts';

const mostIdLetters = 256;

export const csiNodeKind = defineKind<CSINode>({
  resource: resources.csiNodes,
  returnsDeleted: true,
  validate,
  validateUpdate: (node, old) => [...validateMetadataUpdate(node, old), ...validate(node), ...validateKept(node, old)],
  columns: [
    nameColumn(),
    integerColumn(
      'Drivers',
      'Drivers indicates the number of CSI drivers registered on the node',
      ({ spec }) => (spec.drivers ?? []).length,
    ),
    ageColumn(),
  ],
});

function validate(node: CSINode): FieldError[] {
  const errors = validateMetadata(node, false, dns1123SubdomainName);
  const seen = new Set<string>();
  for (const [index, driver] of (node.spec.drivers ?? []).entries()) {
    const at = `spec.drivers[${String(index)}]`;
    errors.push(...validateDriver(driver, at));
    if (seen.has(driver.name)) errors.push(duplicateField(`${at}.name`, driver.name));
    seen.add(driver.name);
  }
  return errors;
}

function validateDriver(
  { name, nodeID = '', allocatable, topologyKeys = [] }: CSINodeDriver,
  at: string,
): FieldError[] {
  const errors = validateDriverName(name, `${at}.name`);
  if (nodeID === '') errors.push(requiredField(`${at}.nodeID`));
  if (nodeID.length > mostIdLetters) {
    errors.push(invalidField(`${at}.nodeID`, nodeID, `must be ${String(mostIdLetters)} characters or less`));
  }
  errors.push(...validateNonNegative(allocatable?.count, `${at}.allocatable.count`));
  for (const [index, key] of topologyKeys.entries()) {
    if (key === '') errors.push(requiredField(at));
    if (topologyKeys.indexOf(key) < index) errors.push(duplicateField(at, key));
    errors.push(...whyNotQualifiedName(key).map((why) => invalidField(at, key, why)));
  }
  return errors;
}

/** Drivers come and go; what a driver said stays, but for how many volumes there is room. */
function validateKept(node: CSINode, old: CSINode): FieldError[] {
  return (old.spec.drivers ?? []).flatMap(({ allocatable: _was, ...before }) => {
    const now = (node.spec.drivers ?? []).find(({ name }) => name === before.name);
    if (now === undefined) return [];
    const { allocatable: _is, ...after } = now;
    return validateImmutable(after, before, 'spec.drivers');
  });
}
