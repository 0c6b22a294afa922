/** What every node may do, before the node authorizer looks closer. Upstream: NodeRules of the bootstrap policy, 1.36. */
import type { PolicyRule } from '../../../api/gen/types.ts';
import { on, read } from './rule.ts';

export const nodeRules: readonly PolicyRule[] = [
  on('authentication.k8s.io', 'tokenreviews').may('create'),
  on('authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews').may('create'),
  on('', 'services').may(read),
  on('', 'nodes').may('create get list watch'),
  on('', 'nodes/status').may('patch update'),
  on('', 'nodes').may('patch update'),
  on(',events.k8s.io', 'events').may('create patch update'),
  on('', 'pods').may(read),
  on('', 'pods').may('create delete'),
  on('', 'pods/status').may('patch update'),
  on('', 'pods/eviction').may('create'),
  on('', 'configmaps secrets').may(read),
  on('', 'persistentvolumeclaims persistentvolumes').may('get'),
  on('', 'endpoints').may('get'),
  on('certificates.k8s.io', 'certificatesigningrequests').may('create get list watch'),
  on('coordination.k8s.io', 'leases').may('create delete get patch update'),
  on('storage.k8s.io', 'volumeattachments').may('get'),
  on('', 'serviceaccounts/token').may('create'),
  on('', 'persistentvolumeclaims/status').may('get patch update'),
  on('storage.k8s.io', 'csidrivers').may(read),
  on('storage.k8s.io', 'csinodes').may('create delete get patch update'),
  on('node.k8s.io', 'runtimeclasses').may(read),
  on('resource.k8s.io', 'resourceclaims').may('get'),
  on('resource.k8s.io', 'resourceslices').may('deletecollection'),
  on('', 'serviceaccounts').may('get'),
];
