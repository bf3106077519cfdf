import { jest } from '@jest/globals';
import { describeOptOuts } from './describe-opt-outs.js';

jest.setTimeout(180_000);

describeOptOuts('an opt-out on the embedded profile');
