export { startScratchKafka } from './scratch-kafka.js';
