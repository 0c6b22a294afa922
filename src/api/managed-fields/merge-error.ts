/** An object that its own schema cannot merge: an element without its keys, a field that is not declared. The text is upstream's. */
export class MergeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MergeError';
  }
}
