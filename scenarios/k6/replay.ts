/** The load of the plan, as it is: its users or arrivals, its URI list with weights, think times and marker. */
import { optionsOf } from './traffic.ts';

export { handleSummary, turn as default } from './traffic.ts';
export const options = optionsOf();
