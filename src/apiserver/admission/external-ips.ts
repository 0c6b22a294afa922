/**
 * DenyServiceExternalIPs: whoever may write a Service could draw the traffic of any address to himself with externalIPs
 * (CVE-2020-8554). Addresses that are already there may stay. Upstream, where it is off unless asked for:
 * plugin/pkg/admission/denyserviceexternalips. Here it is on unless switched off.
 */
import type { Service } from '../../api/gen/types.ts';
import type { AdmissionPlugin } from './request.ts';
import { forbiddenError } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';

export const denyServiceExternalIPs: AdmissionPlugin = (request) => {
  const service = bodyOf(request, resources.services, ['create', 'update']);
  if (service === undefined) return;
  const kept = new Set((request.old as Service | undefined)?.spec?.externalIPs ?? []);
  if ((service.spec?.externalIPs ?? []).every((address) => kept.has(address))) return;
  throw forbiddenError(resources.services, request.name, 'Use of external IPs is denied by admission control');
};
