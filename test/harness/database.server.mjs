import { startScratchPostgres } from '@sever/embedded-postgres/testing';

// Durability is not under test here: without fsync the specs do not fight over one disk.
const server = await startScratchPostgres({
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
});
process.stdout.write(`${server.url}\n`);
process.stdin.resume();
process.stdin.once('end', () => void server.dispose().then(() => process.exit(0)));
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => void server.dispose().then(() => process.exit(0)));
