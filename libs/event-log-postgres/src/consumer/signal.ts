/** A flag that can be waited for: raised while nobody waits, the next wait returns at once. */
export class Signal {
  private raised = false;
  private resolve: (() => void) | undefined;

  raise(): void {
    this.raised = true;
    this.resolve?.();
  }

  lower(): void {
    this.raised = false;
  }

  /** Resolves when raised, or after `ms`. */
  wait(ms: number): Promise<void> {
    if (this.raised) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.resolve = done;
    });
  }
}
