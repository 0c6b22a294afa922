/** resource.k8s.io/v1 ResourceClaimTemplate. Upstream: ValidateResourceClaimTemplate, pkg/registry/resource/resourceclaimtemplate. */
import type { ResourceClaimTemplate } from '../../gen/types.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../../validation/index.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import { validateImmutable } from '../lifecycle.ts';
import { applyClaimDefaults, validateClaimSpec } from './claim-spec.ts';

export const resourceClaimTemplateKind = defineKind<ResourceClaimTemplate>({
  resource: resources.resourceClaimTemplates,
  returnsDeleted: true,
  applyDefaults(template) {
    applyClaimDefaults(template.spec.spec);
  },
  validate: (template) => [
    ...validateMetadata(template, true, dns1123SubdomainName),
    ...validateClaimSpec(template.spec.spec, 'spec.spec'),
  ],
  validateUpdate: (template, old) => [
    ...validateMetadataUpdate(template, old),
    ...validateImmutable(template.spec, old.spec, 'spec'),
  ],
  columns: [nameColumn(), ageColumn()],
  unconditionalUpdate: true,
});
