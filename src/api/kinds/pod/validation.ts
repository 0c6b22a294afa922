/** Validation of pods and pod templates. Upstream: ValidatePodSpec, ValidatePodTemplateSpec, ValidatePodCreate. */
import type { Pod, PodSpec, PodTemplateSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField } from '../../field-errors.ts';
import {
  dns1123SubdomainName,
  validateAnnotations,
  validateEnum,
  validateLabels,
  validateMetadata,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { validateAffinity, validateSpread } from './affinity.ts';
import { validateAllContainers } from './containers.ts';
import { validateDns, validateHostAliases } from './dns.ts';
import { validateFileVolumes } from './env.ts';
import { validateHostNetworkPorts } from './ports.ts';
import { validatePodAnnotations } from './profiles.ts';
import { validateOverhead, validatePodResources } from './resources.ts';
import { validatePodSecurity } from './security.ts';
import { validateTolerations } from './tolerations.ts';
import { validateVolumes } from './volumes.ts';
import { validateHostProcess, validateOs } from './windows.ts';

const mostDeadlineSeconds = 2 ** 31 - 1;

export function validatePod(pod: Pod): FieldError[] {
  const spec = pod.spec ?? { containers: [] };
  return [
    ...validateMetadata(pod, true, dns1123SubdomainName),
    ...validatePodAnnotations(pod),
    ...validatePodSpec(spec, 'spec', { isPod: true, podName: pod.metadata?.name ?? '' }),
    ...validateTokens(spec),
  ];
}

/** Upstream: ValidatePodCreate. */
export function validatePodCreate(pod: Pod): FieldError[] {
  const errors = validatePod(pod);
  const { ephemeralContainers = [], nodeName = '', schedulingGates = [] }: Partial<PodSpec> = pod.spec ?? {};
  if (ephemeralContainers.length > 0) {
    errors.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (nodeName !== '' && schedulingGates.length > 0) {
    errors.push(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

export function validatePodTemplate(template: PodTemplateSpec | undefined, at: string): FieldError[] {
  const spec = template?.spec ?? { containers: [] };
  return [
    ...validateLabels(template?.metadata?.labels, `${at}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${at}.annotations`),
    ...validatePodSpec(spec, `${at}.spec`, { isPod: false, podName: '' }),
    ...((spec.ephemeralContainers ?? []).length === 0
      ? []
      : [forbiddenField(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]),
  ];
}

function validatePodSpec(spec: PodSpec, at: string, of: { isPod: boolean; podName: string }): FieldError[] {
  const { errors, good } = validateVolumes(spec.volumes ?? [], of, `${at}.volumes`);
  const claims = new Set((spec.resourceClaims ?? []).flatMap(({ name }) => ((name ?? '') === '' ? [] : [name])));
  return [
    ...errors,
    ...validateClaims(spec, `${at}.resourceClaims`),
    ...validateAllContainers({ spec, volumes: good, claims, isPod: of.isPod }, at),
    ...validatePodResources(spec, claims, `${at}.resources`),
    ...validateHostNetworkPorts(spec, at, of.isPod),
    ...validateEnum(spec.restartPolicy, `${at}.restartPolicy`, ['Always', 'OnFailure', 'Never']),
    ...validateDns(spec, at),
    ...validateLabels(spec.nodeSelector, `${at}.nodeSelector`),
    ...validatePodSecurity(spec, at),
    ...validateAffinity(spec.affinity ?? {}, `${at}.affinity`),
    ...validateGates(spec, at),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${at}.topologySpreadConstraints`),
    ...validateHostProcess(spec, at),
    ...validateHostnameOverride(spec, `${at}.hostnameOverride`),
    ...validateNames(spec, at),
    ...validateDeadline(spec, at),
    ...validateTolerations(spec.tolerations ?? [], `${at}.tolerations`),
    ...validateHostAliases(spec, `${at}.hostAliases`),
    ...validatePreemption(spec, `${at}.preemptionPolicy`),
    ...validateOverhead(spec.overhead ?? {}, `${at}.overhead`),
    ...validateOs(spec, at),
    ...validateFileVolumes(spec, at),
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

/** Upstream: validatePodResourceClaim, which shows the claim as Go holds it. */
function validateClaims({ resourceClaims = [] }: PodSpec, field: string): FieldError[] {
  const names = resourceClaims.map(({ name = '' }: Partial<(typeof resourceClaims)[number]>) => name);
  return resourceClaims.flatMap(({ resourceClaimName, resourceClaimTemplateName }, index) => {
    const at = `${field}[${index}]`;
    const name = names[index] ?? '';
    const errors: FieldError[] = [];
    const wanted = { resourceClaimName, resourceClaimTemplateName };
    if (name === '') errors.push(requiredField(`${at}.name`));
    else if (names.indexOf(name) < index) errors.push(duplicateField(`${at}.name`, name));
    else for (const why of whyNotDns1123Label(name)) errors.push(invalidField(`${at}.name`, name, why));
    const given = Object.values(wanted).filter((one) => one !== undefined).length;
    if (given !== 1) {
      const value = {
        Name: name,
        ResourceClaimName: resourceClaimName ?? null,
        ResourceClaimTemplateName: resourceClaimTemplateName ?? null,
      };
      const both = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      const none = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      errors.push(invalidField(at, value, given === 0 ? none : both));
    }
    for (const [key, text] of Object.entries(wanted)) {
      for (const why of text === undefined ? [] : whyNotDns1123Subdomain(text)) {
        errors.push(invalidField(`${at}.${key}`, text, why));
      }
    }
    return errors;
  });
}

/** Only of pods: a template's account may come later. */
function validateTokens(spec: PodSpec): FieldError[] {
  if ((spec.serviceAccountName ?? '') !== '') return [];
  return (spec.volumes ?? []).flatMap(({ projected }, index) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }, position) => {
      if (serviceAccountToken === undefined) return [];
      const field = `spec.volumes[${index}].projected.sources[${position}].serviceAccountToken`;
      return [forbiddenField(field, 'must not be specified when serviceAccountName is not set')];
    }),
  );
}

/** What a pod waits for before it is ready, and before it is scheduled. */
function validateGates({ readinessGates = [], schedulingGates = [] }: PodSpec, at: string): FieldError[] {
  const names = schedulingGates.map(({ name = '' }: Partial<(typeof schedulingGates)[number]>) => name);
  return [
    ...readinessGates.flatMap(({ conditionType = '' }: Partial<(typeof readinessGates)[number]>, index) =>
      whyNotQualifiedName(conditionType).map((why) =>
        invalidField(`${at}.readinessGates[${index}].conditionType`, conditionType, why),
      ),
    ),
    ...names.flatMap((name, index) => {
      const field = `${at}.schedulingGates[${index}]`;
      const errors = whyNotQualifiedName(name).map((why) => invalidField(field, name, why));
      return names.indexOf(name) < index ? [...errors, duplicateField(field, name)] : errors;
    }),
  ];
}

function validateNames(spec: PodSpec, at: string): FieldError[] {
  const check = (key: string, text: string, rule: (text: string) => string[]): FieldError[] =>
    text === '' ? [] : rule(text).map((why) => invalidField(`${at}.${key}`, text, why));
  return [
    ...check('serviceAccountName', spec.serviceAccountName ?? '', whyNotDns1123Subdomain),
    ...check('nodeName', spec.nodeName ?? '', whyNotDns1123Subdomain),
    ...check('hostname', spec.hostname ?? '', whyNotDns1123Label),
    ...check('subdomain', spec.subdomain ?? '', whyNotDns1123Label),
    ...check('priorityClassName', spec.priorityClassName ?? '', whyNotDns1123Subdomain),
    // A pointer: an empty name is a name.
    ...(spec.runtimeClassName === undefined ? [] : whyNotDns1123Subdomain(spec.runtimeClassName)).map((why) =>
      invalidField(`${at}.runtimeClassName`, spec.runtimeClassName, why),
    ),
  ];
}

function validatePreemption({ preemptionPolicy: policy }: PodSpec, field: string): FieldError[] {
  return policy === undefined ? [] : validateEnum(policy, field, ['PreemptLowerPriority', 'Never']);
}

function validateDeadline(spec: PodSpec, at: string): FieldError[] {
  const seconds = spec.activeDeadlineSeconds;
  if (seconds === undefined || (seconds >= 1 && seconds <= mostDeadlineSeconds)) return [];
  const why = `must be between 1 and ${mostDeadlineSeconds}, inclusive`;
  return [invalidField(`${at}.activeDeadlineSeconds`, seconds, why)];
}
