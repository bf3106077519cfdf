import { BrokerProxies } from '@sever/event-log-kafka/testing';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { startPipeline } from '../../harness/pipeline.js';
import { OPTIONS, describeFaults } from './describe-faults.js';
import { networkFaults } from './network-faults.js';

let brokers: string[] = [];
let proxies: BrokerProxies | undefined;

function opened(): BrokerProxies {
  if (!proxies) throw new Error('there are no proxies yet');
  return proxies;
}

describeFaults(
  'a pipeline and three brokers with a bad network between them',
  async () => {
    const cluster = await startScratchKafka({ brokers: 3 });
    brokers = cluster.brokers.split(',');
    proxies = await BrokerProxies.start(brokers);
    const env = { KAFKA_BROKERS: proxies.brokers.join() };
    const pipeline = await startPipeline(OPTIONS, { env }).catch(async (error: unknown) => {
      await cluster.dispose();
      throw error;
    });
    const close = async (): Promise<void> => {
      await pipeline.dispose();
      await proxies?.close();
      await cluster.dispose();
    };
    return { pipeline, close };
  },
  networkFaults(opened, () => brokers),
);
