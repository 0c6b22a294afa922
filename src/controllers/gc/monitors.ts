/**
 * A watch of every kind that the server has and that can have owners, and a look now and then for kinds that came or went.
 *
 *   start, each 30 s, a CustomResourceDefinition, an owner of an unknown kind ─> discovery ─> views opened, views dropped
 */
import type { OwnerReference } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { groupResourceOf, groupVersionOf, resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { sleep } from '../../util/backoff.ts';
import { log } from '../../util/log.ts';
import type { ControllerContext } from '../context.ts';
import { discover } from '../discovery.ts';
import type { View } from '../view.ts';

export interface Monitors {
  /** Resolves when every kind of the first look was listed. */
  readonly synced: Promise<void>;
  /** Looks again for a kind that is not known; undefined: the server has none. */
  resourceOf(owner: OwnerReference): Promise<Resource | undefined>;
}

export type OnObject = (
  resource: Resource,
  current: Live<KubeObject> | undefined,
  old: Live<KubeObject> | undefined,
) => void;

interface Watched {
  readonly resource: Resource;
  readonly view: View<KubeObject>;
}

const logger = log('controllers');
const startDelayMs = 1000;
/** Upstream resyncs its monitors so often. */
const discoveryMs = 30_000;
/** Many, short-lived, and never owned or owning. */
const ignored: ReadonlySet<string> = new Set(['events', 'events.events.k8s.io']);
/** Other loops watch these too, and the server always has them. */
const builtIn: ReadonlySet<string> = new Set(Object.values(resources).map(groupResourceOf));

export function startMonitors({ client, signal, views }: ControllerContext, onObject: OnObject): Monitors {
  const kinds = new Map<string, Watched>();
  const complete = Promise.withResolvers<void>();

  const watchKind = (resource: Resource): View<KubeObject> => {
    const view = views.of<KubeObject>(resource);
    view.onChange((current, old) => onObject(resource, current, old));
    return view;
  };

  const look = async (): Promise<void> => {
    const { found, failed } = await discover(client);
    const served = new Set(found.map(nameOf));
    for (const [name, { resource }] of kinds) {
      if (served.has(name) || failed.includes(groupVersionOf(resource)) || builtIn.has(groupResourceOf(resource)))
        continue;
      kinds.delete(name);
      views.drop(resource);
    }
    for (const resource of found) {
      const watchable = ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb));
      if (kinds.has(nameOf(resource)) || !watchable || ignored.has(groupResourceOf(resource))) continue;
      kinds.set(nameOf(resource), { resource, view: watchKind(resource) });
    }
  };

  // One after the other: an answer that comes late would undo what a later one said, and drop a kind that has come back.
  let looking = Promise.resolve();
  // Who asked for the earlier one is told of its error; the next one is not.
  const watchAll = (): Promise<void> => (looking = looking.catch(() => undefined).then(look));

  // A kind that is installed now may have owned objects a moment later; one that is gone is not to be asked for again.
  const lookAgain = debounced(() => watchAll());
  views.of(resources.customResourceDefinitions).onChange((current) => {
    const isEstablished = current?.status?.conditions?.some(
      ({ type, status }) => type === 'Established' && status === 'True',
    );
    if (current === undefined || isEstablished === true) lookAgain();
  });

  const keepWatching = async (): Promise<void> => {
    // To watch every kind there is costs a start more than all other loops together, and nothing waits for it.
    await views.synced();
    await sleep(startDelayMs, signal);
    while (!signal.aborted) {
      try {
        await watchAll();
        // Not awaited: a kind that goes before it was listed never is.
        void Promise.all([...kinds.values()].map(({ view }) => view.synced)).then(() => complete.resolve());
        await sleep(discoveryMs, signal);
      } catch (error) {
        logger.debug({ loop: 'garbage-collector', err: String(error) }, 'discovery failed');
        await sleep(500, signal);
      }
    }
  };
  void keepWatching();

  return {
    synced: complete.promise,
    async resourceOf({ apiVersion, kind }) {
      const name = `${apiVersion} ${kind}`;
      if (!kinds.has(name)) await watchAll();
      return kinds.get(name)?.resource;
    },
  };
}

function nameOf(resource: Resource): string {
  return `${groupVersionOf(resource)} ${resource.kind}`;
}

/** One run at a time; what is asked for meanwhile is one more. */
function debounced(run: () => Promise<void>): () => void {
  let state: 'idle' | 'running' | 'again' = 'idle';
  const loop = async (): Promise<void> => {
    do {
      state = 'running';
      await run().catch((error: unknown) =>
        logger.debug({ loop: 'garbage-collector', err: String(error) }, 'discovery failed'),
      );
    } while (wanted());
    state = 'idle';
  };
  const wanted = (): boolean => state === 'again';
  return () => {
    if (state === 'idle') void loop();
    else state = 'again';
  };
}
