import type { MigrationInterface, QueryRunner } from 'typeorm';

export type Migration = new () => MigrationInterface;

/**
 * A schema change: statements in order, forward only (expand, migrate, contract; no down).
 * @param stamp milliseconds since 1970, 13 digits: the order of all migrations of all libraries.
 */
export function migration(stamp: number, name: string, statements: readonly string[]): Migration {
  return class implements MigrationInterface {
    readonly name = `${name}${stamp}`;
    async up(runner: QueryRunner): Promise<void> {
      for (const statement of statements) await runner.query(statement);
    }
    down(): Promise<void> {
      return Promise.reject(new Error('migrations go forward only; restore a backup instead'));
    }
  };
}
