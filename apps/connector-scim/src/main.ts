import { runConnector } from '@sever/connector-engine';
import { scim } from './connector.js';

await runConnector(scim);
