/**
 * JSON.parse keeps the last of two equal keys and says nothing; strict decoding has to name them. This walks the text
 * (already known to be JSON) once and gives the paths of keys that come twice: `spec.ports[0].name`.
 */

interface Frame {
  /** Keys seen; undefined for a list. */
  readonly keys: Set<string> | undefined;
  readonly path: string;
  /** Of the value being read. */
  index: number;
  key: string;
}

const stringPattern = /"(?:[^"\\]|\\.)*"/y;

export function duplicateFields(text: string): string[] {
  const duplicates: string[] = [];
  const stack: Frame[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    const frame = stack.at(-1);
    switch (text[i]) {
      case '{':
        stack.push({ keys: new Set(), path: childPath(frame), index: 0, key: '' });
        expectKey = true;
        break;
      case '[':
        stack.push({ keys: undefined, path: childPath(frame), index: 0, key: '' });
        expectKey = false;
        break;
      case '}':
      case ']':
        stack.pop();
        expectKey = false;
        break;
      case ',':
        if (frame !== undefined) frame.index++;
        expectKey = frame?.keys !== undefined;
        break;
      case '"': {
        stringPattern.lastIndex = i;
        const raw = stringPattern.exec(text)?.[0];
        if (raw === undefined) return duplicates;
        if (expectKey && frame?.keys !== undefined) {
          frame.key = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
          if (frame.keys.has(frame.key)) duplicates.push(childPath(frame));
          frame.keys.add(frame.key);
          expectKey = false;
        }
        i += raw.length - 1;
        break;
      }
      default:
    }
  }
  return [...new Set(duplicates)];
}

function childPath(frame: Frame | undefined): string {
  if (frame === undefined) return '';
  if (frame.keys === undefined) return `${frame.path}[${frame.index}]`;
  return frame.path === '' ? frame.key : `${frame.path}.${frame.key}`;
}
