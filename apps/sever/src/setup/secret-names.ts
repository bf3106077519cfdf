import type { App } from '../database/prepare-database.js';

/** File names in a secrets folder: `sever secrets` writes them, `sever setup` and the processes read them. */
export const SECRET = {
  /** Address of the database as its owner; only `sever setup` gets it. */
  ownerUrl: 'database-url',
  /** The owner's password alone, for the server that makes the role at its first start. */
  ownerPassword: 'database-password',
  apiToken: 'api-token',
  appUrl: (app: App): string => `${app}-database-url`,
  /** JSON array of { id, databaseUrl, kafkaUser?, kafkaPassword? }: what a connector process runs. */
  instances: (system: string): string => `connector-${system}-instances`,
} as const;
