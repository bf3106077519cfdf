import { absenceChecks } from './checks/absence-checks.js';
import { effectChecks } from './checks/effect-checks.js';
import { failureChecks } from './checks/failure-checks.js';
import { restoreChecks } from './checks/restore-checks.js';
import { rightTargetChecks } from './checks/right-target-checks.js';
import type { Check } from './check.js';
import type { CheckId } from './check-id.js';
import { ContractBench, type Alteration } from './contract-bench.js';
import type { ContractSubject, ContractTarget } from './contract-target.js';

/** Every check of the contract, by number. */
export const CONTRACT: readonly Check[] = [
  ...absenceChecks,
  ...effectChecks,
  ...restoreChecks,
  ...rightTargetChecks,
  ...failureChecks,
].sort((a, b) => a.id.localeCompare(b.id));

/** Rules of the contract that are the runtime's to keep; its own tests hold them. */
export const HELD_BY_THE_RUNTIME: Readonly<Partial<Record<CheckId, string>>> = {
  C15: 'an accepted job is polled by the runtime',
  C17: 'the grace of a verify is waited for by the runtime',
  C28: 'what a kill leaves behind is looked at by the runtime',
  C32: 'the order of the steps is the runtime\u2019s',
  C34: 'the breaker is the runtime\u2019s',
  C37: 'residual access is told by outcomes, which the runtime records',
  C38: 'redirects and other hosts are refused by the HTTP client of the SDK',
  C40: 'every check demands that its faults were met',
};

/** Why a check does not apply to a connector; undefined when it does. */
export function reasonToLeaveOut(check: Check, subject: ContractSubject): string | undefined {
  if (check.always && !check.faults) return undefined;
  const { faults } = check;
  const impossible = faults !== undefined && !faults.some(name => subject.faults.includes(name));
  return (
    subject.leftOut[check.id] ?? (impossible ? `its protocol has no ${faults.join(', no ')}` : undefined)
  );
}

/** Runs one check. @throws ContractViolation when the connector does not keep the rule */
export async function runCheck(
  check: Check,
  subject: ContractSubject,
  target: ContractTarget,
  alter?: Alteration,
): Promise<void> {
  const bench = new ContractBench(subject, target, alter);
  try {
    await check.run(bench);
  } finally {
    await bench.close();
  }
}
