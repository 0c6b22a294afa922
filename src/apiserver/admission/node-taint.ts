/**
 * TaintNodesByCondition: a new node takes no pods before the node controller has seen it ready. Upstream:
 * plugin/pkg/admission/nodetaint.
 */
import { resources } from '../../api/resources.ts';
import type { AdmissionPlugin } from './request.ts';
import { bodyOf } from './request.ts';

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export const nodeTaint: AdmissionPlugin = (request) => {
  const node = bodyOf(request, resources.nodes, ['create']);
  if (node === undefined) return;
  const taints = node.spec?.taints ?? [];
  if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return;
  node.spec = { ...node.spec, taints: [...taints, { ...notReady }] };
};
