/** How a command that failed ends: a mistake of the person is told plainly, anything else with PORTOLAN_LOG=debug as a whole. */
export function fail(error: unknown): number {
  const whole = process.env['PORTOLAN_LOG'] === 'debug' && error instanceof Error;
  process.stderr.write(`portolan: ${whole ? (error.stack ?? error.message) : messageOf(error)}\n`);
  return 1;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
