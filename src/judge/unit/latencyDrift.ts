/** Mean response times and ready pods of the version under release and of all others. */
export interface TwoSides {
  readonly pods: number;
  readonly otherPods: number;
  readonly meanMs: number;
  readonly otherMeanMs: number;
}

/**
 * Shares that balancing by least requests can give a version, from idle (its part of the pods) to saturated. Two pods are drawn at random with
 * replacement and the one with fewer requests in flight is taken (Envoy), so of n pods a version with r gets at least (r/n)^2 and at most
 * 1 - (1 - r/n)^2; within that, requests in flight become equal on all pods, which gives it r/L : r'/L' by Little's law.
 */
export function leastRequestShares({ pods, otherPods, meanMs, otherMeanMs }: TwoSides): {
  readonly idle: number;
  readonly saturated: number;
} {
  const idle = pods / (pods + otherPods);
  const equal = pods / meanMs / (pods / meanMs + otherPods / otherMeanMs);
  return { idle, saturated: Math.min(1 - (1 - idle) ** 2, Math.max(idle ** 2, equal)) };
}

/** True when some share of an interval lies where the latencies lead the balancer, and not only where it would be without them. */
export function explainedByLatency(
  observed: { readonly share: number; readonly low: number; readonly high: number },
  sides: TwoSides,
): boolean {
  const { idle, saturated } = leastRequestShares(sides);
  const towards = Math.sign(saturated - idle);
  const [low, high] = towards < 0 ? [saturated, idle] : [idle, saturated];
  return towards !== 0 && Math.sign(observed.share - idle) === towards && observed.low <= high && observed.high >= low;
}
