import type { AppendOperation } from '../operation.js';
import { TOPIC, type Draft } from './simulated-log.js';
import type { World } from './world.js';

/** A client that asks one thing after the other, about one person, and repeats what was not answered. */
export class SimulatedClient {
  private current: { draft: Draft; invoked: number; reserved?: number } | undefined;
  /** The bug `appends-late`. */
  private held: Draft | undefined;
  /** The request that got before a held one; harm that a history can show only once it is acknowledged. */
  private overtook: string | undefined;
  private asked = 0;

  constructor(
    private readonly world: World,
    private readonly name: string,
    private readonly key: string,
  ) {}

  step(): void {
    const { random, bug } = this.world;
    if (!this.current) return this.ask();
    if (bug === 'sequence-as-cursor') return this.stepOfSequence();
    const luck = random.next();
    if (luck < 0.6) this.commit();
    else if (luck < 0.75) this.lose();
    else if (luck < 0.8) this.refuse();
    else if (luck < 0.85) this.giveUp();
  }

  /** Completes what is open, at the end of a run. */
  finish(): void {
    if (this.current?.reserved !== undefined)
      this.world.log.commitReserved(this.current.draft, this.current.reserved);
    else if (this.current) this.world.log.append(this.current.draft);
    if (this.current) {
      if (this.held) this.world.struck();
      this.complete('acked', this.world.log.append(this.current.draft));
    }
    this.releaseHeld();
  }

  /** One more request, answered at once. */
  askAndCommit(): void {
    this.ask();
    this.finish();
  }

  /** The bug `ack-without-commit-at-the-end`. */
  askInVain(): void {
    this.ask();
    this.complete('acked');
    this.world.struck();
  }

  private ask(): void {
    this.asked += 1;
    const eventId = `${this.name}#${this.asked}`;
    const action = this.world.random.pick(this.world.actions);
    this.current = { draft: { eventId, key: this.key, action }, invoked: this.world.now() };
  }

  private commit(): void {
    const { log, random, bug } = this.world;
    const draft = this.current?.draft;
    if (!draft) return;
    if (bug === 'appends-late' && !this.held && !log.holds(draft) && random.chance(0.3)) {
      this.held = draft;
      return this.complete('acked');
    }
    const again = bug === 'retry-appends-again' && log.holds(draft);
    const offset = again ? log.appendAgain(draft) : log.append(draft);
    if (again) this.world.struck();
    if (this.held) {
      this.releaseHeld();
      this.overtook = draft.eventId;
    }
    // The answer gets lost: the client will send it again.
    if (random.chance(0.2)) return;
    this.answer(offset);
  }

  private answer(offset: number): void {
    const { random, bug } = this.world;
    if (bug === 'ack-names-wrong-offset' && random.chance(0.2)) {
      this.world.struck();
      return this.complete('acked', offset + 1);
    }
    // Not every door tells offsets.
    this.complete('acked', random.chance(0.5) ? offset : undefined);
  }

  /** The connection breaks before the commit. */
  private lose(): void {
    const { log, random, bug } = this.world;
    const draft = this.current?.draft;
    if (!draft || bug !== 'ack-before-commit' || log.holds(draft)) return;
    this.world.struck();
    this.complete('acked', random.chance(0.5) ? log.end(log.partitionOf(draft.key)) : undefined);
  }

  private refuse(): void {
    const { log, bug } = this.world;
    const draft = this.current?.draft;
    // What was done in an earlier try is never refused later.
    if (!draft || log.holds(draft)) return;
    if (bug === 'refused-but-written') {
      log.append(draft);
      this.world.struck();
    }
    this.complete('failed');
  }

  /** Nobody ever answered; it may have happened or not. */
  private giveUp(): void {
    this.complete('indeterminate');
  }

  private stepOfSequence(): void {
    const { log, random } = this.world;
    const current = this.current;
    if (!current) return;
    if (current.reserved === undefined) current.reserved = log.reserve(log.partitionOf(this.key));
    else if (random.chance(0.4)) {
      log.commitReserved(current.draft, current.reserved);
      this.complete('acked', current.reserved);
    }
  }

  private releaseHeld(): void {
    if (this.held) this.world.log.append(this.held);
    this.held = undefined;
  }

  private complete(status: AppendOperation['status'], logOffset?: number): void {
    const { current, world } = this;
    if (!current) return;
    this.current = undefined;
    const { eventId, key } = current.draft;
    if (status === 'acked' && eventId === this.overtook) world.struck();
    world.observe({
      kind: 'append',
      client: this.name,
      request: eventId,
      status,
      eventId,
      key,
      topic: TOPIC,
      partition: world.log.partitionOf(key),
      ...(logOffset !== undefined && { logOffset }),
      invoked: current.invoked,
      completed: world.now(),
    });
  }
}
