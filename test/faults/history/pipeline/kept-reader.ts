import { setTimeout as sleep } from 'node:timers/promises';
import type { ObservingReader } from './readers.js';

const AGAIN_MS = 500;

/** Starts one member; `onFatal` tells that its subscription has ended by itself. */
export type StartMember = (member: string, onFatal: (error: Error) => void) => Promise<ObservingReader>;

/** A reader whose member is replaced by a new one when it ends, as a supervisor starts a process again. */
export class KeptReader {
  private readonly running: Promise<void>;
  private readonly stopped = new AbortController();
  /** Why members ended. */
  readonly ends: string[] = [];

  private constructor(
    private readonly name: string,
    private readonly startMember: StartMember,
    first: { reader: ObservingReader; ended: Promise<Error> },
  ) {
    this.running = this.keep(first);
  }

  static async start(name: string, startMember: StartMember): Promise<KeptReader> {
    return new KeptReader(name, startMember, await begin(startMember, `${name}-1`));
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async keep(first: { reader: ObservingReader; ended: Promise<Error> }): Promise<void> {
    const { signal } = this.stopped;
    const over = new Promise<undefined>(resolve =>
      signal.addEventListener('abort', () => resolve(undefined)),
    );
    let current: typeof first | undefined = first;
    for (let n = 2; !signal.aborted; n += 1) {
      const end: Error | undefined = await Promise.race([over, current?.ended]);
      await current?.reader.stop();
      if (end) this.ends.push(end.message);
      if (signal.aborted) return;
      await sleep(AGAIN_MS);
      current = await begin(this.startMember, `${this.name}-${n}`).catch(() => undefined);
    }
    await current?.reader.stop();
  }
}

async function begin(startMember: StartMember, member: string) {
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  return { reader: await startMember(member, resolve), ended };
}
