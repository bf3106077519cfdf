import { nameOfPlace, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { AssignedOperation, CommitOperation } from '../operation.js';

/** A stored position went backwards, or was moved by a member that does not own the partition any more. */
export const zombieCommit: Check<History> = ({ positions }) => {
  const owners = new Map<string, AssignedOperation>();
  const stored = new Map<string, number>();
  const findings: Finding[] = [];
  for (const p of positions) {
    const key = `${p.reader} ${placeKey(p)}`;
    if (p.kind === 'assigned') {
      owners.set(key, p);
      continue;
    }
    const wrong = problemOf(p, stored.get(key) ?? 0, owners.get(key));
    stored.set(key, p.next);
    if (wrong)
      findings.push({
        anomaly: 'zombie-commit',
        reader: p.reader,
        explanation: `the position of ${p.reader} in ${nameOfPlace(p)} ${wrong}`,
        records: [],
      });
  }
  return findings;
};

function problemOf(
  c: CommitOperation,
  before: number,
  owner: AssignedOperation | undefined,
): string | undefined {
  if (c.next < before) return `went back from ${before} to ${c.next}`;
  if (!owner || c.member === undefined) return undefined;
  if (c.member === owner.member && c.epoch === owner.epoch) return undefined;
  return `was set to ${c.next} by ${c.member} (epoch ${c.epoch}) when it belonged to ${owner.member} (epoch ${owner.epoch})`;
}
