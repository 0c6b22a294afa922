/** One device of a ResourceSlice, and the counters that devices share. Upstream: validateDevice, validateCounterSet. */
import type {
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  DeviceTaint,
  ResourceSliceSpec,
} from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  notSupportedField,
  requiredField,
  tooLongField,
  tooManyField,
} from '../../field-errors.ts';
import {
  byteLength,
  validateNodeSelector,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotLabelValue,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { sameValue } from '../equal.ts';
import { validateDriverName } from '../storage/driver-name.ts';
import { validateItems } from './lists.ts';

const most = { properties: 32, values: 48, taints: 16, consumptions: 2, counters: 32, conditions: 4, idBytes: 32 };
const mostTextBytes = 64;
const effects = ['NoExecute', 'NoSchedule', 'None'];
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

/** `old`: the device of this name as it was. */
export function validateDevice(
  device: Device,
  old: Device | undefined,
  spec: ResourceSliceSpec,
  at: string,
): FieldError[] {
  const { name, attributes = {}, capacity = {}, taints = [], consumesCounters } = device;
  const errors = labelErrors(name, `${at}.name`);
  const properties = Object.keys(attributes).length + Object.keys(capacity).length;
  if (properties > most.properties) {
    const why = `the total number of attributes and capacities must not exceed ${String(most.properties)}`;
    errors.push(invalidField(at, properties, why));
  }
  const values = Object.values(attributes).reduce((sum, attribute) => sum + countValues(attribute), 0);
  if (values > most.values) {
    errors.push(
      invalidField(at, values, `the total number of attribute values must not exceed ${String(most.values)}`),
    );
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    errors.push(...validateKey(key, `${at}.attributes`), ...validateAttribute(attribute, `${at}.attributes[${key}]`));
  }
  for (const [key, { requestPolicy }] of Object.entries(capacity)) {
    errors.push(...validateKey(key, `${at}.capacity`));
    if (requestPolicy === undefined || device.allowMultipleAllocations === true) continue;
    errors.push(forbiddenField(`${at}.capacity[${key}].requestPolicy`, 'allowMultipleAllocations must be true'));
  }
  if (!sameValue(old?.taints, taints))
    errors.push(...validateItems(taints, `${at}.taints`, most.taints, validateTaint));
  const consumed = validateItems(
    consumesCounters,
    `${at}.consumesCounters`,
    most.consumptions,
    validateConsumption,
    ({ counterSet }) => counterSet,
  );
  return [...errors, ...consumed, ...validatePlace(device, spec, at), ...validateConditions(device, at)];
}

export function validateCounterSet({ name, counters }: CounterSet, at: string): FieldError[] {
  return [...nameErrors(name, `${at}.name`), ...validateCounters(counters, `${at}.counters`)];
}

function validateConsumption({ counterSet, counters }: DeviceCounterConsumption, at: string): FieldError[] {
  return [...nameErrors(counterSet, `${at}.counterSet`), ...validateCounters(counters, `${at}.counters`)];
}

function validateCounters(counters: CounterSet['counters'] | undefined, field: string): FieldError[] {
  const names = Object.keys(counters ?? {});
  if (names.length === 0) return [requiredField(field)];
  if (names.length > most.counters) return [tooManyField(field, names.length, most.counters)];
  return names.flatMap((name) => labelErrors(name, field));
}

function nameErrors(name: string, field: string): FieldError[] {
  return name === '' ? [requiredField(field)] : labelErrors(name, field);
}

function labelErrors(name: string, field: string): FieldError[] {
  return whyNotDns1123Label(name).map((why) => invalidField(field, name, why));
}

/** `name` or `domain/name`. */
function validateKey(key: string, field: string): FieldError[] {
  const parts = key.split('/');
  const [first = '', second = ''] = parts;
  if (parts.length === 1) return validateIdentifier(first, field);
  if (parts.length > 2) return [];
  return [
    ...(first === '' ? [invalidField(field, '', 'the domain must not be empty')] : validateDriverName(first, field)),
    ...(second === '' ? [invalidField(field, '', 'the name must not be empty')] : validateIdentifier(second, field)),
  ];
}

function validateIdentifier(id: string, field: string): FieldError[] {
  const errors = byteLength(id) > most.idBytes ? [tooLongField(field, most.idBytes)] : [];
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(id)) return errors;
  const why =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
  return [...errors, invalidField(field, id, why)];
}

