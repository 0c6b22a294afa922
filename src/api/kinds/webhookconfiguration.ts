/**
 * admissionregistration.k8s.io/v1 MutatingWebhookConfiguration and ValidatingWebhookConfiguration.
 * Upstream: pkg/apis/admissionregistration (v1/defaults.go, validation/validation.go), apiserver/pkg/util/webhook/validation.go.
 */
import type {
  AdmissionregistrationWebhookClientConfig,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicateField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { KindDefinition } from '../kind.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import type { Resource } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotDns1035Label,
  whyNotDns1123Subdomain,
} from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { validateWebhookService } from './webhook-service.ts';
import { validateMatchConditions, validateRule } from './match-rules.ts';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;
type Webhook = MutatingWebhook | ValidatingWebhook;

export const mutatingWebhookConfigurationKind = configurationKind<MutatingWebhookConfiguration>(
  resources.mutatingWebhookConfigurations,
  true,
);
export const validatingWebhookConfigurationKind = configurationKind<ValidatingWebhookConfiguration>(
  resources.validatingWebhookConfigurations,
  false,
);

function configurationKind<T extends Configuration>(resource: Resource<T>, mutating: boolean): KindDefinition {
  const noun = mutating ? 'mutating' : 'validating';
  return defineKind<T>({
    resource,
    applyDefaults(configuration) {
      for (const webhook of configuration.webhooks ?? []) setDefaults(webhook, mutating);
    },
    prepareForCreate(configuration) {
      configuration.metadata = { ...configuration.metadata, generation: 1 };
    },
    prepareForUpdate(configuration, old) {
      const before = old.metadata.generation ?? 1;
      const same = sameValue(configuration.webhooks, (old as unknown as T).webhooks);
      configuration.metadata = { ...configuration.metadata, generation: same ? before : before + 1 };
    },
    validate: validateConfiguration,
    validateUpdate: (configuration, old) => [
      ...validateMetadataUpdate(configuration, old),
      ...validateConfiguration(configuration),
    ],
    columns: [
      nameColumn(),
      integerColumn(
        'Webhooks',
        `Webhooks indicates the number of ${noun} webhooks that are registered in this configuration.`,
        (configuration) => (configuration as unknown as T).webhooks?.length ?? 0,
      ),
      ageColumn(),
    ],
    unconditionalUpdate: false,
  });
}

function setDefaults(webhook: Webhook, mutating: boolean): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  if (mutating) (webhook as MutatingWebhook).reinvocationPolicy ??= 'Never';
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  const service = webhook.clientConfig?.service;
  if (service !== undefined) service.port ??= 443;
}

function validateConfiguration(configuration: Configuration): FieldError[] {
  const errors = validateObjectMeta(configuration, false, dns1123SubdomainName);
  const seen = new Set<string>();
  for (const [index, webhook] of (configuration.webhooks ?? []).entries()) {
    const field = `webhooks[${String(index)}]`;
    errors.push(...validateWebhook(webhook, field));
    if (seen.has(webhook.name)) errors.push(duplicateField(`${field}.name`, webhook.name));
    seen.add(webhook.name);
  }
  return errors;
}

function validateWebhook(webhook: Webhook, field: string): FieldError[] {
  const errors = validateName(webhook.name ?? '', `${field}.name`);
  const oneOf = (key: 'failurePolicy' | 'matchPolicy', supported: readonly string[]): void => {
    const value = webhook[key];
    if (value !== undefined && !supported.includes(value))
      errors.push(notSupportedField(`${field}.${key}`, value, supported));
  };
  for (const [index, rule] of (webhook.rules ?? []).entries())
    errors.push(...validateRule(rule, `${field}.rules[${String(index)}]`));
  oneOf('failurePolicy', ['Fail', 'Ignore']);
  oneOf('matchPolicy', ['Equivalent', 'Exact']);
  const sideEffects = webhook.sideEffects as string | undefined;
  if (sideEffects === undefined)
    errors.push(requiredField(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
  else if (sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') {
    errors.push(notSupportedField(`${field}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']));
  }
  const timeout = webhook.timeoutSeconds ?? 10;
  if (timeout < 1 || timeout > 30) {
    errors.push(invalidField(`${field}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds'));
  }
  errors.push(...validateLabelSelector(webhook.namespaceSelector, `${field}.namespaceSelector`));
  errors.push(...validateLabelSelector(webhook.objectSelector, `${field}.objectSelector`));
  errors.push(...validateClientConfig(webhook.clientConfig, `${field}.clientConfig`));
  errors.push(...validateReviewVersions(webhook.admissionReviewVersions ?? [], `${field}.admissionReviewVersions`));
  const reinvocation = (webhook as MutatingWebhook).reinvocationPolicy;
  if (reinvocation !== undefined && !['Never', 'IfNeeded'].includes(reinvocation)) {
    errors.push(notSupportedField(`${field}.reinvocationPolicy`, reinvocation, ['IfNeeded', 'Never']));
  }
  errors.push(...validateMatchConditions(webhook.matchConditions, false, `${field}.matchConditions`));
  return errors;
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  const errors = whyNotDns1123Subdomain(name).map((why) => invalidField(field, name, why));
  if (errors.length === 0 && name.split('.').length < 3) {
    return [invalidField(field, name, 'should be a domain with at least three segments separated by dots')];
  }
  return errors;
}

function validateClientConfig(
  config: AdmissionregistrationWebhookClientConfig | undefined,
  field: string,
): FieldError[] {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined))
    return [requiredField(field, 'exactly one of url or service is required')];
  if (url !== undefined) return validateUrl(url, `${field}.url`);
  return service === undefined ? [] : validateWebhookService(service, `${field}.service`);
}

function validateUrl(text: string, field: string): FieldError[] {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text))
    return [requiredField(field, `url must be a valid URL: parse ${JSON.stringify(text)}${form}`)];
  const url = new URL(text);
  const errors: FieldError[] = [];
  if (url.protocol !== 'https:') {
    errors.push(invalidField(field, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`));
  }
  if (url.host === '') errors.push(invalidField(field, url.host, `host must be specified${form}`));
  if (url.username !== '' || url.password !== '') {
    errors.push(invalidField(field, url.username, 'user information is not permitted in the URL'));
  }
  if (url.hash !== '') errors.push(invalidField(field, url.hash.slice(1), 'fragments are not permitted in the URL'));
  if (url.search !== '')
    errors.push(invalidField(field, url.search.slice(1), 'query parameters are not permitted in the URL'));
  return errors;
}

function validateReviewVersions(versions: readonly string[], field: string): FieldError[] {
  if (versions.length === 0) return [requiredField(field, 'must specify one of v1, v1beta1')];
  const errors = versions.flatMap((version, index) => {
    const at = `${field}[${String(index)}]`;
    if (versions.indexOf(version) < index) return [invalidField(at, version, 'duplicate version')];
    return whyNotDns1035Label(version).map((why) => invalidField(at, version, why));
  });
  if (versions.some((version) => version === 'v1' || version === 'v1beta1')) return errors;
  return [...errors, invalidField(field, versions, 'must include at least one of v1, v1beta1')];
}
