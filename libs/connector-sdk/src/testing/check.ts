import type { ContractBench } from './contract-bench.js';
import type { FaultName } from './contract-target.js';

/** Number of a check; the numbers are those of the connector contract and never change their meaning. */
export type CheckId = `C${number}${number}`;

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

/** A connector did not keep a rule. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';
}

/** @throws ContractViolation saying what was seen */
export function must(condition: boolean, saw: string): asserts condition {
  if (!condition) throw new ContractViolation(saw);
}

/** Compares what people can read: plain JSON values. */
export function mustEqual(seen: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(wanted)];
  must(a === b, `${what}: saw ${a}, not ${b}`);
}
