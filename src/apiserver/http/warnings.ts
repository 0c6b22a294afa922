/**
 * `Warning: 299 - "text"` headers (RFC 7234), each text once. Whole as long as all together are short; else each is cut.
 * Upstream: apiserver pkg/endpoints/filters/warning.go, apimachinery pkg/util/net/http.go (NewWarningHeader).
 */
import type { Outgoing } from './messages.ts';

const most = { total: 4 * 1024, each: 256 };

const said = new WeakMap<Outgoing, Set<string>>();

/** To those that are there. */
export function addWarnings(response: Outgoing, warnings: readonly string[]): void {
  if (warnings.length === 0 || response.headersSent) return;
  const all = said.get(response) ?? new Set();
  said.set(response, all);
  for (const text of warnings) if (text !== '') all.add(text);
  const headers = fitting([...all])
    .filter(isSendable)
    .map(headerOf);
  if (headers.length > 0) response.setHeader('warning', headers);
}

/** What was warned of is sent with a refusal, too. */
export async function warning<T>(response: Outgoing, warnings: readonly string[], write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    addWarnings(response, warnings);
    throw error;
  }
}

function fitting(texts: readonly string[]): readonly string[] {
  // A text has at most as many runes as letters, so counting is for the few that may be too long.
  const runes = texts.map((text) => (text.length <= most.each ? [] : [...text]));
  const length = (index: number): number => runes[index]?.length || (texts[index]?.length ?? 0);
  if (texts.reduce((sum, _, index) => sum + length(index), 0) <= most.total) return texts;
  let written = 0;
  return texts.flatMap((text, index) => {
    if (written >= most.total) return [];
    written += Math.min(length(index), most.each);
    return [length(index) > most.each ? (runes[index] ?? []).slice(0, most.each).join('') : text];
  });
}

function isSendable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

/** Header values are bytes to Node, one letter each. */
function headerOf(text: string): string {
  return Buffer.from(`299 - "${text.replace(/[\\"]/g, '\\$&')}"`, 'utf8').toString('latin1');
}
