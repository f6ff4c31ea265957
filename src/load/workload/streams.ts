/** What a model draws; each has streams of its own, so that the URIs do not depend on how arrivals are spaced or how long users pause. */
const PURPOSES = { uris: 0, thinkTimes: 1, arrivals: 2, starts: 3 } as const;

/** More than there can be users. */
const USERS = 2 ** 20;

/**
 * Number of a random stream.
 * @param part position of the model in a mixture; 0 for a load of one model.
 * @param user 0 for what belongs to no user.
 */
export function streamNumber(part: number, purpose: keyof typeof PURPOSES, user = 0): number {
  return (part * Object.keys(PURPOSES).length + PURPOSES[purpose]) * USERS + user;
}
