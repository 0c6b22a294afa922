/**
 * Recorded facts about upstream's answers: what was sent, what upstream 1.36 says, and where upstream's source says so.
 *
 *   { name, source, body }                        POST of the collection: 201
 *   { …, errors: ['spec.ports: Required value'] } 422 Invalid with exactly these causes, in this order
 *   { …, is: [409, 'AlreadyExists', 'text'] }     any other answer
 *   { …, has: { 'spec.type': 'ClusterIP' } }      and so the object looks afterwards
 *   { …, given: [body…], send: ['PUT', '/name'] } after these were made; another verb than POST
 *
 * The table is data: one runner (facts.test.ts) sends every row to a real server.
 */
export interface Fact {
  readonly name: string;
  /** File and function of kubernetes/kubernetes that decides it. */
  readonly source: string;
  /** Collection; default: that of the file's kind in namespace `facts`. */
  readonly path?: string;
  readonly send?: readonly [method: string, suffix: string];
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is. */
  readonly body?: object | string;
  readonly given?: readonly object[];
  /** `field: message`, as in the causes of a 422. */
  readonly errors?: readonly string[];
  readonly is?: readonly [code: number, reason: string, message: string | RegExp];
  readonly has?: Readonly<Record<string, unknown>>;
  readonly warnings?: readonly string[];
}

export interface Facts {
  readonly kind: string;
  readonly path: string;
  readonly rows: readonly Fact[];
}

/** The reason of a cause follows from how its message starts (apimachinery's field.Error). */
const causeReasons: readonly (readonly [start: string, reason: string])[] = [
  ['Required value', 'FieldValueRequired'],
  ['Invalid value', 'FieldValueInvalid'],
  ['Unsupported value', 'FieldValueNotSupported'],
  ['Forbidden', 'FieldValueForbidden'],
  ['Duplicate value', 'FieldValueDuplicate'],
  ['Too long', 'FieldValueTooLong'],
  ['Too many', 'FieldValueTooMany'],
  ['Not found', 'FieldValueNotFound'],
];

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export function causeOf(error: string): Cause {
  const at = error.indexOf(': ');
  const message = error.slice(at + 2);
  const reason = causeReasons.find(([start]) => message.startsWith(start))?.[1];
  if (reason === undefined) throw new Error(`no reason is known for ${error}`);
  return { reason, message, field: error.slice(0, at) };
}
