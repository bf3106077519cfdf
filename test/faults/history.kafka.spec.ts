import { describeHistory } from './history/pipeline/describe-history.js';
import { kafka } from './history/pipeline/kafka-profile.js';

describeHistory(kafka);
