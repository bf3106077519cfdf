export { projectBatch } from './project-batch.js';
export { PROJECTOR_LANES, rebuild, type RebuildOptions } from './rebuild.js';
export { verifyReplay, type ReplayProgress, type ReplayReport } from './verify-replay.js';
