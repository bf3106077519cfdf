import { runConnector } from '@sever/connector-runtime';
import { postgres } from './connector.js';

await runConnector(postgres);
