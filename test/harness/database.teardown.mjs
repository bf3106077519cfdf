import { once } from 'node:events';

export default async function teardown() {
  const child = globalThis.severTestDatabase;
  child.stdin.end();
  await once(child, 'exit');
}
