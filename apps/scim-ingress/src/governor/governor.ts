import { countsOfSources, sourceOf, type GovernedSource, type SourceCount } from '@sever/directory';
import type { Asker, Guard } from '@sever/event-contracts';
import { heldBy, needsPeople, type GovernorLimits } from '@sever/opt-out';
import { SharedCalls } from '@sever/postgres';
import type { DataSource, EntityManager } from 'typeorm';
import type { GovernorReport } from './governor-report.js';
import { OptOutsUnderWay } from './opt-outs-under-way.js';
import { PeopleOfSources } from './people-of-sources.js';

/** An opt-out that is about to be opened. */
export type Opening = { tenant: string; subject: string; asker: Asker };

/** Whether it is held, and in whose window it counts. */
export type Ruling = { guard: Guard | undefined; countsFor: string | null };

/** Nobody looks, and nothing counts. */
export const UNGOVERNED: Ruling = { guard: undefined, countsFor: null };

type Question = { source: GovernedSource; underWay: ReadonlySet<string> };

const LIMITS = { atOnce: 1, together: 100 };

/**
 * The guard against mass deprovisioning: decides whether an opt-out may begin or waits for a person. It counts what is committed and what
 * this process has under way; another process may be let a few more at most, those that it has under way itself.
 */
export class Governor {
  private readonly underWay = new OptOutsUnderWay();
  private readonly looks: SharedCalls<Question, SourceCount>;
  private readonly people: PeopleOfSources;

  /** @param limits for sources that have none of their own; null turns the governor off */
  constructor(
    dataSource: DataSource,
    readonly limits: GovernorLimits | null,
    private readonly report: GovernorReport,
  ) {
    this.people = new PeopleOfSources(dataSource);
    this.looks = new SharedCalls(asked => this.look(dataSource, asked), LIMITS);
  }

  /**
   * Outside of transactions; looks are shared.
   * @param write stands for the write until {@link ended}
   */
  async rule(write: object, opening: Opening): Promise<Ruling> {
    if (!this.limits) return UNGOVERNED;
    const question = this.entered(write, opening);
    const count = await this.looks.call(question);
    return this.ruling(question, count, optOuts =>
      this.people.count({ ...question.source, optOuts: optOuts - 1 }),
    );
  }

  /** In the transaction that opens the opt-out, which stands for the write until {@link ended}. */
  async ruleIn(em: EntityManager, opening: Opening): Promise<Ruling> {
    if (!this.limits) return UNGOVERNED;
    const question = this.entered(em, opening);
    const [count] = await this.look(em, [question]);
    return this.ruling(question, count, optOuts =>
      this.people.countIn(em, { ...question.source, optOuts: optOuts - 1 }),
    );
  }

  /** The write is committed, or will never be. */
  ended(write: object): void {
    this.underWay.left(write);
  }

  private entered(write: object, { tenant, subject, asker }: Opening): Question {
    const source = sourceOf(tenant, asker);
    return { source, underWay: this.underWay.enter(write, source, subject) };
  }

  private async look(on: DataSource | EntityManager, questions: readonly Question[]): Promise<SourceCount[]> {
    if (!this.limits) return [];
    // Of those who ask together each is counted by its own set; nobody may be counted by the database as well.
    const except = new Map<string, Set<string>>();
    for (const { source, underWay } of questions) {
      const all = except.get(keyOf(source)) ?? new Set<string>();
      for (const subject of underWay) all.add(subject);
      except.set(keyOf(source), all);
    }
    const sources = new Map(questions.map(q => [keyOf(q.source), q.source]));
    const asked = [...sources].map(([key, source]) => ({ ...source, except: [...(except.get(key) ?? [])] }));
    const counts = await countsOfSources(on, asked, this.limits);
    const byKey = new Map(asked.map((source, n) => [keyOf(source), counts[n]]));
    return questions.map(q => byKey.get(keyOf(q.source))!);
  }

  private async ruling(
    { source, underWay }: Question,
    count: SourceCount | undefined,
    peopleOf: (optOuts: number) => Promise<number>,
  ): Promise<Ruling> {
    if (!this.limits || !count) return UNGOVERNED;
    const { others, ...chosen } = count;
    const limits = { ...this.limits, ...chosen };
    const optOuts = others + underWay.size;
    const people = needsPeople(limits, optOuts) ? await peopleOf(optOuts) : undefined;
    const guard = heldBy(limits, { optOuts, people });
    if (guard) this.report.held(source, guard);
    return { guard, countsFor: source.source };
  }
}

const keyOf = ({ tenant, source }: GovernedSource): string => `${tenant}\n${source}`;
