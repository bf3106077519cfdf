import { rmSync } from 'node:fs';
import { writeAtomically } from './data-folder.js';

/** The content of the ready file; the format outsiders rely on. */
export type ReadyFile = {
  version: 1;
  profile: 'embedded' | 'kafka';
  dataDir: string;
  databaseUrl: string;
  /** Addresses of the brokers, separated by commas; null without Kafka. */
  kafkaBrokers: string | null;
  api: { baseUrl: string; token: string };
  connections: { id: string; tenant: string; dialect: string; baseUrl: string; token: string }[];
  console: null;
  downstream: { connector: string; baseUrl?: string; token?: string; url?: string; heir?: string }[];
  processes: { name: string; pid: number }[];
};

export function writeReadyFile(files: readonly string[], ready: ReadyFile): void {
  for (const file of files) writeAtomically(file, `${JSON.stringify(ready)}\n`);
}

export function removeReadyFile(files: readonly string[]): void {
  for (const file of files) rmSync(file, { force: true });
}
