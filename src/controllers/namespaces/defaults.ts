/**
 * What every namespace has: the ServiceAccount `default`, and the ConfigMap `kube-root-ca.crt` with which its pods trust the API
 * server. Made again when somebody deletes or changes them. Upstream: pkg/controller/serviceaccount, certificates/rootcacertpublisher.
 */
import type { ConfigMap, ServiceAccount } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, create, mergePatch } from '../writes.ts';
import type { Write } from '../writes.ts';

const rootCaName = 'kube-root-ca.crt';
const rootCaDescription =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal ' +
  'service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export function runNamespaceDefaults(context: ControllerContext): void {
  const { views, options } = context;
  const namespaces = views.of(resources.namespaces);
  const accounts = views.of(resources.serviceAccounts);
  const configMaps = views.of(resources.configMaps);
  const writer = context.writer('namespace-controller');

  const work = async (namespace: string): Promise<void> => {
    const live = namespaces.get({ namespace: '', name: namespace });
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) return;
    const account = accounts.get({ namespace, name: 'default' });
    const configMap = configMaps.get({ namespace, name: rootCaName });
    for (const write of planDefaults(namespace, account, configMap, options.caCert)) {
      await applyWrites(writer, [write]).catch((error: unknown) => {
        // Somebody else made it: that is as good.
        if (!isReason(error, 'AlreadyExists')) throw error;
      });
    }
  };
  const queue = startLoop(context, 'namespace-defaults', { views: [namespaces, accounts, configMaps], work });

  namespaces.onChange((current) => {
    if (current !== undefined) queue.add(current.metadata.name);
  });
  accounts.onChange((current, old) => {
    if (current === undefined && old?.metadata.name === 'default') queue.add(old.metadata.namespace ?? '');
  });
  configMaps.onChange((current, old) => {
    const { name, namespace = '' } = (current ?? old)?.metadata ?? { name: '' };
    if (name === rootCaName) queue.add(namespace);
  });
}

function planDefaults(
  namespace: string,
  account: ServiceAccount | undefined,
  configMap: ConfigMap | undefined,
  caCert: string | undefined,
): Write[] {
  const writes: Write[] = [];
  if (account === undefined || account.metadata?.deletionTimestamp !== undefined) {
    const metadata = { name: 'default', namespace };
    writes.push(create(resources.serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }));
  }
  if (caCert === undefined) return writes;
  const annotations = { 'kubernetes.io/description': rootCaDescription };
  if (configMap === undefined || configMap.metadata?.deletionTimestamp !== undefined) {
    const metadata = { name: rootCaName, namespace, annotations };
    writes.push(
      create(resources.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': caCert } }),
    );
  } else if (configMap.data?.['ca.crt'] !== caCert || Object.keys(configMap.data).length > 1) {
    const extra = Object.keys(configMap.data ?? {}).filter((key) => key !== 'ca.crt');
    const data = { ...Object.fromEntries(extra.map((key) => [key, null])), 'ca.crt': caCert };
    writes.push(mergePatch(resources.configMaps, { namespace, name: rootCaName }, { metadata: { annotations }, data }));
  }
  return writes;
}
