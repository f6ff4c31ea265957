import { ratio } from '../../../src/base/units.js';
import type { Expectation, Scenario } from '../../../src/scenario/types.js';
import type { StageParts } from '../types.js';
import type { World } from '../world.js';

export const promise = (v2: number, more: Partial<Expectation> = {}): Expectation => ({
  share: { v2: ratio(v2) },
  by: 'weight',
  mirror: undefined,
  errors: { max: ratio(0.02) },
  ...more,
});

/** What comes of balancing over the pods; the route of the canary is deleted. */
export const balanced = ({ pods }: Pick<World, 'pods'>): Partial<StageParts> => ({
  applies: [],
  deletes: [{ kind: 'VirtualService', name: 'shop' }],
  expect: promise(pods.v2 / (pods.v1 + pods.v2), { by: 'balancing' }),
});

/** Every call is copied to v2, none is sent there. */
export const MIRRORED: Partial<StageParts> = { expect: promise(0, { mirror: { v2: ratio(1) } }) };

/** What the proxies of the Service count has to agree, or the stage fails. */
export const ACCOUNTED: Partial<Scenario> = {
  watch: { client: 'require', source: 'require', destination: 'require', graph: 'account' },
};
