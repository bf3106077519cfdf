import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Outcome } from '@sever/connector-sdk';
import type { SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { EngineHarness, type Case } from './testing/engine-harness.js';

const types = (events: readonly SeverEvent[]): string[] =>
  events.map(e => e.type.replace(/^sever\.|\.v1$/g, ''));
const count = (events: readonly SeverEvent[], type: string): number =>
  types(events).filter(t => t === type).length;

const forbidden: Outcome = { kind: 'Forbidden', code: 'role.too-high', help: 'ask the owner', evidence: {} };
const unavailable: Outcome = { kind: 'Transient', code: 'http.503', effectUnknown: false, evidence: {} };

const done: Outcome = { kind: 'Done', evidence: {} };

describe('the engine of an instance', () => {
  let h: EngineHarness;
  let n = 0;
  let who: Case;

  beforeAll(async () => {
    h = await EngineHarness.open();
  }, 60_000);
  afterAll(() => h.close());
  beforeEach(async () => {
    n += 1;
    h.connector.faults.length = 0;
    h.connector.calls.length = 0;
    await h.forgetWork();
    who = await h.newCase(`zz-person-${n}@acme.example`);
    h.start();
  });

  it('cuts in order, proves each step by a call of its own and finishes the stage', async () => {
    const account = h.connector.add(who.userName);
    expect(await h.requested(who)).toEqual({ kind: 'ack' });
    expect(account).toMatchObject({ active: false, sessions: 0, groups: [] });
    expect(types(await h.outcomes(who))).toEqual([
      'account.adopted',
      'snapshot.taken',
      'step.acted',
      'step.verified',
      'step.acted',
      'step.verified',
      'step.unsupported',
      'snapshot.taken',
      'step.acted',
      'step.verified',
      'connector.stage-finished',
    ]);
  });

  it('leaves who is staged alone, cuts them once that is approved, and finds them again for the purge', async () => {
    const account = h.connector.add(who.userName);
    expect((await h.staged(who)).kind).toBe('skip');
    expect(account.active).toBe(true);
    expect(await h.outcomes(who)).toEqual([]);
    expect(await h.approved(who)).toEqual({ kind: 'ack' });
    expect(account).toMatchObject({ active: false, sessions: 0, groups: [] });
    await h.command(who, 'sever.optout.purge-started.v1');
    expect(count(await h.outcomes(who), 'connector.stage-finished')).toBe(2);
    expect(h.connector.calls.at(-1)).toBeDefined();
  });

  it('reports an absent account as observed, with one finished stage', async () => {
    await h.requested(who);
    expect(types(await h.outcomes(who))).toEqual(['account.not-found', 'connector.stage-finished']);
  });

  it('finds the account of somebody who was renamed on the way out, and keeps to it', async () => {
    const account = h.connector.add(who.userName);
    const renamed = { ...who, userName: `0a1b2c3d${who.userName}`, formerUserName: who.userName };
    expect(await h.requested(renamed)).toEqual({ kind: 'ack' });
    expect(account).toMatchObject({ active: false, sessions: 0, groups: [] });
    await h.command(renamed, 'sever.optout.restore-started.v1');
    expect(account).toMatchObject({ active: true });
    const told = JSON.stringify(await h.outcomes(who));
    expect([told.includes(who.userName), told.includes('account.adopted')]).toEqual([false, true]);
  });

  it('takes the account of the present name where there is one', async () => {
    const [before, now] = [h.connector.add(who.userName), h.connector.add(`new-${who.userName}`)];
    await h.requested({ ...who, userName: `new-${who.userName}`, formerUserName: who.userName });
    expect([before.active, now.active]).toEqual([true, false]);
  });

  it('does not delete an account that got the former name after the cut found none', async () => {
    const renamed = { ...who, userName: `new-${who.userName}`, formerUserName: who.userName };
    await h.requested(renamed);
    const stranger = h.connector.add(who.userName);
    await h.command(renamed, 'sever.optout.purge-started.v1');
    expect(stranger.active).toBe(true);
    expect(types(await h.outcomes(who)).at(-1)).toBe('connector.stage-finished');
  });

  it('gives back exactly what was taken', async () => {
    const account = h.connector.add(who.userName, ['auditors', 'writers']);
    await h.requested(who);
    await h.command(who, 'sever.optout.restore-started.v1');
    expect(account).toMatchObject({ active: true, sessions: 0 });
    expect(account.groups.sort()).toEqual(['auditors', 'writers']);
    expect(
      await rows(h.database.owner, 'select 1 as one from connector_snapshot where opt_out_id = $1', [
        who.optOutId,
      ]),
    ).toEqual([]);
  });

  it('calls a restore done only when a fresh look shows everything that was taken', async () => {
    h.connector.add(who.userName, ['auditors', 'writers']);
    await h.requested(who);
    const forgetful = { what: 'restore:stripEntitlements', times: 1, answer: () => Promise.resolve(done) };
    h.connector.faults.push(forgetful);
    await h.command(who, 'sever.optout.restore-started.v1');
    const seen = types(await h.outcomes(who));
    expect(seen).toContain('account.conflicted');
    expect(seen).not.toContain('step.restored');
    expect(h.connector.accounts.get(who.userName)?.active).toBe(false);
  });

  it('does not delete an account that was made after the cut found none', async () => {
    await h.requested(who);
    h.connector.add(who.userName);
    await h.command(who, 'sever.optout.purge-started.v1');
    expect(h.connector.accounts.has(who.userName)).toBe(true);
    expect(h.connector.calls).not.toContain('delete');
    expect(types(await h.outcomes(who))).toContain('account.conflicted');
  });

  it('deletes in the purge, drops the snapshots and adopts nothing again', async () => {
    h.connector.add(who.userName);
    await h.requested(who);
    await h.command(who, 'sever.optout.purge-started.v1');
    expect(h.connector.accounts.has(who.userName)).toBe(false);
    expect(await h.state(who)).toEqual(['done', 'done']);
    expect(count(await h.outcomes(who), 'account.adopted')).toBe(1);
  });

  it('does the other steps when one is refused, and waits for a person with that one', async () => {
    const account = h.connector.add(who.userName);
    h.connector.faults.push({ what: 'suspend', times: 1, answer: () => Promise.resolve(forbidden) });
    await h.requested(who);
    expect(account).toMatchObject({ active: true, sessions: 0, groups: [] });
    expect(await h.state(who)).toEqual(['parked']);
    await h.retryRequested(who);
    await h.runDue();
    expect(account.active).toBe(false);
    expect(await h.state(who)).toEqual(['done']);
    expect(count(await h.outcomes(who), 'connector.stage-finished')).toBe(1);
  });

  it('tries again later when the target is away, and repeats nothing that is proven', async () => {
    h.connector.add(who.userName);
    h.connector.faults.push({ what: 'endSessions', times: 2, answer: () => Promise.resolve(unavailable) });
    await h.requested(who);
    expect(await h.state(who)).toEqual(['retrying']);
    await h.makeDue();
    await h.runDue();
    expect(await h.state(who)).toEqual(['done']);
    expect(h.connector.calls.filter(c => c === 'suspend')).toHaveLength(1);
    expect(count(await h.outcomes(who), 'step.unsupported')).toBe(1);
  });

  it('a restore takes the place of a cut that waits', async () => {
    const account = h.connector.add(who.userName);
    h.connector.faults.push({ what: 'endSessions', times: 2, answer: () => Promise.resolve(unavailable) });
    await h.requested(who);
    await h.command(who, 'sever.optout.restore-started.v1');
    expect(await h.state(who)).toEqual(['superseded', 'done']);
    expect(account).toMatchObject({ active: true, groups: ['readers', 'writers'] });
  });

  describe('after a crash between the last fact and the row that settles the work', () => {
    it('finishes a cut once', async () => {
      h.connector.add(who.userName);
      h.dieAfterLastFact();
      await h.requested(who);
      await h.restart();
      await h.runDue();
      expect(await h.state(who)).toEqual(['done']);
      const events = await h.outcomes(who);
      expect(count(events, 'connector.stage-finished')).toBe(1);
      expect(count(events, 'step.verified')).toBe(3);
    });

    it('finishes a cut without an account once', async () => {
      h.dieAfterLastFact();
      await h.requested(who);
      await h.restart();
      await h.runDue();
      expect(await h.state(who)).toEqual(['done']);
      expect(types(await h.outcomes(who))).toEqual(['account.not-found', 'connector.stage-finished']);
    });

    it('parks a refused look-up once', async () => {
      h.connector.faults.push({ what: 'locate', times: 2, answer: () => Promise.resolve(forbidden) });
      h.dieAfterLastFact();
      await h.requested(who);
      await h.restart();
      await h.runDue();
      expect(await h.state(who)).toEqual(['parked']);
      expect(types(await h.outcomes(who))).toEqual(['vendor.refused']);
    });
  });

  it('takes up work that waits behind work whose process died after settling it', async () => {
    h.connector.add(who.userName);
    h.connector.faults.push({ what: 'endSessions', times: 2, answer: () => Promise.resolve(unavailable) });
    await h.requested(who);
    await h.command(who, 'sever.optout.purge-started.v1');
    expect(await h.state(who)).toEqual(['retrying', 'waiting']);
    await h.dieBetweenTwoPieces(who);
    await h.runDue();
    expect(await h.state(who)).toEqual(['done', 'done']);
    expect(h.connector.accounts.has(who.userName)).toBe(false);
  });

  it('pauses when the target is away for everybody, from the first look-up on, and counts nothing meanwhile', async () => {
    h.connector.faults.push({ what: 'locate', times: 5, answer: () => Promise.resolve(unavailable) });
    for (let i = 0; i < 5; i += 1) {
      expect(h.isPaused()).toBe(false);
      await h.requested(await h.newCase(`zz-person-${n}-${i}@acme.example`));
    }
    expect(h.isPaused()).toBe(true);
    h.connector.add(who.userName);
    await h.requested(who);
    expect(await h.state(who)).toEqual(['retrying']);
    expect(await h.outcomes(who)).toEqual([]);
    h.start();
    await h.makeDue();
    await h.runDue();
    expect(await h.state(who)).toEqual(['done']);
  });

  it('takes an absence that was not confirmed for no absence, and says so', async () => {
    const unsure: Outcome = { kind: 'NotFound', confirmed: false, keysTried: ['userName'], evidence: {} };
    h.connector.faults.push({ what: 'locate', times: 1, answer: () => Promise.resolve(unsure) });
    await h.requested(who);
    expect(await h.state(who)).toEqual(['retrying']);
    expect(types(await h.outcomes(who))).toEqual(['vendor.reply-malformed']);
  });

  it('keeps the kill switch itself, also for a connector that forgets to ask', async () => {
    const account = h.connector.add(who.userName);
    h.connector.faults.push({
      what: 'suspend',
      times: 1,
      answer: () => {
        account.active = false;
        return Promise.resolve({ kind: 'Done', evidence: {} });
      },
    });
    await h.killSwitch(true);
    try {
      await h.requested(who);
      expect(account).toMatchObject({ active: true, sessions: 1, groups: ['readers', 'writers'] });
    } finally {
      await h.killSwitch(false);
    }
    h.start();
    await h.makeDue();
    await h.runDue();
    expect(account.active).toBe(false);
    expect(await h.state(who)).toEqual(['done']);
  });

  it('lets a person waive everything although the account cannot even be looked up', async () => {
    h.connector.faults.push({ what: 'locate', times: 100, answer: () => Promise.resolve(forbidden) });
    await h.requested(who);
    expect(await h.state(who)).toEqual(['parked']);
    await h.waived(who);
    await h.runDue();
    expect(await h.state(who)).toEqual(['done']);
  });

  it('does not wait for a connector that ignores its signal', async () => {
    h.connector.add(who.userName);
    h.connector.faults.push({ what: 'suspend', times: 2, answer: () => new Promise(() => undefined) });
    await h.requested(who);
    expect(await h.state(who)).toEqual(['retrying']);
    const events = await h.outcomes(who);
    expect(events.at(-1)?.data).toMatchObject({ code: 'connector.timed-out', effectUnknown: true });
  });

  it('survives evidence that no event can carry, without losing the opt-out or its process', async () => {
    h.connector.add(who.userName);
    const odd: Outcome = { kind: 'Done', evidence: { ratio: 0.5, note: `seen for ${who.userName}` } };
    h.connector.faults.push({ what: 'endSessions', times: 1, answer: () => Promise.resolve(odd) });
    h.connector.faults.push({
      what: 'verify:endSessions',
      times: 1,
      answer: () => Promise.resolve({ kind: 'Verified', evidence: {} }),
    });
    expect(await h.requested(who)).toEqual({ kind: 'ack' });
    expect(await h.state(who)).toEqual(['done']);
  });

  it('tries a refused look-up again when a person asks for it, as often as it takes', async () => {
    h.connector.faults.push({ what: 'locate', times: 3, answer: () => Promise.resolve(forbidden) });
    h.connector.add(who.userName);
    await h.requested(who);
    for (let i = 0; i < 3; i += 1) {
      expect(await h.state(who)).toEqual(['parked']);
      await h.retryRequested(who);
      await h.runDue();
    }
    expect(await h.state(who)).toEqual(['done']);
    expect(count(await h.outcomes(who), 'vendor.refused')).toBe(3);
  });

  it('a person whose identifiers cannot be opened takes nobody else down', async () => {
    expect(await h.requested(who, { withoutKey: true })).toEqual({ kind: 'ack' });
    expect(await h.state(who)).toEqual(['retrying']);
    expect((await h.outcomes(who)).at(-1)?.data).toMatchObject({
      code: 'work.failed',
      disposition: { next: 'retry' },
    });
    const other = await h.newCase('zz-other@acme.example');
    h.connector.add(other.userName);
    await h.requested(other);
    expect(await h.state(other)).toEqual(['done']);
  });

  it('hides the person in what a connector writes, in every stage', async () => {
    h.connector.add(who.userName);
    await h.requested(who);
    const talkative: Outcome = {
      kind: 'Conflict',
      code: 'owns.objects',
      help: '',
      evidence: { role: who.userName },
    };
    h.connector.faults.push({ what: 'delete', times: 1, answer: () => Promise.resolve(talkative) });
    await h.command(who, 'sever.optout.purge-started.v1');
    expect((await h.outcomes(who)).at(-1)?.data).toMatchObject({ evidence: { role: '[account]' } });
  });

  it('leaves no name in the clear in any of its rows or events', async () => {
    const [{ found } = { found: 'nothing was read' }] = await rows<{ found: string | null }>(
      h.database.owner,
      `select string_agg(t, ' ') as found from (
         select w::text || encode(w.event, 'escape') as t from work_item w
         union all select d::text from delivery d
         union all select a::text from connector_account a
         union all select s::text from connector_snapshot s
         union all select encode(value, 'escape') from log_outcomes) all_rows
        where t ilike '%zz-person%' or t ilike '%zz-other%'`,
    );
    expect(found).toBeNull();
  });
});
