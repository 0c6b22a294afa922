/** What a person may set about the controllers; everything has upstream's default. */
export interface ControllerOptions {
  /** Ranges for spec.podCIDR of nodes that have none: one, or one per family. Unset: nodes keep what they have. */
  readonly clusterCidr?: readonly string[];
  /** Size of each node's share; upstream: 24 and 64. */
  readonly nodeCidrMaskSizeIPv4?: number;
  readonly nodeCidrMaskSizeIPv6?: number;
  /** A node that was silent for so long is Unknown. Upstream: 40; local clusters pass less. */
  readonly nodeMonitorGracePeriodSeconds?: number;
  /** PEM, for the ConfigMap kube-root-ca.crt of each namespace. Unset: none is written. */
  readonly caCert?: string;
  /** Unset: CertificateSigningRequests are not signed. */
  readonly signing?: SigningOptions;
  /** Loops to leave out, by the names in run.ts: a real cluster has its own scheduler, say. */
  readonly without?: readonly string[];
}

/** What the signers of kubernetes.io sign with. */
export interface SigningOptions {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** The longest life, and that of certificates that ask for none. Upstream: a year. */
  readonly durationSeconds?: number;
}
