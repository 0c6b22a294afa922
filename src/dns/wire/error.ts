/** The one error that leaves the codec, whatever bytes come in. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}
