/**
 * ConversionReview: objects of one version to a webhook, and back in another. Upstream:
 * apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go.
 */
import { randomUUID } from 'node:crypto';
import type { Converter } from '../../api/custom/index.ts';
import { apiError } from '../../api/errors.ts';
import type { ApiError } from '../../api/errors.ts';
import type { CustomResourceDefinition } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import type { Store } from '../../store/index.ts';
import { CallError, postReview } from '../admission/webhooks/dial.ts';
import { bucketOfDefinition } from './kinds.ts';

const timeoutSeconds = 30;

export function converterOf(store: Store, definition: CustomResourceDefinition): Converter {
  const bucket = bucketOfDefinition(definition);
  return {
    stored: () => store.list(bucket).map(({ value }) => value as Live<KubeObject>),
    convert: (objects, apiVersion) => convert(store, definition, objects, apiVersion),
  };
}

async function convert(
  store: Store,
  { spec }: CustomResourceDefinition,
  objects: readonly Live<KubeObject>[],
  apiVersion: string,
): Promise<readonly KubeObject[]> {
  const { webhook } = spec.conversion ?? {};
  const failed = (why: string): ApiError => failure(objects[0]?.apiVersion ?? '', spec.names.kind, why);
  if (webhook?.clientConfig === undefined) throw failed('no client config');
  const version = webhook.conversionReviewVersions.find((one) => one === 'v1' || one === 'v1beta1') ?? 'v1';
  const uid = randomUUID();
  const review = {
    kind: 'ConversionReview',
    apiVersion: `apiextensions.k8s.io/${version}`,
    request: { uid, desiredAPIVersion: apiVersion, objects },
  };
  try {
    const answer = await postReview(store, webhook.clientConfig, timeoutSeconds, review);
    return readAnswer(answer, review.apiVersion, uid, objects, apiVersion);
  } catch (error) {
    if (error instanceof CallError) throw failed(error.message);
    throw error;
  }
}

/** Throws CallError: an answer that is none counts as a call that failed. */
function readAnswer(
  value: unknown,
  wanted: string,
  uid: string,
  objects: readonly Live<KubeObject>[],
  apiVersion: string,
): readonly KubeObject[] {
  const bad = (why: string): CallError => new CallError(`invalid response: ${why}`);
  const review = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (review['apiVersion'] !== wanted || review['kind'] !== 'ConversionReview') {
    throw bad(`expected webhook response of ${wanted}, Kind=ConversionReview`);
  }
  const response = review['response'] as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof response !== 'object' || response === null) throw bad('no response provided');
  if (response['uid'] !== uid) {
    throw bad(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`);
  }
  const result = (response['result'] ?? {}) as { readonly status?: string; readonly message?: string };
  if (result.status !== 'Success') {
    const why = (result.message ?? '') === '' ? "response.result.status was 'Failure'" : (result.message ?? '');
    throw new CallError(why);
  }
  const converted = (response['convertedObjects'] ?? []) as readonly KubeObject[];
  if (converted.length !== objects.length) {
    throw bad(`expected ${String(objects.length)} converted objects, got ${String(converted.length)}`);
  }
  for (const [index, one] of converted.entries()) {
    const { metadata } = objects[index] as Live<KubeObject>;
    const at = `converted object at index ${String(index)}`;
    if (one.apiVersion !== apiVersion) throw bad(`invalid groupVersion, ${at}: expected ${apiVersion}`);
    if (one.kind !== objects[index]?.kind) throw bad(`invalid kind, ${at}`);
    for (const field of ['name', 'namespace', 'uid'] as const) {
      if ((one.metadata?.[field] ?? '') !== (metadata[field] ?? ''))
        throw bad(`invalid metadata of object at index ${String(index)}: metadata.${field} is immutable`);
    }
  }
  return converted;
}

function failure(apiVersion: string, kind: string, why: string): ApiError {
  const text = `conversion webhook for ${apiVersion}, Kind=${kind} failed: ${why}`;
  return apiError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] });
}
