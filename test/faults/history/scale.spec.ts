import { expect, it } from '@jest/globals';
import { checkHistory } from './check-history.js';
import type { Operation } from './operation.js';

const RECORDS = 100_000;
const PARTITIONS = 96;

/** Every kind of operation for every record, in batches as a busy log gives them. */
function longHistory(): Operation[] {
  const operations: Operation[] = [];
  const topic = 'requests';
  for (const reader of ['tail', 'group'])
    operations.push({ kind: 'reader', reader, topics: [topic], arePollsObserved: true });
  for (let i = 0; i < RECORDS; i += 1) {
    const logOffset = Math.floor(i / PARTITIONS);
    const at = { topic, partition: i % PARTITIONS, logOffset, eventId: `e${i}` };
    const key = `t:${at.partition}`;
    const client = `c${at.partition}`;
    const request = at.eventId;
    operations.push({
      kind: 'append',
      client,
      request,
      status: 'acked',
      key,
      invoked: i,
      completed: i,
      ...at,
    });
    operations.push({ kind: 'record', key, sha256: request, request, ...at });
    operations.push({ kind: 'audit', sha256: request, ...at });
    operations.push({ kind: 'owed', reader: 'group', ...at });
    operations.push({ kind: 'applied', reader: 'group', member: 'm', epoch: 1, ...at });
    const effect = { key, requestEvent: request, fact: 'acted', step: 'suspend', attempt: 1 } as const;
    operations.push({ kind: 'effect', connector: 'scim', access: 'disables', ...effect });
    operations.push({ kind: 'commit', reader: 'group', topic, partition: at.partition, next: logOffset + 1 });
    for (const reader of ['tail', 'group'])
      operations.push({
        kind: 'poll',
        reader,
        member: 'm',
        epoch: 1,
        topic,
        partition: at.partition,
        records: [{ logOffset, eventId: request }],
      });
  }
  return operations;
}

// The time limit of the test is the statement: anything quadratic needs hours.
it('checks 100,000 records and everything about them', () => {
  const operations = longHistory();
  expect(operations.length).toBeGreaterThan(9 * RECORDS);
  expect(checkHistory(operations)).toEqual([]);
}, 60_000);
