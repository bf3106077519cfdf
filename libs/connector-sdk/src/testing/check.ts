import type { CheckId } from './check-id.js';
import type { ContractBench } from './contract-bench.js';
import type { FaultName } from './contract-target.js';

/** One rule of the contract. It resolves when the connector keeps it and rejects with what it saw when not. */
export type Check = {
  id: CheckId;
  title: string;
  /** Faults without which it cannot be run; at least one of them must be there. */
  faults?: readonly FaultName[];
  /** It holds for every connector: no reason excuses it. */
  always?: boolean;
  run(bench: ContractBench): Promise<void>;
};
