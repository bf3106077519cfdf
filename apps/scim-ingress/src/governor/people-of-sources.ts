import { activePeopleOf, sourceKey, type GovernedSource } from '@sever/directory';
import { SharedCalls, type Queryable } from '@sever/postgres';
import type { DataSource } from 'typeorm';

/** How long a figure is good: a percentage of many needs no exact count, and counting many takes its time. */
const REMEMBERED_MS = 60_000;
const LIMITS = { atOnce: 1, together: 100 };

type Asked = GovernedSource & {
  /** People whom the source opted out within the window: it had them too. */
  optOuts: number;
};

/** How many people the sources have, remembered for a minute. */
export class PeopleOfSources {
  private readonly known = new Map<string, { people: number; until: number }>();
  private readonly shared: SharedCalls<Asked, number>;

  constructor(
    dataSource: DataSource,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.shared = new SharedCalls(async asked => {
      const answers: number[] = [];
      for (const one of asked) answers.push(await this.countIn(dataSource, one));
      return answers;
    }, LIMITS);
  }

  /** Outside of transactions; those who ask at the same time share the count. */
  count(asked: Asked): Promise<number> {
    return this.shared.call(asked);
  }

  /** The same through the connection of a transaction, which must not wait for another one. */
  async countIn(on: Queryable, { tenant, source, optOuts }: Asked): Promise<number> {
    const key = sourceKey({ tenant, source });
    const known = this.known.get(key);
    if (known && known.until > this.now()) return known.people;
    const people = (await activePeopleOf(on, { tenant, source })) + optOuts;
    this.known.set(key, { people, until: this.now() + REMEMBERED_MS });
    return people;
  }
}
