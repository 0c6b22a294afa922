/**
 * Validation of a CustomResourceDefinition. Upstream: apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go. Where
 * all versions say the same, upstream keeps it once, and its errors speak of `spec.validation`, `spec.subresources` and so on.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { sameJson } from '../patch/json.ts';
import {
  validateObjectMeta,
  validateMetadataUpdate,
  whyNotDns1035Label,
  whyNotDns1123Subdomain,
} from '../validation/index.ts';
import { approvalAnnotation, hasCondition, isProtectedGroup } from './conditions.ts';
import { JsonPathError, parseJsonPath } from './json-path.ts';
import { rulesModule } from './lazy-rules.ts';
import { countRules, validateStructural } from './structural.ts';

export function validateDefinition(definition: CustomResourceDefinition): FieldError[] {
  const { spec, metadata } = definition;
  const rule = (name: string): string[] => [
    ...whyNotDns1123Subdomain(name),
    ...(name === `${spec.names.plural}.${spec.group}` ? [] : ['must be spec.names.plural+"."+spec.group']),
  ];
  const errors = [...validateObjectMeta(definition, false, rule), ...validateSpec(spec)];
  if (isProtectedGroup(spec.group)) errors.push(...checkApproval(metadata?.annotations?.[approvalAnnotation] ?? ''));
  return errors;
}

export function validateDefinitionUpdate(
  definition: CustomResourceDefinition,
  old: Live<CustomResourceDefinition>,
): FieldError[] {
  const { spec } = definition;
  const errors = [...validateMetadataUpdate(definition, old), ...validateDefinition(definition)];
  const immutable = (field: string, now: unknown, before: unknown): void => {
    if (now !== before) errors.push(invalidField(`spec.${field}`, now, 'field is immutable'));
  };
  if (hasCondition(old, 'Established')) {
    immutable('scope', spec.scope, old.spec.scope);
    immutable('names.kind', spec.names.kind, old.spec.names.kind);
  }
  immutable('group', spec.group, old.spec.group);
  immutable('names.plural', spec.names.plural, old.spec.names.plural);
  for (const [index, version] of (definition.status?.storedVersions ?? []).entries()) {
    if (spec.versions.some(({ name }) => name === version)) continue;
    const why = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.push(invalidField(`status.storedVersions[${String(index)}]`, version, why));
  }
  return errors;
}

export function validateDefinitionStatus(
  definition: CustomResourceDefinition,
  old: Live<CustomResourceDefinition>,
): FieldError[] {
  const errors = validateMetadataUpdate(definition, old);
  const stored = definition.status?.storedVersions ?? [];
  const storage = definition.spec.versions.find((version) => version.storage)?.name ?? '';
  if (stored.length === 0)
    errors.push(invalidField('status.storedVersions', stored, 'must have at least one stored version'));
  else if (!stored.includes(storage)) {
    errors.push(invalidField('status.storedVersions', stored, `must have the storage version ${storage}`));
  }
  return errors;
}

function checkApproval(text: string): FieldError[] {
  const field = `metadata.annotations[${approvalAnnotation}]`;
  const link = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (text === '') {
    return [requiredField(field, `protected groups must have approval annotation "${approvalAnnotation}", ${link}`)];
  }
  if (text.startsWith('unapproved') || URL.canParse(text)) return [];
  const why = `protected groups must have approval annotation "${approvalAnnotation}" with either a URL or a reason starting with "unapproved", ${link}`;
  return [invalidField(field, text, why)];
}

function validateSpec(spec: CustomResourceDefinitionSpec): FieldError[] {
  const errors = validateGroupAndScope(spec);
  if (spec.preserveUnknownFields === true) {
    const why =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    errors.push(invalidField('spec.preserveUnknownFields', true, why));
  }
  errors.push(...validateVersions(spec.versions));
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if ((spec.names[field] ?? '') === '') errors.push(requiredField(`spec.names.${field}`));
  }
  errors.push(...validateNames(spec.names, 'spec.names'));
  errors.push(...validateConversion(spec));
  for (const part of parts) errors.push(...validatePart(spec.versions, part));
  return errors;
}

function validateGroupAndScope({ group, scope }: CustomResourceDefinitionSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (group === undefined || group === '') errors.push(requiredField('spec.group'));
  else {
    const why = whyNotDns1123Subdomain(group);
    if (why.length > 0) errors.push(invalidField('spec.group', group, why.join(',')));
    else if (!group.includes('.'))
      errors.push(invalidField('spec.group', group, 'should be a domain with at least one dot'));
  }
  if (scope === undefined || scope === '') errors.push(requiredField('spec.scope'));
  else if (scope !== 'Cluster' && scope !== 'Namespaced') {
    errors.push(notSupportedField('spec.scope', scope, ['Cluster', 'Namespaced']));
  }
  return errors;
}

function validateVersions(versions: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { name, deprecated, deprecationWarning }] of versions.entries()) {
    const at = `spec.versions[${String(index)}]`;
    const why = whyNotDns1035Label(name);
    if (why.length > 0) errors.push(invalidField(`${at}.name`, name, why.join(',')));
    if (deprecationWarning !== undefined && deprecated !== true) {
      errors.push(
        invalidField(`${at}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions'),
      );
    }
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(invalidField('spec.versions', versions, 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalidField('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  return errors;
}

function validateNames(names: CustomResourceDefinitionNames, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const label = (field: string, value: string, checked = value, hint = ''): void => {
    const why = whyNotDns1035Label(checked);
    if (value !== '' && why.length > 0) errors.push(invalidField(`${at}.${field}`, value, hint + why.join(',')));
  };
  const mixed = 'may have mixed case, but should otherwise match: ';
  label('plural', names.plural);
  label('singular', names.singular ?? '');
  label('kind', names.kind, names.kind.toLowerCase(), mixed);
  label('listKind', names.listKind ?? '', names.listKind?.toLowerCase(), mixed);
  for (const [index, name] of (names.shortNames ?? []).entries()) label(`shortNames[${String(index)}]`, name);
  if (names.kind !== '' && names.kind === names.listKind) {
    errors.push(invalidField(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  }
  for (const [index, name] of (names.categories ?? []).entries()) label(`categories[${String(index)}]`, name);
  return errors;
}

function validateConversion({ conversion }: CustomResourceDefinitionSpec): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  if (strategy !== 'None' && strategy !== 'Webhook') {
    return strategy === ''
      ? [requiredField('spec.conversion.strategy')]
      : [notSupportedField('spec.conversion.strategy', strategy, ['None', 'Webhook'])];
  }
  if (strategy === 'None') {
    return webhook === undefined
      ? []
      : [
          forbiddenField(
            'spec.conversion.webhookClientConfig',
            'should not be set when strategy is not set to Webhook',
          ),
        ];
  }
  if (webhook?.clientConfig === undefined) {
    return [requiredField('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook')];
  }
  return webhook.conversionReviewVersions.some((version) => version === 'v1' || version === 'v1beta1')
    ? []
    : [
        invalidField(
          'spec.conversion.conversionReviewVersions',
          webhook.conversionReviewVersions,
          'must include at least one of v1, v1beta1',
        ),
      ];
}

/** A part that all versions share is checked once, under `top`. */
interface Part {
  readonly top: string;
  readonly own: string;
  readonly get: (version: CustomResourceDefinitionVersion) => unknown;
  readonly check: (version: CustomResourceDefinitionVersion, at: string) => FieldError[];
}

