import { describe, expect, it } from '@jest/globals';
import {
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type RelayTarget,
} from '@sever/event-log';
import fc from 'fast-check';
import { Relay } from './relay.js';
import { RelayWorld, type Fate } from './testing/relay-world.js';

type Command =
  | { kind: 'append'; topic: string; partition: number; count: number }
  | { kind: 'step'; relay: number; fates: Fate[]; delayed: boolean }
  | { kind: 'crash'; relay: number }
  | { kind: 'expire' }
  | { kind: 'arrive' };

const topic = fc.constantFrom('requests', 'outcomes');
const partition = fc.integer({ min: 0, max: 1 });
const fate = fc.constantFrom<Fate>('works', 'works', 'works', 'failsBefore', 'failsAfter');
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('append'),
      topic,
      partition,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('step'),
      relay: fc.integer({ min: 0, max: 1 }),
      fates: fc.array(fate, { minLength: 1, maxLength: 5 }),
      delayed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash'), relay: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'expire' }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'arrive' }) },
) as fc.Arbitrary<Command>;

/** A relay, the failures that are planned for its next calls, and what it did that it must not do. */
class Actor {
  fates: Fate[] = [];
  isDelayed = false;
  readonly violations: string[] = [];
  relay: Relay;
  private failed: { epoch: bigint | undefined; batch: string } | undefined;
  private acknowledged = new Set<string>();

  constructor(private readonly world: RelayWorld) {
    this.relay = this.made();
  }

  crash(): void {
    this.relay = this.made();
  }

  async step(): Promise<string> {
    try {
      return (await this.relay.step()).kind;
    } catch {
      return 'failed';
    } finally {
      this.fates = [];
      this.isDelayed = false;
    }
  }

  private made(): Relay {
    this.failed = undefined;
    this.acknowledged.clear();
    const next = (): Fate => this.fates.shift() ?? 'works';
    const target = this.world.connection(next, () => this.isDelayed);
    const watched: RelayTarget = { ...target, send: batch => this.watch(batch, target) };
    return new Relay(this.world.store(next), watched);
  }

  /** Under one lease a batch that failed comes again record for record, and what was acknowledged does not come again. */
  private async watch(batch: readonly LogRecord[], target: RelayTarget): Promise<Offsets> {
    const { epoch } = this.relay;
    const sent = ids(batch);
    if (this.failed?.epoch === epoch && this.failed && this.failed.batch !== sent.join())
      this.violations.push(`${sent.join()} instead of ${this.failed.batch}`);
    this.violations.push(
      ...sent.filter(id => this.acknowledged.has(`${epoch} ${id}`)).map(id => `${id} again`),
    );
    try {
      const ends = await target.send(batch);
      this.failed = undefined;
      for (const id of sent) this.acknowledged.add(`${epoch} ${id}`);
      return ends;
    } catch (error) {
      this.failed = { epoch, batch: sent.join() };
      throw error;
    }
  }
}

const ids = (records: readonly LogRecord[]): string[] =>
  records.map(r => `${partitionKey(r)}/${r.logOffset}`);

/** What a reader sees that drops what is not above the last log offset of its partition. */
function seen(records: readonly LogRecord[]): string[] {
  let last = -1n;
  return ids(
    records.filter(r => {
      if (r.logOffset <= last) return false;
      last = r.logOffset;
      return true;
    }),
  );
}

function expectSame(world: RelayWorld): void {
  for (const [key, records] of world.log) expect(seen(world.target.get(key) ?? [])).toEqual(ids(records));
}

/** Two relays without further failures until nothing waits. */
async function settle(world: RelayWorld, actors: readonly Actor[]): Promise<void> {
  world.expireLease();
  while (world.delayed.length > 0) world.arrive();
  for (let i = 0; i < 200; i += 1) {
    const kinds = await Promise.all(actors.map(actor => actor.step()));
    if (kinds.includes('idle') && !kinds.includes('forwarded')) return;
  }
  throw new Error('the relays do not come to rest');
}

