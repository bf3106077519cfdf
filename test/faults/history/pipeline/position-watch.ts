import { setTimeout as sleep } from 'node:timers/promises';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { Profile } from './profile.js';
import type { Recorder } from './recorder.js';

const EVERY_MS = 400;

/** Looks at all stored positions again and again, and writes down each change. */
export class PositionWatch {
  private readonly seen = new Map<string, number>();
  private isStopped = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly profile: Profile,
    private readonly pipeline: Pipeline,
    private readonly recorder: Recorder,
  ) {}

  start(): void {
    this.running = this.loop();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async loop(): Promise<void> {
    while (!this.isStopped) {
      // The database is killed and stalled as well: a look that fails is made again.
      await this.look().catch(() => undefined);
      await sleep(EVERY_MS);
    }
  }

  /** One look, now. */
  async look(): Promise<void> {
    for (const position of await this.profile.positions(this.pipeline)) {
      const key = `${position.reader} ${position.topic}/${position.partition}`;
      if (this.seen.get(key) === position.next) continue;
      this.seen.set(key, position.next);
      this.recorder.observe({ kind: 'commit', ...position });
    }
  }
}
