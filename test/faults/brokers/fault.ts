import type { Site } from './site.js';

/** Something that goes wrong while people are opted out. */
export type Fault = {
  name: string;
  /** Does it, proves that it took effect where that is not certain, and resolves when it is over and everything that died is back. */
  happen(site: Site): Promise<void>;
};
