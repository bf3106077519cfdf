import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Outcome } from '@sever/connector-sdk';
import { EngineHarness, type Case } from './testing/engine-harness.js';

const forbidden: Outcome = { kind: 'Forbidden', code: 'role.too-high', help: 'ask the owner', evidence: {} };

describe('a person who is opted out anew while an older opt-out is being taken back', () => {
  let h: EngineHarness;
  let older: Case;
  let newer: Case;
  let n = 0;

  beforeAll(async () => {
    h = await EngineHarness.open();
  });
  afterAll(() => h.close());
  beforeEach(async () => {
    n += 1;
    h.connector.faults.length = 0;
    await h.forgetWork();
    older = await h.newCase(`overlap-${n}@acme.example`);
    newer = { ...older, optOutId: randomUUID() };
    h.start();
  });

  const finishedRestores = async (c: Case): Promise<number> =>
    (await h.outcomes(c)).filter(
      e =>
        e.type === 'sever.connector.stage-finished.v1' &&
        e.optoutid === c.optOutId &&
        e.data.stage === 'restore',
    ).length;

  it('stays cut when the older restore starts after the newer cut, and later gets back what the first cut took', async () => {
    const account = h.connector.add(older.userName, ['auditors', 'writers']);
    await h.requested(older);
    await h.requested(newer);
    await h.command(older, 'sever.optout.restore-started.v1');
    expect(account).toMatchObject({ active: false, groups: [] });
    expect(await finishedRestores(older)).toBe(1);
    await h.command(newer, 'sever.optout.restore-started.v1');
    expect(account.active).toBe(true);
    expect(account.groups.sort()).toEqual(['auditors', 'writers']);
  });

  it('is cut at once although the older restore waits for a person', async () => {
    const account = h.connector.add(older.userName, ['auditors']);
    await h.requested(older);
    h.connector.faults.push({
      what: 'restore:suspend',
      times: 100,
      answer: () => Promise.resolve(forbidden),
    });
    await h.command(older, 'sever.optout.restore-started.v1');
    expect(account.groups).toEqual(['auditors']);
    expect(await h.state(older)).toEqual(['done', 'parked']);
    await h.requested(newer);
    expect(account).toMatchObject({ active: false, groups: [] });
    expect([await h.state(older), await h.state(newer)]).toEqual([['done', 'done'], ['done']]);
    expect(await finishedRestores(older)).toBe(1);
    h.connector.faults.length = 0;
    await h.command(newer, 'sever.optout.restore-started.v1');
    expect(account).toMatchObject({ active: true, groups: ['auditors'] });
  });

  it('is purged under the newer opt-out', async () => {
    h.connector.add(older.userName, ['auditors']);
    await h.requested(older);
    await h.requested(newer);
    await h.command(older, 'sever.optout.restore-started.v1');
    await h.command(newer, 'sever.optout.purge-started.v1');
    expect(h.connector.accounts.has(older.userName)).toBe(false);
    expect(await h.state(newer)).toEqual(['done', 'done']);
  });

  it('a restore of an account that is gone ends, and says so', async () => {
    h.connector.add(older.userName);
    await h.requested(older);
    const gone: Outcome = { kind: 'NotFound', confirmed: true, keysTried: ['id'], evidence: {} };
    h.connector.faults.push({ what: 'restore:suspend', times: 1, answer: () => Promise.resolve(gone) });
    await h.command(older, 'sever.optout.restore-started.v1');
    expect(await h.state(older)).toEqual(['done', 'done']);
    expect((await h.outcomes(older)).map(e => e.type)).toContain('sever.account.not-found.v1');
    expect(await finishedRestores(older)).toBe(1);
  });
});
