export { summariseConfigDump } from './readConfigDump.js';
export { renderConfigDump } from './renderConfigDump.js';
export { sameRoutes } from './sameRoutes.js';
export { type RouteLine, type RouteSummary, summarise } from './summary.js';
