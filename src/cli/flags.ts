/** Readers of flag values that several commands share; each error names the value and what is wanted. */
import { InvalidArgumentError, Option } from 'commander';
import { familyOf, parseCidr } from '../util/ip.ts';

export function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('want a whole number.');
  return Number(text);
}

export function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65535) throw new InvalidArgumentError('want a port from 0 to 65535.');
  return value;
}

/** Reads `FIRST-LAST`, as --service-node-port-range of the API server. */
export function portRange(text: string): readonly [number, number] {
  const [, first = 0, last = 0] = (/^([0-9]{1,5})-([0-9]{1,5})$/.exec(text) ?? []).map(Number);
  if (first < 1 || last < first || last > 65_535) throw new InvalidArgumentError('want FIRST-LAST within 1-65535.');
  return [first, last];
}

export interface Bind {
  readonly address?: string;
  readonly port: number;
}

/** Reads `IP:PORT`, `[IPv6]:PORT`, `:PORT`; '' means: nowhere. */
export function bind(text: string): Bind | false {
  if (text === '') return false;
  const [, bracketed, plain = '', number = ''] = /^(?:\[(.+)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (number === '' || (address !== '' && familyOf(address) === undefined)) {
    throw new InvalidArgumentError("want IP:PORT, [IPv6]:PORT or :PORT; '' for none.");
  }
  return { ...(address === '' ? {} : { address }), port: port(number) };
}

/** Reads CIDRs, as list(). */
export function cidrs(...words: readonly string[]): (text: string) => readonly string[] {
  const read = list();
  return (text) => {
    for (const one of text.split(',')) {
      if (one !== '' && !words.includes(one) && parseCidr(one) === undefined) {
        throw new InvalidArgumentError(`"${one}" is no CIDR such as 10.244.0.0/16.`);
      }
    }
    return read(text);
  };
}

/** Reads `a,b,c`; the flag may also be repeated, as in upstream's programs. A default is replaced, not added to. */
export function list(): (text: string) => readonly string[] {
  let all: readonly string[] = [];
  return (text) => (all = [...all, ...text.split(',').filter((one) => one !== '')]);
}

/** Reads `key=value,key=value`. */
export function labels(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').filter((one) => one !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
      if (key === '') throw new InvalidArgumentError(`"${pair}" is no label such as topology.kubernetes.io/zone=a.`);
      return [key, value];
    }),
  );
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