const parts: readonly Part[] = [
  { top: 'validation', own: 'schema', get: ({ schema }) => schema, check: checkSchema },
  { top: 'subresources', own: 'subresources', get: ({ subresources }) => subresources, check: checkSubresources },
  {
    top: 'additionalPrinterColumns',
    own: 'additionalPrinterColumns',
    get: ({ additionalPrinterColumns }) => additionalPrinterColumns,
    check: checkColumns,
  },
  {
    top: 'selectableFields',
    own: 'selectableFields',
    get: ({ selectableFields }) => selectableFields,
    check: checkSelectable,
  },
];

function validatePart(versions: readonly CustomResourceDefinitionVersion[], part: Part): FieldError[] {
  const [first, ...rest] = versions;
  if (first === undefined) return [];
  if (rest.every((version) => sameJson(part.get(version) ?? null, part.get(first) ?? null))) {
    if (part.own === 'schema' && part.get(first) === undefined) {
      return versions.map((_, index) =>
        requiredField(`spec.versions[${String(index)}].schema.openAPIV3Schema`, 'schemas are required'),
      );
    }
    return part.check(first, `spec.${part.top}`);
  }
  return versions.flatMap((version, index) => part.check(version, `spec.versions[${String(index)}].${part.own}`));
}

function checkSchema({ schema, subresources }: CustomResourceDefinitionVersion, at: string): FieldError[] {
  const root = schema?.openAPIV3Schema;
  const field = `${at}.openAPIV3Schema`;
  if (root === undefined) return [requiredField(field, 'schemas are required')];
  const errors: FieldError[] = [];
  if (subresources?.status !== undefined) {
    const allowed = new Set(['properties', 'required', 'title', 'description', 'type', 'default']);
    const other = Object.keys(root).find((key) => !allowed.has(key) && !key.startsWith('x-kubernetes-'));
    if (other !== undefined) {
      const why =
        'only properties, required, title, description, type, default and x-kubernetes-* may be used at the root if the status subresource is enabled';
      errors.push(invalidField(field, other, why));
    }
  }
  errors.push(...validateStructural(root, field));
  // Of what is no structural schema, no types can be made.
  if (errors.length > 0 || countRules(root) === 0) return errors;
  return rulesModule().checkRules(root, field);
}

