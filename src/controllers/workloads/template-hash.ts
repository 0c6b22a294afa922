/**
 * pod-template-hash: tells the ReplicaSets of one Deployment apart. 32-bit FNV-1a over the template, written with letters that
 * form no words. Upstream hashes Go's own dump of the struct, which nobody else can reproduce; ours is over canonical JSON,
 * and is found again by comparing templates, never by recomputing the hash (so foreign ReplicaSets are recognised).
 */
import type { PodTemplateSpec } from '../../api/gen/types.ts';
import { semanticEqual } from '../equality.ts';

export const hashLabel = 'pod-template-hash';

export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = fnv1a(0x811c9dc5, canonical(template));
  if (collisionCount !== undefined) hash = fnv1a(hash, String(collisionCount));
  return safeEncode(String(hash));
}

/** Equal but for the hash label. Upstream: EqualIgnoreHash. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return semanticEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  const { creationTimestamp: _created, ...metadata } = template?.metadata ?? {};
  return { spec: template?.spec, metadata: { ...metadata, labels } };
}

/** Keys sorted, empty things left out: what semanticEqual calls equal has one text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => [name, canonical(field)] as const)
    .filter(([, text]) => text !== '{}' && text !== '[]');
  return `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

function fnv1a(seed: number, text: string): number {
  let hash = seed;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** k8s.io/apimachinery/pkg/util/rand.SafeEncodeString. */
function safeEncode(text: string): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return [...Buffer.from(text)].map((byte) => letters[byte % letters.length]).join('');
}
