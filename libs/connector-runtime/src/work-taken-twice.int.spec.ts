import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EngineHarness, type Case } from './testing/engine-harness.js';

describe('work of a dead process that two paths take up at once', () => {
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
    await h.forgetWork();
    who = await h.newCase(`twice-${n}@acme.example`);
    h.start();
  });

  const finished = async (): Promise<number> =>
    (await h.outcomes(who)).filter(e => e.type === 'sever.connector.stage-finished.v1').length;

  it('is not due while the record that came again is worked on', async () => {
    h.connector.add(who.userName);
    await h.dieInTheMiddle(who);
    const release = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    h.connector.faults.push({
      what: 'verify:suspend',
      times: 1,
      answer: async () => {
        reached.resolve();
        await release.promise;
        return { kind: 'Verified', evidence: {} };
      },
    });
    const again = h.redelivered(who);
    await reached.promise;
    const due = h.runDue();
    release.resolve();
    expect(await due).toBe(0);
    await again;
    expect(await h.state(who)).toEqual(['done']);
    expect(await finished()).toBe(1);
  });

  it('is not run by a claim that was overtaken while it waited for its turn', async () => {
    h.connector.add(who.userName);
    await h.dieInTheMiddle(who);
    const claimed = await h.claimDue();
    expect(claimed).toHaveLength(1);
    await h.redelivered(who);
    expect(await finished()).toBe(1);
    const calls = h.connector.calls.length;
    for (const item of claimed) await h.engine.resume(item);
    expect(h.connector.calls).toHaveLength(calls);
    expect(await finished()).toBe(1);
  });

  it('ends once when another process takes it over from one that hung and goes on later', async () => {
    h.connector.add(who.userName);
    const release = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    h.connector.faults.push({
      what: 'verify:suspend',
      times: 1,
      answer: async () => {
        reached.resolve();
        await release.promise;
        return { kind: 'Verified', evidence: {} };
      },
    });
    const hanging = h.requested(who);
    await reached.promise;
    await h.takeOver(who);
    release.resolve();
    await hanging;
    expect(await finished()).toBe(0);
    expect(await h.state(who)).toEqual(['running']);
  });
});
