/** resource.k8s.io/v1 DeviceClass. Upstream: ValidateDeviceClass, pkg/registry/resource/deviceclass. */
import type { DeviceClass } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../../validation/index.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import { countGeneration } from '../lifecycle.ts';
import { mostConfigurations, validateConfiguration, validateSelectors } from './configuration.ts';
import { validateItems } from './lists.ts';

export const deviceClassKind = defineKind<DeviceClass>({
  resource: resources.deviceClasses,
  returnsDeleted: true,
  prepareForCreate(deviceClass) {
    deviceClass.metadata = { ...deviceClass.metadata, generation: 1 };
  },
  prepareForUpdate: countGeneration,
  validate,
  validateUpdate: (deviceClass, old) => [...validateMetadataUpdate(deviceClass, old), ...validate(deviceClass)],
  columns: [nameColumn(), ageColumn()],
  unconditionalUpdate: true,
});

function validate(deviceClass: DeviceClass): FieldError[] {
  const { selectors, config } = deviceClass.spec;
  return [
    ...validateMetadata(deviceClass, false, dns1123SubdomainName),
    ...validateSelectors(selectors, 'spec.selectors'),
    ...validateItems(config, 'spec.config', mostConfigurations, validateConfiguration),
  ];
}
