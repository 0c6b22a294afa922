/**
 * Where a claim's volume is filled from: dataSource, and dataSourceRef, which may name any kind. One that is missing is a
 * copy of the other. Upstream: pkg/api/persistentvolumeclaim/util.go, validateDataSource, validateDataSourceRef (KEP-1495).
 */
import type { PersistentVolumeClaimSpec, TypedLocalObjectReference, TypedObjectReference } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { whyNotDns1123Label, whyNotDns1123Subdomain } from '../validation/index.ts';

/** `old` undefined: the claim is new. */
export function prepareDataSource(
  spec: PersistentVolumeClaimSpec,
  old: Pick<PersistentVolumeClaimSpec, 'dataSource' | 'dataSourceRef'> | undefined,
): void {
  // Sources of other namespaces (CrossNamespaceVolumeDataSource) are off by default.
  if ((spec.dataSourceRef?.namespace ?? '') !== '' && old?.dataSourceRef === undefined) delete spec.dataSourceRef;
  const wasUsed = old?.dataSource !== undefined || old?.dataSourceRef !== undefined;
  // Old clients' sources of other kinds are dropped without a word.
  if (!wasUsed && spec.dataSourceRef === undefined && !isOfOldClient(spec.dataSource)) delete spec.dataSource;
  const { dataSource, dataSourceRef } = spec;
  if (dataSourceRef === undefined && dataSource !== undefined) spec.dataSourceRef = { ...dataSource };
  else if (dataSource === undefined && dataSourceRef !== undefined && (dataSourceRef.namespace ?? '') === '') {
    const { namespace: _, ...source } = dataSourceRef;
    spec.dataSource = source;
  }
}

function isOfOldClient(source: TypedLocalObjectReference | undefined): boolean {
  const group = source?.apiGroup ?? '';
  if (source?.kind === 'PersistentVolumeClaim') return group === '';
  return source?.kind === 'VolumeSnapshot' && group === 'snapshot.storage.k8s.io';
}

export function validateDataSources(spec: PersistentVolumeClaimSpec, at: string): FieldError[] {
  const { dataSource, dataSourceRef } = spec;
  const errors = dataSource === undefined ? [] : validateSource(dataSource, `${at}.dataSource`);
  if (dataSourceRef === undefined) return errors;
  const { namespace = '' } = dataSourceRef;
  errors.push(...validateSource(dataSourceRef, `${at}.dataSourceRef`));
  for (const why of namespace === '' ? [] : whyNotDns1123Label(namespace)) {
    errors.push(invalidField(`${at}.dataSourceRef.namespace`, namespace, why));
  }
  if (dataSource === undefined) return errors;
  const refuse = (why: string): FieldError[] => [...errors, invalidField(at, `${at}.dataSource`, why)];
  if (namespace !== '') return refuse('may not be specified when dataSourceRef.namespace is specified');
  return isSame(dataSource, dataSourceRef) ? errors : refuse('must match dataSourceRef');
}

function isSame(source: TypedLocalObjectReference, ref: TypedObjectReference): boolean {
  return source.apiGroup === ref.apiGroup && source.kind === ref.kind && source.name === ref.name;
}

function validateSource({ apiGroup = '', kind = '', name = '' }: TypedLocalObjectReference, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(requiredField(`${at}.name`));
  if (kind === '') errors.push(requiredField(`${at}.kind`));
  if (apiGroup !== '') {
    return [...errors, ...whyNotDns1123Subdomain(apiGroup).map((why) => invalidField(`${at}.apiGroup`, apiGroup, why))];
  }
  if (kind === 'PersistentVolumeClaim') return errors;
  return [...errors, invalidField(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")];
}
