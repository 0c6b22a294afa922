/**
 * POST pods/NAME/binding, and POST bindings: the scheduler puts a pod on a node. Upstream: registry/core/pod/storage (assignPod, setPodNodeAndMetadata).
 */
import type { Binding, Pod } from '../../api/gen/types.ts';
import { decodeBody } from '../../api/decode.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { admitCall } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { badRequest, conflict, noSuchResource, notFound } from '../errors.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import { timestamp } from '../object-meta.ts';
import { parseDryRun } from '../write-options.ts';
import { refuseInvalid, updateObject } from '../write.ts';
import { clone } from '../../api/clone.ts';

const bindingResource = resources.bindings;

export async function createBinding(exchange: ResourceExchange): Promise<void> {
  const binding = await readBinding(exchange);
  const { info } = exchange;
  const name = binding.metadata?.name ?? '';
  if (name !== '' && name !== info.name) throw badRequest('name in URL does not match name in Binding object');
  await bind(exchange, exchange.kind, info.name, binding);
}

/** POST bindings, the older way: the binding says which pod. */
export async function createNamelessBinding(exchange: ResourceExchange): Promise<void> {
  const { server, info } = exchange;
  const binding = await readBinding(exchange);
  const { namespace = '', name = '' } = binding.metadata ?? {};
  if (namespace !== '' && namespace !== info.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const { group, version, plural } = resources.pods;
  const pods = server.registry.find(group, version, plural);
  if (pods === undefined) throw noSuchResource();
  await bind(exchange, pods, name, binding);
}

async function readBinding({ request }: ResourceExchange): Promise<Binding> {
  const value = await parseBody(await readBody(request), bodyFormat(request), 'Binding');
  return decodeBody(bindingResource, value, 'Ignore').object;
}

async function bind(exchange: ResourceExchange, pods: KindDefinition, name: string, binding: Binding): Promise<void> {
  const { server, kind, info, query } = exchange;
  refuseBadTarget(binding, name);
  const dryRun = parseDryRun(query.getAll('dryRun'), 'CreateOptions');
  const warnings: string[] = [];
  const bodyKind = { group: '', version: 'v1', kind: 'Binding' };
  const call = { user: exchange.user, dryRun, warnings, verb: 'create', bodyKind, object: binding } as const;
  await admitCall(server, kind, { ...info, name }, call);
  const key = { namespace: info.namespace, name };
  await updateObject(server.store, pods, key, {
    by: exchange,
    dryRun,
    warnings,
    // Upstream's BindingREST writes past the field manager.
    ownership: { kind: 'kept' },
    subresource: 'binding',
    change: (old) => {
      if (old === undefined) throw notFound(pods.resource, name);
      return bound(old, binding, pods);
    },
  });
  await sendJson(
    exchange,
    201,
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }),
  );
}

function refuseBadTarget(binding: Binding, name: string): void {
  const { kind, name: node } = binding.target;
  if (kind !== undefined && kind !== '' && kind !== 'Node') {
    const message = `Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`;
    refuseInvalid(bindingResource, name, [{ type: 'FieldValueNotSupported', field: 'target.kind', message }]);
  }
  if ((node ?? '') === '') {
    refuseInvalid(bindingResource, name, [
      { type: 'FieldValueRequired', field: 'target.name', message: 'Required value' },
    ]);
  }
}

function bound(old: Live<KubeObject>, binding: Binding, { resource }: KindDefinition): KubeObject {
  const pod = clone(old) as Live<Pod>;
  const refuse = (why: string): never => {
    throw conflict({ group: '', plural: 'pods/binding' }, pod.metadata.name, why);
  };
  const uid = binding.metadata?.uid ?? '';
  if (uid !== '' && uid !== pod.metadata.uid) {
    throw conflict(
      resource,
      pod.metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (pod.metadata.deletionTimestamp !== undefined)
    refuse(`pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`);
  const { spec } = pod;
  if (spec === undefined) return pod;
  if ((spec.nodeName ?? '') !== '')
    refuse(`pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  spec.nodeName = binding.target.name ?? '';
  const { annotations, labels } = binding.metadata ?? {};
  if (annotations !== undefined) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  if (labels !== undefined) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const { generation } = pod.metadata;
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastTransitionTime: timestamp(),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  pod.status = { ...pod.status, conditions: [...others, scheduled] };
  return pod;
}
