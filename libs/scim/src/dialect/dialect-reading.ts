import type { DialectRule } from './dialect-rules.js';
import type { Dialect } from './dialect.js';

const DROPPED_MAX = 50;

/** Collects what the dialect granted while one request was read. */
export class DialectReading {
  private readonly fired = new Set<DialectRule>();
  private readonly dropped = new Set<string>();
  constructor(readonly dialect: Dialect) {}

  /** Whether the dialect grants the deviation; if so it is recorded, with the attribute that it leaves out, if any. */
  grants(rule: DialectRule, attribute?: string): boolean {
    if (!this.dialect.allows.has(rule)) return false;
    this.fired.add(rule);
    if (attribute !== undefined && this.dropped.size < DROPPED_MAX) this.dropped.add(attribute.slice(0, 200));
    return true;
  }

  rules(): DialectRule[] {
    return [...this.fired].sort();
  }

  /** Names of attributes and schemas that were left out, never values. */
  droppedNames(): string[] {
    return [...this.dropped].sort();
  }
}
