import { sourceKey, type GovernedSource } from '@sever/directory';

type Entry = { key: string; subject: string };

/**
 * People whose opt-outs are being decided or written by this process, by source: the database does not show them yet. Whoever enters sees
 * everybody who entered before, so that of many at once each has a place of its own.
 */
export class OptOutsUnderWay {
  private readonly bySource = new Map<string, Map<string, number>>();
  private readonly byWrite = new Map<object, Entry>();

  /**
   * @param write stands for the write until {@link left}; each is about one person
   * @returns the people of this source who are under way, this one among them
   */
  enter(write: object, source: GovernedSource, subject: string): ReadonlySet<string> {
    const entry = { key: sourceKey(source), subject };
    const people = this.bySource.get(entry.key) ?? new Map<string, number>();
    this.left(write);
    this.bySource.set(entry.key, people);
    this.byWrite.set(write, entry);
    people.set(subject, (people.get(subject) ?? 0) + 1);
    return new Set(people.keys());
  }

  /** The write is committed, or will never be. */
  left(write: object): void {
    const entry = this.byWrite.get(write);
    if (!entry) return;
    this.byWrite.delete(write);
    const people = this.bySource.get(entry.key);
    const others = (people?.get(entry.subject) ?? 1) - 1;
    if (others > 0) people?.set(entry.subject, others);
    else people?.delete(entry.subject);
    if (people?.size === 0) this.bySource.delete(entry.key);
  }
}
