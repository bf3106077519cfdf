/** One at a time per key, in the order of asking. */
export class KeyLocks {
  private readonly tails = new Map<string, Promise<unknown>>();

  /** Runs `work` when everything asked for the key before has ended. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    this.tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }
}
