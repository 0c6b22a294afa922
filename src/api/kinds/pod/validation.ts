/** Validation of pods and pod templates. Upstream: ValidatePodSpec, ValidatePodTemplateSpec. */
import type { Pod, PodSpec, PodTemplateSpec, Toleration, Volume } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { whyInvalidIp } from '../../../util/ip.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField } from '../../field-errors.ts';
import {
  dns1123SubdomainName,
  validateAnnotations,
  validateEnum,
  validateLabels,
  validateMetadata,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotLabelValue,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { validateContainers } from './containers.ts';
import { validatePodSecurity } from './security.ts';

const mostDeadlineSeconds = 2 ** 31 - 1;

export function validatePod(pod: Pod): FieldError[] {
  return [
    ...validateMetadata(pod, true, dns1123SubdomainName),
    ...validatePodSpec(pod.spec ?? { containers: [] }, 'spec'),
  ];
}

/** Upstream: ValidatePodCreate. */
export function validatePodCreate(pod: Pod): FieldError[] {
  const errors = validatePod(pod);
  if ((pod.spec?.ephemeralContainers ?? []).length === 0) return errors;
  return [...errors, forbiddenField('spec.ephemeralContainers', 'cannot be set on create')];
}

export function validatePodTemplate(template: PodTemplateSpec | undefined, at: string): FieldError[] {
  const spec = template?.spec ?? { containers: [] };
  return [
    ...validateLabels(template?.metadata?.labels, `${at}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${at}.annotations`),
    ...validatePodSpec(spec, `${at}.spec`),
    ...((spec.ephemeralContainers ?? []).length === 0
      ? []
      : [forbiddenField(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]),
  ];
}

function validatePodSpec(spec: PodSpec, at: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map((volume) => volume.name));
  const context = { volumes, hostNetwork: spec.hostNetwork === true };
  return [
    ...validateVolumes(spec.volumes ?? [], `${at}.volumes`),
    ...validateContainers(spec.containers ?? [], { ...context, at: `${at}.containers`, init: false }),
    ...validateContainers(spec.initContainers ?? [], { ...context, at: `${at}.initContainers`, init: true }),
    ...validateSharedNames(spec, at),
    ...validateEnum(spec.restartPolicy, `${at}.restartPolicy`, ['Always', 'Never', 'OnFailure']),
    ...validateDns(spec, at),
    ...validateLabels(spec.nodeSelector, `${at}.nodeSelector`),
    ...validateNames(spec, at),
    ...validateHostnameOverride(spec, `${at}.hostnameOverride`),
    ...validateTolerations(spec.tolerations ?? [], `${at}.tolerations`),
    ...validateHostAliases(spec, `${at}.hostAliases`),
    ...validateDeadline(spec, at),
    ...validatePodSecurity(spec, at),
    ...validateReadinessGates(spec, `${at}.readinessGates`),
  ];
}

/** Upstream: validatePodHostName. */
function validateHostnameOverride(spec: PodSpec, field: string): FieldError[] {
  const { hostnameOverride: name, setHostnameAsFQDN, hostNetwork } = spec;
  if (name === undefined) return [];
  const errors: FieldError[] = [];
  if (setHostnameAsFQDN === true) {
    errors.push(forbiddenField(field, 'may not be specified when setHostnameAsFQDN is true'));
  }
  if (hostNetwork === true) errors.push(forbiddenField(field, 'may not be specified when hostNetwork is true'));
  if (name.length > 64) errors.push(tooLongField(field, 64));
  return [...errors, ...whyNotDns1123Subdomain(name).map((why) => invalidField(field, name, why))];
}

function validateVolumes(volumes: readonly Volume[], field: string): FieldError[] {
  const names = volumes.map((volume) => volume.name ?? '');
  return volumes.flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const name = names[index] ?? '';
    const errors: FieldError[] = [];
    if (name === '') errors.push(requiredField(`${at}.name`));
    else {
      for (const why of whyNotDns1123Label(name)) errors.push(invalidField(`${at}.name`, name, why));
      if (names.indexOf(name) !== index) errors.push(duplicateField(`${at}.name`, name));
    }
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    if (sources.length === 0) errors.push(requiredField(at, 'must specify a volume type'));
    for (const source of sources.slice(1)) {
      errors.push(forbiddenField(`${at}.${source}`, 'may not specify more than 1 volume type'));
    }
    return [...errors, ...validateSource(volume, at)];
  });
}

function validateSource(volume: Volume, at: string): FieldError[] {
  const { hostPath, configMap, secret } = volume;
  const errors: FieldError[] = [];
  if (hostPath !== undefined) {
    if ((hostPath.path ?? '') === '') errors.push(requiredField(`${at}.hostPath.path`));
    else if (hostPath.path.split('/').includes('..')) {
      errors.push(invalidField(`${at}.hostPath.path`, hostPath.path, "must not contain '..'"));
    }
  }
  if (configMap !== undefined && (configMap.name ?? '') === '') errors.push(requiredField(`${at}.configMap.name`));
  if (secret !== undefined && (secret.secretName ?? '') === '') errors.push(requiredField(`${at}.secret.secretName`));
  for (const [index, source] of (volume.projected?.sources ?? []).entries()) {
    const seconds = source.serviceAccountToken?.expirationSeconds;
    if (seconds === undefined || seconds >= 600) continue;
    const field = `${at}.projected.sources[${index}].serviceAccountToken.expirationSeconds`;
    errors.push(invalidField(field, seconds, 'may not specify a duration less than 10 minutes'));
  }
  return errors;
}

