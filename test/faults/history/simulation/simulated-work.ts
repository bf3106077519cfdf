import { TOPIC, type Entry } from './simulated-log.js';
import type { Hold, Member, SimulatedGroup, Work } from './simulated-group.js';
import type { SimulatedTarget } from './simulated-target.js';
import type { World } from './world.js';

/** Reads and does nothing. */
export class Tail implements Work {
  apply(_group: SimulatedGroup, _member: Member, _partition: number, hold: Hold): void {
    hold.queue.shift();
  }
}

/** A connector: the effect first, the memory of it second, a repeat is recognised. */
export class ConnectorWork implements Work {
  private stuck: string | undefined;

  constructor(
    private readonly world: World,
    private readonly target: SimulatedTarget,
  ) {}

  apply(group: SimulatedGroup, member: Member, partition: number, hold: Hold, crash: () => void): void {
    const at = this.indexOfNext(hold);
    const entry = hold.queue[at];
    if (!entry) return;
    if (this.isStuck(entry)) return;
    if (this.target.isDelivered(entry)) {
      hold.queue.splice(at, 1);
      return;
    }
    this.target.act(entry);
    if (this.world.random.chance(0.05)) return crash();
    hold.queue.splice(at, 1);
    this.target.remember(entry);
    this.applied(group, member, partition, hold, entry);
    if (this.world.bug === 'applies-twice' && this.world.random.chance(0.1)) {
      this.world.struck();
      this.applied(group, member, partition, hold, entry);
    }
  }

  private applied(group: SimulatedGroup, member: Member, partition: number, hold: Hold, entry: Entry): void {
    const { logOffset, eventId } = entry;
    const { epoch } = hold;
    const by = { reader: group.name, member: member.id, epoch };
    this.world.observe({ kind: 'applied', ...by, topic: TOPIC, partition, logOffset, eventId });
  }

  private isStuck(entry: Entry): boolean {
    const { bug, random } = this.world;
    if (bug !== 'record-gets-stuck') return false;
    if (this.stuck === undefined && !this.target.isDelivered(entry) && random.chance(0.2)) {
      this.stuck = entry.eventId;
      this.world.struck();
    }
    return this.stuck === entry.eventId;
  }

  /** The head of the queue; under the bugs of order, the next request of the same person. */
  private indexOfNext(hold: Hold): number {
    const { bug, random } = this.world;
    const [head] = hold.queue;
    if ((bug !== 'cuts-overtake' && bug !== 'restore-comes-late') || !head || !random.chance(0.5)) return 0;
    const at = hold.queue.findIndex((e, i) => i > 0 && e.key === head.key && e.eventId !== head.eventId);
    const other = hold.queue[at];
    if (!other || this.target.isDelivered(head) || this.target.isDelivered(other)) return 0;
    if (bug === 'restore-comes-late' && (head.action !== 'restore' || other.action !== 'cut')) return 0;
    this.world.struck();
    return at;
  }
}

/** A projector: read models, audit row and position in one transaction that only the owner can commit. */
export class ProjectorWork implements Work {
  readonly live = new Map<string, string>();

  constructor(private readonly world: World) {}

  apply(group: SimulatedGroup, member: Member, partition: number, hold: Hold): void {
    if (!group.owns(member, partition, hold)) {
      hold.queue.length = 0;
      return;
    }
    const batch = hold.queue.splice(0, 1 + this.world.random.int(4));
    for (const [i, entry] of batch.entries()) {
      if (this.world.bug !== 'fold-depends-on-batches' || batch.length === 1 || i < batch.length - 1)
        this.live.set(entry.key, entry.eventId);
      this.audit(partition, entry);
    }
    group.commit(member, partition, hold, (batch.at(-1)?.logOffset ?? 0) + 1);
  }

  private audit(partition: number, { logOffset, eventId }: Entry): void {
    const { bug, random } = this.world;
    const isHit = random.chance(0.05);
    if (isHit && (bug === 'audit-skips-row' || bug === 'audit-flips-byte')) this.world.struck();
    if (isHit && bug === 'audit-skips-row') return;
    const sha256 = isHit && bug === 'audit-flips-byte' ? `other bytes` : bytesOf(eventId);
    this.world.observe({
      kind: 'audit',
      topic: TOPIC,
      partition,
      logOffset,
      eventId,
      sha256,
      stated: bytesOf(eventId),
    });
  }
}

/** Stands for the digest of an event's bytes. */
export const bytesOf = (eventId: string): string => `bytes of ${eventId}`;
