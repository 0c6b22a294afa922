/**
 * Whether a container runs again after its end: its own rules by exit code, then its own policy, then the pod's. Upstream:
 * ContainerShouldRestart in pkg/api/v1/pod/util.go (KEP-5307).
 */
import type { Container } from '../api/gen/types.ts';

export function restartsAfter(container: Container, podPolicy: string, exitCode: number): boolean {
  const { restartPolicy, restartPolicyRules = [] } = container;
  if (restartPolicy === undefined) return byPolicy(podPolicy, exitCode);
  const isNamed = restartPolicyRules.some(
    ({ exitCodes }) =>
      exitCodes !== undefined && (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === 'In'),
  );
  return isNamed || byPolicy(restartPolicy, exitCode);
}

function byPolicy(policy: string, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}
