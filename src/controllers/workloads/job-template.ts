/** The pods that a job makes. Upstream: manageJob, indexed_job_utils.go. */
import type { Container, Pod } from '../../api/gen/types.ts';
import { controllerReference } from '../owners.ts';
import { isIndexed } from './job-facts.ts';
import type { JobFacts } from './job-facts.ts';
import { failureAnnotations, indexLabel, trackingFinalizer } from './job-pods.ts';

const indexVariable = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexLabel}']` } },
};
/** A generated name has five letters more. Upstream: names.MaxGeneratedNameLength. */
const mostPrefixLetters = 58;

/** `index`: -1 of a job without. */
export function jobPod({ job, awaited, failedIndexes }: JobFacts, index: number): Pod {
  const { metadata, spec } = job.spec?.template ?? {};
  const { name, namespace } = job.metadata;
  const at: Record<string, string> = isIndexed(job) ? { [indexLabel]: String(index) } : {};
  const failures = failedIndexes === undefined ? {} : failureAnnotations(job, awaited.get(index));
  const finalizers = metadata?.finalizers ?? [];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: isIndexed(job) ? indexedPrefix(name, index) : `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...metadata?.labels, ...at },
      annotations: { ...metadata?.annotations, ...at, ...failures },
      finalizers: finalizers.includes(trackingFinalizer) ? finalizers : [...finalizers, trackingFinalizer],
      ownerReferences: [controllerReference(job, 'batch/v1', 'Job')],
    },
    spec: isIndexed(job)
      ? {
          ...spec,
          containers: (spec?.containers ?? []).map(withIndex),
          ...(spec?.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndex) }),
          hostname: `${name}-${index}`,
        }
      : { containers: [], ...spec },
  };
}

function indexedPrefix(name: string, index: number): string {
  const end = `-${index}-`;
  return `${name.slice(0, mostPrefixLetters - end.length)}${end}`;
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable.name) === true) return container;
  return { ...container, env: [...(container.env ?? []), indexVariable] };
}
