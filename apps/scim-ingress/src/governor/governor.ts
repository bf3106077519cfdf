import { countsOfSources, sourceKey, sourceOf, type ChosenLimits } from '@sever/directory';
import type { Asker, Guard, SeverEvent } from '@sever/event-contracts';
import { heldBy, needsPeople, type GovernorLimits } from '@sever/opt-out';
import { SharedCalls, type Queryable } from '@sever/postgres';
import type { DataSource, EntityManager } from 'typeorm';
import { countedTogether, type Question } from './counted-together.js';
import type { GovernorReport } from './governor-report.js';
import { OptOutsUnderWay } from './opt-outs-under-way.js';
import { PeopleOfSources } from './people-of-sources.js';

/** An opt-out that is about to be opened. */
export type Opening = { tenant: string; subject: string; asker: Asker };

/** Whether it is held, and in whose window it counts. */
export type Ruling = { guard: Guard | undefined; countsFor: string | null };

/** Nobody looks, and nothing counts. */
export const UNGOVERNED: Ruling = { guard: undefined, countsFor: null };

/** How many people the source opted out within its window, the one in question among them, and what it may do. */
type Count = { optOuts: number; limits: ChosenLimits };

const LIMITS = { atOnce: 1, together: 100 };

/**
 * The guard against mass deprovisioning: decides whether an opt-out may begin or waits for a person. It counts what is committed and what
 * this process has under way; another process may be let a few more at most, those that it has under way itself.
 */
export class Governor {
  private readonly underWay = new OptOutsUnderWay();
  private readonly looks: SharedCalls<Question, Count>;
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
    return this.ruling(question, count, before => this.people.count({ ...question.source, optOuts: before }));
  }

  /** In the transaction that opens the opt-out, which stands for the write until {@link ended}. */
  async ruleIn(em: EntityManager, opening: Opening): Promise<Ruling> {
    if (!this.limits) return UNGOVERNED;
    const question = this.entered(em, opening);
    const [count] = await this.look(em, [question]);
    return this.ruling(question, count, before =>
      this.people.countIn(em, { ...question.source, optOuts: before }),
    );
  }

  /** The write is committed, or will never be. */
  ended(write: object): void {
    this.underWay.left(write);
  }

  /** A held opt-out is committed: operators are to know. */
  told({ tenant, data }: SeverEvent<'sever.optout.staged.v1'>): void {
    this.report.held(sourceOf(tenant, data.asker), data.guard);
  }

  private entered(write: object, { tenant, subject, asker }: Opening): Question {
    const source = sourceOf(tenant, asker);
    return { source, underWay: this.underWay.enter(write, source, subject) };
  }

  private async look(on: Queryable, questions: readonly Question[]): Promise<Count[]> {
    const defaults = this.limits!;
    const { sources, places } = countedTogether(questions);
    const counts = await countsOfSources(on, [...sources.values()], defaults);
    const byKey = new Map([...sources.keys()].map((key, n) => [key, counts[n]]));
    return questions.map(({ source }, i) => {
      const count = byKey.get(sourceKey(source));
      return { optOuts: (count?.others ?? 0) + places[i]!, limits: count ?? defaults };
    });
  }

  /** @param peopleOf how many people the source has, those among them whom it opted out before */
  private async ruling(
    { source }: Question,
    count: Count | undefined,
    peopleOf: (before: number) => Promise<number>,
  ): Promise<Ruling> {
    if (!this.limits || !count) return UNGOVERNED;
    const { optOuts } = count;
    const limits = { ...this.limits, ...count.limits };
    const people = needsPeople(limits, optOuts) ? await peopleOf(optOuts - 1) : undefined;
    const guard = heldBy(limits, { optOuts, people });
    return { guard, countsFor: source.source };
  }
}
