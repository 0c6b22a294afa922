/**
 * DefaultStorageClass: a claim without a class gets the default one. PersistentVolumeClaimResize: a claim grows where its class
 * lets it. Upstream: plugin/pkg/admission/storage/{storageclass/setdefault,persistentvolume/resize}.
 */
import type { PersistentVolumeClaim } from '../../api/gen/types.ts';
import { forbiddenError } from '../../api/errors.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { resources } from '../../api/resources.ts';
import { defaultClass } from './default-class.ts';
import type { AdmissionPlugin, AdmissionView } from './request.ts';
import { bodyOf } from './request.ts';

/** The older one goes on to count. */
const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

export const defaultStorageClass: AdmissionPlugin = (request, view) => {
  const claim = bodyOf(request, resources.persistentVolumeClaims, ['create']);
  if (claim === undefined || classOf(claim) !== undefined) return;
  const chosen = defaultClass(view.list(resources.storageClasses), marks);
  if (chosen !== undefined) claim.spec = { ...claim.spec, storageClassName: chosen.metadata.name };
};

export const claimResize: AdmissionPlugin = (request, view) => {
  const claim = bodyOf(request, resources.persistentVolumeClaims, ['update']);
  const old = request.old as PersistentVolumeClaim | undefined;
  if (claim === undefined || old === undefined || sizeOf(claim) <= sizeOf(old)) return;
  const refuse = (why: string): Error => forbiddenError(resources.persistentVolumeClaims, request.name, why);
  if (old.status?.phase !== 'Bound') throw refuse('Only bound persistent volume claims can be expanded');
  if (mayGrow(claim, old, view)) return;
  throw refuse(
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  );
};

function mayGrow(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, view: AdmissionView): boolean {
  const name = classOf(claim) ?? '';
  if (name === '' || name !== classOf(old)) return false;
  return view.get(resources.storageClasses, { namespace: '', name })?.allowVolumeExpansion === true;
}

/** '' is a class too: that of claims that want none. */
function classOf({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return metadata?.annotations?.[classAnnotation] ?? spec?.storageClassName;
}

function sizeOf({ spec }: PersistentVolumeClaim): bigint {
  return parseQuantity(spec?.resources?.requests?.['storage'] ?? '0')?.nano ?? 0n;
}
