import path from 'node:path';
import { ensureBuilt, ensureInstalled, root, runAndExit } from './workspace.mjs';

// kafka-up.mjs [--brokers 1|3] [--data DIR] [--json]: local Kafka brokers in the foreground, until a signal.
ensureInstalled();
ensureBuilt();
runAndExit([
  '--disable-warning=TimeoutNegativeWarning',
  path.join(root, 'libs/kafka-cluster/bin/kafka-up.mjs'),
  ...process.argv.slice(2),
]);
