import type { Entry } from './simulated-log.js';
import type { World } from './world.js';

/** A system with accounts, and the connector's memory of what it did there. */
export class SimulatedTarget {
  private readonly accounts = new Map<string, 'enabled' | 'disabled'>();
  private readonly wanted = new Map<string, 'enabled' | 'disabled'>();
  private readonly attempts = new Map<string, number>();
  private readonly delivered = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly connector: string,
  ) {}

  isDelivered(entry: Entry): boolean {
    return this.delivered.has(entry.eventId);
  }

  /** The effect itself. It is not remembered yet: a crash now makes it happen again, as a new attempt. */
  act(entry: Entry): void {
    const attempt = (this.attempts.get(entry.eventId) ?? 0) + 1;
    this.attempts.set(entry.eventId, attempt);
    const state = entry.action === 'cut' ? 'disabled' : 'enabled';
    this.wanted.set(entry.key, state);
    if (this.world.bug !== 'target-forgets' || !this.world.random.chance(0.3))
      this.accounts.set(entry.key, state);
    this.world.observe({
      kind: 'effect',
      connector: this.connector,
      key: entry.key,
      requestEvent: entry.eventId,
      fact: 'acted',
      step: 'suspend',
      attempt,
      access: entry.action === 'cut' ? 'disables' : 'enables',
    });
  }

  remember(entry: Entry): void {
    this.delivered.add(entry.eventId);
  }

  /** Everybody looks at the target. */
  observeAccounts(): void {
    for (const [key, wanted] of this.wanted) {
      const access = this.accounts.get(key) ?? 'enabled';
      if (access !== wanted) this.world.struck();
      this.world.observe({ kind: 'account', connector: this.connector, key, access });
    }
  }
}
