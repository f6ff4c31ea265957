/** Whom the images of Istio's book shop call; who calls nobody has no entry. */
const CALLS: readonly (readonly [image: RegExp, calls: readonly string[]])[] = [
  [
    /(^|\/)examples-bookinfo-productpage(-v\d+)?([:@].*)?$/,
    ['http://details:9080/details/0', 'http://reviews:9080/reviews/0'],
  ],
  [/(^|\/)examples-bookinfo-reviews-v[23]([:@].*)?$/, ['http://ratings:9080/ratings/0']],
];

/** Calls of an image that nobody said anything about: known for Istio's samples, else none. */
export const callsOfImage = (image: string): readonly string[] => CALLS.find(([known]) => known.test(image))?.[1] ?? [];
