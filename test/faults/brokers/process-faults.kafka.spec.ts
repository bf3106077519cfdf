import { startPipeline } from '../../harness/pipeline.js';
import { APP_FAULTS } from './app-faults.js';
import { BROKER_FAULTS } from './broker-faults.js';
import { OPTIONS, describeFaults } from './describe-faults.js';

describeFaults(
  'a pipeline on three brokers',
  async () => {
    const pipeline = await startPipeline([...OPTIONS, '--brokers-local', '3']);
    return { pipeline, close: () => pipeline.dispose() };
  },
  [...BROKER_FAULTS, ...APP_FAULTS],
);
