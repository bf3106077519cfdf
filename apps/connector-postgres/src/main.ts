import { runConnector } from '@sever/connector-engine';
import { postgres } from './connector.js';

await runConnector(postgres);
