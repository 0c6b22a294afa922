/** DefaultIngressClass: an Ingress without a class gets the default one. Upstream: plugin/pkg/admission/network/defaultingressclass. */
import type { AdmissionPlugin } from './request.ts';
import { resources } from '../../api/resources.ts';
import { defaultClass } from './default-class.ts';
import { bodyOf } from './request.ts';

const isDefault = 'ingressclass.kubernetes.io/is-default-class';
const classAnnotation = 'kubernetes.io/ingress.class';

export const defaultIngressClass: AdmissionPlugin = (request, view) => {
  const ingress = bodyOf(request, resources.ingresses, ['create']);
  if (ingress?.spec === undefined || ingress.spec.ingressClassName !== undefined) return;
  if (ingress.metadata?.annotations?.[classAnnotation] !== undefined) return;
  const chosen = defaultClass(view.list(resources.ingressClasses), [isDefault]);
  if (chosen !== undefined) ingress.spec.ingressClassName = chosen.metadata.name;
};
