/** DefaultIngressClass: an Ingress without a class gets the default one. Upstream: plugin/pkg/admission/network/defaultingressclass. */
import type { AdmissionPlugin } from './request.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';

const isDefault = 'ingressclass.kubernetes.io/is-default-class';
const classAnnotation = 'kubernetes.io/ingress.class';

export const defaultIngressClass: AdmissionPlugin = (request, view) => {
  const ingress = bodyOf(request, resources.ingresses, ['create']);
  if (ingress?.spec === undefined || ingress.spec.ingressClassName !== undefined) return;
  if (ingress.metadata?.annotations?.[classAnnotation] !== undefined) return;
  // Of several, the youngest; of those, the first by name.
  const [chosen] = [...view.list(resources.ingressClasses)]
    .filter(({ metadata }) => metadata.annotations?.[isDefault] === 'true')
    .map(({ metadata }) => metadata)
    .sort((a, b) => {
      if (a.creationTimestamp === b.creationTimestamp) return a.name < b.name ? -1 : 1;
      return a.creationTimestamp > b.creationTimestamp ? -1 : 1;
    });
  if (chosen !== undefined) ingress.spec.ingressClassName = chosen.name;
};
