/** A tenth of the level of the plan, the whole level at once, a tenth again: is it borne, and recovered from? */
import { optionsOf } from './traffic.ts';

export { handleSummary, turn as default } from './traffic.ts';
export const options = optionsOf('spike');
