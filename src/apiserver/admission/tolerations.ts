/**
 * DefaultTolerationSeconds: a pod stays five minutes on a node that is lost, unless it says otherwise.
 * Upstream: plugin/pkg/admission/defaulttolerationseconds.
 */
import type { Toleration } from '../../api/gen/types.ts';
import type { AdmissionPlugin } from './request.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';

const seconds = 300;
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export const defaultTolerationSeconds: AdmissionPlugin = (request) => {
  const pod = bodyOf(request, resources.pods, ['create', 'update']);
  if (pod?.spec === undefined) return;
  const given = pod.spec.tolerations ?? [];
  const missing = taints.filter((taint) => !given.some((toleration) => covers(toleration, taint)));
  if (missing.length === 0) return;
  const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }));
  pod.spec.tolerations = [...given, ...added];
};

function covers({ key = '', effect = '' }: Toleration, taint: string): boolean {
  return (key === taint || key === '') && (effect === 'NoExecute' || effect === '');
}
