/**
 * ServiceAccount: every pod runs as an account of its namespace, and gets its token.
 *
 *   spec.serviceAccountName: default
 *   volume kube-api-access-xxxxx: token + ca.crt + namespace, at /var/run/secrets/kubernetes.io/serviceaccount
 *
 * Upstream: plugin/pkg/admission/serviceaccount.
 */
import { randomBytes } from 'node:crypto';
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import type { AdmissionPlugin, AdmissionView } from './request.ts';
import { forbiddenError } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';
import { clone } from '../../api/clone.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour, and a little more so that the agent can tell it from a time that somebody asked for. */
const tokenSeconds = 3607;
/** How long after its creation a namespace may still be without its `default` account. */
const youngMs = 5000;

export const serviceAccount: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['create']);
  if (pod === undefined) return;
  const spec = (pod.spec ??= { containers: [] });
  if ((spec.serviceAccountName ?? '') === '') spec.serviceAccountName = 'default';
  // The old name of the field goes along.
  spec.serviceAccount = spec.serviceAccountName;
  const account = findAccount(view, request.namespace, request.name, spec.serviceAccountName ?? 'default');
  if (automounts(pod, account)) mountToken(spec);
  if ((spec.imagePullSecrets ?? []).length === 0 && (account?.imagePullSecrets ?? []).length > 0) {
    spec.imagePullSecrets = clone(account?.imagePullSecrets ?? []);
  }
};

/**
 * undefined: the `default` account of a new namespace, which its controller is about to make. Upstream waits for it; here
 * the pod goes in at once, since an account that was just made asks for nothing special.
 */
function findAccount(
  view: AdmissionView,
  namespace: string,
  pod: string,
  name: string,
): Live<ServiceAccount> | undefined {
  const account = view.get(resources.serviceAccounts, { namespace, name });
  if (account !== undefined || (name === 'default' && isYoung(view, namespace))) return account;
  const why = `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
  throw forbiddenError(resources.pods, pod, why);
}

function isYoung(view: AdmissionView, namespace: string): boolean {
  const created = view.get(resources.namespaces, { namespace: '', name: namespace })?.metadata.creationTimestamp;
  return created !== undefined && Date.now() - Date.parse(created) < youngMs;
}

function automounts(pod: Pod, account: Live<ServiceAccount> | undefined): boolean {
  return pod.spec?.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
}

function mountToken(spec: PodSpec): void {
  const known = spec.volumes?.find((volume) => (volume.name ?? '').startsWith(volumePrefix));
  const name = known?.name ?? `${volumePrefix}${suffix()}`;
  let mounted = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (hasMount(container)) continue;
    (container.volumeMounts ??= []).push({ name, readOnly: true, mountPath });
    mounted = true;
  }
  if (mounted && known === undefined) (spec.volumes ??= []).push(tokenVolume(name));
}

function hasMount(container: Container): boolean {
  return container.volumeMounts?.some((mount) => mount.mountPath === mountPath) === true;
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}

/** Five characters without vowels, as generated names have them. */
function suffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...randomBytes(5)].map((byte) => alphabet[byte % alphabet.length] ?? 'x').join('');
}