function checkSubresources({ subresources }: CustomResourceDefinitionVersion, at: string): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const check = (field: string, path: string | undefined, under: string): FieldError[] => {
    const where = `${at}.scale.${field}`;
    if (path === undefined || path === '') return field === 'labelSelectorPath' ? [] : [requiredField(where)];
    if (!path.startsWith('.')) return [invalidField(where, path, 'must be a simple json path starting with .')];
    if (/[[\]*?@]/.test(path)) return [invalidField(where, path, 'must be a json path in the dot notation')];
    return under.split('|').some((prefix) => path.startsWith(prefix))
      ? []
      : [invalidField(where, path, `should be a json path under ${under.replaceAll('.|', ' or ').replace(/\.$/, '')}`)];
  };
  return [
    ...check('specReplicasPath', scale.specReplicasPath, '.spec.'),
    ...check('statusReplicasPath', scale.statusReplicasPath, '.status.'),
    ...check('labelSelectorPath', scale.labelSelectorPath, '.status.|.spec.'),
  ];
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function checkColumns({ additionalPrinterColumns }: CustomResourceDefinitionVersion, at: string): FieldError[] {
  return (additionalPrinterColumns ?? []).flatMap((column, index) => {
    const errors: FieldError[] = [];
    const field = `${at}[${String(index)}]`;
    if (column.name === '') errors.push(requiredField(`${field}.name`));
    if (column.type === '') errors.push(requiredField(`${field}.type`, `must be one of ${columnTypes.join(',')}`));
    else if (!columnTypes.includes(column.type)) {
      errors.push(invalidField(`${field}.type`, column.type, `must be one of ${columnTypes.join(',')}`));
    }
    if (column.format !== undefined && !columnFormats.includes(column.format)) {
      errors.push(invalidField(`${field}.format`, column.format, `must be one of ${columnFormats.join(',')}`));
    }
    if (column.jsonPath === '') errors.push(requiredField(`${field}.JSONPath`));
    else errors.push(...checkPath(column.jsonPath, `${field}.JSONPath`));
    return errors;
  });
}

function checkPath(path: string, field: string): FieldError[] {
  if (!path.startsWith('.')) return [invalidField(field, path, 'must be a simple json path starting with .')];
  try {
    parseJsonPath(path);
    return [];
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    return [invalidField(field, path, `is an invalid path: ${error.message}`)];
  }
}

/** Upstream: KEP-4358; at most eight, of simple types, none in metadata. */
function checkSelectable({ selectableFields, schema }: CustomResourceDefinitionVersion, at: string): FieldError[] {
  const fields = selectableFields ?? [];
  const errors: FieldError[] = [];
  if (fields.length > 8) {
    errors.push({
      type: 'FieldValueTooMany',
      field: at,
      message: `Too many: ${String(fields.length)}: must have at most 8 items`,
    });
  }
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of fields.entries()) {
    const field = `${at}[${String(index)}].jsonPath`;
    if (jsonPath === '') errors.push(requiredField(field));
    else if (seen.has(jsonPath)) errors.push(duplicateField(field, jsonPath));
    else if (/^\.metadata(\.|$)/.test(jsonPath))
      errors.push(invalidField(field, jsonPath, 'must not point to fields in metadata'));
    else {
      let place = schema?.openAPIV3Schema;
      for (const key of jsonPath.split('.').slice(1)) place = place?.properties?.[key];
      if (
        !jsonPath.startsWith('.') ||
        place === undefined ||
        !['string', 'boolean', 'integer'].includes(place.type ?? '')
      ) {
        errors.push(
          invalidField(
            field,
            jsonPath,
            'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
          ),
        );
      }
    }
    seen.add(jsonPath);
  }
  return errors;
}