describe('the relay', () => {
  it('gives every reader the log in order without a gap, whatever fails, dies, sleeps or arrives late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async commands => {
        const world = new RelayWorld();
        const actors = [new Actor(world), new Actor(world)];
        for (const c of commands) {
          if (c.kind === 'append') world.append(c.topic, c.partition, c.count);
          else if (c.kind === 'expire') world.expireLease();
          else if (c.kind === 'arrive') world.arrive();
          else if (c.kind === 'crash') actors[c.relay]?.crash();
          else await stepAs(actors[c.relay], c);
          positionsAreAcknowledged(world);
        }
        await settle(world, actors);
        expectSame(world);
        expect(actors.flatMap(actor => actor.violations)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  async function stepAs(actor: Actor | undefined, c: { fates: Fate[]; delayed: boolean }): Promise<void> {
    if (!actor) return;
    actor.fates = [...c.fates];
    actor.isDelayed = c.delayed;
    await actor.step();
  }

  /** A stored position never names a record that the target does not have. */
  function positionsAreAcknowledged(world: RelayWorld): void {
    for (const [key, records] of world.target) {
      const highest = records.reduce((max, r) => (r.logOffset > max ? r.logOffset : max), -1n);
      expect(world.position(world.identity, key)).toBeLessThanOrEqual(highest + 1n);
    }
  }

  it('fills a target that lost its end, once it failed or a new relay looks at it', async () => {
    const world = new RelayWorld();
    const rewound: PartitionKey[] = [];
    const works = (): Fate => 'works';
    const target = world.connection(works, () => false);
    const relay = new Relay(world.store(works), target, key => rewound.push(key));
    world.append('requests', 0, 5);
    world.append('outcomes', 1, 3);
    expect(await relay.step()).toEqual({ kind: 'forwarded', records: 8 });
    world.lose('requests', 0, 2);
    world.expireLease();
    const next = new Relay(world.store(works), target, key => rewound.push(key));
    expect(await next.step()).toEqual({ kind: 'forwarded', records: 5 });
    expect(rewound).toEqual(['requests/0']);
    expectSame(world);
  });

  it('fills a target that lost its end although it holds as many records as were forwarded, since some are there twice', async () => {
    const world = new RelayWorld();
    const works = (): Fate => 'works';
    const rewound: PartitionKey[] = [];
    let fate: Fate = 'failsAfter';
    const always = 0;
    const relay = new Relay(
      world.store(works),
      world.connection(() => 'works'),
      key => rewound.push(key),
      always,
    );
    const unlucky = new Relay(world.store(works), {
      ...world.connection(works),
      send: batch => world.connection(() => fate).send(batch),
    });
    world.append('requests', 0, 3);
    await expect(unlucky.step()).rejects.toThrow('failed after');
    fate = 'works';
    expect(await unlucky.step()).toEqual({ kind: 'forwarded', records: 3 });
    world.append('requests', 0, 2);
    expect(await unlucky.step()).toEqual({ kind: 'forwarded', records: 2 });
    // Eight records for five of the log; six are left.
    world.lose('requests', 0, 2);
    world.expireLease();
    world.append('requests', 0, 1);
    expect(await relay.step()).toEqual({ kind: 'forwarded', records: 6 });
    expect(rewound).toEqual(['requests/0']);
    expectSame(world);
  });

  it('fills a target that lost its end between two batches, once the next one lands too low', async () => {
    const world = new RelayWorld();
    const works = (): Fate => 'works';
    const rewound: PartitionKey[] = [];
    const relay = new Relay(world.store(works), world.connection(works), key => rewound.push(key));
    world.append('requests', 0, 5);
    await relay.step();
    world.lose('requests', 0, 2);
    world.append('requests', 0, 1);
    await relay.step();
    expect(rewound).toEqual(['requests/0']);
    expect(await relay.step()).toEqual({ kind: 'forwarded', records: 6 });
    // A reader that had not come to the lost part stops at the gap: nothing is passed over in silence.
    const held = world.target.get('requests/0')?.map(r => Number(r.logOffset));
    expect(held).toEqual([0, 1, 2, 5, 0, 1, 2, 3, 4, 5]);
  });

  it('leaves no gap whatever the target loses while it is away', async () => {
    const losing = fc.record({
      kind: fc.constant('lose' as const),
      topic,
      partition,
      count: fc.integer({ min: 1, max: 4 }),
    });
    const steps = fc.oneof(command, losing);
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async commands => {
        const world = new RelayWorld();
        const always = 0;
        let fates: Fate[] = [];
        const next = (): Fate => fates.shift() ?? 'works';
        const made = (): Relay => new Relay(world.store(next), world.connection(next), undefined, always);
        let relay = made();
        for (const c of commands) {
          fates = c.kind === 'step' ? [...c.fates] : [];
          if (c.kind === 'append') world.append(c.topic, c.partition, c.count);
          else if (c.kind === 'lose') world.lose(c.topic, c.partition, c.count);
          else if (c.kind === 'expire') world.expireLease();
          else if (c.kind === 'crash') relay = made();
          else if (c.kind === 'step') await relay.step().catch(() => undefined);
        }
        fates = [];
        world.expireLease();
        relay = made();
        while ((await relay.step()).kind !== 'idle');
        expectSame(world);
      }),
      { numRuns: 400 },
    );
  });

  it('fills another target from the beginning, and goes on with the first one where it was', async () => {
    const world = new RelayWorld();
    const works = (): Fate => 'works';
    const made = (): Relay =>
      new Relay(
        world.store(works),
        world.connection(works, () => false),
      );
    world.append('requests', 1, 4);
    expect(await made().step()).toEqual({ kind: 'forwarded', records: 4 });
    world.replaceTarget('cluster-2');
    world.expireLease();
    expect(await made().step()).toEqual({ kind: 'forwarded', records: 4 });
    expectSame(world);
    expect(world.position('cluster-1', 'requests/1')).toBe(4n);
  });

  it('asks a target what it holds after a pause, before it gets more', async () => {
    const world = new RelayWorld();
    const works = (): Fate => 'works';
    const rewound: PartitionKey[] = [];
    const always = 0;
    const relay = new Relay(world.store(works), world.connection(works), key => rewound.push(key), always);
    world.append('requests', 0, 5);
    await relay.step();
    world.lose('requests', 0, 2);
    world.append('requests', 0, 1);
    expect(await relay.step()).toEqual({ kind: 'forwarded', records: 6 });
    expect(rewound).toEqual(['requests/0']);
    expectSame(world);
  });

  it('notices a replaced target after a failure, without a new start', async () => {
    const world = new RelayWorld();
    let fate: Fate = 'works';
    const relay = new Relay(
      world.store(() => 'works'),
      world.connection(
        () => fate,
        () => false,
      ),
    );
    world.append('requests', 0, 2);
    await relay.step();
    world.append('requests', 0, 1);
    fate = 'failsBefore';
    await expect(relay.step()).rejects.toThrow('failed before');
    world.replaceTarget('cluster-2');
    fate = 'works';
    expect(await relay.step()).toEqual({ kind: 'fenced' });
    expect(await relay.step()).toEqual({ kind: 'forwarded', records: 3 });
    expectSame(world);
  });

  it('stands by while another one is active, and takes over when that one is gone', async () => {
    const world = new RelayWorld();
    const [first, second] = [new Actor(world), new Actor(world)];
    world.append('requests', 0, 1);
    expect(await first.step()).toBe('forwarded');
    world.append('requests', 0, 1);
    expect(await second.step()).toBe('standby');
    world.expireLease();
    expect(await second.step()).toBe('forwarded');
    world.append('requests', 0, 1);
    // The first one sends what it thinks is due, and may not store it.
    expect(await first.step()).toBe('fenced');
    expect(await first.step()).toBe('standby');
    expect(await second.step()).toBe('forwarded');
    expectSame(world);
  });
});
