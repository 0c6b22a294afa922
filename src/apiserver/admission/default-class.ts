/** Which of several classes marked as the default is it: the youngest, and of those the first by name. */
import type { KubeObject, Live } from '../../api/object.ts';

export function defaultClass<T extends KubeObject>(
  classes: Iterable<Live<T>>,
  marks: readonly string[],
): Live<T> | undefined {
  const [chosen] = [...classes]
    .filter(({ metadata }) => marks.some((mark) => metadata.annotations?.[mark] === 'true'))
    .sort(({ metadata: a }, { metadata: b }) => {
      if (a.creationTimestamp === b.creationTimestamp) return a.name < b.name ? -1 : 1;
      return a.creationTimestamp > b.creationTimestamp ? -1 : 1;
    });
  return chosen;
}
