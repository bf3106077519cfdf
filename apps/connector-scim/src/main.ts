import { runConnector } from '@sever/connector-runtime';
import { scim } from './connector.js';

await runConnector(scim);
