/** Finds the container that a path /VERB/NAMESPACE/POD/CONTAINER names. */
import type { PodWorker } from '../pod-worker.ts';
import type { Pods } from '../pods.ts';

export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Located {
  readonly worker: PodWorker;
  readonly container: string;
  /** The run's id; '' before the first. */
  readonly id: string;
}

export function locate(pods: Pods, url: URL): Located {
  const [, , namespace = '', pod = '', container = ''] = url.pathname.split('/').map(decodeURIComponent);
  const worker = pods.find(namespace, pod);
  if (worker === undefined) throw new HttpError(404, `pod "${pod}" not found`);
  const spec = worker.pod.spec;
  const names = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((one) => one.name);
  if (!names.includes(container))
    throw new HttpError(404, `container "${container}" not found in pod "${pod}_${namespace}"`);
  return { worker, container, id: worker.record.containers[container]?.id ?? '' };
}
