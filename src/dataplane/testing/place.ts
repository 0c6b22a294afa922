/**
 * A process in a network namespace that opens sockets there on command: the tests' hands in each place.
 *
 *   const pod = await openPlace('pod-a', '/run/netns/…');
 *   await pod.serve('TCP', 8080);                        answers every connection with "pod-a CLIENT-ADDRESS CLIENT-PORT"
 *   await pod.ask('TCP', '10.96.0.1', 80, { times: 30 })  -> ['pod-b 10.244.1.2 43210', 'ECONNREFUSED', …]
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Protocol } from '../../model/index.ts';
import { caller, end } from './call.ts';

/** What a server of a place answers with a reset. */
export const resetRequest = 'RESET';

export interface AskOptions {
  readonly times?: number;
  readonly timeoutMs?: number;
  /** Source port of every packet. */
  readonly from?: number;
  /** Of a datagram, and of its answer; default 1, and as it comes. */
  readonly bytes?: number;
}

/** One of many; `times` in a row. */
export interface Question {
  readonly protocol: 'TCP' | 'UDP';
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly times?: number;
  /** Source address; default as the place's routes say. */
  readonly source?: string;
}

export interface Load {
  readonly asked: number;
  /** Answers that came from no server. */
  readonly failed: readonly string[];
  /** How often each server answered. */
  readonly servers: Readonly<Record<string, number>>;
}

export interface Place {
  serve(protocol: 'TCP' | 'UDP', port: number, address?: string): Promise<void>;
  /** What was answered, or the error's code; TIMEOUT: silence. */
  ask(protocol: Protocol, address: string, port: number, options?: AskOptions): Promise<readonly string[]>;
  /** Many questions side by side; answers to each in the order of the questions. */
  askAll(questions: readonly Question[]): Promise<readonly (readonly string[])[]>;
  /** Opens a TCP connection that stays; resolves with its greeting. */
  hold(name: string, address: string, port: number, from?: number): Promise<string>;
  /** Sends on it; resolves with the echo. */
  say(name: string, text: string): Promise<string>;
  /** Listens no more on a TCP port; open connections stay. */
  unserve(port: number): Promise<void>;
  /** Asks again and again until unload(). */
  load(questions: readonly Question[], lanes?: number): Promise<void>;
  /** Resolves when everything that was under way at the call has ended. */
  settle(): Promise<void>;
  unload(): Promise<Load>;
  close(): Promise<void>;
}

export type Command =
  | { readonly do: 'serve'; readonly protocol: Protocol; readonly port: number; readonly address?: string }
  | {
      readonly do: 'ask';
      readonly protocol: Protocol;
      readonly address: string;
      readonly port: number;
      readonly times: number;
      readonly timeoutMs: number;
      readonly from?: number;
      readonly bytes?: number;
    }
  | { readonly do: 'ask-all'; readonly questions: readonly Question[] }
  | {
      readonly do: 'hold';
      readonly name: string;
      readonly address: string;
      readonly port: number;
      readonly from?: number;
    }
  | { readonly do: 'unserve'; readonly port: number }
  | { readonly do: 'load'; readonly questions: readonly Question[]; readonly lanes: number }
  | { readonly do: 'settle' | 'unload' }
  | { readonly do: 'say'; readonly name: string; readonly text: string };

export async function openPlace(name: string, netns: string): Promise<Place> {
  const child = fork(fileURLToPath(new URL('./place-process.ts', import.meta.url)), [name, netns], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const call = caller<Command>(child);
  await call({ do: 'serve', protocol: 'TCP', port: 0 });
  return {
    serve: async (protocol, port, address) => {
      await call({ do: 'serve', protocol, port, ...(address === undefined ? {} : { address }) });
    },
    ask: async (protocol, address, port, { times = 1, timeoutMs = 1000, from, bytes } = {}) =>
      (await call({
        do: 'ask',
        protocol,
        address,
        port,
        times,
        timeoutMs,
        ...(from === undefined ? {} : { from }),
        ...(bytes === undefined ? {} : { bytes }),
      })) as string[],
    askAll: async (questions) => (await call({ do: 'ask-all', questions })) as string[][],
    hold: async (held, address, port, from) =>
      String(await call({ do: 'hold', name: held, address, port, ...(from === undefined ? {} : { from }) })),
    unserve: async (port) => void (await call({ do: 'unserve', port })),
    load: async (questions, lanes = 4) => void (await call({ do: 'load', questions, lanes })),
    settle: async () => void (await call({ do: 'settle' })),
    unload: async () => (await call({ do: 'unload' })) as Load,
    say: async (held, text) => String(await call({ do: 'say', name: held, text })),
    close: () => end(child),
  };
}
