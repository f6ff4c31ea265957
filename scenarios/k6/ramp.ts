/** From nothing to the level of the plan in three quarters of the time, then on it: where does it give? */
import { optionsOf } from './traffic.ts';

export { handleSummary, turn as default } from './traffic.ts';
export const options = optionsOf('ramp');
