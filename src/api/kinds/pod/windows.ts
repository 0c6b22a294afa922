/**
 * Validation of what is for pods of one operating system. We run Linux; the words are there for manifests that name another. Upstream:
 * validateWindowsSecurityContextOptions, validateWindowsHostProcessPod, validateOS, validateLinux, validateWindows.
 */
import type { PodSpec, WindowsSecurityContextOptions } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { byteLength, whyNotDns1123Subdomain } from '../../validation/index.ts';

const mostSpecBytes = 64 * 1024;
const mostDomainBytes = 255;
const mostUserBytes = 104;
const netBiosName = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const dnsName = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, at: string): FieldError[] {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options ?? {};
  const errors: FieldError[] = [];
  for (const why of name === undefined ? [] : whyNotDns1123Subdomain(name)) {
    errors.push(invalidField(`${at}.gmsaCredentialSpecName`, name, why));
  }
  const specField = `${at}.gmsaCredentialSpec`;
  if (spec === '') errors.push(invalidField(specField, spec, 'gmsaCredentialSpec cannot be an empty string'));
  else if (byteLength(spec ?? '') > mostSpecBytes) {
    errors.push(invalidField(specField, spec, 'gmsaCredentialSpec size must be under 64 KiB'));
  }
  if (user === undefined) return errors;
  return [
    ...errors,
    ...whyNotUser(user).map((why) => invalidField(`${at}.runAsUserName`, user, `runAsUserName${why}`)),
  ];
}

/** `DOMAIN\user` */
function whyNotUser(text: string): string[] {
  if (text === '') return [' cannot be an empty string'];
  if (/[\u0000-\u001f\u007f]/.test(text)) return [' cannot contain control characters'];
  const parts = text.split('\\');
  if (parts.length > 2) return [' cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const errors: string[] = [];
  if (byteLength(domain ?? '') > mostDomainBytes) errors.push("'s Domain length must be under 256 characters");
  if (domain !== undefined && !netBiosName.test(domain) && !dnsName.test(domain)) {
    errors.push("'s Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') errors.push("'s User cannot be empty");
  if (byteLength(user) > mostUserBytes) {
    errors.push(`'s User length must not be longer than ${mostUserBytes} characters`);
  }
  if (/^[. ]+$/.test(user)) errors.push("'s User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    errors.push('\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
  return errors;
}

const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** All containers are HostProcess containers, or none. */
export function validateHostProcess(spec: PodSpec, at: string): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  const all: boolean[] = [];
  for (const key of lists) {
    for (const [index, { securityContext }] of (spec[key] ?? []).entries()) {
      const own = securityContext?.windowsOptions?.hostProcess;
      all.push(own ?? ofPod ?? false);
      if (ofPod === undefined || own === undefined || ofPod === own) continue;
      const why = `pod hostProcess value must be identical if both are specified, was ${String(ofPod)}`;
      errors.push(invalidField(`${at}.${key}[${index}].securityContext.windowsOptions.hostProcess`, own, why));
    }
  }
  if (!all.includes(true)) return errors;
  if (all.includes(false)) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.push(invalidField(at, '', why));
  }
  if (spec.hostNetwork === true) return errors;
  const why = 'hostNetwork must be true if pod contains any hostProcess containers';
  return [...errors, invalidField(`${at}.hostNetwork`, false, why)];
}

export function validateOs(spec: PodSpec, at: string): FieldError[] {
  if (spec.os === undefined) return [];
  const { name = '' }: Partial<typeof spec.os> = spec.os;
  if (name === '') return [requiredField(`${at}.os.name`)];
  if (name === 'linux')
    return refuse(spec, at, windowsField, windowsField, 'windows options cannot be set for a linux pod');
  if (name !== 'windows') return [notSupportedField(`${at}.os`, name, ['linux', 'windows'])];
  return [...refuse(spec, at, linuxPod, linuxContainer, 'cannot be set for a windows pod'), ...hostFields(spec, at)];
}

const windowsField = ['windowsOptions'] as const;
const linuxBoth = ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'runAsUser', 'runAsGroup'] as const;
const linuxPod = [
  ...linuxBoth,
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
];
const linuxContainer = [
  ...linuxBoth,
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
];

function refuse(spec: PodSpec, at: string, ofPod: readonly string[], ofContainer: readonly string[], why: string) {
  const check = (context: object | undefined, keys: readonly string[], field: string): FieldError[] =>
    keys.filter((key) => context !== undefined && key in context).map((key) => forbiddenField(`${field}.${key}`, why));
  return [
    ...check(spec.securityContext, ofPod, `${at}.securityContext`),
    ...lists.flatMap((key) =>
      (spec[key] ?? []).flatMap(({ securityContext }, index) =>
        check(securityContext, ofContainer, `${at}.${key}[${index}].securityContext`),
      ),
    ),
  ];
}

function hostFields(spec: PodSpec, at: string): FieldError[] {
  const set = [
    ...(spec.hostUsers === undefined ? [] : ['hostUsers']),
    ...(spec.hostPID === true ? ['hostPID'] : []),
    ...(spec.hostIPC === true ? ['hostIPC'] : []),
    ...(spec.shareProcessNamespace === undefined ? [] : ['shareProcessNamespace']),
  ];
  return set.map((key) => forbiddenField(`${at}.${key}`, 'cannot be set for a windows pod'));
}
