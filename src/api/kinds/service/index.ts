/**
 * core/v1 Service.
 *
 *   defaults ─ prepare (what did the client mean?) ─ validation ─ allocation: families, cluster IPs, node ports (in the transaction)
 */
import type { Service } from '../../gen/types.ts';
import type { KindDefinition, WriteView } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { serviceColumns } from './columns.ts';
import { setServiceDefaults } from './defaults.ts';
import { prepareServiceCreate, prepareServiceStatus, prepareServiceUpdate } from './prepare.ts';
import { serviceWarnings } from './warnings.ts';
import { validateService } from './validation.ts';
import { validateServiceStatus, validateServiceUpdate } from './validation-update.ts';

/** Addresses and ports of Services, inside the write transaction. Built by `src/apiserver/allocate`. */
export interface ServiceAllocator {
  /** `service` undefined: deleted. Fills clusterIPs, nodePorts, healthCheckNodePort, or throws a 422 ApiError. */
  onWrite(view: WriteView, service: Service | undefined, old: Live<Service> | undefined): void;
}

export function serviceKind(allocator: ServiceAllocator | undefined): KindDefinition {
  return defineKind<Service>({
    resource: resources.services,
    returnsDeleted: true,
    applyDefaults: setServiceDefaults,
    prepareForCreate: prepareServiceCreate,
    prepareForUpdate: prepareServiceUpdate,
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    warnings: serviceWarnings,
    status: { prepareForUpdate: prepareServiceStatus, validateUpdate: validateServiceStatus },
    columns: serviceColumns,
    fieldSelectors: {
      'spec.clusterIP': (service) => service.spec?.clusterIP ?? '',
      'spec.type': (service) => service.spec?.type ?? '',
    },
    ...(allocator === undefined
      ? {}
      : {
          onWrite: (view, service, old) => {
            allocator.onWrite(view, service, old);
          },
        }),
    createOnUpdate: true,
    unconditionalUpdate: true,
  });
}
