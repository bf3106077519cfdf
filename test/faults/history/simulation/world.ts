import type { Operation } from '../operation.js';
import type { Action } from './action.js';
import type { Bug } from './bug.js';
import type { Random } from './random.js';
import type { SimulatedLog } from './simulated-log.js';

/** What all parts of a simulation share. */
export type World = {
  random: Random;
  log: SimulatedLog;
  bug: Bug | undefined;
  /** Adds to the history. */
  observe(operation: Operation): void;
  /** The bug did harm that the history must show. */
  struck(): void;
  /** Steps so far; the one clock. */
  now(): number;
  /** What is being asked for; only cuts where order is under test. */
  actions: readonly Action[];
  /** Whether members may be stalled and come back as zombies. */
  hasZombies: boolean;
};
