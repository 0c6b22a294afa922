/**
 * Upstream's admission plugins by name, for --enable- and --disable-admission-plugins, in its order
 * (pkg/kubeapiserver/options/plugins.go).
 *
 *   on       unless it is switched off
 *   always   cannot be switched off here
 *   idle     what it is about is not served
 *   absent   off upstream too unless it is asked for, and not here
 */
const plugins = {
  AlwaysAdmit: 'absent',
  NamespaceAutoProvision: 'absent',
  NamespaceLifecycle: 'always',
  NamespaceExists: 'absent',
  LimitPodHardAntiAffinityTopology: 'absent',
  LimitRanger: 'on',
  ServiceAccount: 'on',
  NodeRestriction: 'always',
  TaintNodesByCondition: 'on',
  AlwaysPullImages: 'absent',
  ImagePolicyWebhook: 'absent',
  PodSecurity: 'on',
  PodNodeSelector: 'absent',
  Priority: 'on',
  DefaultTolerationSeconds: 'on',
  PodTolerationRestriction: 'absent',
  EventRateLimit: 'absent',
  ExtendedResourceToleration: 'absent',
  DefaultStorageClass: 'on',
  StorageObjectInUseProtection: 'on',
  PodGroupProtection: 'idle',
  OwnerReferencesPermissionEnforcement: 'absent',
  PersistentVolumeClaimResize: 'on',
  RuntimeClass: 'on',
  CertificateApproval: 'on',
  CertificateSigning: 'on',
  ClusterTrustBundleAttest: 'idle',
  CertificateSubjectRestriction: 'on',
  DefaultIngressClass: 'on',
  DenyServiceExternalIPs: 'on',
  PodTopologyLabels: 'on',
  PodGroupWorkloadExists: 'idle',
  NodeDeclaredFeatureValidator: 'on',
  JobValidation: 'idle',
  PodResizeValidator: 'on',
  MutatingAdmissionPolicy: 'always',
  MutatingAdmissionWebhook: 'always',
  ValidatingAdmissionPolicy: 'always',
  ValidatingAdmissionWebhook: 'always',
  ResourceQuota: 'on',
  AlwaysDeny: 'absent',
} as const;

type State = (typeof plugins)[keyof typeof plugins];

/** What is wrong with the two lists of names; upstream's words where it has them. */
export function wrongPluginNames(enabled: readonly string[], disabled: readonly string[]): string[] {
  const both = enabled.filter((name) => disabled.includes(name)).sort();
  return [
    ...enabled.flatMap((name) => whyNot('enable', name, 'absent')),
    ...disabled.flatMap((name) => whyNot('disable', name, 'always')),
    ...(both.length === 0
      ? []
      : [`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`]),
  ];
}

function whyNot(verb: 'enable' | 'disable', name: string, impossible: State): string[] {
  const about = `${verb}-admission-plugins plugin ${JSON.stringify(name)}`;
  if (!isPlugin(name)) return [`${about} is unknown`];
  if (plugins[name] !== impossible) return [];
  return [`${about} ${impossible === 'absent' ? 'is not implemented' : 'cannot be switched off'}`];
}

function isPlugin(name: string): name is keyof typeof plugins {
  return Object.hasOwn(plugins, name);
}
