/** Validation of projected and downward API volumes. Upstream: validateProjectionSources, validateDownwardAPIVolumeFile. */
import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, requiredField } from '../../field-errors.ts';
import { validateLabelSelector } from '../../validation/index.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFieldPaths } from './downward.ts';
import { validateFileMode } from './file-mode.ts';
import { validateLocalPath } from './paths.ts';

const leastTokenSeconds = 600;
const mostTokenSeconds = 2 ** 32;
const kinds = [
  'secret',
  'configMap',
  'downwardAPI',
  'serviceAccountToken',
  'clusterTrustBundle',
  'podCertificate',
] as const;

export function validateProjected({ sources = [], defaultMode }: ProjectedVolumeSource, at: string): FieldError[] {
  const paths = new Set<string>();
  return [
    ...validateFileMode(defaultMode, `${at}.defaultMode`),
    ...sources.flatMap((source, index) => validateProjection(source, paths, at, `${at}.sources[${index}]`)),
  ];
}

/** Two files of one volume cannot have one path; that is said of the whole volume. */
function validateProjection(source: VolumeProjection, paths: Set<string>, at: string, path: string): FieldError[] {
  const { downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source;
  const errors: FieldError[] = [];
  const take = (file: string | undefined, shown = file): void => {
    if (file === undefined || file === '') return;
    if (paths.has(file)) errors.push(invalidField(at, shown, 'conflicting duplicate paths'));
    paths.add(file);
  };
  for (const key of ['secret', 'configMap'] as const) {
    const from = source[key];
    if (from === undefined) continue;
    if ((from.name ?? '') === '') errors.push(requiredField(`${path}.${key}.name`));
    for (const [index, item] of (from.items ?? []).entries()) {
      errors.push(...validateKeyToPath(item, `${path}.${key}.items[${index}]`));
      take(item.path, from.name ?? '');
    }
  }
  errors.push(...validateDownwardFiles(downwardAPI?.items ?? [], `${path}.downwardAPI`));
  for (const { path: file } of downwardAPI?.items ?? []) take(file);
  if (token !== undefined) errors.push(...validateToken(token, at, `${path}.serviceAccountToken`));
  if (bundle !== undefined) {
    errors.push(...validateBundle(bundle, `${path}.clusterTrustBundle`));
    take(bundle.path);
  }
  if (kinds.filter((key) => source[key] !== undefined).length > 1) {
    errors.push(forbiddenField(path, 'may not specify more than 1 volume type per source'));
  }
  return errors;
}

export function validateKeyToPath({ key = '', path = '', mode }: Partial<KeyToPath>, at: string): FieldError[] {
  return [
    ...(key === '' ? [requiredField(`${at}.key`)] : []),
    ...(path === '' ? [requiredField(`${at}.path`)] : []),
    ...validateLocalPath(path, `${at}.path`),
    ...validateFileMode(mode, `${at}.mode`),
  ];
}

/** The path of a token is said of the volume. */
function validateToken(token: Partial<ServiceAccountTokenProjection>, volume: string, at: string): FieldError[] {
  const { expirationSeconds: seconds = 0, path = '' } = token;
  const field = `${at}.expirationSeconds`;
  const errors: FieldError[] = [];
  if (seconds < leastTokenSeconds) {
    errors.push(invalidField(field, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds > mostTokenSeconds) {
    errors.push(invalidField(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  if (path === '') return [...errors, requiredField(`${volume}.path`)];
  return [...errors, ...validateLocalPath(path, `${volume}.path`)];
}

function validateBundle(bundle: Partial<ClusterTrustBundleProjection>, at: string): FieldError[] {
  const { name, signerName, labelSelector, path = '' } = bundle;
  const errors: FieldError[] = [];
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalidField(at, bundle, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') errors.push(requiredField(`${at}.name`, 'must be a valid object name'));
    if (labelSelector !== undefined) {
      const why = 'labelSelector must be unset if name is specified';
      errors.push(invalidField(`${at}.labelSelector`, labelSelector, why));
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(requiredField(`${at}.signerName`, 'must be a valid signer name'));
    errors.push(...validateLabelSelector(labelSelector, `${at}.labelSelector`));
  } else errors.push(requiredField(at, 'either name or signerName must be specified'));
  if (path === '') errors.push(requiredField(`${at}.path`));
  return [...errors, ...validateLocalPath(path, `${at}.path`)];
}

/** Files are not numbered. */
export function validateDownwardFiles(files: readonly DownwardAPIVolumeFile[], at: string): FieldError[] {
  return files.flatMap(({ path = '', fieldRef, resourceFieldRef, mode }: Partial<DownwardAPIVolumeFile>) => {
    const errors = path === '' ? [requiredField(`${at}.path`)] : [];
    errors.push(...validateLocalPath(path, `${at}.path`));
    if (fieldRef !== undefined) {
      errors.push(...validateFieldRef(fieldRef, volumeFieldPaths, `${at}.fieldRef`));
      if (resourceFieldRef !== undefined) {
        const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
        errors.push(invalidField(at, 'resource', why));
      }
    } else if (resourceFieldRef !== undefined) {
      errors.push(...validateResourceFieldRef(resourceFieldRef, `${at}.resourceFieldRef`, true));
    } else errors.push(requiredField(at, 'one of fieldRef and resourceFieldRef is required'));
    return [...errors, ...validateFileMode(mode, `${at}.mode`)];
  });
}
