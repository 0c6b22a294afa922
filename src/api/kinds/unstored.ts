/**
 * Kinds of the core group that nobody stores: a Binding is what is sent to bind a pod, a ComponentStatus is found out when it is asked for.
 * Upstream: pkg/registry/core/componentstatus, LegacyBindingREST in pkg/registry/core/pod/storage, printComponentStatus.
 */
import type { Binding, ComponentCondition, ComponentStatus } from '../gen/types.ts';
import type { Live } from '../object.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { column, nameColumn } from './columns.ts';

export const bindingKind = defineKind<Binding>({
  resource: resources.bindings,
  unstored: ['create'],
  validate: () => [],
  columns: [],
});

export const componentStatusKind = defineKind<ComponentStatus>({
  resource: resources.componentStatuses,
  unstored: ['get', 'list'],
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  validate: () => [],
  columns: [
    nameColumn(),
    column('Status', 'Status of the component conditions', (component) => {
      const status = healthOf(component)?.status;
      return status === undefined ? 'Unknown' : status === 'True' ? 'Healthy' : 'Unhealthy';
    }),
    column('Message', 'Message of the component conditions', (component) => healthOf(component)?.message ?? ''),
    column('Error', 'Error of the component conditions', (component) => healthOf(component)?.error ?? ''),
  ],
});

function healthOf({ conditions }: Live<ComponentStatus>): ComponentCondition | undefined {
  return conditions?.find(({ type }) => type === 'Healthy');
}
