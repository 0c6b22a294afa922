/** Webhooks that others register are asked about writes. */
export { noWebhooks } from './match.ts';
export { withWebhooks } from './session.ts';
export type { AdmissionSession } from './session.ts';
export { admitCall, admitConnect } from './call.ts';
