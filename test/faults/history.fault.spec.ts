import { describeHistory } from './history/pipeline/describe-history.js';
import { embedded } from './history/pipeline/profile.js';

describeHistory(embedded);
