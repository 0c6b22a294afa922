/**
 * libnftables in-process: the nft program's language without starting a program. One context per network namespace: its
 * netlink socket is opened when the context is made, and belongs to that namespace for ever.
 *
 *   using nft = openNft('/run/netns/portolan-node-1');
 *   nft.run('add element ip portolan slots { … }\n …')      one call is one transaction: all of it, or none and a NftError
 *   nft.run('list map ip portolan slots')                    -> what nft prints, numbers instead of names
 *
 * Calls are synchronous. A change of a few map elements takes less than a millisecond; split a load of many thousands.
 * Texts must be built from checked values (addresses, numbers): nothing is escaped here.
 */
import koffi from 'koffi';
import { withNetns } from './netns.ts';

export interface Nft extends Disposable {
  /** Returns what nft would print. Throws NftError, and then nothing was changed. */
  run(script: string): string;
  close(): void;
}

export class NftError extends Error {
  /** What libnftables wrote first, with the place in the script: it may write of each line, again and again. */
  readonly text: string;
  /** Something that the script names does not exist (any more). */
  readonly notFound: boolean;
  constructor(text: string) {
    super(`nftables refused the change: ${firstLine(text)}${fixFor(text)}`);
    this.name = 'NftError';
    this.text = text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
    this.notFound = text.includes('No such file or directory');
  }
}

const longestText = 1_000;

/** `netns`: path of a network namespace; default the one that this thread is in. */
export function openNft(netns?: string): Nft {
  const lib = library();
  // Ours is the only nft language user of this context, so defines and includes of the machine do not matter.
  const make = (): unknown => lib.ctxNew(0);
  const context = netns === undefined ? make() : withNetns(netns, make);
  if (context === null) throw new Error('libnftables gave no context: out of memory or file descriptors');
  lib.bufferOutput(context);
  lib.bufferError(context);
  lib.setFlags(context, numericAll);
  let open = true;
  const close = (): void => {
    if (open) lib.ctxFree(context);
    open = false;
  };
  return {
    run(script) {
      if (!open) throw new Error('this nft context is closed');
      const code = lib.runBuffer(context, script);
      const output = lib.getOutput(context);
      const errors = lib.getError(context);
      if (code !== 0) throw new NftError(errors === '' ? `error ${String(code)}` : errors);
      return output;
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** NFT_CTX_OUTPUT_NUMERIC_PROTO | _PRIO | _SYMBOL | _TIME of nftables/libnftables.h: what is read back must not depend on /etc. */
const numericAll = (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10);

interface Library {
  readonly ctxNew: (flags: number) => unknown;
  readonly ctxFree: (context: unknown) => void;
  readonly bufferOutput: (context: unknown) => number;
  readonly bufferError: (context: unknown) => number;
  readonly getOutput: (context: unknown) => string;
  readonly getError: (context: unknown) => string;
  readonly setFlags: (context: unknown, flags: number) => void;
  readonly runBuffer: (context: unknown, script: string) => number;
}

let loaded: Library | undefined;

function library(): Library {
  if (loaded !== undefined) return loaded;
  const lib = loadLibnftables();
  const bind = <T>(prototype: string): T => lib.func(prototype) as T;
  loaded = {
    ctxNew: bind('void *nft_ctx_new(uint32_t flags)'),
    ctxFree: bind('void nft_ctx_free(void *ctx)'),
    bufferOutput: bind('int nft_ctx_buffer_output(void *ctx)'),
    bufferError: bind('int nft_ctx_buffer_error(void *ctx)'),
    getOutput: bind('const char *nft_ctx_get_output_buffer(void *ctx)'),
    getError: bind('const char *nft_ctx_get_error_buffer(void *ctx)'),
    setFlags: bind('void nft_ctx_output_set_flags(void *ctx, unsigned int flags)'),
    runBuffer: bind('int nft_run_cmd_from_buffer(void *ctx, const char *buf)'),
  };
  return loaded;
}

function loadLibnftables(): ReturnType<typeof koffi.load> {
  try {
    return koffi.load('libnftables.so.1');
  } catch (cause) {
    throw new Error('libnftables.so.1 is missing: apt-get install libnftables1', { cause });
  }
}

function firstLine(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '') ?? text;
  return line.replace(/^\S*?Error: /, '');
}

function fixFor(text: string): string {
  if (text.includes('Operation not permitted')) return ' (this needs root, or CAP_NET_ADMIN in the namespace)';
  if (text.includes('cache initialization failed')) return ' (this needs root, and a kernel with nf_tables)';
  if (text.includes('Message too long')) return ' (net.core.wmem_max is too small for this transaction)';
  return '';
}
