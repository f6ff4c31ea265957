/** Arrivals at recorded times. */
export interface ReplayModel {
  readonly kind: 'replay';
  /** The recording as the user named it. */
  readonly file: string;
  /** Ms since the first one, ascending. */
  readonly times: Float64Array;
  /** Position in the URI list of each; absent: the URIs are walked in the order of the load. */
  readonly uris?: Uint16Array;
  /** 2: twice as fast as recorded. */
  readonly speed: number;
  /** Arrivals beyond this are dropped and counted. */
  readonly maxInFlight: number;
}
