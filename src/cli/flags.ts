/** Readers of flag values that several commands share; each error names the value and what is wanted. */
import { InvalidArgumentError, Option } from 'commander';

export function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('want a whole number.');
  return Number(text);
}

export function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65535) throw new InvalidArgumentError('want a port from 0 to 65535.');
  return value;
}

/** Reads `a,b,c`; the flag may also be repeated, as in upstream's programs. A default is replaced, not added to. */
export function list(): (text: string) => readonly string[] {
  let all: readonly string[] = [];
  return (text) => (all = [...all, ...text.split(',').filter((one) => one !== '')]);
}

export function nameOption(): Option {
  return new Option('--name <name>', 'which cluster').default('portolan');
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table');
}

export function kubeconfigOption(): Option {
  return new Option(
    '--kubeconfig <file>',
    'where the API server is and who we are (default: $KUBECONFIG, in a pod its ServiceAccount, else ~/.kube/config)',
  );
}
