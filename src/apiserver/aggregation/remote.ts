/** The APIServices that lead to another server. Upstream: kube-aggregator pkg/apiserver/apiserver.go, handler_proxy.go. */
import type { APIService } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Reader } from '../../store/index.ts';
import { bucketOf } from '../registry.ts';
import { slotOf } from '../write.ts';

export interface Remote {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  readonly caBundle: string | undefined;
  readonly insecure: boolean;
  readonly available: boolean;
  readonly groupPriority: number;
  readonly versionPriority: number;
  /** Of the APIService: another one may mean another server. */
  readonly revision: string;
}

/** Who serves the version of this group, if it is not this server. */
export function remoteOf(store: Reader, group: string, version: string): Remote | undefined {
  const name = `${version}.${group}`;
  const item = store.get(slotOf(resources.apiServices, { namespace: '', name }));
  return item === undefined ? undefined : read(item.value as Live<APIService>);
}

export function remotesOf(store: Reader): readonly Remote[] {
  return store.list(bucketOf(resources.apiServices)).flatMap(({ value }) => read(value as Live<APIService>) ?? []);
}

function read({ metadata, spec, status }: Live<APIService>): Remote | undefined {
  const { service } = spec ?? {};
  if (spec === undefined || service === undefined) return undefined;
  return {
    name: metadata.name,
    group: spec.group ?? '',
    version: spec.version ?? '',
    service: { namespace: service.namespace ?? '', name: service.name ?? '', port: service.port ?? 443 },
    caBundle: spec.caBundle,
    insecure: spec.insecureSkipTLSVerify === true,
    available: status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') === true,
    groupPriority: spec.groupPriorityMinimum,
    versionPriority: spec.versionPriority,
    revision: metadata.resourceVersion,
  };
}
