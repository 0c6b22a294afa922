/** Finds the container that a path /VERB/NAMESPACE/POD/CONTAINER names. */
import type { PodWorker } from '../pod-worker.ts';
import type { Pods } from '../pods.ts';

export class HttpError extends Error {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  constructor(status: number, message: string, headers: readonly (readonly [string, string])[] = []) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export interface Located {
  readonly worker: PodWorker;
  readonly container: string;
  /** The run's id; '' before the first. */
  readonly id: string;
}

/** The pod of a path /VERB/NAMESPACE/POD[/…]. */
export function locatePod(pods: Pods, url: URL): PodWorker {
  const [, , namespace = '', pod = ''] = url.pathname.split('/').map(decodeURIComponent);
  const worker = pods.find(namespace, pod);
  if (worker === undefined) throw new HttpError(404, 'pod does not exist');
  return worker;
}

export function locate(pods: Pods, url: URL): Located {
  const worker = locatePod(pods, url);
  const [, , namespace = '', pod = '', container = ''] = url.pathname.split('/').map(decodeURIComponent);
  const spec = worker.pod.spec;
  const names = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ].map((one) => one.name);
  if (!names.includes(container))
    throw new HttpError(404, `container "${container}" not found in pod "${pod}_${namespace}"`);
  return { worker, container, id: worker.record.containers[container]?.id ?? '' };
}