function countValues({ bools = [], ints = [], strings = [], versions = [] }: DeviceAttribute): number {
  return Math.max(1, bools.length + ints.length + strings.length + versions.length);
}

function validateAttribute(attribute: DeviceAttribute, at: string): FieldError[] {
  const { string, version, strings = [], versions = [] } = attribute;
  const errors = [
    ...(string === undefined ? [] : validateText(string, `${at}.string`)),
    ...(version === undefined ? [] : validateVersion(version, `${at}.version`)),
    ...strings.flatMap((text, index) => validateText(text, `${at}.strings[${String(index)}]`)),
    ...versions.flatMap((text, index) => validateVersion(text, `${at}.versions[${String(index)}]`)),
  ];
  const set = Object.keys(attribute).length;
  if (set === 1) return errors;
  return [...errors, invalidField(at, set === 0 ? '' : attribute, 'exactly one value must be specified')];
}

function validateText(text: string, field: string): FieldError[] {
  return byteLength(text) > mostTextBytes ? [tooLongField(field, mostTextBytes)] : [];
}

function validateVersion(text: string, field: string): FieldError[] {
  const why = 'must be a string compatible with semver.org spec 2.0.0';
  return [...(semver.test(text) ? [] : [invalidField(field, text, why)]), ...validateText(text, field)];
}

function validateTaint({ key, value = '', effect }: DeviceTaint, at: string): FieldError[] {
  const errors = [
    ...whyNotQualifiedName(key).map((why) => invalidField(`${at}.key`, key, why)),
    ...whyNotLabelValue(value).map((why) => invalidField(`${at}.value`, value, why)),
  ];
  if (effect === '') errors.push(requiredField(`${at}.effect`));
  else if (!effects.includes(effect)) errors.push(notSupportedField(`${at}.effect`, effect, effects));
  return errors;
}

/** Devices have places of their own only where the slice says so. */
function validatePlace(
  { nodeName, nodeSelector, allNodes }: Device,
  spec: ResourceSliceSpec,
  at: string,
): FieldError[] {
  if (spec.perDeviceNodeSelection !== true) {
    if ((nodeName ?? nodeSelector ?? allNodes) === undefined) return [];
    const why =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    return [invalidField(at, undefined, why)];
  }
  const errors: FieldError[] = [];
  const set: string[] = [];
  if (nodeName === '') errors.push(invalidField(`${at}.nodeName`, nodeName, 'must not be empty'));
  else if (nodeName !== undefined) {
    set.push('`nodeName`');
    for (const why of whyNotDns1123Subdomain(nodeName)) errors.push(invalidField(`${at}.nodeName`, nodeName, why));
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector, `${at}.nodeSelector`));
  }
  if (allNodes === true) set.push('`allNodes`');
  if (allNodes === false) errors.push(invalidField(`${at}.allNodes`, false, 'must be either unset or set to true'));
  const one =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (set.length === 0) errors.push(requiredField(at, one));
  if (set.length > 1) errors.push(invalidField(at, `{${set.join(', ')}}`, one));
  return errors;
}

function validateConditions({ bindingConditions: good = [], bindingFailureConditions: bad = [] }: Device, at: string) {
  const fields = { good: `${at}.bindingConditions`, bad: `${at}.bindingFailureConditions` };
  const named = (name: string, field: string): FieldError[] =>
    whyNotQualifiedName(name).map((why) => invalidField(field, name, why));
  const errors = [
    ...validateItems(good, fields.good, most.conditions, named),
    ...validateItems(bad, fields.bad, most.conditions, named),
    ...good.flatMap((name, index) => repeated(good, index, fields.good, name)),
    ...bad.flatMap((name, index) => [
      ...repeated(bad, index, fields.bad, name),
      ...(good.includes(name)
        ? [
            invalidField(
              `${fields.bad}[${String(index)}]`,
              name,
              'bindingFailureConditions must not overlap with bindingConditions',
            ),
          ]
        : []),
    ]),
  ];
  if (good.length === 0 && bad.length > 0) {
    errors.push(invalidField(fields.good, undefined, 'bindingConditions are required to use bindingFailureConditions'));
  }
  if (bad.length === 0 && good.length > 0) {
    errors.push(invalidField(fields.bad, undefined, 'bindingFailureConditions are required to use bindingConditions'));
  }
  return errors;
}

function repeated(list: readonly string[], index: number, field: string, name: string): FieldError[] {
  return list.indexOf(name) < index ? [duplicateField(`${field}[${String(index)}]`, name)] : [];
}
