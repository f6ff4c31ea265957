import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** What weighbridge calls itself in requests: `weighbridge/1.2.3`. */
export const USER_AGENT = `weighbridge/${version}`;
