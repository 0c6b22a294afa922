/**
 * Patches: JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch. Pure: the object given
 * is never changed. What comes out still has to be decoded (types, unknown fields).
 */
export { applyJsonPatch, JsonPatchError, unknownOperationFields } from './json-patch.ts';
export { applyMergePatch } from './merge-patch.ts';
export { applyStrategicMergePatch } from './strategic.ts';
