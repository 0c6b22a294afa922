/** spec.podFailurePolicy and spec.successPolicy. Upstream: pod_failure_policy.go, success_policy.go. */
import type {
  ContainerStatus,
  JobSpec,
  Pod,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
} from '../../api/gen/types.ts';
import { overlap, parseIndexes, totalOf } from './job-indexes.ts';
import type { Indexes } from './job-indexes.ts';

export interface FailureMatch {
  readonly action: 'Ignore' | 'FailIndex' | 'Count' | 'FailJob' | undefined;
  /** Towards backoffLimit and backoffLimitPerIndex. */
  readonly counts: boolean;
  /** Present with FailJob: why the job fails. */
  readonly message: string | undefined;
}

/** The first rule that matches decides; a failure that no rule names counts. */
export function matchFailure(policy: PodFailurePolicy | undefined, pod: Pod): FailureMatch {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const why = matchRule(rule, pod);
    if (why === undefined) continue;
    const action = rule.action as FailureMatch['action'];
    const message = action === 'FailJob' ? `${why} matching ${rule.action} rule at index ${index}` : undefined;
    return { action, counts: action !== 'Ignore', message };
  }
  return { action: undefined, counts: true, message: undefined };
}

function matchRule({ onExitCodes, onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  const { containerStatuses = [], initContainerStatuses = [], conditions = [] } = pod.status ?? {};
  if (onExitCodes !== undefined) {
    const found = [...containerStatuses, ...initContainerStatuses].find((status) => hasCode(status, onExitCodes));
    if (found === undefined) return undefined;
    return `Container ${found.name} for pod ${name} failed with exit code ${found.state?.terminated?.exitCode}`;
  }
  const found = conditions.find((condition) =>
    onPodConditions?.some(({ type, status }) => type === condition.type && status === condition.status),
  );
  return found === undefined ? undefined : `Pod ${name} has condition ${found.type}`;
}

function hasCode({ name, state }: ContainerStatus, wanted: PodFailurePolicyOnExitCodesRequirement): boolean {
  const code = state?.terminated?.exitCode ?? 0;
  if (code === 0 || (wanted.containerName !== undefined && wanted.containerName !== name)) return false;
  return wanted.values.includes(code) === (wanted.operator === 'In');
}

/** The message when a rule is met. */
export function matchSuccess({ successPolicy, completions = 0 }: JobSpec, succeeded: Indexes): string | undefined {
  if (succeeded.length === 0) return undefined;
  const index = (successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && totalOf(succeeded) >= succeededCount;
    const required = parseIndexes(succeededIndexes, completions);
    if (required.length === 0) return false;
    const common = overlap(required, succeeded);
    return common === totalOf(required) || (succeededCount !== undefined && common >= succeededCount);
  });
  return index < 0 ? undefined : `Matched rules at index ${index}`;
}
