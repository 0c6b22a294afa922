/** Who asks. Upstream: k8s.io/apiserver/pkg/authentication/user. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export const authenticatedGroup = 'system:authenticated';
