/** core/v1 PodTemplate. Upstream: ValidatePodTemplate, pkg/registry/core/podtemplate. */
import type { PodTemplate } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabels } from '../selectors/index.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { column, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { podTemplateWarnings, validatePodTemplate } from './pod/index.ts';
import { containerImages, containerNames, setTemplateDefaults } from './workload.ts';

export const podTemplateKind = defineKind<PodTemplate>({
  resource: resources.podTemplates,
  returnsDeleted: true,
  applyDefaults(object) {
    setTemplateDefaults((object.template ??= {}));
  },
  prepareForCreate(object) {
    object.metadata = { ...object.metadata, generation: 1 };
  },
  prepareForUpdate(object, old) {
    const before = old.metadata.generation ?? 1;
    const generation = sameValue(object.template, old.template) ? before : before + 1;
    object.metadata = { ...object.metadata, generation };
  },
  validate,
  validateUpdate: (object, old) => [...validateMetadataUpdate(object, old), ...validate(object)],
  warnings: (object, old) =>
    old?.metadata.generation === object.metadata?.generation ? [] : podTemplateWarnings(object.template, 'template'),
  columns: [
    nameColumn(),
    column('Containers', 'Names of each container in the template.', ({ template }) => containerNames(template)),
    column('Images', 'Images referenced by each container in the template.', ({ template }) =>
      containerImages(template),
    ),
    column('Pod Labels', 'The labels for the pod template.', ({ template }) =>
      formatLabels(template?.metadata?.labels),
    ),
  ],
  unconditionalUpdate: true,
});

function validate(object: PodTemplate): FieldError[] {
  return [...validateMetadata(object, true, dns1123SubdomainName), ...validatePodTemplate(object.template, 'template')];
}
