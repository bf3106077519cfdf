import type { Socket } from 'node:net';

/** What happens to everything that passes. */
export type Network = {
  /** Delay of each way, in milliseconds. */
  latencyMs: number;
  /** Per connection and way. */
  bytesPerSecond: number;
  /** Nothing passes, and nobody is told; what was sent passes later, as TCP repeats it. */
  isBlackhole: boolean;
};

const HELD_MS = 50;

/** One way of a connection: bytes arrive in order, as late as the network makes them. */
export class Channel {
  private tail = Promise.resolve();
  private dueMs = 0;

  constructor(
    private readonly to: Socket,
    private readonly network: Network,
  ) {}

  send(bytes: Buffer): void {
    const now = performance.now();
    const { latencyMs, bytesPerSecond } = this.network;
    this.dueMs = Math.max(this.dueMs, now + latencyMs) + (bytes.length / bytesPerSecond) * 1_000;
    const due = this.dueMs;
    this.tail = this.tail.then(() => this.pass(bytes, due));
  }

  private async pass(bytes: Buffer, due: number): Promise<void> {
    const early = due - performance.now();
    if (early > 1) await wait(early);
    while (this.network.isBlackhole && !this.to.destroyed) await wait(HELD_MS);
    if (!this.to.destroyed) this.to.write(bytes);
  }
}

const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
