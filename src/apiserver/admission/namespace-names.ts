/**
 * A namespace whose name is a label that names outside the cluster end in, takes such names over for pods that resolve through the
 * search path: `example.com` asked in a cluster with a namespace `com` and a Service `example` there. Upstream says nothing.
 */
import { resources } from '../../api/resources.ts';
import type { AdmissionPlugin } from './request.ts';
import { bodyOf } from './request.ts';

/** Of the zones that people meet, and what the DNS specification uses itself. */
const suspicious: ReadonlySet<string> = new Set([
  ...['svc', 'pod', 'cluster', 'local', 'localhost', 'internal', 'lan', 'home', 'corp', 'arpa', 'test', 'example'],
  ...['com', 'net', 'org', 'edu', 'gov', 'mil', 'int', 'info', 'biz', 'name', 'pro', 'io', 'dev', 'app', 'cloud', 'ai'],
  ...['co', 'me', 'tv', 'xyz', 'site', 'online', 'tech', 'store', 'shop', 'blog', 'page', 'eu', 'uk', 'us', 'de', 'fr'],
  ...['nl', 'it', 'es', 'ch', 'at', 'be', 'pl', 'se', 'no', 'fi', 'dk', 'ru', 'cn', 'jp', 'kr', 'in', 'br', 'au', 'ca'],
]);

export const namespaceNames: AdmissionPlugin = (request) => {
  const namespace = bodyOf(request, resources.namespaces, ['create']);
  if (namespace === undefined || !suspicious.has(request.name)) return;
  const name = JSON.stringify(request.name);
  request.warnings?.push(
    `metadata.name: namespace ${name} is named like a part of domain names: services in it may be resolved instead of hosts whose name ends in ${name}`,
  );
};
