import { once } from 'node:events';
import stopDatabase from './database.teardown.mjs';

export default async function teardown() {
  const child = globalThis.severTestKafka;
  child.stdin.end();
  await Promise.all([once(child, 'exit'), stopDatabase()]);
}
