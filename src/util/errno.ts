/** What the system said: `ENOENT`, `EADDRINUSE`, … of an error; undefined when it has no such code. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
