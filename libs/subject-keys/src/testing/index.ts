export { scratchKeyFolder } from './scratch-key-folder.js';
