/**
 * One mutation of a policy: its expression makes a patch, the patch makes the next object. Loaded with the first policy.
 * Upstream: apiserver/pkg/admission/plugin/policy/mutating/patch (smd.go, json_patch.go).
 */
import type { CompiledMutation, CompiledParts } from '../../../api/admission-cel/index.ts';
import { CostExceeded } from '../../../api/cel/index.ts';
import type { Value } from '../../../api/cel/index.ts';
import { ApiError } from '../../../api/errors.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { applyUnowned, builtInType, MergeError } from '../../../api/managed-fields/index.ts';
import type { KubeObject } from '../../../api/object.ts';
import { applyJsonPatch, JsonPatchError } from '../../../api/patch/index.ts';
import { groupVersionOf } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import { converter } from '../../../api/views.ts';
import { decodeFor } from '../../decode.ts';
import { internalError } from '../../errors.ts';
import { outOfBudget } from '../match-conditions.ts';
import type { AdmissionRequest } from '../request.ts';
import { jsonOfPatches, jsonOfValue, wrongTypeNames } from './patch-value.ts';
import { PolicyRun } from './run.ts';
import type { Variables } from './run.ts';

export interface MutationRun {
  readonly mutation: CompiledMutation;
  readonly policy: CompiledParts;
  readonly variables: Variables;
}

/** The object as the mutation leaves it, or why there is none. Throws ApiError where upstream refuses whatever the failurePolicy says. */
export function mutateObject(
  kind: KindDefinition,
  request: AdmissionRequest,
  as: Resource,
  run: MutationRun,
): KubeObject | string {
  const { object } = request;
  if (object === undefined) return '';
  const { mutation } = run;
  const value = evaluate(run);
  if (value instanceof Error) return value.message;
  const { forms, resource } = request;
  const shown = {
    ...converter(forms, resource, as)(object),
    apiVersion: groupVersionOf(as),
    kind: request.bodyKind?.kind ?? as.kind,
  };
  const patched =
    mutation.patchType === 'JSONPatch' ? patchedBy(shown, value) : appliedTo(kind, request, as, shown, value);
  if (typeof patched === 'string') return patched;
  if (request.bodyKind !== undefined) return patched;
  const back = { ...converter(forms, as, resource)(patched), apiVersion: groupVersionOf(kind.resource) };
  return { ...decoded(kind, back), apiVersion: object.apiVersion, kind: object.kind };
}

function evaluate({ mutation, policy, variables }: MutationRun): Value | Error {
  const { expression } = mutation;
  if (expression.program === undefined) return new Error(expression.error ?? '');
  try {
    return new PolicyRun(policy, variables).evaluate(expression);
  } catch (error) {
    if (error instanceof CostExceeded) return new Error(outOfBudget);
    throw error;
  }
}

function appliedTo(
  kind: KindDefinition,
  { bodyKind }: AdmissionRequest,
  as: Resource,
  shown: KubeObject,
  value: Value,
): KubeObject | string {
  const wrong = wrongTypeNames(value);
  if (wrong !== '') return `type mismatch: ${wrong}`;
  if (bodyKind !== undefined) {
    const what = `${bodyKind.group}/${bodyKind.version}, Kind=${bodyKind.kind}`;
    return `error applying patch: failed to convert patch object to typed object: no corresponding type for ${what}`;
  }
  const config = { ...(jsonOfValue(value) as object), apiVersion: shown.apiVersion, kind: shown.kind };
  const type = kind.merging?.type ?? builtInType(as.schema);
  try {
    return applyUnowned(type, shown, config) as KubeObject;
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    return `error applying patch: ${error.message}`;
  }
}

function patchedBy(shown: KubeObject, value: Value): KubeObject | string {
  const patches = jsonOfPatches(value);
  if (typeof patches === 'string') return patches;
  try {
    return applyJsonPatch(shown, patches) as KubeObject;
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown };
    if (!(error instanceof ApiError) || !(cause instanceof JsonPatchError)) throw error;
    // A test that fails is no failure: the patch is not for this object.
    return cause.isTest ? shown : `JSON Patch: ${cause.message}`;
  }
}

function decoded(kind: KindDefinition, value: object): KubeObject {
  try {
    const { object, warnings } = decodeFor(kind, value, 'Warn');
    if (warnings.length === 0) return object;
    throw internalError(`strict decoding error: ${warnings.join(', ')}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error;
    throw internalError(error.message.replace(/^\S+ in version "\S+" cannot be handled as a \S+: /, ''));
  }
}
