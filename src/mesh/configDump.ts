export { summariseConfigDump } from './readConfigDump.js';
export { renderConfigDump } from './renderConfigDump.js';
export { sameRoutes } from './sameRoutes.js';
export { summarise } from './summary.js';
