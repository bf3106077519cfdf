import { sourceKey, type GovernedSource } from '@sever/directory';

/** What one opening asks: its source, and who of it is under way, itself among them. */
export type Question = { source: GovernedSource; underWay: ReadonlySet<string> };

/** One source with the people whom the database must not count, since those who ask count them themselves. */
export type CountedApart = GovernedSource & { apart: string[] };

/**
 * Prepares one look for openings that ask at the same time, in the order in which they entered.
 * Who is apart is counted from the first opening on that names them: somebody who was under way for one opening may be done before the next
 * one enters, and is seen by neither the database nor the next one itself.
 * @returns the sources, and for each question how many people it counts apart
 */
export function countedTogether(questions: readonly Question[]): {
  sources: Map<string, CountedApart>;
  places: number[];
} {
  const met = new Map<string, Set<string>>();
  const places = questions.map(({ source, underWay }) => {
    const people = met.get(sourceKey(source)) ?? new Set<string>();
    met.set(sourceKey(source), people);
    for (const subject of underWay) people.add(subject);
    return people.size;
  });
  const sources = new Map(
    questions.map(({ source }): [string, CountedApart] => [
      sourceKey(source),
      { ...source, apart: [...(met.get(sourceKey(source)) ?? [])] },
    ]),
  );
  return { sources, places };
}
