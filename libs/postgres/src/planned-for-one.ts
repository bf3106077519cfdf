/**
 * A condition on the ordinality of `unnest(…) with ordinality` that is always true and makes the planner expect one row. A statement that is
 * prepared while a table is small would otherwise read the whole table for every group, until the table is analysed a minute later: for one row
 * an index is always right.
 * @param place the column with the ordinality
 */
export const plannedForOne = (place: string): string => `${place} between 1 and 2147483647`;
