import { runCoordinator } from './run-coordinator.js';

await runCoordinator();
