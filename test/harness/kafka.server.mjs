import { startScratchKafka } from '@sever/kafka-cluster/testing';

const cluster = await startScratchKafka({ onLog: line => process.stderr.write(`kafka: ${line}\n`) });
process.stdout.write(`${cluster.brokers}\n`);
process.stdin.resume();
process.stdin.once('end', () => void cluster.dispose().then(() => process.exit(0)));
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => void cluster.dispose().then(() => process.exit(0)));
