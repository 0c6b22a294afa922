/** A Service that a webhook is reached through. Upstream: ValidateWebhookService in apiserver/pkg/util/webhook. */
import type { AdmissionregistrationServiceReference } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { whyNotDns1123Subdomain, whyNotPort } from '../validation/index.ts';

export function validateWebhookService(service: AdmissionregistrationServiceReference, at: string): FieldError[] {
  const {
    name = '',
    namespace = '',
    path = '',
    port = 443,
  } = service as Partial<AdmissionregistrationServiceReference>;
  return [
    ...(name === '' ? [requiredField(`${at}.name`)] : []),
    ...(namespace === '' ? [requiredField(`${at}.namespace`)] : []),
    ...whyNotPort(port).map((why) => invalidField(`${at}.port`, port, `port is not valid: ${why}`)),
    ...whyNotServicePath(path).map((why) => invalidField(`${at}.path`, path, why)),
  ];
}

function whyNotServicePath(path: string): string[] {
  if (path === '' || path === '/') return [];
  if (path === '//') return ['segment[0] may not be empty'];
  const errors = path.startsWith('/') ? [] : ["must start with a '/'"];
  // The first letter is taken for the slash, whatever it is.
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  return [
    ...errors,
    ...steps.flatMap((step, index) =>
      step === ''
        ? [`segment[${index}] may not be empty`]
        : whyNotDns1123Subdomain(step).map((why) => `segment[${index}]: ${why}`),
    ),
  ];
}
