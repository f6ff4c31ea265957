/** The level of the plan for long, after a short way up: what leaks or drifts? */
import { optionsOf } from './traffic.ts';

export { handleSummary, turn as default } from './traffic.ts';
export const options = optionsOf('soak');
