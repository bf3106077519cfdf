import type { Bug } from './bug.js';
import { TOPIC, type Entry } from './simulated-log.js';
import type { World } from './world.js';

/** A partition in the hands of a member. */
export type Hold = { epoch: number; position: number; queue: Entry[]; hasPolled: boolean };

export type Member = {
  id: string;
  /** `zombie`: was stalled so long that the group gave its partitions away, and does not know it yet. */
  state: 'member' | 'stalled' | 'zombie' | 'gone';
  holds: Map<number, Hold>;
};

/** What a group does with its records. */
export interface Work {
  /** Handles the head of the queue, or more of it. `crash` ends the member on the spot. */
  apply(group: SimulatedGroup, member: Member, partition: number, hold: Hold, crash: () => void): void;
}

const MEMBERS_MAX = 4;
/** Rounds without a change after which nothing will change any more. */
const IDLE_ROUNDS = 100;

/** A consumer group: at least once, in order per partition, with rebalances, crashes and members that come back too late. */
export class SimulatedGroup {
  private readonly committed: number[];
  private readonly owners: ({ member: string; epoch: number } | undefined)[];
  /** Behind the last record that any member ever read. */
  private readonly reached: number[];
  private members: Member[] = [];
  private epochs = 0;
  private joined = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
    private readonly work: Work,
    /** Bugs that this group has when they are switched on. */
    private readonly bugs: readonly Bug[],
    /** A reader on its own: one member, for ever. */
    private readonly isAlone = false,
  ) {
    this.committed = Array.from({ length: world.log.partitions }, () => 0);
    this.reached = [...this.committed];
    this.owners = Array.from({ length: world.log.partitions }, () => undefined);
    world.observe({ kind: 'reader', reader: name, topics: [TOPIC], arePollsObserved: true });
    this.join();
  }

  step(): void {
    const { random } = this.world;
    const luck = random.next();
    const member = random.pick(this.members);
    if (this.isAlone || luck < 0.9) this.advance(member);
    else if (luck < 0.93) this.join();
    else if (luck < 0.95) this.leave(member);
    else if (luck < 0.97) this.crash(member);
    else this.stallOrWake(member);
  }

  /** Reads and finishes everything there is, up to a record that never ends. */
  drain(): void {
    for (const member of this.members) this.notice(member);
    let idle = 0;
    while (!this.isAtRest() && idle < IDLE_ROUNDS) {
      const before = this.progress();
      for (const member of [...this.members])
        for (const partition of [...member.holds.keys()]) this.advanceAt(member, partition);
      idle = this.progress() === before ? idle + 1 : 0;
    }
    for (const member of this.members)
      for (const [partition, hold] of member.holds) this.commit(member, partition, hold, nextOf(hold));
    this.countUnread();
  }

  owns(member: Member, partition: number, hold: Hold): boolean {
    const owner = this.owners[partition];
    return owner?.member === member.id && owner.epoch === hold.epoch;
  }

  /** Stores a position, unless the partition has gone to somebody else. */
  commit(member: Member, partition: number, hold: Hold, next: number): void {
    const isFenced = !this.owns(member, partition, hold);
    if (isFenced && !this.has('commit-without-fence')) return;
    if (!isFenced && next < (this.committed[partition] ?? 0)) return;
    if (isFenced) this.world.struck();
    this.committed[partition] = next;
    const { id } = member;
    const { epoch } = hold;
    this.world.observe({
      kind: 'commit',
      reader: this.name,
      member: id,
      epoch,
      topic: TOPIC,
      partition,
      next,
    });
  }

  private has(bug: Bug): boolean {
    return bug === this.world.bug && this.bugs.includes(bug);
  }

  private advance(member: Member): void {
    if (member.state !== 'member' && member.state !== 'zombie') return;
    const partitions = [...member.holds.keys()];
    if (partitions.length === 0) return;
    this.advanceAt(member, this.world.random.pick(partitions));
  }

  private advanceAt(member: Member, partition: number): void {
    const hold = member.holds.get(partition);
    if (!hold) return;
    const luck = this.world.random.next();
    if (luck < 0.4) this.poll(member, partition, hold);
    else if (luck < 0.8 && hold.queue.length > 0)
      this.work.apply(this, member, partition, hold, () => this.crash(member));
    else this.commit(member, partition, hold, nextOf(hold));
  }

  private poll(member: Member, partition: number, hold: Hold): void {
    const { log, random } = this.world;
    let from = hold.position;
    if (this.has('poll-rewinds') && hold.hasPolled && from > 0 && random.chance(0.1)) {
      from -= 1;
      this.world.struck();
    }
    const entries = this.tampered(log.read(partition, from, 1 + random.int(5)), hold);
    const last = entries.at(-1);
    if (!last) return;
    this.countJump(partition, hold, entries[0]?.logOffset ?? 0);
    hold.hasPolled = true;
    hold.position = last.logOffset + 1;
    hold.queue.push(...entries);
    this.reached[partition] = Math.max(this.reached[partition] ?? 0, hold.position);
    if (log.hasHoleBelow(partition, hold.position)) this.world.struck();
    const records = entries.map(({ logOffset, eventId }) => ({ logOffset, eventId }));
    this.world.observe({
      kind: 'poll',
      reader: this.name,
      member: member.id,
      epoch: hold.epoch,
      topic: TOPIC,
      partition,
      records,
    });
    if (this.has('commit-before-processing')) this.commit(member, partition, hold, hold.position);
  }

  /** A takeover at the end does harm only when it reads on: until then a former member may still read what it would pass. */
  private countJump(partition: number, hold: Hold, first: number): void {
    if (!this.has('takeover-starts-at-end') || hold.hasPolled) return;
    if (first > (this.reached[partition] ?? 0)) this.world.struck();
  }

  private countUnread(): void {
    if (!this.has('takeover-starts-at-end')) return;
    for (const [partition, reached] of this.reached.entries())
      if (reached < this.world.log.end(partition)) this.world.struck();
  }

  private tampered(entries: Entry[], hold: Hold): Entry[] {
    const { random } = this.world;
    if (this.has('poll-drops-middle') && entries.length > 2 && random.chance(0.2)) {
      this.world.struck();
      return entries.filter((_, i) => i !== 1);
    }
    if (this.has('poll-drops-first') && hold.hasPolled && entries.length > 1 && random.chance(0.2)) {
      this.world.struck();
      return entries.slice(1);
    }
    return entries;
  }

  private join(): void {
    if (this.members.length >= MEMBERS_MAX) return;
    this.joined += 1;
    this.members.push({ id: `${this.name}-${this.joined}`, state: 'member', holds: new Map() });
    this.rebalance();
  }

  private leave(member: Member): void {
    if (member.state !== 'member' || this.inGroup().length < 2) return;
    member.state = 'gone';
    this.rebalance();
    this.members = this.members.filter(m => m !== member);
  }

  private crash(member: Member): void {
    this.forget(member);
    member.state = 'gone';
    member.holds.clear();
    this.members = this.members.filter(m => m !== member);
    if (this.inGroup().length === 0) this.join();
    else this.rebalance();
  }

  private stallOrWake(member: Member): void {
    if (member.state === 'zombie') return this.notice(member);
    if (member.state === 'stalled') member.state = 'zombie';
    else if (this.world.hasZombies && this.inGroup().length > 1) {
      member.state = 'stalled';
      this.rebalance();
    }
  }

  /** A zombie learns that it lost its partitions, and joins again. */
  private notice(member: Member): void {
    if (member.state === 'member') return;
    member.state = 'member';
    member.holds.clear();
    this.rebalance();
  }

  private inGroup(): Member[] {
    return this.members.filter(m => m.state === 'member');
  }

  private rebalance(): void {
    const live = this.inGroup();
    for (let partition = 0; partition < this.world.log.partitions; partition += 1) {
      const target = live[partition % live.length];
      if (!target || this.owners[partition]?.member === target.id) continue;
      const former = this.members.find(m => m.id === this.owners[partition]?.member);
      const hold = former?.holds.get(partition);
      if (former && hold && former.state !== 'stalled') {
        this.commit(former, partition, hold, nextOf(hold));
        this.forgetAt(partition, hold);
        former.holds.delete(partition);
      }
      this.assign(target, partition);
    }
  }

  private assign(member: Member, partition: number): void {
    this.epochs += 1;
    const epoch = this.epochs;
    this.owners[partition] = { member: member.id, epoch };
    this.world.observe({
      kind: 'assigned',
      reader: this.name,
      member: member.id,
      epoch,
      topic: TOPIC,
      partition,
    });
    let position = this.committed[partition] ?? 0;
    if (this.has('takeover-starts-at-end') && this.joined > 1)
      position = Math.max(position, this.world.log.end(partition));
    member.holds.set(partition, { epoch, position, queue: [], hasPolled: false });
  }

  private forget(member: Member): void {
    for (const [partition, hold] of member.holds) this.forgetAt(partition, hold);
  }

  /** What was read and not done goes away with its member; that is harmless as long as the position still waits for it. */
  private forgetAt(partition: number, hold: Hold): void {
    const next = this.committed[partition] ?? 0;
    if (this.has('commit-before-processing') && hold.queue.some(e => e.logOffset < next)) this.world.struck();
  }

  private isAtRest(): boolean {
    return this.members.every(m =>
      [...m.holds].every(([p, h]) => h.queue.length === 0 && h.position >= this.world.log.end(p)),
    );
  }

  private progress(): string {
    const holds = this.members.flatMap(m => [...m.holds.values()]);
    return JSON.stringify([this.committed, holds.map(h => [h.position, h.queue.length])]);
  }
}

/** Everything before is done. */
const nextOf = (hold: Hold): number =>
  hold.queue.length > 0 ? Math.min(...hold.queue.map(e => e.logOffset)) : hold.position;
