import type { Operation } from '../operation.js';

/** Collects what is observed, in order. */
export class Recorder {
  readonly operations: Operation[] = [];

  observe(operation: Operation): void {
    this.operations.push(operation);
  }

  count(is: (operation: Operation) => boolean): number {
    return this.operations.filter(is).length;
  }
}

/** Milliseconds on the clock that orders what clients do. */
export const now = (): number => performance.now();
