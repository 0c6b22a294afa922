/** A mistake of the person at the keyboard: shown without a stack. In a file of its own, because every command wants it. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
