import type { Check } from './check.js';
import type { CheckId } from './check-id.js';
import { must } from './violation.js';
import { CONTRACT, HELD_BY_THE_RUNTIME, reasonToLeaveOut, runCheck } from './contract.js';
import type { ContractSubject, ContractTarget } from './contract-target.js';
import { PLANTED_VIOLATIONS } from './planted-violations.js';

/** The functions of a test runner, as jest and its like have them. */
export type TestRunner = {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void> | void, timeoutMs?: number): void;
  beforeAll(body: () => Promise<void>, timeoutMs?: number): void;
  afterAll(body: () => Promise<void>): void;
};

const CHECK_MS = 90_000;

/** Runs the whole contract against a connector, each check a test; what does not apply is a line with its reason. */
export function registerContract(name: string, subject: ContractSubject, runner: TestRunner): void {
  const { describe, it, beforeAll, afterAll } = runner;
  const applying = CONTRACT.filter(check => reasonToLeaveOut(check, subject) === undefined);
  describe(`the connector contract: ${name}`, () => {
    let target: ContractTarget | undefined;
    const running = (): ContractTarget => {
      must(target !== undefined, 'the target did not start');
      return target;
    };
    beforeAll(async () => {
      target = await subject.start();
    }, CHECK_MS);
    afterAll(async () => target?.dispose());
    for (const check of applying)
      it(`${check.id} ${check.title}`, () => runCheck(check, subject, running()), CHECK_MS);
    for (const [id, reason] of leftOut(subject))
      it(`${id} does not apply: ${reason}`, () =>
        must(
          reason.length > 10 && !applying.some(c => c.id === id),
          `${id} is left out without a reason, or although it applies`,
        ));
    describe('notices a connector that', () => {
      for (const violation of PLANTED_VIOLATIONS) {
        const check = applying.find(c => c.id === violation.caughtBy);
        if (!check) continue;
        it(
          `${violation.name} (${check.id})`,
          () => mustFail(check, subject, running(), violation.plant()),
          CHECK_MS,
        );
      }
    });
  });
}

/** Every check that is not run, with the reason. */
function leftOut(subject: ContractSubject): [CheckId, string][] {
  const own = CONTRACT.flatMap((check): [CheckId, string][] => {
    const reason = reasonToLeaveOut(check, subject);
    return reason === undefined ? [] : [[check.id, reason]];
  });
  const others = Object.entries(HELD_BY_THE_RUNTIME) as [CheckId, string][];
  return [...own, ...others].sort(([a], [b]) => a.localeCompare(b));
}

/** @throws ContractViolation when the check passes a connector that breaks its rule */
export async function mustFail(
  check: Check,
  subject: ContractSubject,
  target: ContractTarget,
  alter: NonNullable<Parameters<typeof runCheck>[3]>,
): Promise<void> {
  const violation = await runCheck(check, subject, target, alter).then(
    () => undefined,
    (error: unknown) => error,
  );
  must(
    violation !== undefined && (violation as { name?: unknown }).name === 'ContractViolation',
    `${check.id} did not notice: ${String(violation)}`,
  );
}