function validateSharedNames(spec: PodSpec, at: string): FieldError[] {
  const names = new Set((spec.containers ?? []).map((container) => container.name));
  return (spec.initContainers ?? []).flatMap((container, index) =>
    names.has(container.name) ? [duplicateField(`${at}.initContainers[${index}].name`, container.name)] : [],
  );
}

function validateDns(spec: PodSpec, at: string): FieldError[] {
  const policies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
  const errors = validateEnum(spec.dnsPolicy, `${at}.dnsPolicy`, policies);
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  if (spec.dnsPolicy === 'None' && nameservers.length === 0) {
    const why =
      spec.dnsConfig === undefined
        ? 'must provide `dnsConfig` when `dnsPolicy` is None'
        : 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    errors.push(requiredField(spec.dnsConfig === undefined ? `${at}.dnsConfig` : `${at}.dnsConfig.nameservers`, why));
  }
  if (nameservers.length > 3) {
    errors.push(invalidField(`${at}.dnsConfig.nameservers`, nameservers, 'must not have more than 3 nameservers'));
  }
  for (const [index, server] of nameservers.entries()) {
    const why = whyInvalidIp(server);
    if (why !== undefined) errors.push(invalidField(`${at}.dnsConfig.nameservers[${index}]`, server, why));
  }
  if (searches.length > 32) {
    errors.push(invalidField(`${at}.dnsConfig.searches`, searches, 'must not have more than 32 search paths'));
  }
  for (const [index, search] of searches.entries()) {
    // RelaxedDNSSearchValidation (1.34): '.' alone and underscores are fine.
    if (search === '.') continue;
    for (const why of whyNotDns1123Subdomain(search.replace(/\.$/, '').replaceAll('_', 'a'))) {
      errors.push(invalidField(`${at}.dnsConfig.searches[${index}]`, search, why));
    }
  }
  for (const [index, option] of options.entries()) {
    if ((option.name ?? '') === '')
      errors.push(requiredField(`${at}.dnsConfig.options[${index}]`, 'must not be empty'));
  }
  return errors;
}

function validateNames(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (
    key: 'hostname' | 'subdomain' | 'nodeName' | 'serviceAccountName',
    rule: (text: string) => string[],
  ): void => {
    const text = spec[key] ?? '';
    if (text !== '') for (const why of rule(text)) errors.push(invalidField(`${at}.${key}`, text, why));
  };
  check('hostname', whyNotDns1123Label);
  check('subdomain', whyNotDns1123Label);
  check('nodeName', whyNotDns1123Subdomain);
  check('serviceAccountName', whyNotDns1123Subdomain);
  return errors;
}

function validateTolerations(tolerations: readonly Toleration[], field: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = 'Equal', value = '', effect = '', tolerationSeconds }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (key !== '') for (const why of whyNotQualifiedName(key)) errors.push(invalidField(`${at}.key`, key, why));
    if (key === '' && operator !== 'Exists') {
      errors.push(
        invalidField(
          `${at}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalidField(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === 'Exists' && value !== '') {
      errors.push(
        invalidField(`${at}.operator`, { operator, value }, "value must be empty when `operator` is 'Exists'"),
      );
    }
    for (const why of whyNotLabelValue(value)) errors.push(invalidField(`${at}.operator`, value, why));
    errors.push(...validateEnum(operator, `${at}.operator`, ['Equal', 'Exists']));
    if (effect !== '')
      errors.push(...validateEnum(effect, `${at}.effect`, ['NoExecute', 'NoSchedule', 'PreferNoSchedule']));
    return errors;
  });
}

function validateReadinessGates(spec: PodSpec, field: string): FieldError[] {
  return (spec.readinessGates ?? []).flatMap(({ conditionType = '' }, index) =>
    whyNotQualifiedName(conditionType).map((why) =>
      invalidField(`${field}[${index}].conditionType`, conditionType, why),
    ),
  );
}

function validateHostAliases(spec: PodSpec, field: string): FieldError[] {
  return (spec.hostAliases ?? []).flatMap(({ ip, hostnames = [] }, index) => {
    const why = whyInvalidIp(ip ?? '');
    const errors = why === undefined ? [] : [invalidField(`${field}[${index}].ip`, ip, why)];
    for (const name of hostnames) {
      for (const bad of whyNotDns1123Subdomain(name))
        errors.push(invalidField(`${field}[${index}].hostnames`, name, bad));
    }
    return errors;
  });
}

function validateDeadline(spec: PodSpec, at: string): FieldError[] {
  const seconds = spec.activeDeadlineSeconds;
  if (seconds === undefined || (seconds >= 1 && seconds <= mostDeadlineSeconds)) return [];
  const why = `must be between 1 and ${mostDeadlineSeconds}, inclusive`;
  return [invalidField(`${at}.activeDeadlineSeconds`, seconds, why)];
}
