/** The parameters of a binding. Upstream: apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams. */
import type { ParamKind, ParamRef } from '../../../api/gen/types.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../api/object.ts';
import { groupVersionOf } from '../../../api/resources.ts';
import { labelSelectorMatches } from '../../../api/selectors/index.ts';
import type { Store, Stored } from '../../../store/index.ts';
import { bucketOf } from '../../registry.ts';
import type { Registry } from '../../registry.ts';
import { shownAs } from '../../write.ts';

/** The binding is wrong, not the request. */
export class ConfigurationError extends Error {}

export function kindOfParams({ kinds }: Registry, { apiVersion, kind }: ParamKind): KindDefinition | undefined {
  return kinds.find(({ resource }) => resource.kind === kind && groupVersionOf(resource) === apiVersion);
}

/** One of undefined: judged once, without. */
export function paramsOf(
  store: Store,
  registry: Registry,
  paramKind: ParamKind | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string,
): readonly (KubeObject | undefined)[] {
  if (paramKind === undefined || ref === undefined) return [undefined];
  const { apiVersion, kind: name } = paramKind;
  const kind = kindOfParams(registry, paramKind);
  if (kind === undefined) {
    throw new ConfigurationError(`paramKind kind \`${apiVersion ?? ''}, Kind=${name ?? ''}\` not known`);
  }
  const { resource } = kind;
  if (!resource.namespaced && (ref.namespace ?? '') !== '') {
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const namespace = resource.namespaced ? (ref.namespace ?? requestNamespace) : '';
  if (resource.namespaced && namespace === '') {
    const why = 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources';
    throw new ConfigurationError(why);
  }
  const show = (stored: Stored): KubeObject => ({
    ...shownAs(kind, stored),
    apiVersion: groupVersionOf(resource),
    kind: resource.kind,
  });
  const bucket = bucketOf(resource);
  let found: KubeObject[] = [];
  if ((ref.name ?? '') !== '') {
    const stored = store.get({ resource: bucket, namespace, name: ref.name ?? '' });
    if (stored !== undefined) found = [show(stored)];
  } else {
    const { selector = {} } = ref;
    found = store
      .list(bucket, resource.namespaced ? namespace : undefined)
      .map(show)
      .filter(({ metadata }) => labelSelectorMatches(selector, metadata?.labels));
  }
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}
